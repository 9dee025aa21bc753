"""One island of four is revoked: every other one cuts it off, and nothing signed before brings it back.

The time until each stream ended is printed (pytest -s). The rule: one gossip bound and a second, 5 s in all.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from islandrun.v1 import attestation_pb2, inference_pb2, inference_pb2_grpc, mesh_pb2, mesh_pb2_grpc
from islandrun.vocabulary import Ppm, PublicKey, Tier
from islandrun_node import enrolment, world_clock
from islandrun_node.certificates import Shown, show_island
from islandrun_node.channels import open_channel
from islandrun_node.home import Home
from islandrun_node.identity import load_membership
from islandrun_node.state import open_state
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.engines_on_loopback import engine
from tests.end_to_end.meshes import founded, joined, settings, up

pytestmark = pytest.mark.slow
EDGE = Grant(Tier.EDGE, "office", Ppm(900_000))
NAMES = ("desk", "phone")
CUT_SECONDS_MAX = 5.0


@dataclass
class Thief:
    """Somebody with a copy of an island's home: its key, its admission, all that it ever heard."""

    shown: Shown
    mesh_id: bytes
    records: list[attestation_pb2.SignedAttestation]

    @classmethod
    def of(cls, home: Home) -> Thief:
        membership = load_membership(home)
        with ExitStack() as stack:
            state = open_state(home, stack)
            shown = show_island(
                membership.key,
                state.admission.certificate_der,
                membership.genesis.mesh_id,
                world_clock.now().wall_ms,
            )
            records = [signed.to_wire() for signed in state.ledger.records()]
        return cls(shown, membership.genesis.mesh_id, records)

    def dial(self, door: Door) -> grpc.aio.Channel:
        return open_channel([door.address], door.key, self.shown, self.mesh_id)

    async def tell(self, door: Door) -> grpc.StatusCode:
        """Push all statements that it kept."""
        push = mesh_pb2.GossipMessage(push=mesh_pb2.Push(attestations=self.records))
        async with self.dial(door) as channel:
            call = mesh_pb2_grpc.MeshServiceStub(channel).Exchange(
                mesh_pb2.ExchangeRequest(messages=[push]), timeout=8
            )
            return await call.code()


@dataclass
class Door:
    """Where a node listens, and its key."""

    name: str
    address: str
    key: PublicKey


async def stream(channel: grpc.aio.Channel, door: Door) -> grpc.aio.UnaryStreamCall:
    request = inference_pb2.GenerateRequest(
        target=door.key,
        model="large",
        hops_left=1,
        prompt=inference_pb2.Prompt(messages=[inference_pb2.Message(role="user", text="count")]),
    )
    call = inference_pb2_grpc.InferenceServiceStub(channel).Generate(request, timeout=50)
    for _ in range(100):
        try:
            assert (await call.read()).chunks
        except grpc.aio.AioRpcError:  # the node may not have heard of the caller's admission yet
            await asyncio.sleep(0.1)
            call = inference_pb2_grpc.InferenceServiceStub(channel).Generate(request, timeout=50)
        else:
            return call
    raise AssertionError("the stream never began")


async def read_to_the_end(call: grpc.aio.UnaryStreamCall) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


async def cut_after(call: grpc.aio.UnaryStreamCall, began: float) -> float:
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await read_to_the_end(call)
    assert ended.value.code() is grpc.StatusCode.PERMISSION_DENIED
    return time.monotonic() - began


async def test_a_revocation_reaches_all_and_nothing_old_brings_the_island_back(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(engine("one two three"))
        served.hold = "after"
        backend = {"kind": "openai", "url": served.url, "models": [{"name": "large"}]}
        laptop = founded(tmp_path)
        node = await up(laptop, settings("laptop", backend=backend), stack)
        doors = [Door("laptop", f"127.0.0.1:{node.mesh_port}", load_membership(laptop).key.public)]
        lost = await joined(tmp_path, "lost", laptop, EDGE, node.mesh_port)
        running: dict[str, AsyncExitStack] = {}
        for name in NAMES:
            home = await joined(tmp_path, name, laptop, EDGE, node.mesh_port)
            running[name] = await stack.enter_async_context(AsyncExitStack())
            listening = await up(home, settings(name, backend=backend), running[name])
            doors.append(Door(name, f"127.0.0.1:{listening.mesh_port}", load_membership(home).key.public))
        thief, accomplice = Thief.of(lost), Thief.of(Home(tmp_path / "desk"))
        channels = [await stack.enter_async_context(thief.dial(door)) for door in doors]
        calls = [await stream(channel, door) for channel, door in zip(channels, doors, strict=True)]

        enrolment.revoke(laptop, load_membership(lost).key.id, "lost")
        began = time.monotonic()
        seconds = await asyncio.gather(*(cut_after(call, began) for call in calls))
        print(
            "\nstreams ended after",
            {door.name: round(took, 2) for door, took in zip(doors, seconds, strict=True)},
        )
        assert max(seconds) < CUT_SECONDS_MAX
        await all_refuse(thief, doors)
        for door in doors:  # the island's own old statements, from one who is still a member
            if door.name != "desk":
                assert await accomplice.tell(door) is grpc.StatusCode.OK
        await all_refuse(thief, doors)

        await running["phone"].aclose()
        listening = await up(Home(tmp_path / "phone"), settings("phone", backend=backend), stack)
        again = Door("phone", f"127.0.0.1:{listening.mesh_port}", doors[2].key)
        await all_refuse(thief, [again])
        assert await accomplice.tell(again) is grpc.StatusCode.OK
        await all_refuse(thief, [again])


async def all_refuse(thief: Thief, doors: list[Door]) -> None:
    assert {await thief.tell(door) for door in doors} == {grpc.StatusCode.UNAUTHENTICATED}
