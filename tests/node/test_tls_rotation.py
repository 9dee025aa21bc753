"""Leaves and admissions are renewed on both sides under load: no call fails, and no stream is cut.

The load goes through `Peers`, as that of a node does. The figures of the long run are printed (pytest -s).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
import pytest

from islandrun.errors import ForwardFailed
from islandrun.mesh.relays import RelayPolicy
from islandrun.v1 import inference_pb2, inference_pb2_grpc
from islandrun.vocabulary import IslandId, IslandView, PublicKey
from islandrun_node.channels import open_channel
from islandrun_node.peers import Peers
from islandrun_node.tls import TlsIdentity
from islandrun_node.ways import Ways
from tests.node.identity_kit import Door, Member, SmallMesh, listening, now_ms
from tests.node.test_mesh_calls import view

CALLS_PER_SECOND = 100
CALLS_AT_ONCE = 32
STREAMS = 4


@dataclass
class Load:
    """Calls of one island to another, at a steady rate, and streams that stay open."""

    peers: Peers
    target: IslandId
    ended: Counter[str] = field(default_factory=Counter)
    slowest_ms: float = 0.0

    async def call(self) -> None:
        began = time.monotonic()
        try:
            await self.peers.exchange(self.target, ())
        except ForwardFailed as error:
            self.ended[repr(error)] += 1
        else:
            self.ended["ok"] += 1
        self.slowest_ms = max(self.slowest_ms, (time.monotonic() - began) * 1000)

    async def run(self) -> None:
        """Start a call every 10 ms; on a machine that cannot keep up, when one of those before has ended."""
        free = asyncio.Semaphore(CALLS_AT_ONCE)

        async def call() -> None:
            await self.call()
            free.release()

        async with asyncio.TaskGroup() as running:
            due = time.monotonic()
            while True:
                due = max(due + 1 / CALLS_PER_SECOND, time.monotonic() - 1)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                await free.acquire()
                running.create_task(call())


@dataclass
class Rotation:
    """Two islands whose leaves, and now and then whose admissions, are new whenever `turn` is called."""

    mesh: SmallMesh
    door: Door
    members: tuple[Member, Member]
    identities: tuple[TlsIdentity, TlsIdentity]
    peers: Peers
    turns: int = 0

    def turn(self) -> None:
        self.turns += 1
        for member, identity in zip(self.members, self.identities, strict=True):
            if self.turns % 10 == 0:
                admission = self.mesh.admit(member.key, now_ms()).admission
                identity.renew_admission(admission.certificate_der)
            identity._shown = None  # as at half life
        self.peers.renew()


@asynccontextmanager
async def rotating(mesh: SmallMesh) -> AsyncIterator[Rotation]:
    host, guest = mesh.admit(), mesh.admit()
    identity = TlsIdentity(guest.key, guest.admission.certificate_der, mesh.genesis)
    async with listening(mesh, host) as door:
        known = view(host, door.address)

        def open_to(addresses: Sequence[str], key: PublicKey) -> grpc.aio.Channel:
            return open_channel(addresses, key, identity.shown(now_ms()), mesh.mesh_id)

        def island(_: IslandId) -> IslandView:
            return known

        peers = Peers(Ways(open_to, island, RelayPolicy()), island)
        yield Rotation(mesh, door, (host, guest), (door.identity, identity), peers)
        await peers.close()


@pytest.fixture
def mesh(tmp_path):
    mesh = SmallMesh.found(tmp_path)
    yield mesh
    mesh.database.close()


async def stream_of(rotation: Rotation) -> grpc.aio.UnaryStreamCall:
    """Open a stream as `Peers.generate` does, and return it once it runs."""
    way = await rotation.peers._ways.to(rotation.peers._view(rotation.members[0].key.id))
    stub = inference_pb2_grpc.InferenceServiceStub(way.channel)
    call = stub.Generate(inference_pb2.GenerateRequest(), timeout=500)
    assert (await call.read()).chunks
    return call


async def under_load(rotation: Rotation, turns: int, pause_seconds: float) -> tuple[Load, int]:
    """Rotate under load; return what became of the calls, and how many messages the streams brought."""
    streams: list[grpc.aio.UnaryStreamCall] = []
    messages = 0

    async def read(call: grpc.aio.UnaryStreamCall) -> None:
        nonlocal messages
        while await call.read() is not grpc.aio.EOF:
            messages += 1
        raise AssertionError(f"a stream ended: {await call.code()}")

    load = Load(rotation.peers, rotation.members[0].key.id)
    tasks = [asyncio.create_task(load.run())]
    for _ in range(turns):
        if len(streams) < STREAMS or rotation.turns % (turns // 4) == 0:
            streams.append(await stream_of(rotation))
            tasks.append(asyncio.create_task(read(streams[-1])))
        rotation.turn()
        await asyncio.sleep(pause_seconds)
    assert not [task for task in tasks if task.done()], [task for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return load, messages


async def test_calls_and_streams_go_on_while_leaves_rotate(mesh: SmallMesh) -> None:
    async with rotating(mesh) as rotation:
        rotation.door.endless.pause_seconds = 0.2
        load, messages = await under_load(rotation, 40, 0.05)
    assert set(load.ended) == {"ok"}
    assert load.ended["ok"] > 40
    assert messages > STREAMS


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_thousand_rotations_under_load(mesh: SmallMesh) -> None:
    async with rotating(mesh) as rotation:
        rotation.door.endless.pause_seconds = 0.2
        began = time.monotonic()
        load, messages = await under_load(rotation, 1000, 0.1)
        seconds = time.monotonic() - began
    calls = sum(load.ended.values())
    print(
        f"\n1000 rotations in {seconds:.0f} s, {calls} calls ({calls / seconds:.0f}/s), "
        f"{calls - load.ended['ok']} failed, slowest {load.slowest_ms:.0f} ms, {messages} messages of streams"
    )
    assert set(load.ended) == {"ok"}
    assert messages > 1000
