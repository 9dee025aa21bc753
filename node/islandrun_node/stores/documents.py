"""The documents that lie on this island: files cut into sentences, found again by meaning and by words.

A file is taken over whole or not at all, so a death in between is mended by the next reading. Only files that
changed are read; what is gone from the folder is gone from here.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from islandrun.errors import ConfigError
from islandrun.vocabulary import PPM_MAX, Passage, Ppm
from islandrun_node.backends.embedder import Embedder, Vector
from islandrun_node.documents.reading import Reader
from islandrun_node.stores.columns import as_int
from islandrun_node.stores.index_file import mapped, open_index, words_table
from islandrun_node.stores.intake import FolderIntake
from islandrun_node.stores.vectors import VectorTable

_PASSAGES = "SELECT count(*) FROM passages JOIN documents ON documents.id = document WHERE data_set = ?"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set as it is indexed now; `read_at_ms` is when its folder was last read whole, if ever."""

    name: str
    path: str
    documents: int
    passages: int
    size_bytes: int
    left_out: int = 0
    read_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class FolderReport:
    """What reading a folder changed: files read anew, dropped, left as they were, and left out."""

    data_set: DataSet
    updated: int
    removed: int
    unchanged: int
    skipped: int


class DocumentIndex:
    """All data sets of one island. Safe to use from several threads; calls block, so use threads.

    `path` may be ":memory:". Another process may write the same file: what it adds is found at the
    next search. An index made with another model is emptied, to be filled by `add_folder` again.
    """

    def __init__(self, path: Path | str, embedder: Embedder) -> None:
        self.embedder = embedder
        self._path = str(path)
        self.lock = threading.RLock()
        self._adding = threading.Lock()
        self._closing = threading.Event()
        self._seen_version = -1
        self._connection = open_index(self._path, embedder.name)
        self.vectors = VectorTable(self._connection)

    def close(self) -> None:
        """Close the file; the index is spent. A folder that is being read is given up."""
        self._closing.set()
        with self._adding, self.lock:
            self._connection.close()

    def add_folder(self, name: str, path: Path) -> FolderReport:
        """Read a folder into the data set `name`; only files that changed are read anew.

        Raises `ConfigError` when the name or folder is unfit or there are too many, `StateError` when the
        file of the index cannot be written, `Stopped` when it is closed meanwhile. A single file that
        cannot be read is left out.
        """
        if not _NAME.fullmatch(name):
            raise ConfigError(
                "a data set needs a name of 1 to 64 letters, digits, '.', '_' and '-', no mark at its start"
            )
        if not path.is_dir():
            raise ConfigError(f"{path} is not a folder; name a folder of documents")
        with self._adding:
            reader = Reader()
            try:
                intake = FolderIntake(self.read, self._writing, self.embedder, reader, self._closing.is_set)
                changes = intake.take(name, path)
            finally:
                reader.close()
        return FolderReport(self.data_set(name), *changes)

    def remove(self, name: str) -> bool:
        """Forget a data set, on disk too; say whether it was there. Its folder is not touched."""
        rows = self.read("SELECT id FROM data_sets WHERE name = ?", (name,))
        for (number,) in rows:
            with self._writing() as connection:
                connection.execute(f"DROP TABLE {words_table(as_int(number))}")
                connection.execute("DELETE FROM data_sets WHERE id = ?", (number,))
        self.read("PRAGMA wal_checkpoint(TRUNCATE)")
        return bool(rows)

    def data_sets(self) -> tuple[DataSet, ...]:
        """Return all data sets by name."""
        return tuple(self.data_set(name) for name in self.names())

    def names(self) -> tuple[str, ...]:
        """Return the names of all data sets, sorted."""
        return tuple(str(name) for (name,) in self.read("SELECT name FROM data_sets ORDER BY name"))

    def number(self, name: str) -> int | None:
        """Return the number under which a data set is kept, or None."""
        rows = self.read("SELECT id FROM data_sets WHERE name = ?", (name,))
        return as_int(rows[0][0]) if rows else None

    def data_set(self, name: str) -> DataSet:
        """Return one data set. Raises `ConfigError` when it is not here."""
        rows = self.read("SELECT id, path, read_at_ms FROM data_sets WHERE name = ?", (name,))
        if not rows:
            raise ConfigError(f"no data set is called {name!r} here; add it first")
        number, path, read_at_ms = rows[0]
        count = "SELECT count(*), coalesce(sum(size_bytes), 0) FROM documents WHERE data_set = ?"
        documents, size_bytes = self.read(count, (number,))[0]
        left_out = self.read("SELECT count(*) FROM left_out WHERE data_set = ?", (number,))[0][0]
        return DataSet(
            name,
            str(path),
            as_int(documents),
            as_int(self.read(_PASSAGES, (number,))[0][0]),
            as_int(size_bytes),
            as_int(left_out),
            None if read_at_ms is None else as_int(read_at_ms),
        )

    def left_out(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return files of a data set that are not in the index, and why; `LEFT_OUT_MAX` at most."""
        query = "SELECT left_out.name, reason FROM left_out JOIN data_sets ON id = data_set"
        rows = self.read(f"{query} WHERE data_sets.name = ? ORDER BY left_out.name", (name,))
        return tuple((str(document), str(reason)) for document, reason in rows)

    def texts(self, name: str) -> Iterator[str]:
        """Yield every passage of a data set, for judging how sensitive it is."""
        query = "SELECT id FROM documents WHERE data_set = (SELECT id FROM data_sets WHERE name = ?)"
        for (document,) in self.read(f"{query} ORDER BY name", (name,)):
            lines = "SELECT text FROM passages WHERE document = ? ORDER BY position"
            for (text,) in self.read(lines, (document,)):
                yield str(text)

    def search(self, data_set: str, query: str, passages_max: int = 8) -> tuple[Passage, ...]:
        """Return the sentences nearest in meaning, best first; ties go by document and place.

        An unknown data set has no passages.
        """
        vector = self.embedder.embed([query])[0]
        with self.lock:
            number = self.number(data_set)
            if number is None or passages_max <= 0:
                return ()
            self._forget_if_changed()
            nearest = self.vectors.nearest(number, vector, passages_max)
            rows = {number: self._row(number) for number, _ in nearest}
        ordered = sorted(nearest, key=lambda one: (-one[1], rows[one[0]][:2]))
        return tuple(
            Passage(data_set, document, text, as_score(score), section)
            for number, score in ordered
            for document, _, section, text in (rows[number],)
        )

    def read(self, query: str, arguments: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Return all rows of a query over the file of the index."""
        with self.lock, mapped(self._path):
            return self._connection.execute(query, arguments).fetchall()

    def nearest(self, number: int, vector: Vector, count: int) -> list[tuple[int, float]]:
        """Return the passages of a data set nearest to a vector, with their cosines, best first."""
        with self.lock, mapped(self._path):
            self._forget_if_changed()
            return self.vectors.nearest(number, vector, count)

    def cosines(self, passages: list[int], vector: Vector) -> dict[int, float]:
        """Return how near single passages are to a vector."""
        with self.lock, mapped(self._path):
            return self.vectors.cosines(passages, vector)

    def _row(self, passage: int) -> tuple[str, int, str, str]:
        query = (
            "SELECT documents.name, position, section, text FROM passages"
            " JOIN documents ON documents.id = document WHERE passages.id = ?"
        )
        document, position, section, text = self.read(query, (passage,))[0]
        return str(document), as_int(position), str(section), str(text)

    def _forget_if_changed(self) -> None:
        version = as_int(self.read("PRAGMA data_version")[0][0])
        if version != self._seen_version:
            self.vectors.forget()
            self._seen_version = version

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Write as one step that happens whole or not at all."""
        with self.lock, mapped(self._path), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self.vectors.forget()
            yield self._connection


def as_score(cosine: float) -> Ppm:
    """Return a cosine as it is told."""
    return Ppm(min(PPM_MAX, max(0, round(cosine * PPM_MAX))))
