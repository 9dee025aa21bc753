"""A large mesh that begins whole: all know and have heard each other for long.

Every island begins as a fork of one ledger and one machine, and costs what it changes (see `trust.layered`):
ten thousand islands that join one after the other would need a table of ten thousand each.
"""

from __future__ import annotations

from collections.abc import Sequence

from islandrun.mesh.machine import Mesh
from islandrun.simulation.islands import FULL_GRANT, dice
from islandrun.simulation.network import Conditions
from islandrun.simulation.world import World
from islandrun.trust.ledger import Ledger
from islandrun.vocabulary import IslandId


class FoundedWorld(World):
    """A world that begins with these islands, all of them honest."""

    def __init__(self, seed: int, names: Sequence[str], conditions: Conditions | None = None) -> None:
        super().__init__(seed, conditions)
        ledger = Ledger(self.owner.genesis)
        for name in names:
            self._settle(name, ledger)
        prototype = Mesh(IslandId(""), ledger, dice(seed, "prototype"), self.now, verifier=self.verifier)
        for island in self.islands.values():
            prototype.delivered(island.id, True, self.now)
        prototype.take_notices()
        for name, island in self.islands.items():
            island.start_like(prototype, ledger, self.verifier, dice(seed, name), self.now)
            self._timeline.arm(island, self.seconds + self.rng.uniform(0.0, 1.0))

    def _settle(self, name: str, ledger: Ledger) -> None:
        """Make an island, and let the ledger hold its admission and its word."""
        wall_ms = self.now.wall_ms
        island = self.islands[name] = self._create(name, "")
        self._by_id[island.id] = island
        for signed in (self._admit(island, FULL_GRANT), island.attest(wall_ms)):
            self.invariants.published(island, signed, self.seconds)
            ledger.admit(self.verifier(signed, self.owner.genesis, wall_ms), wall_ms)
