"""The waiting room: woken by a free place, bounded in time and number, left by whoever is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from islandrun.agents.fleet import Fleet, fleet_of
from islandrun.agents.policy import RoutingPolicy
from islandrun.agents.question import Question
from islandrun.load import Load
from islandrun.privacy.sensitivity import Assessment
from islandrun.routing.decision import Decision
from islandrun.routing.patience import WaitRules
from islandrun.routing.route import Route
from islandrun.vocabulary import Hints, Ppm
from islandrun_node import world_clock
from islandrun_node.patience import Patience
from tests.islands_seen import island_seen

PUBLIC = Assessment(findings=((),), topics=(), sensitivity_ppm=Ppm(0), reasons=())


class Mesh:
    """One island whose places the test fills and frees; it counts how often it is looked at."""

    def __init__(self) -> None:
        self.waiting = 8
        self.looks = 0

    def fleet(self) -> Fleet:
        self.looks += 1
        return fleet_of((island_seen(load=Load(4, self.waiting, 4, 100, 1_000)),))


def ask(patience: Patience, mesh: Mesh, wait_ms: int | None = None) -> asyncio.Task[Decision]:
    now = world_clock.now()
    hints = Hints(wait_ms=wait_ms)
    route = Route(Question("r", PUBLIC, "m", hints, 1, 1, RoutingPolicy(), now, my_group="family"))
    return asyncio.create_task(patience.settled(route, route.start(mesh.fleet(), now)))


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come about in five seconds")


def room(mesh: Mesh, milliseconds: int = 20_000, waiting_max: int = 8) -> Patience:
    return Patience(WaitRules({"balanced": milliseconds}), mesh.fleet, waiting_max)


async def test_a_place_that_becomes_free_wakes_the_first_that_waits() -> None:
    mesh = Mesh()
    patience = room(mesh)
    first, second = ask(patience, mesh), ask(patience, mesh)
    await until(lambda: patience.waiting == 2)
    mesh.waiting = 7
    patience.freed()
    assert (await asyncio.wait_for(first, 0.9)).chosen is not None
    assert not second.done(), "one place wakes one"
    assert (await asyncio.wait_for(second, 5)).chosen is not None, "it looks by itself every second"
    assert patience.waiting == 0


@pytest.mark.parametrize(("limit_ms", "wish_ms"), [(100, None), (20_000, 100), (0, None), (20_000, 0)])
async def test_the_wait_ends_in_time(limit_ms: int, wish_ms: int | None) -> None:
    mesh = Mesh()
    decision = await asyncio.wait_for(ask(room(mesh, limit_ms), mesh, wish_ms), 5)
    assert decision.chosen is None


async def test_no_more_wait_than_the_room_holds() -> None:
    mesh = Mesh()
    patience = room(mesh, waiting_max=1)
    waits = ask(patience, mesh)
    await until(lambda: patience.waiting == 1)
    assert (await asyncio.wait_for(ask(patience, mesh), 1)).chosen is None
    waits.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits
    assert patience.waiting == 0
    patience.freed()


async def test_what_is_decided_is_not_looked_at_again() -> None:
    mesh = Mesh()
    mesh.waiting = 0
    assert (await ask(room(mesh), mesh)).chosen is not None
    assert mesh.looks == 1
