"""Looking again at what changed gives what looking at everything gives, whatever befalls a mesh."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from islandrun.agents.fleet import fleet_of
from islandrun.mesh.machine import Mesh
from islandrun.routing.candidates import LocalFacts, Vantage
from islandrun.routing.lookout import Lookout
from islandrun.simulation.invariants import POLICY
from islandrun.simulation.islands import GROUP, Island
from islandrun.simulation.world import World
from islandrun.trust.behaviour import Behaviour, Event, observe
from islandrun.trust.claims import IslandState
from islandrun.vocabulary import IslandId, IslandView, Load

IDLE = Load(0, 0, 4, 100, 1_000)


class Watch:
    """One island's lookout, and what it has observed. It lives as long as the machine of the island."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self.lookout = Lookout(mesh.changes)
        self.behaviours: dict[IslandId, Behaviour] = {}
        self.ways: dict[IslandId, str] = {}
        self.looks = 0

    def check(self, world: World, island: Island, rng: random.Random) -> None:
        now = world.now_at(island)
        ledger, mesh = island.ledger, self.mesh
        some = rng.choice(ledger.islands())
        if rng.random() < 0.05:
            self.behaviours[some] = observe(Behaviour(), Event.TIMED_OUT, now.wall_ms)
        if rng.random() < 0.05:
            self.ways = {} if self.ways else {some: "relay"}
        running = rng.choice((0, 0, 0, 1))
        local = {island.id: LocalFacts(replace(IDLE, running=running), is_self=True)}
        vantage = Vantage(ledger, mesh, GROUP, POLICY, self.behaviours, local, now)
        seen = self.lookout.fleet(vantage, self.ways)
        self.looks += 1
        assert [without_fading(view) for view in seen.islands] == [
            without_fading(self._with_way(view)) for view in vantage.views()
        ]
        assert [view.id for view in seen.islands] == sorted(view.id for view in seen.islands)
        anew = fleet_of(seen.islands)
        assert (seen.trust_ppm == anew.trust_ppm).all()
        assert (seen.delay_ms == anew.delay_ms).all()

    def _with_way(self, view: IslandView) -> IslandView:
        relay = self.ways.get(IslandId(view.front or view.id))
        return view if relay is None or view.is_local else replace(view, through=relay)


def without_fading(view: IslandView) -> IslandView:
    """Return a view without the estimate of behaviour, which fades a little between two looks."""
    factors = tuple(factor for factor in view.trust.factors if factor.name != "behaviour")
    return replace(
        view, trust=replace(view.trust, ppm=min(factor.ppm for factor in factors), factors=factors)
    )


def misfortunes(world: World, rng: random.Random) -> list[Callable[[str], object]]:
    return [
        world.crash,
        world.restart,
        world.restart,
        world.sleep,
        world.wake,
        world.wake,
        world.publish,
        lambda name: world.publish(name, rng.choice((IslandState.AWAY, IslandState.READY))),
        lambda name: world.set_clock(name, rng.choice((-3_600.0, 0.0, 600.0, 90_000.0))),
    ]


def go_through(seed: int, seconds: int) -> int:
    """Let a small mesh live through misfortune; return how often an island looked."""
    rng = random.Random(seed)
    world = World(seed)
    for number in range(5):
        world.join(f"i{number}")
    watches: dict[str, Watch] = {}
    looks = 0
    for second in range(seconds):
        world.run(1.0)
        if rng.random() < 0.3:
            rng.choice(misfortunes(world, rng))(f"i{rng.randrange(1, 5)}")
        if second == seconds // 2:
            world.revoke("i4", "i0")
            world.join("i5")
        for name, island in world.islands.items():
            if island.mesh is None or island.is_asleep:
                continue
            watch = watches.get(name)
            if watch is None or watch.mesh is not island.mesh:
                watch = watches[name] = Watch(island.mesh)
            watch.check(world, island, rng)
            looks += 1
    return looks


@pytest.mark.parametrize("seed", range(1, 4))
def test_a_lookout_sees_what_there_is_to_see(seed: int) -> None:
    assert go_through(seed, 60) > 100


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_lookouts_see_what_there_is_through_many_meshes() -> None:
    assert all(go_through(seed, 300) for seed in range(100, 300))
