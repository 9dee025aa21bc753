"""The SQLite file of the document index: its tables, and the faults of SQLite as ours.

It can be made again from the folders at any time, so a file of an older version, or made with another
sentence model, is emptied and filled anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from islandrun.errors import StateError

VERSION: Final = 2
BUSY_TIMEOUT_MS: Final = 5_000

_TABLES: Final = ("passages", "documents", "left_out", "data_sets", "made_with")
_SCHEMA: Final = """
CREATE TABLE made_with (model TEXT NOT NULL) STRICT;
CREATE TABLE data_sets (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, path TEXT NOT NULL, read_at_ms INTEGER
) STRICT;
CREATE TABLE documents (
    id INTEGER PRIMARY KEY, data_set INTEGER NOT NULL REFERENCES data_sets ON DELETE CASCADE,
    name TEXT NOT NULL, hash BLOB NOT NULL, size_bytes INTEGER NOT NULL, changed_ns INTEGER NOT NULL,
    read_ns INTEGER NOT NULL, UNIQUE (data_set, name)
) STRICT;
CREATE TABLE passages (
    id INTEGER PRIMARY KEY, document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    position INTEGER NOT NULL, section TEXT NOT NULL, text TEXT NOT NULL, vector BLOB NOT NULL,
    UNIQUE (document, position)
) STRICT;
CREATE TABLE left_out (
    data_set INTEGER NOT NULL REFERENCES data_sets ON DELETE CASCADE, name TEXT NOT NULL,
    reason TEXT NOT NULL, PRIMARY KEY (data_set, name)
) STRICT;
"""


def open_index(path: str, model: str) -> sqlite3.Connection:
    """Open or make the file, private to this user. Raises `StateError`."""
    with mapped(path):
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False
        )
    try:
        with mapped(path):
            _prepare(connection, path, model)
    except BaseException:
        connection.close()
        raise
    if path != ":memory:":
        Path(path).chmod(0o600)
    return connection


@contextmanager
def mapped(path: str) -> Iterator[None]:
    """Turn the faults of SQLite into ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise StateError(
            f"the document index {path} cannot be used: {error}; if it stays so, delete it: it is made "
            "again from the folders"
        ) from error


def words_table(data_set: int) -> str:
    """Return the name of the full-text table of a data set, by its number."""
    return f"words_{data_set:d}"


def make_words_table(connection: sqlite3.Connection, data_set: int) -> None:
    """Make the full-text table of a new data set; it holds words, not texts."""
    connection.execute(
        f"CREATE VIRTUAL TABLE {words_table(data_set)} USING fts5("
        "section, text, content='', tokenize='porter unicode61 remove_diacritics 2')"
    )


def _prepare(connection: sqlite3.Connection, path: str, model: str) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise StateError(f"{path} was written by a newer version ({version}); update islandrun")
        if version == VERSION and connection.execute("SELECT model FROM made_with").fetchone() == (model,):
            return
        _empty(connection)
        for statement in filter(str.strip, _SCHEMA.split(";")):
            connection.execute(statement)
        connection.execute("INSERT INTO made_with VALUES (?)", (model,))
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _empty(connection: sqlite3.Connection) -> None:
    """Drop what an older version or another model left."""
    words = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE words_%'"
    for (name,) in connection.execute(words).fetchall():
        connection.execute(f'DROP TABLE "{name}"')
    for name in _TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {name}")
