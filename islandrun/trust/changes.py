"""Which islands something is new of, for whoever looks again now and then and not at everything.

A reader keeps the number that `now` had when it looked, and asks what changed since.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from islandrun.vocabulary import IslandId
from islandrun.wire.limits import ISLANDS_MAX

CHANGES_MAX: Final = 2 * ISLANDS_MAX
"""Past so many islands it only says that any of them may have changed."""


class Changes:
    """The order in which islands changed. It costs an entry for each island, however often it changes."""

    def __init__(self) -> None:
        self.now = 0
        self._all_at = 0
        self._at: dict[IslandId, int] = {}

    def note(self, *islands: IslandId) -> None:
        """Note that something is new of these islands."""
        for island in islands:
            self.now += 1
            self._at.pop(island, None)
            self._at[island] = self.now
        if len(self._at) > CHANGES_MAX:
            self.note_all()

    def note_all(self) -> None:
        """Note that something may be new of every island."""
        self.now += 1
        self._all_at = self.now
        self._at.clear()

    def since(self, then: int) -> frozenset[IslandId] | None:
        """Return the islands that changed after `now` was `then`; None says that all of them may have."""
        return None if self._all_at > then else frozenset(self._newest(then))

    def _newest(self, then: int) -> Iterable[IslandId]:
        for island, at in reversed(self._at.items()):
            if at <= then:
                return
            yield island
