"""A SQLite file for state that must survive: WAL, full synchronisation, versioned schema, deleted is gone.

A commit has reached the disk when `transaction()` ends without error. Several processes may hold
the file (the running node and a command); `data_version()` tells one that another has written.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from islandrun.errors import StateError

SCHEMA_VERSION = 1
BUSY_TIMEOUT_MS = 5_000

STATE_SCHEMA = """
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
"""


class Database:
    """One file of a home. Thread-safe by one lock; short transactions only."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._lock = threading.RLock()
        self.path = path

    @classmethod
    def open(cls, path: Path, schema: str = STATE_SCHEMA) -> Database:
        """Open the file, or create it with `schema`; a damaged or foreign one is refused and left as it is.

        Raises `StateError`, which names the file and the remedy.
        """
        try:
            connection = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise StateError(f"cannot open {path}: {error}; check the folder and its owner") from error
        try:
            _prepare(connection, path, schema)
        except sqlite3.Error as error:
            connection.close()
            raise StateError(
                f"{path} is damaged ({error}); nothing was changed: restore it from a backup, "
                "or move it away and join the mesh again"
            ) from error
        except StateError:
            connection.close()
            raise
        path.chmod(0o600)
        return cls(connection, path)

    def close(self) -> None:
        """Close the file; the database is spent."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Cursor]:
        """Run statements as one write that happens whole or not at all.

        Raises `StateError` when the disk is full or the file damaged.
        """
        with self._lock:
            cursor = self._connection.cursor()
            try:
                cursor.execute("BEGIN IMMEDIATE")
                yield cursor
                cursor.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:
                    cursor.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
                    raise StateError(f"cannot write {self.path}: {error}; nothing was changed") from error
                raise
            finally:
                cursor.close()

    def read(self, query: str, arguments: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Return all rows of a query; callers bound them by LIMIT where a table can grow."""
        with self._lock:
            try:
                return self._connection.execute(query, arguments).fetchall()
            except sqlite3.Error as error:
                raise StateError(f"cannot read {self.path}: {error}") from error

    def data_version(self) -> int:
        """Return a number that changes when another process has written."""
        version = self.read("PRAGMA data_version")[0][0]
        assert isinstance(version, int)
        return version

    def check(self) -> str:
        """Return "ok", or what SQLite finds wrong with the file."""
        return str(self.read("PRAGMA quick_check(1)")[0][0])


def _prepare(connection: sqlite3.Connection, path: Path, schema: str) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    if version == SCHEMA_VERSION:
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise StateError(f"{path} is damaged; restore it from a backup, or move it away and join again")
        return
    if version > SCHEMA_VERSION:
        raise StateError(f"{path} was written by a newer version ({version}); update islandrun")
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
        for statement in filter(str.strip, schema.split(";")):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")
