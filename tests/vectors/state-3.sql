-- A state.db of version 3 with one row of each kind, as that version wrote it.
PRAGMA application_id = 0x49525354;
PRAGMA user_version = 3;
CREATE TABLE attestations (
    key BLOB PRIMARY KEY, kind TEXT NOT NULL, payload BLOB NOT NULL, issuer BLOB NOT NULL,
    signature BLOB NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL
) STRICT;
CREATE TABLE equivocations (
    hash BLOB PRIMARY KEY, first BLOB NOT NULL, second BLOB NOT NULL
) STRICT;
CREATE TABLE sequences (slot TEXT PRIMARY KEY, last INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE TABLE tokens (
    token_id BLOB PRIMARY KEY, join_key BLOB NOT NULL, tier INTEGER NOT NULL, island_group TEXT NOT NULL,
    trust_ceiling_ppm INTEGER NOT NULL, jurisdictions TEXT NOT NULL, expires_at_ms INTEGER NOT NULL,
    state TEXT NOT NULL, bound_key BLOB, admission BLOB
) STRICT;
CREATE TABLE receipts (
    id TEXT PRIMARY KEY, issued_at_ms INTEGER NOT NULL, payload BLOB NOT NULL, issuer BLOB NOT NULL,
    signature BLOB NOT NULL
) STRICT;
CREATE INDEX receipts_by_time ON receipts (issued_at_ms);
CREATE TABLE behaviours (
    island TEXT PRIMARY KEY, good REAL NOT NULL, bad REAL NOT NULL, at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE sealed (name TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT;
CREATE TABLE marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE token_questions (
    token_id BLOB PRIMARY KEY, opened_at_ms INTEGER NOT NULL, confirms INTEGER NOT NULL,
    verdict TEXT NOT NULL, others INTEGER NOT NULL
) STRICT;
CREATE TABLE data_sets (
    name TEXT PRIMARY KEY, path TEXT NOT NULL, sensitivity_ppm INTEGER NOT NULL,
    jurisdiction TEXT NOT NULL, description TEXT NOT NULL
) STRICT;
INSERT INTO attestations VALUES (x'01', 'self', x'02', x'03', x'04', 0, 7);
INSERT INTO equivocations VALUES (x'05', x'06', x'07');
INSERT INTO sequences VALUES ('self:aa', 1700000000000, x'');
INSERT INTO tokens VALUES (x'08', x'09', 1, 'home', 900000, '[]', 1700000000000, 'OPEN', NULL, NULL);
INSERT INTO receipts VALUES ('r-1', 1700000000000, x'0a', x'0b', x'0c');
INSERT INTO behaviours VALUES ('aa', 1.0, 2.0, 3);
INSERT INTO sealed VALUES ('cloud', x'0d');
INSERT INTO marks VALUES ('restored_at_ms', 1700000000000);
INSERT INTO token_questions VALUES (x'08', 1700000000000, 1, '', 0);
INSERT INTO data_sets VALUES ('handbook', '/srv/handbook', 400000, 'DE', '');
