"""What a hostile island answers to gossip is bounded in count, bytes and time; a real server says it here."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import grpc
import pytest

from islandrun.errors import BrokenAnswer, TooSlow
from islandrun.mesh.machine import Envelope, Mesh
from islandrun.mesh.relays import RelayPolicy
from islandrun.v1 import mesh_pb2
from islandrun.wire.exchange import fit, read_answer
from islandrun.wire.limits import EXCHANGE_BYTES_MAX, EXCHANGE_MESSAGES_MAX, VERSIONS_PER_LIST_MAX
from islandrun_node import world_clock
from islandrun_node.channels import open_channel
from islandrun_node.mesh_driver import MeshDriver
from islandrun_node.peers import Peers
from islandrun_node.ways import Ways
from tests.node.identity_kit import Member, SmallMesh, now_ms, until
from tests.node.relay_kit import view

PROBE = mesh_pb2.GossipMessage(probe=mesh_pb2.Probe(nonce=1, wall_ms=1))
EMPTY = b"\x0a\x00"


def answer(*messages: mesh_pb2.GossipMessage) -> bytes:
    return mesh_pb2.ExchangeResponse(messages=messages).SerializeToString()


def listing() -> mesh_pb2.GossipMessage:
    """Return a list of versions as long as they get, of keys that nobody has."""
    versions = [
        mesh_pb2.RecordVersion(key=os.urandom(32), epoch=1, sequence=1, hash8=bytes(8))
        for _ in range(VERSIONS_PER_LIST_MAX)
    ]
    return mesh_pb2.GossipMessage(bucket_list=mesh_pb2.BucketList(buckets=[0], versions=versions))


TOO_MUCH = {
    "too many": EMPTY * (EXCHANGE_MESSAGES_MAX + 1),
    "a flood of empty ones": EMPTY * 500_000,
    "the most that gRPC lets through": EMPTY * (2 * 1024 * 1024 - 8),
    "too large": answer(*[listing()] * 6),
    "no message": b"\xff" * 100,
}


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[SmallMesh]:
    small = SmallMesh.found(tmp_path)
    yield small
    small.database.close()


@asynccontextmanager
async def hostile(mesh: SmallMesh, member: Member, said: Callable[[], bytes]) -> AsyncGenerator[str]:
    """Serve as a member that is admitted, and answer gossip with these bytes; None answers never."""

    async def exchange(request: bytes, context: object) -> bytes:
        content = said()
        if not content:
            await asyncio.sleep(60)
        return content

    handlers = {"Exchange": grpc.unary_unary_rpc_method_handler(exchange)}
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("islandrun.v1.MeshService", handlers),)
    )
    shown = member.shown(mesh.mesh_id)
    port = server.add_secure_port(
        "127.0.0.1:0", grpc.ssl_server_credentials([(shown.key_pem, shown.chain_pem)])
    )
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(grace=0)


@asynccontextmanager
async def calling(mesh: SmallMesh, guest: Member, host: Member, address: str) -> AsyncGenerator[Peers]:
    shown, seen = guest.shown(mesh.mesh_id), view(host, "host", endpoints=(address,))
    ways = Ways(
        lambda addresses, key: open_channel(addresses, key, shown, mesh.mesh_id),
        lambda _: seen,
        RelayPolicy(),
    )
    peers = Peers(ways, lambda _: seen)
    try:
        yield peers
    finally:
        await peers.close()


async def worst_gap_seconds(stop: asyncio.Event) -> float:
    """Return for how long the event loop stood still at most."""
    worst, last = 0.0, time.monotonic()
    while not stop.is_set():
        await asyncio.sleep(0.005)
        worst, last = max(worst, time.monotonic() - last), time.monotonic()
    return worst


@pytest.mark.parametrize("case", TOO_MUCH)
async def test_an_answer_that_is_too_much_is_not_taken_in(mesh: SmallMesh, case: str) -> None:
    me, host = mesh.admit(), mesh.admit()
    async with (
        hostile(mesh, host, lambda: TOO_MUCH[case]) as address,
        calling(mesh, me, host, address) as peers,
    ):
        with pytest.raises(BrokenAnswer):
            await peers.exchange(host.key.id, [PROBE])


async def test_it_counts_against_the_island_and_nothing_of_it_is_heard(mesh: SmallMesh) -> None:
    me, host = mesh.admit(), mesh.admit()
    complaints: list[str] = []
    said = [EMPTY * 500_000]
    async with hostile(mesh, host, lambda: said[0]) as address, calling(mesh, me, host, address) as peers:
        machine = Mesh(me.key.id, mesh.ledger, world_clock.dice(), world_clock.now())
        heard: list[Envelope] = []
        plain = machine.receive
        machine.receive = lambda envelope, now: (heard.append(envelope), plain(envelope, now))[1]  # type: ignore[method-assign]
        driver = MeshDriver(
            me.key.id, machine, peers, mesh.store, lambda _: None, lambda _, why: complaints.append(why)
        )
        driver._send((Envelope(me.key.id, host.key.id, PROBE),))
        await until(lambda: complaints)
        assert complaints[0].startswith("BROKEN_ANSWER: host: answer to gossip has more than 64")
        assert not heard
        said[0] = answer(PROBE)
        driver._send((Envelope(me.key.id, host.key.id, PROBE),))
        await until(lambda: heard)
        assert len(complaints) == 1


async def test_the_dearest_answer_that_is_allowed_does_not_hold_up_the_node(mesh: SmallMesh) -> None:
    me, host = mesh.admit(), mesh.admit()
    dear = answer(*[listing()] * 4)
    assert len(dear) <= EXCHANGE_BYTES_MAX
    async with hostile(mesh, host, lambda: dear) as address, calling(mesh, me, host, address) as peers:
        machine = Mesh(me.key.id, mesh.ledger, world_clock.dice(), world_clock.now())
        driver = MeshDriver(me.key.id, machine, peers, mesh.store, lambda _: None, lambda *_: None)
        stop = asyncio.Event()
        watching = asyncio.create_task(worst_gap_seconds(stop))
        for _ in range(3):
            await driver._exchange(host.key.id, [PROBE])
        stop.set()
        worst = await watching
    print(f"the event loop stood still for {worst * 1000:.0f} ms at most")
    assert worst < 2.0


async def test_an_island_that_never_answers_costs_two_seconds_of_nobody_elses_time(mesh: SmallMesh) -> None:
    me, host = mesh.admit(), mesh.admit()
    async with hostile(mesh, host, lambda: b"") as address, calling(mesh, me, host, address) as peers:
        began = time.monotonic()
        with pytest.raises(TooSlow):
            await peers.exchange(host.key.id, [PROBE])
        took = time.monotonic() - began
    print(f"given up after {took:.1f} s")
    assert took < 8


def test_a_writer_keeps_what_a_reader_takes() -> None:
    probes = [mesh_pb2.GossipMessage(probe=mesh_pb2.Probe(nonce=n, wall_ms=now_ms())) for n in range(200)]
    assert [message.probe.nonce for message in fit(probes)] == [*range(136, 200)]
    large = [listing() for _ in range(6)]
    kept = fit(large)
    assert kept == tuple(large[-len(kept) :])
    assert 0 < len(kept) < 6
    for messages in (fit(probes), kept, ()):
        data = mesh_pb2.ExchangeRequest(messages=messages).SerializeToString()
        assert read_answer(data) == messages


@pytest.mark.parametrize(
    ("count", "is_read"), [(EXCHANGE_MESSAGES_MAX, True), (EXCHANGE_MESSAGES_MAX + 1, False)]
)
def test_the_limit_is_where_it_is_said_to_be(count: int, is_read: bool) -> None:
    data = EMPTY * count
    if is_read:
        assert len(cast("tuple[object, ...]", read_answer(data))) == count
    else:
        with pytest.raises(Exception, match="more than 64"):
            read_answer(data)
