"""Whom the owner removes is not sent the statement: its signature renews what only members may know."""

from __future__ import annotations

import pytest

from islandrun.mesh import pace
from islandrun.mesh.nearby import discovery_key, renewed
from islandrun.vocabulary import Standing
from tests.simulation.watched_world import WatchedWorld


@pytest.mark.parametrize("islands", [8, pytest.param(pace.DIRECT_MAX + 8, marks=pytest.mark.long)])
def test_the_removed_island_never_hears_of_its_removal(islands: int) -> None:
    world = WatchedWorld(5, islands, settle=30)
    gone = world.islands["i0003"]
    world.revoke("i0003", at="i0001")
    world.run(60)
    key = discovery_key(gone.ledger.genesis)
    others = [island for island in world.islands.values() if island is not gone]
    assert all(one.ledger.standing(gone.id, world.now.wall_ms) is Standing.REVOKED for one in others)
    assert gone.ledger.standing(gone.id, world.now.wall_ms) is Standing.ADMITTED
    assert len({renewed(key, one.ledger)[0] for one in others}) == 1
    assert renewed(key, gone.ledger) == (key,)
