"""What this node saw islands do, across restarts: one row of counts an island, and no word of any request."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from islandrun.trust.behaviour import BAD_MAX, Behaviour
from islandrun.vocabulary import IslandId
from islandrun.wire.limits import ISLANDS_MAX
from islandrun_node.fail_points import Step
from islandrun_node.stores.database import Database


class BehaviourStore:
    """The counts of one home. The table is bounded because what it copies is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> dict[IslandId, Behaviour]:
        """Return all counts; those that cannot be are read as the worst. Raises `StateError`."""
        rows = self._database.read(
            "SELECT island, good, bad, at_ms FROM behaviours ORDER BY bad DESC, island LIMIT ?",
            (ISLANDS_MAX,),
        )
        return dict(map(_behaviour, rows))

    def save(self, islands: Iterable[IslandId], behaviours: Mapping[IslandId, Behaviour]) -> None:
        """Keep the counts of some islands; those without any are deleted. Raises `StateError`."""
        kept = [(name, behaviours[name]) for name in islands if name in behaviours]
        gone = [(name,) for name in islands if name not in behaviours]
        rows = [(name, seen.good, seen.bad, seen.at_ms) for name, seen in kept]
        with self._database.transaction(Step.SAVE_BEHAVIOUR) as cursor:
            cursor.executemany("INSERT OR REPLACE INTO behaviours VALUES (?, ?, ?, ?)", rows)
            cursor.executemany("DELETE FROM behaviours WHERE island = ?", gone)


def _behaviour(row: tuple[object, ...]) -> tuple[IslandId, Behaviour]:
    island, good, bad, at_ms = row
    assert isinstance(island, str)
    assert isinstance(good, float)
    assert isinstance(bad, float)
    assert isinstance(at_ms, int)
    if not (0 <= good < math.inf and 0 <= bad < math.inf):
        good, bad = 0.0, BAD_MAX
    return IslandId(island), Behaviour(good, bad, at_ms)
