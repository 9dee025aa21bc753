"""Halves that were apart find each other again, bad links do not flap, and a mesh starts from nothing."""

import pytest

from islandrun.simulation.network import Conditions
from islandrun.vocabulary import Reachability
from tests.simulation.watched_world import WatchedWorld

MINUTE = 60.0
HOUR = 60 * MINUTE
HEAL_SECONDS_MAX = 35.0


def apart(world: WatchedWorld, parts: list[list[str]], seconds: float) -> float:
    """Split a mesh for so long; return how long it takes after that until all see all."""
    world.network.partition([[world.islands[name].id for name in part] for part in parts])
    for _ in range(int(seconds // HOUR)):  # what islands say of themselves holds for a day
        for name in sorted(world.islands):
            world.publish(name)
        world.run(HOUR)
    world.run(seconds % HOUR)
    assert world.seen(parts[0][0], parts[1][0]) is Reachability.UNREACHABLE
    world.network.heal()
    return world.run_until_all_see(15 * MINUTE)


@pytest.mark.parametrize("first", [1, 6])
def test_parts_find_each_other_again(first: int) -> None:
    world = WatchedWorld(2, 12, settle=20)
    names = sorted(world.islands)
    assert apart(world, [names[:first], names[first:]], 5 * MINUTE) <= HEAL_SECONDS_MAX


@pytest.mark.parametrize("kind", ["ring", "swizzle"])
def test_links_that_fail_one_by_one_leave_nothing_behind(kind: str) -> None:
    world = WatchedWorld(3, 8, settle=20)
    ids = [world.islands[name].id for name in sorted(world.islands)]
    links = [(one, other) for one in ids for other in ids if one != other]
    if kind == "ring":  # only the neighbours on a ring still reach each other
        links = [(ids[i], ids[j]) for i in range(8) for j in range(8) if (i - j) % 8 in range(2, 7)]
    world.rng.shuffle(links)
    for one, other in links:
        world.network.cut(one, other)
        world.run(1.0)
    world.run(2 * MINUTE)
    world.network.heal()
    assert world.run_until_all_see(15 * MINUTE) <= HEAL_SECONDS_MAX
    assert not world.invariants.count, world.story()


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_two_days_apart_are_healed_in_half_a_minute() -> None:
    world = WatchedWorld(2, 4, settle=20)
    names = sorted(world.islands)
    healed = apart(world, [names[:2], names[2:]], 48 * HOUR)
    print(f"\n48 h apart: all see all after {healed:.0f} s")
    assert healed <= HEAL_SECONDS_MAX


def test_a_link_that_fails_one_way_does_not_flap() -> None:
    world = WatchedWorld(4, 8, settle=30)
    world.network.cut(world.islands["i0000"].id, world.islands["i0001"].id)
    world.run(10 * MINUTE)
    concerned = [change for state in Reachability for change in world.changes(state)]
    assert {(change.observer, change.island) for change in concerned} == {
        ("i0000", "i0001"),
        ("i0001", "i0000"),
    }
    assert len(concerned) <= 4, "each sees the other go into doubt, then lost, and that once"


@pytest.mark.parametrize("loss", [0.5, 0.7])
def test_a_bad_network_is_no_reason_to_change_ones_mind_all_the_time(loss: float) -> None:
    minutes = 10
    world = WatchedWorld(4, 6, settle=30)
    world.network.conditions = Conditions(loss=loss)
    world.run(minutes * MINUTE)
    pairs = [(change.observer, change.island) for change in world.changes()]
    assert all(2 * pairs.count(pair) <= minutes for pair in pairs), "lost and found: two changes"


@pytest.mark.parametrize(
    "count", [24, pytest.param(300, marks=[pytest.mark.long, pytest.mark.timeout(3600)])]
)
def test_after_a_mass_restart_all_are_alive(count: int) -> None:
    world = WatchedWorld(6, count, settle=30)
    for name in sorted(world.islands):
        world.crash(name)
    world.run(5)
    for name in sorted(world.islands):
        world.restart(name)
    routable = world.seconds
    world.run(30)
    assert all(
        world.seen(one, other) is not Reachability.UNREACHABLE
        for one in world.islands
        for other in world.islands
        if one != other
    )
    if count <= 64:
        assert world.all_see()
    assert not [change for change in world.changes() if change.at_seconds > routable]
