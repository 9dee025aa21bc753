"""Whether this machine's wall clock is right, judged by the clocks of those that answer our probes.

The median decides, so that fewer than half of the others, whatever they say, cannot talk us into a doubt.
"""

from __future__ import annotations

from enum import IntEnum

from islandrun.mesh import pace
from islandrun.vocabulary import IslandId


class ClockState(IntEnum):
    """What the others' clocks say of ours."""

    RIGHT = 1
    DOUBTFUL = 2
    WRONG = 3


class Clocks:
    """By how much other clocks are ahead of ours: the last measure of each of up to 32 islands."""

    def __init__(self) -> None:
        self._offsets_ms: dict[IslandId, int] = {}

    def heard(self, island: IslandId, offset_ms: int) -> None:
        """Note by how much an island's clock is ahead of ours."""
        self._offsets_ms.pop(island, None)
        self._offsets_ms[island] = offset_ms
        if len(self._offsets_ms) > pace.CLOCKS_MAX:
            del self._offsets_ms[next(iter(self._offsets_ms))]

    def forget(self) -> None:
        """Begin anew: our own clock may have been set, or we slept."""
        self._offsets_ms.clear()

    def offset_ms(self) -> int:
        """Return the median offset, the lower one of two middles; 0 when nobody was heard."""
        ordered = sorted(self._offsets_ms.values())
        return ordered[(len(ordered) - 1) // 2] if ordered else 0

    def state(self) -> ClockState:
        """Return what to think of our clock."""
        ordered = sorted(self._offsets_ms.values(), key=abs)
        nearest_half_ms = abs(ordered[(len(ordered) - 1) // 2]) if ordered else 0
        if nearest_half_ms <= pace.CLOCK_DOUBT_MS:
            return ClockState.RIGHT
        is_sure = len(ordered) >= pace.CLOCKS_MIN and abs(self.offset_ms()) > pace.CLOCK_WRONG_MS
        return ClockState.WRONG if is_sure else ClockState.DOUBTFUL
