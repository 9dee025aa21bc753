"""A machine that slept accuses nobody and asks first; a machine with a wrong clock is told by the others."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from islandrun.mesh.clocks import ClockState
from islandrun.mesh.machine import Envelope, Mesh
from islandrun.mesh.notices import ClockJudged, ReachabilityChanged, Woke
from islandrun.vocabulary import Instant, Reachability
from tests.simulation.watched_world import WatchedWorld


@dataclass
class SkewedMesh:
    """The machine of an island whose wall clock is off by so much."""

    mesh: Mesh
    skew_ms: int

    def __getattr__(self, name: str) -> object:
        return getattr(self.mesh, name)

    def at(self, now: Instant) -> Instant:
        return Instant(now.seconds, now.wall_ms + self.skew_ms)

    def receive(self, envelope: Envelope, now: Instant) -> None:
        self.mesh.receive(envelope, self.at(now))

    def tick(self, now: Instant) -> None:
        self.mesh.tick(self.at(now))


pytestmark = pytest.mark.timeout(300)


def judgements(world: WatchedWorld, name: str) -> list[ClockState]:
    noticed = world.watching.noticed
    return [notice.state for _, who, notice in noticed if who == name and isinstance(notice, ClockJudged)]


@pytest.mark.parametrize(
    ("minutes", "state"),
    [
        (0.5, None),
        (2, ClockState.DOUBTFUL),
        (-2, ClockState.DOUBTFUL),
        (10, ClockState.WRONG),
        (-10, ClockState.WRONG),
        (-30 * 24 * 60, ClockState.WRONG),
    ],
)
def test_a_wrong_clock_is_told_to_its_machine_alone(minutes: float, state: ClockState | None) -> None:
    world = WatchedWorld(7, 5, settle=20)
    odd = world.islands["i0000"]
    assert odd.mesh is not None
    honest, odd.mesh = odd.mesh, SkewedMesh(odd.mesh, round(minutes * 60_000))  # type: ignore[assignment]
    world.run(30)
    told = judgements(world, "i0000")
    assert told[-1:] == ([] if state is None else [state])
    assert not any(judgements(world, f"i{number:04}") for number in range(1, 5))
    odd.mesh = honest
    world.run(60)
    assert judgements(world, "i0000")[-1:] == ([] if state is None else [ClockState.RIGHT])
    assert world.all_see()


def test_of_two_islands_neither_is_sure_whose_clock_is_wrong() -> None:
    world = WatchedWorld(7, 2, settle=20)
    odd = world.islands["i0000"]
    assert odd.mesh is not None
    odd.mesh = SkewedMesh(odd.mesh, 10 * 60_000)  # type: ignore[assignment]
    world.run(30)
    for name in ("i0000", "i0001"):
        assert judgements(world, name) == [ClockState.DOUBTFUL]


def test_who_slept_accuses_nobody_asks_first_and_is_found_again() -> None:
    world = WatchedWorld(8, 6, settle=20)
    world.stall("i0000", 60)
    world.run(58)
    assert world.seen("i0001", "i0000") is Reachability.UNREACHABLE
    news = world.publish("i0003")
    world.run(2.2)
    said = [notice for _, who, notice in world.watching.noticed if who == "i0000"]
    assert any(isinstance(notice, Woke) and notice.slept_seconds > 50 for notice in said)
    assert not any(isinstance(notice, ReachabilityChanged) for notice in said)
    world.run(3)
    assert "i0000" in world.seen_at[news]
    assert world.all_see()


def test_on_waking_three_are_asked_for_news_before_anybody_is_probed() -> None:
    world = WatchedWorld(8, 8, settle=20)
    mesh = world.islands["i0000"].mesh
    assert mesh is not None
    mesh.take_outbox()
    mesh.delivered(world.islands["i0001"].id, False, world.now)
    assert world.seen("i0000", "i0001") is Reachability.SUSPECT
    mesh.woke(3600.0, world.now)
    assert world.seen("i0000", "i0001") is Reachability.ALIVE, "it was we who did not listen"
    bodies = [envelope.message.WhichOneof("body") for envelope in mesh.take_outbox()]
    assert bodies == ["digest"] * 3
    mesh.tick(Instant(world.seconds, world.now.wall_ms))
    assert "probe" in [envelope.message.WhichOneof("body") for envelope in mesh.take_outbox()]
    assert mesh._probing.trouble == 7
