"""The documents that lie on this island: files cut into sentences, found again by meaning.

One SQLite file of its own, since it can be made again from the folders at any time. Vectors are
compared exactly, all of a data set in one matrix product: below a few ten thousand sentences no
index structure is faster, and every Python can do it without loading a native extension.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from islandrun.errors import ConfigError, StateError
from islandrun.vocabulary import PPM_MAX, Ppm
from islandrun_node.backends.document_files import FoundFile, Skipped, document_sentences, found_files
from islandrun_node.backends.embedder import Embedder, Vectors

PASSAGES_PER_DATA_SET_MAX = 50_000
PASSAGES_PER_FILE_MAX = 20_000
DATA_SETS_MAX = 256
MATRICES_MAX = 8
SCHEMA_VERSION = 1
BUSY_TIMEOUT_MS = 5_000

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SCHEMA = """
CREATE TABLE made_with (model TEXT NOT NULL) STRICT;
CREATE TABLE data_sets (name TEXT PRIMARY KEY, path TEXT NOT NULL) STRICT;
CREATE TABLE documents (
    data_set TEXT NOT NULL REFERENCES data_sets ON DELETE CASCADE, name TEXT NOT NULL,
    hash BLOB NOT NULL, size_bytes INTEGER NOT NULL, PRIMARY KEY (data_set, name)
) STRICT;
CREATE TABLE passages (
    data_set TEXT NOT NULL, document TEXT NOT NULL, position INTEGER NOT NULL, text TEXT NOT NULL,
    vector BLOB NOT NULL, PRIMARY KEY (data_set, document, position),
    FOREIGN KEY (data_set, document) REFERENCES documents ON DELETE CASCADE
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document that fits a question; `score_ppm` is the cosine of the two, at least 0."""

    data_set: str
    document: str = field(repr=False)
    text: str = field(repr=False)
    score_ppm: Ppm


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set as it is indexed now."""

    name: str
    path: str
    documents: int
    passages: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class FolderReport:
    """What reading a folder changed: files read anew, dropped, left as they were, and left out."""

    data_set: DataSet
    updated: int
    removed: int
    unchanged: int
    skipped: int


@dataclass(frozen=True, slots=True)
class _Matrix:
    """The vectors of a data set, rows ordered by document and place."""

    vectors: Vectors = field(repr=False)
    places: tuple[tuple[str, int], ...] = field(repr=False)


class DocumentIndex:
    """All data sets of one island. Safe to use from several threads; calls block, so use threads.

    `path` may be ":memory:". Another process may write the same file: what it adds is found at the
    next search. An index made with another model is emptied, to be filled by `add_folder` again.
    """

    def __init__(self, path: Path | str, embedder: Embedder) -> None:
        self.embedder = embedder
        self._path = str(path)
        self._lock = threading.RLock()
        self._adding = threading.Lock()
        self._matrices: dict[str, _Matrix] = {}
        self._seen_version = -1
        self._connection = _open(self._path, embedder.name)

    def close(self) -> None:
        """Close the file; the index is spent."""
        with self._lock:
            self._connection.close()

    def add_folder(self, name: str, path: Path) -> FolderReport:
        """Read a folder into the data set `name`; only files whose content changed are read anew.

        Each file is taken over whole or not at all, so a break in between is mended by the next call.
        Raises `ConfigError` when the name or folder is unfit or a limit is passed, and `StateError`
        when the file of the index cannot be written.
        """
        if not _NAME.fullmatch(name):
            raise ConfigError(
                "a data set needs a name of 1 to 64 letters, digits, '.', '_' and '-', no mark at its start"
            )
        if not path.is_dir():
            raise ConfigError(f"{path} is not a folder; name a folder of documents")
        skipped = Skipped()
        with self._adding:
            self._register(name, path)
            known = self._hashes(name)
            seen: set[str] = set()
            updated = 0
            for file in found_files(path, skipped):
                seen.add(file.name)
                digest = hashlib.sha256(file.content).digest()
                if known.get(file.name) != digest:
                    self._take(name, file, digest)
                    updated += 1
            gone = sorted(known.keys() - seen)
            for document in gone:
                self._write("DELETE FROM documents WHERE data_set = ? AND name = ?", (name, document))
            return FolderReport(self.data_set(name), updated, len(gone), len(seen) - updated, skipped.total)

    def remove(self, name: str) -> bool:
        """Forget a data set, on disk too; say whether it was there. Its folder is not touched."""
        was_there = self._write("DELETE FROM data_sets WHERE name = ?", (name,)) > 0
        self._read("PRAGMA wal_checkpoint(TRUNCATE)", ())
        return was_there

    def data_sets(self) -> tuple[DataSet, ...]:
        """Return all data sets by name."""
        return tuple(self.data_set(name) for name in self.names())

    def names(self) -> tuple[str, ...]:
        """Return the names of all data sets, sorted."""
        return tuple(str(name) for (name,) in self._read("SELECT name FROM data_sets ORDER BY name", ()))

    def data_set(self, name: str) -> DataSet:
        """Return one data set. Raises `ConfigError` when it is not here."""
        rows = self._read("SELECT path FROM data_sets WHERE name = ?", (name,))
        if not rows:
            raise ConfigError(f"no data set is called {name!r} here; add it first")
        count = "SELECT count(*), coalesce(sum(size_bytes), 0) FROM documents WHERE data_set = ?"
        documents, size_bytes = self._read(count, (name,))[0]
        return DataSet(name, str(rows[0][0]), _int(documents), self._passage_count(name), _int(size_bytes))

    def texts(self, name: str) -> Iterator[str]:
        """Yield every passage of a data set, for judging how sensitive it is."""
        for (document,) in self._read("SELECT name FROM documents WHERE data_set = ? ORDER BY name", (name,)):
            query = "SELECT text FROM passages WHERE data_set = ? AND document = ? ORDER BY position"
            for (text,) in self._read(query, (name, document)):
                yield str(text)

    def search(self, data_set: str, query: str, passages_max: int = 8) -> tuple[Passage, ...]:
        """Return the passages nearest in meaning, best first; ties go by document and place.

        An unknown data set has no passages.
        """
        vector = self.embedder.embed([query])[0]
        with self._lock:
            matrix = self._matrix(data_set)
            scores = matrix.vectors @ vector
            best = np.argsort(-scores, kind="stable")[: max(0, passages_max)]
            return tuple(
                Passage(data_set, matrix.places[index][0], text, _score(float(scores[index])))
                for index in map(int, best)
                if (text := self._text(data_set, *matrix.places[index])) is not None
            )

    def _register(self, name: str, path: Path) -> None:
        rows = self._read("SELECT count(*), coalesce(sum(name = ?), 0) FROM data_sets", (name,))
        count, is_known = rows[0]
        if not is_known and _int(count) >= DATA_SETS_MAX:
            raise ConfigError(f"this island holds {DATA_SETS_MAX} data sets already; remove one first")
        self._write(
            "INSERT INTO data_sets VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET path = excluded.path",
            (name, str(path)),
        )

    def _take(self, name: str, file: FoundFile, digest: bytes) -> None:
        """Replace one document by its new content."""
        found = list(islice(document_sentences(file.name, file.content), PASSAGES_PER_FILE_MAX + 1))
        before = self._read(
            "SELECT count(*) FROM passages WHERE data_set = ? AND document = ?", (name, file.name)
        )
        total = self._passage_count(name) - _int(before[0][0]) + len(found)
        if len(found) > PASSAGES_PER_FILE_MAX or total > PASSAGES_PER_DATA_SET_MAX:
            raise ConfigError(
                f"data set {name!r} would pass {PASSAGES_PER_FILE_MAX} sentences in one file or "
                f"{PASSAGES_PER_DATA_SET_MAX} in all; split the folder into several data sets"
            )
        vectors = self.embedder.embed(found)
        rows = [
            (name, file.name, position, text, vectors[position].astype("<f4").tobytes())
            for position, text in enumerate(found)
        ]
        with self._lock, _mapped(self._path), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(
                "DELETE FROM documents WHERE data_set = ? AND name = ?", (name, file.name)
            )
            document = (name, file.name, digest, len(file.content))
            self._connection.execute("INSERT INTO documents VALUES (?, ?, ?, ?)", document)
            self._connection.executemany("INSERT INTO passages VALUES (?, ?, ?, ?, ?)", rows)
            self._matrices.pop(name, None)

    def _matrix(self, data_set: str) -> _Matrix:
        version = _int(self._read("PRAGMA data_version", ())[0][0])
        if version != self._seen_version:
            self._matrices.clear()
            self._seen_version = version
        if data_set not in self._matrices:
            while len(self._matrices) >= MATRICES_MAX:
                del self._matrices[next(iter(self._matrices))]
            rows = self._read(
                "SELECT document, position, vector FROM passages WHERE data_set = ?"
                " ORDER BY document, position",
                (data_set,),
            )
            content = b"".join(vector for _, _, vector in rows if isinstance(vector, bytes))
            vectors = np.frombuffer(content, dtype="<f4").reshape(len(rows), self.embedder.dimensions)
            places = tuple((str(document), _int(position)) for document, position, _ in rows)
            self._matrices[data_set] = _Matrix(vectors.astype(np.float32, copy=False), places)
        return self._matrices[data_set]

    def _text(self, data_set: str, document: str, position: int) -> str | None:
        query = "SELECT text FROM passages WHERE data_set = ? AND document = ? AND position = ?"
        rows = self._read(query, (data_set, document, position))
        return str(rows[0][0]) if rows else None

    def _hashes(self, name: str) -> dict[str, bytes]:
        rows = self._read("SELECT name, hash FROM documents WHERE data_set = ?", (name,))
        return {str(document): digest for document, digest in rows if isinstance(digest, bytes)}

    def _passage_count(self, name: str) -> int:
        return _int(self._read("SELECT count(*) FROM passages WHERE data_set = ?", (name,))[0][0])

    def _read(self, query: str, arguments: tuple[object, ...]) -> list[tuple[object, ...]]:
        with self._lock, _mapped(self._path):
            return self._connection.execute(query, arguments).fetchall()

    def _write(self, statement: str, arguments: tuple[object, ...]) -> int:
        with self._lock, _mapped(self._path):
            self._matrices.clear()
            return self._connection.execute(statement, arguments).rowcount


def _open(path: str, model: str) -> sqlite3.Connection:
    """Open or make the file; one that another model made is emptied."""
    with _mapped(path):
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False
        )
    try:
        with _mapped(path):
            _prepare(connection, path, model)
    except BaseException:
        connection.close()
        raise
    if path != ":memory:":
        Path(path).chmod(0o600)
    return connection


def _prepare(connection: sqlite3.Connection, path: str, model: str) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        version = _int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > SCHEMA_VERSION:
            raise StateError(f"{path} was written by a newer version ({version}); update islandrun")
        if version == 0:
            for statement in filter(str.strip, _SCHEMA.split(";")):
                connection.execute(statement)
            connection.execute("INSERT INTO made_with VALUES (?)", (model,))
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        elif connection.execute("SELECT model FROM made_with").fetchone() != (model,):
            connection.execute("DELETE FROM documents")
            connection.execute("UPDATE made_with SET model = ?", (model,))


@contextmanager
def _mapped(path: str) -> Iterator[None]:
    """Turn the faults of SQLite into ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise StateError(
            f"the document index {path} cannot be used: {error}; if it stays so, delete it "
            "and add the folders again"
        ) from error


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value


def _score(cosine: float) -> Ppm:
    return Ppm(min(PPM_MAX, max(0, round(cosine * PPM_MAX))))
