"""A mesh too large for everybody to tell everybody: links, the tree of news, and neighbours that withhold it.

Rounds are seconds of virtual time.
"""

from __future__ import annotations

import math

import pytest

from islandrun.mesh import pace
from islandrun.mesh.machine import Envelope, Mesh
from islandrun.mesh.suspicion import sync_seconds
from islandrun.simulation.islands import Island
from islandrun.simulation.network import Conditions
from tests.simulation.watched_world import WatchedWorld

pytestmark = pytest.mark.timeout(600)

SMALL = 72
"""Just above the size from which on a mesh has neighbours."""


def mesh_of(island: Island) -> Mesh:
    assert island.mesh is not None
    return island.mesh


def neighbours(world: WatchedWorld, island: Island) -> set[str]:
    return {world._by_id[other].name for other in mesh_of(island)._views.neighbours()}


def rounds_to_all(
    world: WatchedWorld, live: tuple[Island, ...], speakers: int, seconds_max: float
) -> list[int]:
    """Let some islands speak; return after how many rounds each live one had heard each."""
    said = [(world.publish(island.name), world.seconds) for island in world.rng.sample(live, speakers)]
    end = world.seconds + seconds_max
    while world.seconds < end and any(
        island.name not in world.seen_at[news] for news, _ in said for island in live
    ):
        world.run(1.0)
    never = float("inf")
    heard = [(world.seen_at[news].get(island.name, never) - at) for news, at in said for island in live]
    assert never not in heard, f"not all heard it in {seconds_max} s"
    return sorted(math.ceil(seconds) for seconds in heard)


def p99(ordered: list[int]) -> int:
    return ordered[math.ceil(0.99 * len(ordered)) - 1]


@pytest.fixture(scope="module")
def large() -> WatchedWorld:
    return WatchedWorld(11, SMALL, settle=30)


def one_sided(world: WatchedWorld) -> set[tuple[str, str]]:
    """Return the links that only one side knows: offers that cross a refusal leave a few."""
    links = {(one.name, other) for one in world.honest() for other in neighbours(world, one)}
    return {(one, other) for one, other in links if (other, one) not in links}


def test_links_are_few_and_some_are_of_ones_own_choice(large: WatchedWorld) -> None:
    for island in large.honest():
        links, views = neighbours(large, island), mesh_of(island)._views
        assert pace.NEIGHBOURS_DIALLED <= len(links) <= pace.NEIGHBOURS_DIALLED + pace.NEIGHBOURS_ACCEPTED
        assert len(views.dialled()) == pace.NEIGHBOURS_DIALLED


def test_what_only_one_side_takes_for_a_link_does_not_last(large: WatchedWorld) -> None:
    before = one_sided(large)
    assert len(before) <= SMALL // 10
    large.run(pace.LINK_SECONDS_MAX + 2)
    assert not before & one_sided(large)


def test_news_travels_along_the_tree_in_a_few_rounds(large: WatchedWorld) -> None:
    rounds = [rounds for _ in range(3) for rounds in rounds_to_all(large, large.honest(), 3, 60)]
    assert p99(sorted(rounds)) <= 8
    lazy = sum(len(mesh_of(island)._records._tree._lazy) for island in large.honest())
    assert lazy > SMALL, "news that came twice takes links out of the tree"


def test_a_revocation_goes_on_every_link_at_once(large: WatchedWorld) -> None:
    stolen = large.join("stolen")
    large.run(20)
    revocation, at = large.revoke("stolen", at="i0005"), large.seconds
    large.run(2.0)
    heard = large.seen_at[revocation]
    assert set(heard) >= {island.name for island in large.honest() if island is not stolen}
    assert max(heard.values()) - at <= 1.0


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("seed", "count"), [*((seed, SMALL) for seed in range(20)), (1, 300)])
def test_with_loss_and_islands_down_all_the_living_hear_it(seed: int, count: int) -> None:
    check_with_loss_and_islands_down(seed, count)


def check_with_loss_and_islands_down(seed: int, count: int) -> None:
    world = WatchedWorld(seed, count, Conditions(loss=0.3), settle=30)
    for name in world.rng.sample(sorted(world.islands), count * 3 // 10):
        world.crash(name)
    bound = (2 * math.log2(count) + 12) * sync_seconds(count)
    rounds = rounds_to_all(world, world.honest(), 3, bound)
    print(f"\nN={count}, 30 % lost, 30 % down: p99 {p99(rounds)}, max {rounds[-1]}, allowed {bound:.0f} s")


class _Withholding(WatchedWorld):
    """Some islands answer every probe and take every link, and pass on nothing of what they hear."""

    def __init__(self, seed: int, count: int, share: float) -> None:
        self.withholding: set[str] = set()
        super().__init__(seed, count, settle=20)
        self.withholding = set(self.rng.sample(sorted(self.islands), round(count * share)))
        self.run(20)

    def good(self) -> tuple[Island, ...]:
        return tuple(island for island in self.honest() if island.name not in self.withholding)

    def _send(self, envelope: Envelope) -> None:
        tells = envelope.message.WhichOneof("body") in (
            "push",
            "have",
            "digest",
            "bucket_list",
            "want",
            "graft",
        )
        if not (tells and self._by_id[envelope.source].name in self.withholding):
            super()._send(envelope)

    def component(self) -> set[str]:
        """Return the honest islands that links between honest ones join to the first of them."""
        found, todo = set(), [self.good()[0].name]
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo.extend(neighbours(self, self.islands[name]) - self.withholding - found)
        return found


@pytest.mark.parametrize(
    ("count", "share", "connected", "seconds_max"),
    [
        (SMALL, 0.3, 1.0, 60),
        pytest.param(SMALL, 0.6, 0.9, 300, marks=[pytest.mark.long, pytest.mark.timeout(1800)]),
        pytest.param(200, 0.3, 1.0, 60, marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
        pytest.param(200, 0.6, 0.9, 600, marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
def test_who_owns_many_islands_cannot_keep_news_from_the_rest(
    count: int, share: float, connected: float, seconds_max: float
) -> None:
    """With 60 % the links may not join all honest islands; comparisons outside of the links still do."""
    world = _Withholding(13, count, share)
    good = world.good()
    assert len(world.component()) >= connected * len(good)
    rounds = rounds_to_all(world, good, 3, seconds_max)
    figures = f"p50 {rounds[len(rounds) // 2]}, p99 {p99(rounds)}, max {rounds[-1]}"
    print(f"\n{share:.0%} of {count} withhold: {figures}")


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("count", "bound"), [(300, 8), (1000, 10)])
def test_news_is_everywhere_in_a_few_rounds(count: int, bound: int) -> None:
    world = WatchedWorld(11, count, settle=60)
    rounds = [one for _ in range(5) for one in rounds_to_all(world, world.honest(), 5, 120)]
    rounds.sort()
    print(f"\nN={count}: p50 {rounds[len(rounds) // 2]}, p99 {p99(rounds)}, max {rounds[-1]} rounds")
    assert p99(rounds) <= bound


@pytest.mark.parametrize(("count", "bound"), [(3, 3), (30, 6)])
def test_in_a_small_mesh_everybody_tells_everybody_and_is_quiet_else(count: int, bound: int) -> None:
    world = WatchedWorld(14, count, settle=30)
    assert all(not mesh_of(island)._views.neighbours() for island in world.honest())
    rounds = [one for _ in range(5) for one in rounds_to_all(world, world.honest(), 2, 60)]
    assert p99(sorted(rounds)) <= bound
    world.run(30)
    sent = world.counts.size_bytes
    world.run(60)
    assert (world.counts.size_bytes - sent) / count / 60 <= 200, "bytes a second and island, without gRPC's"
