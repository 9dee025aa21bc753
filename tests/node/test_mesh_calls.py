"""Gossip over real channels: a connection that hangs is not a verdict, and what waits is not lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import grpc
import pytest

from islandrun.errors import Unreachable
from islandrun.mesh.clocks import ClockState
from islandrun.mesh.machine import Mesh
from islandrun.mesh.notices import ClockJudged, Woke
from islandrun.mesh.relays import RelayPolicy
from islandrun.trust.score import TrustScore
from islandrun.v1 import mesh_pb2
from islandrun.vocabulary import IslandId, IslandView, Ppm, PublicKey, Reachability, Standing, Tier
from islandrun_node import peers as peers_module
from islandrun_node import world_clock
from islandrun_node.channels import open_channel
from islandrun_node.mesh_driver import WAITING_MESSAGES_MAX, MeshDriver
from islandrun_node.peers import Peers
from islandrun_node.presence import Presence
from islandrun_node.statements import Doors, SelfDescription
from islandrun_node.ways import Ways
from tests.node.identity_kit import Member, SmallMesh, listening, now_ms, until
from tests.node.tcp_way import tcp_way

PROBE = mesh_pb2.GossipMessage(probe=mesh_pb2.Probe(nonce=1, wall_ms=1))


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[SmallMesh]:
    small = SmallMesh.found(tmp_path)
    yield small
    small.database.close()


def view(member: Member, address: str) -> IslandView:
    return IslandView(
        id=member.key.id, key=member.key.public, name="host", tier=Tier.PERSONAL, group="home",
        jurisdictions=(), standing=Standing.ADMITTED, reachability=Reachability.ALIVE,
        trust=TrustScore(Ppm(1)), models=(), data_sets=(), endpoints=(address,), requests_max=1, load=None,
        round_trip_ms=0, attested_until_ms=0, admitted_until_ms=0,
    )  # fmt: skip


def dialling(mesh: SmallMesh, guest: Member, host: Member, address: str) -> Peers:
    shown = guest.shown(mesh.mesh_id)

    def open_to(addresses: Sequence[str], key: PublicKey) -> grpc.aio.Channel:
        return open_channel(addresses, key, shown, mesh.mesh_id)

    def island(_: IslandId) -> IslandView:
        return view(host, address)

    return Peers(Ways(open_to, island, RelayPolicy()), island)


async def test_a_connection_that_hangs_is_tried_once_more_afresh(
    mesh: SmallMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers_module, "EXCHANGE_SECONDS_MAX", 3.0)
    host, guest = mesh.admit(), mesh.admit()
    async with listening(mesh, host) as door, tcp_way(door.address) as (wire, address):
        peers = dialling(mesh, guest, host, address)
        await peers.exchange(host.key.id, [PROBE])
        assert (wire.connections, door.asked.calls) == (1, 1)
        wire.stall()
        await peers.exchange(host.key.id, [PROBE])
        assert (wire.connections, door.asked.calls) == (2, 2)
        await peers.close()


async def test_an_island_that_is_gone_is_found_out_and_costs_one_more_try(
    mesh: SmallMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers_module, "EXCHANGE_SECONDS_MAX", 3.0)
    host, guest = mesh.admit(), mesh.admit()
    async with listening(mesh, host) as door:
        peers = dialling(mesh, guest, host, door.address)
        await peers.exchange(host.key.id, [PROBE])
    for _ in range(2):
        with pytest.raises(Unreachable):
            await peers.exchange(host.key.id, [PROBE])
    await peers.close()


class Slow(Peers):
    """Calls that wait until they are let go; it notes what each carried."""

    def __init__(self) -> None:
        super().__init__(
            Ways(lambda *_: pytest.fail("dialled"), lambda _: None, RelayPolicy()), lambda _: None
        )
        self.calls: list[list[mesh_pb2.GossipMessage]] = []
        self.go = asyncio.Event()
        self.renewed = 0

    async def exchange(self, target, messages):  # type: ignore[override]
        self.calls.append(list(messages))
        await self.go.wait()
        return ()

    def renew(self) -> None:
        self.renewed += 1


def driven(mesh: SmallMesh, me: Member, peers: Peers) -> MeshDriver:
    machine = Mesh(me.key.id, mesh.ledger, world_clock.dice(), world_clock.now())
    return MeshDriver(me.key.id, machine, peers, mesh.store, lambda island: None, lambda island, why: None)


def outbox(driver: MeshDriver, target: IslandId, nonces: range) -> None:
    for nonce in nonces:
        message = mesh_pb2.GossipMessage(probe=mesh_pb2.Probe(nonce=nonce, wall_ms=now_ms()))
        driver._mesh._say(target, message)
    driver._send(driver._settle())


async def test_what_is_said_while_a_call_runs_is_sent_after_it_and_bounded(mesh: SmallMesh) -> None:
    me, other, peers = mesh.admit(), mesh.admit(), Slow()
    driver = driven(mesh, me, peers)
    outbox(driver, other.key.id, range(1, 3))
    outbox(driver, other.key.id, range(3, 200))
    await until(lambda: len(peers.calls) == 1)
    assert [message.probe.nonce for message in peers.calls[0]] == [1, 2]
    peers.go.set()
    await until(lambda: len(peers.calls) == 2)
    assert [message.probe.nonce for message in peers.calls[1]] == [*range(200 - WAITING_MESSAGES_MAX, 200)]
    await until(lambda: not driver._sending)


async def test_after_sleep_the_node_speaks_anew_on_new_connections(mesh: SmallMesh) -> None:
    peers, spoke = Slow(), []
    driver = driven(mesh, mesh.admit(), peers)
    driver.when_awake(lambda: spoke.append(True))
    driver._act_on(Woke(60.0))
    await until(lambda: spoke)
    assert peers.renewed == 1


async def test_a_node_with_a_wrong_clock_is_degraded_and_speaks_when_it_is_right(mesh: SmallMesh) -> None:
    spoke: list[bool] = []
    me = mesh.admit()
    driver = driven(mesh, me, Slow())
    driver.when_awake(lambda: spoke.append(True))
    island = SelfDescription(me.key.public, me.key.sign, "me", tuple, tuple, requests_max=1, jurisdictions=())
    presence = Presence(
        [island], mesh.ledger, mesh.database, driver, lambda: Doors(("127.0.0.1:1",)), lambda _: None
    )
    driver._act_on(ClockJudged(ClockState.WRONG, 600_000))
    assert driver.degraded() == ("clock",)
    assert presence.tell() == ()
    driver._act_on(ClockJudged(ClockState.RIGHT, 0))
    assert len(presence.tell()) == 1
    assert driver.degraded() == ()
    await until(lambda: spoke)
    assert len(spoke) == 1
