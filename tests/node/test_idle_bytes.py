"""What keeps idle islands cheap: a call of gossip is all that its connection carries, and says two things."""

from __future__ import annotations

import asyncio
from pathlib import Path

from islandrun.v1 import mesh_pb2, mesh_pb2_grpc
from islandrun_node.channels import open_channel
from tests.node.identity_kit import SmallMesh, listening, now_ms
from tests.node.tcp_way import tcp_way
from tests.simulation.watched_world import WatchedWorld

CALLS = 20
CALL_BYTES_MAX = 300
"""TLS records of one call both ways, without a ping. Measuring the window would add 150 bytes and more."""


async def test_a_warm_call_costs_few_bytes_and_nothing_follows_it(tmp_path: Path) -> None:
    mesh = SmallMesh.found(tmp_path)
    host, guest = mesh.admit(), mesh.admit()
    probe = mesh_pb2.GossipMessage(probe=mesh_pb2.Probe(nonce=1 << 60, wall_ms=now_ms()))
    request = mesh_pb2.ExchangeRequest(messages=[probe])
    shown = guest.shown(mesh.mesh_id)
    async with (
        listening(mesh, host) as door,
        tcp_way(door.address) as (way, address),
        open_channel([address], host.key.public, shown, mesh.mesh_id) as channel,
    ):
        exchange = mesh_pb2_grpc.MeshServiceStub(channel).Exchange
        for _ in range(3):
            await exchange(request, timeout=8)
        before = way.size_bytes
        for _ in range(CALLS):
            await exchange(request, timeout=8)
            await asyncio.sleep(0.02)
        each = (way.size_bytes - before) / CALLS
    mesh.database.close()
    print(f"a warm call takes {each:.0f} bytes of TLS")
    assert each < CALL_BYTES_MAX


def test_tables_are_compared_in_a_call_that_probes_anyway() -> None:
    world = WatchedWorld(3, 8, settle=20)
    said: dict[tuple[float, str, str], set[str]] = {}
    plain = world._send

    def noted(envelope: object) -> None:
        body = envelope.message.WhichOneof("body")  # type: ignore[attr-defined]
        said.setdefault((world.seconds, envelope.source, envelope.target), set()).add(body)  # type: ignore[attr-defined]
        plain(envelope)  # type: ignore[arg-type]

    world._send = noted  # type: ignore[method-assign]
    world.run(60)
    compared = [bodies for bodies in said.values() if "digest" in bodies]
    assert len(compared) >= 8 * 60 / 6
    assert all("probe" in bodies for bodies in compared)
    compared_with = {(source, target) for (_, source, target), bodies in said.items() if "digest" in bodies}
    assert len({target for _, target in compared_with}) == 8
    assert len(compared_with) > 8 * 7 / 2, "it is not always the same member"
