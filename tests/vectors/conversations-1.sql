-- A conversations.db of version 1, as that version wrote it.
PRAGMA user_version = 1;
CREATE TABLE vaults (name BLOB PRIMARY KEY, expires_at_ms INTEGER NOT NULL, content BLOB NOT NULL) STRICT;
CREATE INDEX vaults_by_expiry ON vaults (expires_at_ms);
INSERT INTO vaults VALUES (x'01', 1700000000000, x'02');
