"""A folder on its way into the index: what is new or changed is read, what is gone is dropped.

A file whose size and time are as they were is not opened, unless it changed just before it was last read.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from islandrun.errors import ConfigError
from islandrun_node import world_clock
from islandrun_node.backends.embedder import Embedder, Vectors
from islandrun_node.documents.files import FoundFile, content_of, found_files
from islandrun_node.documents.lines import CannotRead, LeftOut, Line
from islandrun_node.documents.reading import Reader
from islandrun_node.stores.index_file import make_words_table, words_table
from islandrun_node.stores.vectors import packed

PASSAGES_PER_DATA_SET_MAX = 200_000
DATA_SETS_MAX = 256
LEFT_OUT_MAX: Final = 1_000
"""So many files of a data set are listed with the reason why they are left out."""

EMBEDDED_AT_ONCE: Final = 32
RACY_NS: Final = 2_000_000_000
"""A file that changed so shortly before it was read may have changed again within one tick of its clock."""

Read = Callable[[str, Sequence[object]], list[tuple[object, ...]]]
Writing = Callable[[], AbstractContextManager[sqlite3.Connection]]
Changes = tuple[int, int, int, int]
"""How many files were read anew, dropped, left as they were, and left out."""


class Stopped(Exception):
    """The index was closed while a folder was read; what is missing is read the next time."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A document as it was read last."""

    digest: bytes
    size_bytes: int
    changed_ns: int
    read_ns: int

    def is_surely(self, file: FoundFile) -> bool:
        """Say whether a file is certainly the same, without opening it."""
        is_same = (self.size_bytes, self.changed_ns) == (file.size_bytes, file.changed_ns)
        return is_same and self.read_ns - file.changed_ns > RACY_NS


@dataclass(frozen=True, slots=True)
class FolderIntake:
    """Reads one folder into the index once; `is_closing` ends it between two files."""

    read: Read
    writing: Writing
    embedder: Embedder
    reader: Reader
    is_closing: Callable[[], bool]

    def take(self, name: str, path: Path) -> Changes:
        """Bring a data set to what its folder holds now. Raises as `DocumentIndex.add_folder` does."""
        number = self._register(name, path)
        known = self._known(number)
        seen: set[str] = set()
        left_out: dict[str, LeftOut] = {}
        updated = unchanged = 0
        for file in found_files(path):
            self._go_on()
            try:
                is_new = self._take_file(number, file, known.get(file.name))
            except CannotRead as error:
                left_out[file.name] = error.reason
                continue
            seen.add(file.name)
            updated, unchanged = updated + is_new, unchanged + (not is_new)
        gone = sorted(known.keys() - seen)
        for document in gone:
            with self.writing() as connection:
                _drop(connection, number, document)
        self._note(number, left_out, has_dropped=bool(gone or (updated and known)))
        return updated, len(gone), unchanged, len(left_out)

    def _go_on(self) -> None:
        if self.is_closing():
            raise Stopped

    def _register(self, name: str, path: Path) -> int:
        rows = self.read("SELECT id, path FROM data_sets WHERE name = ?", (name,))
        if not rows and len(self.read("SELECT id FROM data_sets", ())) >= DATA_SETS_MAX:
            raise ConfigError(f"this island holds {DATA_SETS_MAX} data sets already; remove one first")
        with self.writing() as connection:
            if rows:
                number, old = rows[0]
                assert isinstance(number, int)
                if old != str(path):
                    self._begin_anew(connection, number, str(path))
            else:
                insert = "INSERT INTO data_sets (name, path) VALUES (?, ?)"
                number = connection.execute(insert, (name, str(path))).lastrowid
                assert isinstance(number, int)
                make_words_table(connection, number)
        assert isinstance(number, int)
        return number

    def _begin_anew(self, connection: sqlite3.Connection, number: int, path: str) -> None:
        """Drop all that was read of another folder: it may have been meant for other readers."""
        for (name,) in connection.execute(
            "SELECT name FROM documents WHERE data_set = ?", (number,)
        ).fetchall():
            _drop(connection, number, str(name))
        connection.execute("UPDATE data_sets SET path = ?, read_at_ms = NULL WHERE id = ?", (path, number))

    def _known(self, number: int) -> dict[str, _Known]:
        query = "SELECT name, hash, size_bytes, changed_ns, read_ns FROM documents WHERE data_set = ?"
        known = {}
        for name, digest, *figures in self.read(query, (number,)):
            assert isinstance(digest, bytes)
            size, changed, read = (figure for figure in figures if isinstance(figure, int))
            known[str(name)] = _Known(digest, size, changed, read)
        return known

    def _take_file(self, number: int, file: FoundFile, known: _Known | None) -> bool:
        """Take a file over; False when it is as it was. Raises `CannotRead` when it is left out."""
        if file.left_out is not None:
            raise CannotRead(file.left_out)
        if known is not None and known.is_surely(file):
            return False
        read_ns = world_clock.now().wall_ms * 1_000_000
        content = content_of(file)
        digest = hashlib.sha256(content).digest()
        if known is not None and known.digest == digest:
            with self.writing() as connection:
                connection.execute(
                    "UPDATE documents SET changed_ns = ?, read_ns = ? WHERE data_set = ? AND name = ?",
                    (file.changed_ns, read_ns, number, file.name),
                )
            return False
        lines = self.reader.read(file.name, content)
        if self._others(number, file.name) + len(lines) > PASSAGES_PER_DATA_SET_MAX:
            raise CannotRead(LeftOut.SET_FULL)
        vectors = self._embedded(lines)
        with self.writing() as connection:
            _drop(connection, number, file.name)
            made = connection.execute(
                "INSERT INTO documents (data_set, name, hash, size_bytes, changed_ns, read_ns)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (number, file.name, digest, len(content), file.changed_ns, read_ns),
            )
            assert made.lastrowid is not None
            _insert(connection, number, made.lastrowid, lines, vectors)
        return True

    def _others(self, number: int, name: str) -> int:
        """Count the passages of all other documents of a data set."""
        query = (
            "SELECT count(*) FROM passages JOIN documents ON documents.id = document"
            " WHERE data_set = ? AND name != ?"
        )
        count = self.read(query, (number, name))[0][0]
        assert isinstance(count, int)
        return count

    def _embedded(self, lines: Sequence[Line]) -> Vectors:
        """Make the vectors in portions, so that a node that stops does not wait long."""
        rows = np.empty((len(lines), self.embedder.dimensions), dtype=np.float32)
        for start in range(0, len(lines), EMBEDDED_AT_ONCE):
            self._go_on()
            portion = lines[start : start + EMBEDDED_AT_ONCE]
            rows[start : start + len(portion)] = self.embedder.embed([line.text for line in portion])
        return rows

    def _note(self, number: int, left_out: dict[str, LeftOut], *, has_dropped: bool) -> None:
        """Note what was left out and that the folder was read whole; leave no trace of what was dropped."""
        with self.writing() as connection:
            connection.execute("DELETE FROM left_out WHERE data_set = ?", (number,))
            rows = [(number, name, reason.value) for name, reason in sorted(left_out.items())[:LEFT_OUT_MAX]]
            connection.executemany("INSERT INTO left_out VALUES (?, ?, ?)", rows)
            now_ms = world_clock.now().wall_ms
            connection.execute("UPDATE data_sets SET read_at_ms = ? WHERE id = ?", (now_ms, number))
            if has_dropped:
                table = words_table(number)
                connection.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")  # noqa: S608 - a number
        if has_dropped:
            self.read("PRAGMA wal_checkpoint(TRUNCATE)", ())


def _drop(connection: sqlite3.Connection, number: int, name: str) -> None:
    """Drop a document, its passages and their words."""
    table = words_table(number)
    query = (
        "SELECT passages.id, section, text FROM passages JOIN documents ON documents.id = document"
        " WHERE data_set = ? AND name = ?"
    )
    old = connection.execute(query, (number, name)).fetchall()
    delete = f"INSERT INTO {table} ({table}, rowid, section, text) VALUES ('delete', ?, ?, ?)"  # noqa: S608 - a number
    connection.executemany(delete, old)
    connection.execute("DELETE FROM documents WHERE data_set = ? AND name = ?", (number, name))


def _insert(
    connection: sqlite3.Connection, number: int, document: int, lines: Sequence[Line], vectors: Vectors
) -> None:
    words = f"INSERT INTO {words_table(number)} (rowid, section, text) VALUES (?, ?, ?)"  # noqa: S608 - a number
    insert = "INSERT INTO passages (document, position, section, text, vector) VALUES (?, ?, ?, ?, ?)"
    for position, (line, vector) in enumerate(zip(lines, packed(vectors), strict=True)):
        made = connection.execute(insert, (document, position, line.section, line.text, vector))
        connection.execute(words, (made.lastrowid, line.section, line.text))
