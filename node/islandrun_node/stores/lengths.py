"""How long answers were, across restarts: one row of weights for each habit; losing them costs nothing."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable

from islandrun.agents.lengths import EDGES, KEYS_MAX, Habit, Histogram
from islandrun_node.fail_points import Step
from islandrun_node.stores.database import Database

_WEIGHTS = struct.Struct(f"<{len(EDGES)}d")


class LengthStore:
    """The histograms of one home. The table is bounded because what it copies is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> tuple[tuple[Habit, Histogram], ...]:
        """Return all histograms; a row that cannot be one is left out. Raises `StateError`."""
        query = "SELECT client, task, model, weights FROM lengths ORDER BY rowid LIMIT ?"
        rows = self._database.read(query, (KEYS_MAX,))
        found = [(Habit(str(client), str(task), str(model)), _read(row)) for client, task, model, row in rows]
        return tuple((habit, histogram) for habit, histogram in found if histogram is not None)

    def save(self, kept: Iterable[tuple[Habit, Histogram]], gone: Iterable[Habit]) -> None:
        """Keep some histograms and forget others. Raises `StateError`."""
        names = [(habit.client, habit.task, habit.model) for habit in gone]
        rows = [(one.client, one.task, one.model, _WEIGHTS.pack(*seen)) for one, seen in kept]
        with self._database.transaction(Step.SAVE_LENGTHS) as cursor:
            cursor.executemany("DELETE FROM lengths WHERE client = ? AND task = ? AND model = ?", names)
            cursor.executemany("INSERT OR REPLACE INTO lengths VALUES (?, ?, ?, ?)", rows)


def _read(content: object) -> Histogram | None:
    if not isinstance(content, bytes) or len(content) != _WEIGHTS.size:
        return None
    weights = _WEIGHTS.unpack(content)
    return weights if all(0 <= weight < math.inf for weight in weights) else None
