"""Who is down, and who is not: crashes are found soon, and nobody healthy is given up.

What is printed is shown by `pytest -s`.
"""

import statistics

import pytest

from islandrun.mesh import pace
from islandrun.simulation.network import Conditions
from islandrun.vocabulary import Reachability
from tests.simulation.watched_world import WatchedWorld

pytestmark = pytest.mark.timeout(300)


def first_detections(islands: int, crashes: int, seed: int) -> list[float]:
    """Crash one island after the other; return how long each was unnoticed. Nobody else may be accused."""
    world, waited = WatchedWorld(seed, islands), []
    for number in range(crashes):
        world.run(world.rng.uniform(0.0, 1.0))
        world.watching.noticed.clear()
        gone = f"i{number:04}"
        at = world.seconds
        world.crash(gone)
        world.run(20)
        changes = world.changes()
        assert {change.island for change in changes} == {gone}
        waited.append(changes[0].at_seconds - at)
        world.restart(gone)
        world.run(20)
    return waited


def test_a_crash_is_found_in_seconds() -> None:
    waited = first_detections(20, 4, seed=3)
    assert statistics.median(waited) <= 10
    assert max(waited) <= 15


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("islands", "seconds_max"), [(100, 15.0), (300, 17.0)])
def test_a_crash_is_found_in_seconds_in_a_large_mesh(islands: int, seconds_max: float) -> None:
    waited = first_detections(islands, 10, seed=3)
    print(f"\nN={islands}: first detection median {statistics.median(waited):.1f} s, max {max(waited):.1f} s")
    assert statistics.median(waited) <= (10 if islands <= 100 else 12)
    assert max(waited) <= seconds_max


def verdicts(islands: int, loss: float, seconds: float) -> int:
    """Return how often anybody was given up in a mesh in which everybody is well."""
    world = WatchedWorld(3, islands, Conditions(loss=loss), settle=30)
    sent = world.counts.size_bytes
    world.run(seconds)
    doubts = len(world.changes(Reachability.SUSPECT))
    rate = (world.counts.size_bytes - sent) / islands / seconds
    print(f"\nN={islands}, loss {loss:.0%}, {seconds:.0f} s: {doubts} doubts, {rate:.0f} B/s an island")
    return len(world.changes())


def test_lost_messages_exclude_nobody() -> None:
    assert verdicts(15, 0.1, 120) == 0


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("loss", [0.05, 0.1, 0.2])
def test_lost_messages_exclude_nobody_in_an_hour(loss: float) -> None:
    assert verdicts(100, loss, 3600) == 0


def stalled(islands: int, slow: int, periods: int, seed: int) -> tuple[int, int, int]:
    """Let some machines stand still for 10 of every 15 seconds.

    Return how often (a healthy island gave up a healthy one, a slow one gave up a healthy one, a slow one was
    given up).
    """
    world = WatchedWorld(seed, islands)
    names = {f"i{number:04}" for number in range(slow)}
    for _ in range(periods):
        for name in sorted(names):
            world.stall(name, 10)
        world.run(15)
    changes = world.changes()
    on_slow = sum(change.island in names for change in changes)
    by_slow = sum(change.observer in names and change.island not in names for change in changes)
    return len(changes) - on_slow - by_slow, by_slow, on_slow


def test_slow_islands_make_nobody_else_look_slow() -> None:
    healthy_by_healthy, healthy_by_slow, slow = stalled(24, 3, 4, seed=5)
    assert (healthy_by_healthy, healthy_by_slow) == (0, 0)
    assert slow > 0, "a machine that stands still for longer than a suspicion is noticed"


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("slow", [8, 15])
def test_slow_islands_make_nobody_else_look_slow_in_a_large_mesh(slow: int) -> None:
    healthy_by_healthy, healthy_by_slow, on_slow = stalled(128, slow, 12, seed=5)
    print(f"\n{slow} of 128 slow: {on_slow} verdicts, all on slow islands")
    assert (healthy_by_healthy, healthy_by_slow) == (0, 0)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("slow", [8, 15])
def test_without_caution_slow_islands_are_given_up_far_more_often(
    slow: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compare with suspicion as SWIM has it: one length, no mark for ourselves, no notice of sleep.

    SWIM's accusations by hearsay cannot be switched on, as nobody here is ever accused to others.
    """
    ours = sum(stalled(128, slow, 12, seed=5))
    for name, value in {
        "TROUBLE_MAX": 0,
        "SUSPICION_STRETCH": 1,
        "SLEEP_SECONDS": 1e9,
        "MISSES_MIN": 1,
        "MISSES_MAX": 1,
    }.items():
        monkeypatch.setattr(pace, name, value)
    on_healthy, by_slow, on_slow = stalled(128, slow, 12, seed=5)
    plain = on_healthy + by_slow + on_slow
    print(f"\n{slow} of 128 slow: {ours} verdicts, without caution {plain}, of slow on healthy {by_slow}")
    assert ours < plain
