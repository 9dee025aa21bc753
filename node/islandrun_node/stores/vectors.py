"""The vectors of data sets, compared exactly: in memory while they fit a budget, else read block by block.

A vector lies as 384 numbers of 8 bits and the scale that they share: a quarter of the disk and memory, and a
cosine differs by less than 0.002. They are widened in strips that fit the cache of a processor, which is ten
times faster than widening them at once.
"""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from islandrun_node.backends.embedder import DIMENSIONS, Vector, Vectors

MEMORY_BYTES_MAX: Final = 96 * 1024 * 1024
"""So much of all vectors is held; a data set beyond it is read from the disk for each question."""

BLOCK_ROWS: Final = 4_096
STRIP_ROWS: Final = 512
_HIGHEST: Final = 127
_ROW: Final = np.dtype([("scale", "<f4"), ("codes", "i1", (DIMENSIONS,))])

Ids = npt.NDArray[np.int64]


def packed(vectors: Vectors) -> list[bytes]:
    """Return vectors as they lie on the disk."""
    rows = np.empty(len(vectors), dtype=_ROW)
    highest = np.abs(vectors).max(axis=1, initial=0.0)
    rows["scale"] = np.where(highest > 0, highest / _HIGHEST, 1.0)
    rows["codes"] = np.rint(vectors / rows["scale"][:, None])
    return [row.tobytes() for row in rows]


@dataclass(frozen=True, slots=True)
class _Block:
    """Some rows of a data set: the numbers of the passages, and their vectors."""

    ids: Ids
    scales: Vector = field(repr=False)
    codes: npt.NDArray[np.int8] = field(repr=False)

    @property
    def size(self) -> int:
        """How many bytes of memory it takes."""
        return self.ids.nbytes + self.scales.nbytes + self.codes.nbytes

    def cosines(self, vector: Vector) -> Vector:
        """Return how near each row is to a vector."""
        strip = np.empty((STRIP_ROWS, DIMENSIONS), dtype=np.float32)
        found = np.empty(len(self.ids), dtype=np.float32)
        for start in range(0, len(found), STRIP_ROWS):
            end = min(start + STRIP_ROWS, len(found))
            rows = strip[: end - start]
            np.copyto(rows, self.codes[start:end], casting="unsafe")
            np.dot(rows, vector, out=found[start:end])
        scaled: Vector = found * self.scales
        return scaled


class VectorTable:
    """Finds the passages nearest to a vector. The caller holds the lock of the connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._held: OrderedDict[int, tuple[_Block, ...]] = OrderedDict()

    @property
    def held_bytes(self) -> int:
        """How much memory the vectors take that are held."""
        return sum(block.size for blocks in self._held.values() for block in blocks)

    def forget(self) -> None:
        """Let go of all vectors: something was written."""
        self._held.clear()

    def nearest(self, data_set: int, vector: Vector, count: int) -> list[tuple[int, float]]:
        """Return the numbers of the nearest passages with their cosines, best first; ties by number."""
        ids = np.empty(0, dtype=np.int64)
        scores = np.empty(0, dtype=np.float32)
        for block in self._blocks(data_set):
            ids = np.concatenate((ids, block.ids))
            scores = np.concatenate((scores, block.cosines(vector)))
            if len(ids) > count:
                best = np.argsort(-scores, kind="stable")[:count]
                ids, scores = ids[best], scores[best]
        order = np.argsort(-scores, kind="stable")[:count]
        return [(int(ids[at]), float(scores[at])) for at in order]

    def cosines(self, ids: list[int], vector: Vector) -> dict[int, float]:
        """Return the cosines of single passages."""
        query = "SELECT id, vector FROM passages WHERE id IN (SELECT value FROM json_each(?))"
        block = _block(self._connection.execute(query, (json.dumps(ids),)).fetchall())
        return dict(zip(map(int, block.ids), map(float, block.cosines(vector)), strict=True))

    def _blocks(self, data_set: int) -> Iterator[_Block]:
        if data_set in self._held:
            self._held.move_to_end(data_set)
            yield from self._held[data_set]
            return
        kept: list[_Block] | None = []
        size = 0
        for block in self._read(data_set):
            size += block.size
            if size > MEMORY_BYTES_MAX:
                kept = None
            if kept is not None:
                kept.append(block)
            yield block
        if kept is None:
            return
        while self._held and self.held_bytes + size > MEMORY_BYTES_MAX:
            self._held.popitem(last=False)
        self._held[data_set] = tuple(kept)

    def _read(self, data_set: int) -> Iterator[_Block]:
        """Read a data set from the disk, by number of passage."""
        last = -1
        query = (
            "SELECT passages.id, vector FROM passages JOIN documents ON documents.id = document"
            " WHERE data_set = ? AND passages.id > ? ORDER BY passages.id LIMIT ?"
        )
        while rows := self._connection.execute(query, (data_set, last, BLOCK_ROWS)).fetchall():
            yield _block(rows)
            last = int(rows[-1][0])


def _block(rows: list[tuple[int, bytes]]) -> _Block:
    found = np.frombuffer(b"".join(content for _, content in rows), dtype=_ROW)
    ids = np.array([number for number, _ in rows], dtype=np.int64)
    return _Block(ids, found["scale"].astype(np.float32), np.ascontiguousarray(found["codes"]))
