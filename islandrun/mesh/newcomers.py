"""Whom a relay lets in before they are admitted: holders of join tokens that an attached island expects.

Each may dial that island and no other. Whoever reads this table from another thread sees it whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from islandrun.errors import Overloaded
from islandrun.vocabulary import IslandId, PublicKey

NEWCOMERS_MAX: Final = 32
"""Each is one more root of the relay's listener while it is expected."""


class Newcomers:
    """Join keys by the island that expects them, with the end of each (milliseconds since 1970)."""

    def __init__(self) -> None:
        self._expected: dict[IslandId, dict[PublicKey, int]] = {}

    def expect(self, island: IslandId, keys: Mapping[PublicKey, int], now_ms: int) -> None:
        """Take in all that an island expects now, in place of what it said before. Raises `Overloaded`."""
        others = {name: held for name, held in self._expected.items() if name != island}
        held = {key: end_ms for key, end_ms in keys.items() if end_ms > now_ms}
        if sum(map(len, others.values())) + len(held) > NEWCOMERS_MAX:
            raise Overloaded(f"this relay expects {NEWCOMERS_MAX} newcomers already; invite over another one")
        self._expected = {**others, island: held} if held else others

    def withdraw(self, island: IslandId) -> None:
        """Forget what an island expects: it cannot be dialled here any more."""
        self._expected = {name: held for name, held in self._expected.items() if name != island}

    def open(self, now_ms: int) -> dict[PublicKey, int]:
        """Return every join key that is expected now and its end, sorted."""
        ends: dict[PublicKey, int] = {}
        for held in self._expected.values():
            for key, end_ms in held.items():
                if end_ms > now_ms:
                    ends[key] = max(end_ms, ends.get(key, 0))
        return dict(sorted(ends.items()))

    def may_dial(self, join_key: PublicKey, island: IslandId, now_ms: int) -> bool:
        """Say whether the holder of a join token may open a pipe to an island."""
        return self._expected.get(island, {}).get(join_key, 0) > now_ms
