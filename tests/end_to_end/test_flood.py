"""An admitted liar floods a real node with statements as fast as it can: the node lives and answers.

What the node grew by and how long honest probes took is printed (pytest -s).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import psutil
import pytest

from islandrun.trust.claims import Header, SelfClaims
from islandrun.trust.signing import sign
from islandrun.v1 import attestation_pb2, mesh_pb2, mesh_pb2_grpc
from islandrun.vocabulary import Ppm, Tier
from islandrun_node import world_clock
from islandrun_node.home import Home
from islandrun_node.identity import load_membership
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.meshes import founded, joined, process
from tests.end_to_end.test_revocation_everywhere import Door, Thief

pytestmark = pytest.mark.slow
EDGE = Grant(Tier.EDGE, "office", Ppm(900_000))
RECORDS_PER_PUSH = 400
FLOODS_AT_ONCE = 4
GROWTH_MIB_MAX = 64


def truly_signed(home: Home, count: int) -> list[attestation_pb2.SignedAttestation]:
    """Return statements of an island about itself, each newer than the one before."""
    membership = load_membership(home)
    now_ms = world_clock.now().wall_ms
    records = []
    for number in range(count):
        header = Header(
            mesh_id=membership.genesis.mesh_id,
            issuer=membership.key.public,
            subject=membership.key.public,
            sequence=now_ms + number,
            issued_at_ms=now_ms,
            not_before_ms=now_ms,
            not_after_ms=now_ms + 3_600_000,
        )
        claims = SelfClaims(
            header=header, name="liar", incarnation=now_ms + number, endpoints=("127.0.0.1:9",)
        )
        records.append(sign(claims, membership.key.sign).to_wire())
    return records


def forged(record: attestation_pb2.SignedAttestation, number: int) -> attestation_pb2.SignedAttestation:
    copy = attestation_pb2.SignedAttestation.FromString(record.SerializeToString())
    copy.signature = number.to_bytes(64, "big")
    return copy


@dataclass
class Flood:
    """What was sent, and what became of it."""

    records: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    probe_ms: list[float] = field(default_factory=list)

    async def pour(self, channel: grpc.aio.Channel, pushes: list[bytes]) -> None:
        """Send all pushes again and again, until cancelled."""
        exchange = channel.unary_unary("/islandrun.v1.MeshService/Exchange")
        while True:
            for push in pushes:
                try:
                    await exchange(push, timeout=30)
                    self.ended["ok"] += 1
                except grpc.aio.AioRpcError as error:
                    self.ended[error.code().name] += 1
                self.records += RECORDS_PER_PUSH

    async def probe(self, channel: grpc.aio.Channel) -> None:
        """Ask as an honest member does, ten times a second."""
        stub = mesh_pb2_grpc.MeshServiceStub(channel)
        nonce = 0
        while True:
            nonce += 1
            message = mesh_pb2.GossipMessage(probe=mesh_pb2.Probe(nonce=nonce))
            began = time.monotonic()
            answer = await stub.Exchange(mesh_pb2.ExchangeRequest(messages=[message]), timeout=30)
            assert [
                one.probe_ack.nonce for one in answer.messages if one.WhichOneof("body") == "probe_ack"
            ] == [nonce]
            self.probe_ms.append((time.monotonic() - began) * 1000)
            await asyncio.sleep(0.1)

    def percentile(self, share: float) -> float:
        return sorted(self.probe_ms)[min(len(self.probe_ms) - 1, int(len(self.probe_ms) * share))]


def pushed(records: list[attestation_pb2.SignedAttestation]) -> list[bytes]:
    return [
        mesh_pb2.ExchangeRequest(
            messages=[
                mesh_pb2.GossipMessage(push=mesh_pb2.Push(attestations=records[at : at + RECORDS_PER_PUSH]))
            ]
        ).SerializeToString()
        for at in range(0, len(records), RECORDS_PER_PUSH)
    ]


@asynccontextmanager
async def victim(path: Path) -> AsyncIterator[tuple[Door, psutil.Process, Home, Home]]:
    """Run the owner's node as a process; return it with the homes of a liar and of an honest member."""
    laptop = founded(path)
    async with AsyncExitStack() as stack:
        node = await stack.enter_async_context(process(laptop, ""))
        port = int(json.loads(laptop.running.read_text())["mesh"].rpartition(":")[2])
        homes = [await joined(path, name, laptop, EDGE, port) for name in ("liar", "honest")]
        door = Door("laptop", f"127.0.0.1:{port}", load_membership(laptop).key.public)
        await asyncio.sleep(0.5)
        yield door, psutil.Process(node.pid), *homes
        assert node.returncode is None, "the node died"


async def flooded(path: Path, seconds: float) -> tuple[Flood, float]:
    """Flood a node for some seconds; return what happened and by how many MiB it grew."""
    async with victim(path) as (door, node, liar, honest), AsyncExitStack() as stack:
        flood, attacker, member = Flood(), Thief.of(liar), Thief.of(honest)
        true = truly_signed(liar, 10 * RECORDS_PER_PUSH)
        bad = [forged(record, number) for number, record in enumerate(true[: 2 * RECORDS_PER_PUSH])]
        pushes = pushed(true) + pushed(bad)
        quiet = await stack.enter_async_context(member.dial(door))
        tasks = [asyncio.create_task(flood.probe(quiet))]
        await asyncio.sleep(1)
        calm = node.memory_info().rss
        for _ in range(FLOODS_AT_ONCE):
            channel = await stack.enter_async_context(attacker.dial(door))
            tasks.append(asyncio.create_task(flood.pour(channel, pushes)))
        peak, until = calm, time.monotonic() + seconds
        while time.monotonic() < until:
            await asyncio.sleep(0.1)
            peak = max(peak, node.memory_info().rss)
            assert not [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return flood, (peak - calm) / (1 << 20)


def report(flood: Flood, grown: float, seconds: float) -> None:
    p50, p99 = flood.percentile(0.5), flood.percentile(0.99)
    print(
        f"\n{flood.records / seconds:.0f} records/s ({dict(flood.ended)}), grew by {grown:.1f} MiB; "
        f"{len(flood.probe_ms)} probes: p50 {p50:.0f} ms, p99 {p99:.0f} ms"
    )


async def test_a_flood_of_statements_is_survived(tmp_path: Path) -> None:
    flood, grown = await flooded(tmp_path, 3)
    report(flood, grown, 3)
    assert grown < GROWTH_MIB_MAX
    assert len(flood.probe_ms) > 5


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_minute_of_flood_is_survived(tmp_path: Path) -> None:
    flood, grown = await flooded(tmp_path, 60)
    report(flood, grown, 60)
    assert grown < GROWTH_MIB_MAX
    assert len(flood.probe_ms) > 60
