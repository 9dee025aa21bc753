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
    """Who can reach whom now, and what happens to a message on its way.

    Four ways to be apart, which add up: parts, a ring, single links cut in one direction, and islands whose
    links are all clogged.
    """

    def __init__(self, conditions: Conditions, rng: random.Random) -> None:
        self.conditions = conditions
        self._rng = rng
        self._part_of: dict[IslandId, int] = {}
        self._ring: dict[IslandId, int] = {}
        self._cut: dict[tuple[IslandId, IslandId], None] = {}
        self._clogged: dict[IslandId, None] = {}

    # ------------------------------------------------------------ who can reach whom

    def partition(self, parts: Sequence[Iterable[IslandId]]) -> None:
        """Split the mesh: messages pass inside a part only. Islands that are not named form one more part."""
        self._part_of = {island: number for number, part in enumerate(parts, 1) for island in part}

    def ring(self, islands: Iterable[IslandId]) -> None:
        """Leave each of these islands a way to its two neighbours in this order, and to nobody else."""
        self._ring = {island: number for number, island in enumerate(islands)}

    def cut(self, source: IslandId, target: IslandId) -> None:
        """Let nothing pass in this one direction."""
        self._cut[source, target] = None

    def mend(self, source: IslandId, target: IslandId) -> None:
        """End one cut."""
        self._cut.pop((source, target), None)

    def clog(self, island: IslandId) -> None:
        """Stop all links of one island, both ways."""
        self._clogged[island] = None

    def unclog(self, island: IslandId) -> None:
        """Let the links of one island work again."""
        self._clogged.pop(island, None)

    def heal(self) -> None:
        """End every way of being apart; what gets lost and late stays as it is."""
        for apart in (self._part_of, self._ring, self._cut, self._clogged):
            apart.clear()

    def can_pass(self, source: IslandId, target: IslandId) -> bool:
        """Say whether messages get from one island to another at all."""
        if self._cut and (source, target) in self._cut:
            return False
        if self._clogged and (source in self._clogged or target in self._clogged):
            return False
        return self._is_one_part(source, target) and self._are_neighbours(source, target)

    # ------------------------------------------------------------ a message

    def delays(self, source: IslandId, target: IslandId) -> tuple[float, ...]:
        """Return after how many seconds each copy of a message arrives; none when it is lost."""
        conditions, dice = self.conditions, self._rng.random
        if not self.can_pass(source, target) or (conditions.loss and dice() < conditions.loss):
            return ()
        if conditions.duplicates and dice() < conditions.duplicates:
            return self._delay(), self._delay()
        return (self._delay(),)

    # ------------------------------------------------------------ inside

    def _delay(self) -> float:
        conditions, dice = self.conditions, self._rng.random
        spread = conditions.delay_seconds_max - conditions.delay_seconds_min
        delay = conditions.delay_seconds_min + spread * dice()
        if conditions.late_share and dice() < conditions.late_share:
            delay += conditions.late_seconds_max * dice()
        return delay

    def _is_one_part(self, source: IslandId, target: IslandId) -> bool:
        parts = self._part_of
        return not parts or parts.get(source, 0) == parts.get(target, 0)

    def _are_neighbours(self, source: IslandId, target: IslandId) -> bool:
        if not self._ring:
            return True
        one, other = self._ring.get(source), self._ring.get(target)
        if one is None or other is None:
            return one is other
        return (one - other) % len(self._ring) in (1, len(self._ring) - 1)
