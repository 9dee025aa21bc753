"""The network between simulated islands: what gets lost, late, doubled, overtaken or cut.

It decides and never delivers: for each message it returns when its copies arrive, and the world keeps time.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from islandrun.vocabulary import IslandId


@dataclass(frozen=True, slots=True)
class Conditions:
    """How bad the network is. Shares are 0 to 1, delays are seconds.

    `late_share` of the messages take up to `late_seconds_max` more, so that later ones overtake them.
    """

    loss: float = 0.0
    duplicates: float = 0.0
    late_share: float = 0.0
    delay_seconds_min: float = 0.002
    delay_seconds_max: float = 0.05
    late_seconds_max: float = 1.5


class Network:
    """Who can reach whom now, and what happens to a message on its way."""

    def __init__(self, conditions: Conditions, rng: random.Random) -> None:
        self.conditions = conditions
        self._rng = rng
        self._part_of: dict[IslandId, int] = {}
        self._cut: dict[tuple[IslandId, IslandId], None] = {}

    def partition(self, parts: Sequence[Iterable[IslandId]]) -> None:
        """Split the mesh: messages pass inside a part only. Islands that are not named form one more part."""
        self._part_of = {island: number for number, part in enumerate(parts, 1) for island in part}

    def cut(self, source: IslandId, target: IslandId) -> None:
        """Let nothing pass in this one direction."""
        self._cut[source, target] = None

    def heal(self) -> None:
        """End every partition and every cut."""
        self._part_of.clear()
        self._cut.clear()

    def can_pass(self, source: IslandId, target: IslandId) -> bool:
        """Say whether messages get from one island to another at all."""
        same_part = self._part_of.get(source, 0) == self._part_of.get(target, 0)
        return same_part and (source, target) not in self._cut

    def delays(self, source: IslandId, target: IslandId) -> tuple[float, ...]:
        """Return after how many seconds each copy of a message arrives; none when it is lost."""
        if not self.can_pass(source, target) or self._rng.random() < self.conditions.loss:
            return ()
        copies = 2 if self._rng.random() < self.conditions.duplicates else 1
        return tuple(self._delay() for _ in range(copies))

    def _delay(self) -> float:
        conditions = self.conditions
        delay = self._rng.uniform(conditions.delay_seconds_min, conditions.delay_seconds_max)
        if self._rng.random() < conditions.late_share:
            delay += self._rng.uniform(0.0, conditions.late_seconds_max)
        return delay
