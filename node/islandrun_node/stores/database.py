"""A SQLite file for state that must survive: WAL, full synchronisation, versioned schema, deleted is gone.

A commit has reached the disk when `transaction()` ends without error. Several processes may hold
the file (the running node and a command); `data_version()` tells one that another has written.
A file that is damaged, foreign or of a newer version is refused and left as it is.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from islandrun.errors import StateError
from islandrun_node.fail_points import Step, reach
from islandrun_node.home import write_private
from islandrun_node.stores.schema import STATE, Schema

BUSY_TIMEOUT_MS = 5_000


class Database:
    """One file of a home. Thread-safe by one lock; short transactions only."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._lock = threading.RLock()
        self._fault = ""
        self.path = path

    @classmethod
    def open(cls, path: Path, schema: Schema = STATE) -> Database:
        """Open the file, or create it; one of an older version is brought to the newest.

        Raises `StateError`, which names the file and the remedy, for a file that is damaged, foreign, newer,
        or that cannot be written.
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
            raise explained(error, path, "open") from error
        except BaseException:
            connection.close()
            raise
        path.chmod(0o600)
        return cls(connection, path)

    def close(self) -> None:
        """Close the file; the database is spent."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self, step: Step | None = None) -> Iterator[sqlite3.Cursor]:
        """Run statements as one write that happens whole or not at all; `step` names it for the tests.

        Raises `StateError` when the disk is full or the file damaged.
        """
        with self._lock:
            cursor = self._connection.cursor()
            try:
                cursor.execute("BEGIN IMMEDIATE")
                yield cursor
                reach(step, "before")
                cursor.execute("COMMIT")
                reach(step, "after")
                self._fault = ""
            except BaseException as error:
                if self._connection.in_transaction:
                    with suppress(sqlite3.Error):
                        cursor.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
                    fault = explained(error, self.path, "write")
                    self._fault = f"{self.path.name} takes nothing: {error}"
                    raise fault from error
                raise
            finally:
                cursor.close()

    def read(self, query: str, arguments: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Return all rows of a query; callers bound them by LIMIT where a table can grow.

        Raises `StateError` when the file cannot be read.
        """
        with self._lock:
            try:
                return self._connection.execute(query, arguments).fetchall()
            except sqlite3.Error as error:
                raise explained(error, self.path, "read") from error

    def data_version(self) -> int:
        """Return a number that changes when another process has written."""
        version = self.read("PRAGMA data_version")[0][0]
        assert isinstance(version, int)
        return version

    def check(self) -> str:
        """Return "ok", or what SQLite finds wrong with the file."""
        return str(self.read("PRAGMA quick_check(1)")[0][0])

    def degraded(self) -> tuple[str, ...]:
        """Say why the last write did not reach the disk; empty when it did."""
        return (self._fault,) if self._fault else ()

    def copy_to(self, target: Path) -> None:
        """Write a whole, consistent copy to a new file, while others read and write this one.

        Raises `StateError` when the copy cannot be written.
        """
        write_private(target, b"")
        with self._lock, closing(sqlite3.connect(target)) as copy:
            try:
                self._connection.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
            except sqlite3.Error as error:
                raise explained(error, target, "write") from error


def explained(error: sqlite3.Error, path: Path, doing: str) -> StateError:
    """Return what an error of SQLite means for the operator: what is wrong, and the remedy."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    match code:
        case sqlite3.SQLITE_FULL:
            what, remedy = "the disk is full", "free space; nothing was changed"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            what, remedy = "it is read-only", "check the folder, its owner and how the disk is mounted"
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            what, remedy = "another program holds it", "wait, or stop that program; nothing was changed"
        case sqlite3.SQLITE_IOERR:
            what, remedy = "the disk failed or is full", "check the disk and free space; nothing was changed"
        case _:
            return StateError(
                f"{path} is damaged ({error}); nothing was changed: restore it from a backup "
                "(`islandrun-node restore`), or move it away and join the mesh again"
            )
    return StateError(f"cannot {doing} {path}: {what} ({error}); {remedy}")


def _prepare(connection: sqlite3.Connection, path: Path, schema: Schema) -> None:
    version = _number(connection, "user_version")
    application = _number(connection, "application_id")
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if application not in (0, schema.application_id) or (version == 0 and tables):
        raise StateError(f"{path} is not a file of this program's; move it away, or name another --home")
    if version > schema.newest:
        raise StateError(f"{path} was written by a newer version ({version}); update islandrun")
    if version and connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise StateError(
            f"{path} is damaged; restore it from a backup (`islandrun-node restore`), or move it away and "
            "join the mesh again"
        )
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    if version < schema.newest or not application:
        _migrate(connection, schema)


def _migrate(connection: sqlite3.Connection, schema: Schema) -> None:
    """Bring a file to the newest version, whole or not at all; another process may have been first."""
    connection.execute("BEGIN IMMEDIATE")
    for statements in schema.versions[_number(connection, "user_version") :]:
        for statement in filter(str.strip, statements.split(";")):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {schema.newest}")
    connection.execute(f"PRAGMA application_id = {schema.application_id}")
    reach(Step.MAKE_DATABASE, "before")
    connection.execute("COMMIT")
    reach(Step.MAKE_DATABASE, "after")


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    number = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
    assert isinstance(number, int)
    return number
