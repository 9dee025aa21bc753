"""How news travels between neighbours: pushed along a tree, only named on the other links.

Plumtree (Leitao, Pereira and Rodrigues, 2007). Every link begins as part of the tree; who pushes what is
known already is asked to name it only (PRUNE), and who named something that does not come by the tree is
asked to push it (GRAFT), which mends the tree. What still gets lost is found by comparing tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from islandrun.mesh import pace
from islandrun.vocabulary import IslandId


@dataclass(frozen=True, slots=True)
class _Promise:
    """Something new that a neighbour has."""

    source: IslandId
    due_at: float


class Broadcast:
    """Which links are part of the tree, and what was named on the others. `now` is `Instant.seconds`."""

    def __init__(self) -> None:
        self._lazy: dict[IslandId, None] = {}
        self._came_from: dict[bytes, IslandId] = {}
        self._to_name: dict[bytes, IslandId | None] = {}
        self._promised: dict[bytes, _Promise] = {}

    # ------------------------------------------------------------ the tree

    def keep(self, neighbours: Sequence[IslandId]) -> None:
        """Forget the links that are over; a new one begins as part of the tree."""
        self._lazy = {island: None for island in self._lazy if island in neighbours}

    def eager(self, neighbours: Iterable[IslandId]) -> list[IslandId]:
        """Return the neighbours on links of the tree."""
        return [island for island in neighbours if island not in self._lazy]

    def prune(self, island: IslandId) -> None:
        """Take a link out of the tree."""
        self._lazy[island] = None

    def graft(self, island: IslandId) -> None:
        """Make a link part of the tree."""
        self._lazy.pop(island, None)

    # ------------------------------------------------------------ what travels

    def came(self, key: bytes, source: IslandId) -> None:
        """Note who brought something new: it is not told the same again."""
        self._promised.pop(key, None)
        self._came_from[key] = source
        if len(self._came_from) > pace.HAVES_MAX:
            del self._came_from[next(iter(self._came_from))]

    def pushed(self, keys: Iterable[bytes]) -> None:
        """Note what went along the tree: it is named on the other links in the next round."""
        for key in keys:
            self._to_name[key] = self._came_from.get(key)
            if len(self._to_name) > pace.HAVES_MAX:
                del self._to_name[next(iter(self._to_name))]

    def is_from(self, key: bytes, island: IslandId) -> bool:
        """Say whether that island brought us the newest of this place."""
        return self._came_from.get(key) == island

    def names_for(self, neighbours: Iterable[IslandId]) -> dict[IslandId, list[bytes]]:
        """Return what to name on each link that is not part of the tree, and forget it."""
        named = {
            island: [key for key, source in self._to_name.items() if source != island]
            for island in neighbours
            if island in self._lazy
        }
        self._to_name.clear()
        return named

    # ------------------------------------------------------------ what is missed

    def promised(self, source: IslandId, keys: Iterable[bytes], now: float) -> None:
        """Note what a neighbour has and we do not."""
        for key in keys:
            if key not in self._promised and len(self._promised) < pace.HAVES_MAX:
                self._promised[key] = _Promise(source, now + pace.GRAFT_SECONDS)

    def overdue(self, now: float) -> dict[IslandId, list[bytes]]:
        """Return what did not come by the tree, by the neighbour that has it, and forget it."""
        wanted: dict[IslandId, list[bytes]] = {}
        for key, promise in tuple(self._promised.items()):
            if promise.due_at <= now:
                del self._promised[key]
                wanted.setdefault(promise.source, []).append(key)
        return wanted
