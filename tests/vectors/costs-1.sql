-- A costs.db of version 1, as that version wrote it.
PRAGMA user_version = 1;
PRAGMA application_id = 1230127955;
CREATE TABLE accounts (
    span TEXT NOT NULL, key TEXT NOT NULL, spent INTEGER NOT NULL CHECK (spent >= 0),
    reserved INTEGER NOT NULL CHECK (reserved >= 0), used_at_ms INTEGER NOT NULL, PRIMARY KEY (span, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX accounts_by_use ON accounts (span, used_at_ms);
CREATE TABLE reservations (
    id TEXT PRIMARY KEY, amount INTEGER NOT NULL, scopes TEXT NOT NULL, is_lost INTEGER NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE tallies (
    day TEXT PRIMARY KEY, answers INTEGER NOT NULL, unpriced INTEGER NOT NULL, billed INTEGER NOT NULL,
    power INTEGER NOT NULL, baseline INTEGER NOT NULL
) STRICT;
CREATE TABLE lengths (
    client TEXT NOT NULL, task TEXT NOT NULL, model TEXT NOT NULL, weights BLOB NOT NULL,
    PRIMARY KEY (client, task, model)
) STRICT;
INSERT INTO accounts VALUES ('day', '2026-11-24', 30, 40, 1700000000000);
INSERT INTO reservations VALUES ('m-1', 40, '[["day","2026-11-24"]]', 0, 1700000000000);
INSERT INTO tallies VALUES ('2026-11-24', 1, 0, 30, 2, 50);
INSERT INTO lengths VALUES ('local', 'chat-3', 'large', x'00');
