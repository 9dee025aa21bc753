"""Who goes says so, who moves says where, and who slept asks anew: real nodes on loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from islandrun.v1 import status_pb2, status_pb2_grpc
from islandrun.vocabulary import Ppm, Reachability, Tier
from islandrun_node import presence, world_clock
from islandrun_node.channels import local_channel
from islandrun_node.detectors import load_watch
from islandrun_node.listeners import Listening
from islandrun_node.node import Node, build
from islandrun_node.presence import Presence
from islandrun_node.privacy_worker import PrivacyWorker
from islandrun_node.statements import Doors
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.meshes import founded, joined, process, settings, up
from tests.node.identity_kit import until as became

pytestmark = pytest.mark.slow
EDGE = Grant(Tier.EDGE, "office", Ppm(900_000))


async def seen(node: Listening, name: str) -> str:
    """Return how a node sees an island."""
    async with local_channel(node.grpc, node.token) as channel:
        answer = await status_pb2_grpc.StatusServiceStub(channel).ListIslands(
            status_pb2.ListIslandsRequest(), timeout=5
        )
    return next((Reachability(one.reachability).name for one in answer.islands if one.name == name), "")


async def until(node: Listening, name: str, wanted: str, seconds: float = 30) -> float:
    """Wait until a node sees an island so; return how long it took."""
    began = time.monotonic()
    while (found := await seen(node, name)) != wanted:
        assert time.monotonic() - began < seconds, f"{name} is {found}, not {wanted}"
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def test_who_stops_says_so_and_comes_back(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        laptop = founded(tmp_path)
        node = await up(laptop, settings("laptop"), stack)
        office = await joined(tmp_path, "office", laptop, EDGE, node.mesh_port)
        async with process(office, "") as running:
            await until(node, "office", "ALIVE")
            running.terminate()
            took = await until(node, "office", "AWAY", 10)
            assert await asyncio.wait_for(running.wait(), 20) == 0
        print(f"\nknown to be away after {took:.2f} s")
        await up(office, settings("office"), stack)
        await until(node, "office", "ALIVE")


async def alone(path: Path, stack: AsyncExitStack) -> Node:
    config = settings("laptop")
    return await build(founded(path), config, stack, PrivacyWorker(lambda: load_watch(config.privacy)))


def speaking(node: Node, doors: Callable[[], Doors], moved: Callable[..., None]) -> Presence:
    state = node.state
    return Presence(node.islands, state.ledger, state.database, node.driver, doors, moved)


async def test_a_new_network_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "LOOK_SECONDS", 0.02)
    async with AsyncExitStack() as stack:
        node = await alone(tmp_path, stack)
        here, moves = ["192.168.1.5:8471"], []
        speaker = speaking(node, lambda: Doors(tuple(here)), moves.append)
        speaker.tell()
        watching = asyncio.create_task(speaker.run())
        before = node.state.ledger.self_claims(node.state.me)
        assert before is not None
        assert before.endpoints == ("192.168.1.5:8471",)
        await asyncio.sleep(0.2)
        assert not moves
        here[:] = ["10.0.0.9:8471"]
        await became(lambda: moves)
        await asyncio.sleep(0)
        after = node.state.ledger.self_claims(node.state.me)
        assert moves == [("10.0.0.9:8471",)]
        assert after is not None
        assert after.endpoints == ("10.0.0.9:8471",)
        assert after.header.sequence > before.header.sequence
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_a_boot_clock_that_ran_on_means_sleep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "CLOCK_SECONDS", 0.02)
    true, slept = world_clock.boot_seconds, [0.0]
    if true() is None:
        pytest.skip("this system has no boot clock")
    monkeypatch.setattr(world_clock, "boot_seconds", lambda: (true() or 0.0) + slept[0])
    woke: list[float] = []
    async with AsyncExitStack() as stack:
        node = await alone(tmp_path, stack)
        monkeypatch.setattr(node.driver, "woke", woke.append)
        watching = asyncio.create_task(speaking(node, lambda: Doors(("10.0.0.9:1",)), lambda _: None).run())
        await asyncio.sleep(0.3)
        slept[0] = 4.0
        await asyncio.sleep(0.3)
        assert not woke, "no more than the clocks of a loaded machine part"
        slept[0] = 64.0
        await became(lambda: woke)
        assert woke[0] == pytest.approx(60, abs=2)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_after_sleep_a_node_speaks_anew(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        node = await alone(tmp_path, stack)
        speaker = speaking(node, lambda: Doors(("10.0.0.9:1",)), lambda _: None)
        speaker.tell()
        node.driver.when_awake(speaker.tell)
        before = node.state.ledger.self_claims(node.state.me)
        node.driver.woke(60.0)
        await asyncio.sleep(0.05)
        after = node.state.ledger.self_claims(node.state.me)
        assert before is not None
        assert after is not None
        assert after.incarnation > before.incarnation
