"""What a revoked island kept is worth nothing: its connection, TLS ticket, leaf and old admission."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

import grpc
import pytest
from grpc.experimental.session_cache import ssl_session_cache_lru

from islandrun.errors import RejectedMessage
from islandrun.trust.naming import dns_name, island_id
from islandrun.trust.signing import SignedAttestation
from islandrun.vocabulary import PublicKey, Standing
from islandrun_node.admissions import admit, take_away
from islandrun_node.callers import Caller, CallerGate
from islandrun_node.certificates import Shown, island_anchor
from islandrun_node.channels import open_channel
from tests.node.identity_kit import GRANT, Member, SmallMesh, exchange, exchange_on, listening, now_ms


@pytest.fixture
def mesh(tmp_path):
    mesh = SmallMesh.found(tmp_path)
    yield mesh
    mesh.database.close()


def revoke(mesh: SmallMesh, member: Member) -> None:
    mesh.learn(take_away(mesh.owner, mesh.genesis, mesh.store, member.key.public, "lost", now_ms()))


class Resumer:
    """A client that keeps its TLS tickets from one connection to the next, as no channel of a node does."""

    def __init__(self, address: str, target: PublicKey, shown: Shown, mesh_id: bytes) -> None:
        self._address = address
        self._credentials = grpc.ssl_channel_credentials(
            island_anchor(target, mesh_id), shown.key_pem, shown.chain_pem
        )
        name = dns_name(island_id(target), mesh_id)
        self._options = [
            ("grpc.ssl_target_name_override", name),
            ("grpc.ssl_session_cache", ssl_session_cache_lru(4)),
            ("grpc.use_local_subchannel_pool", 1),
        ]

    async def call(self) -> grpc.StatusCode:
        async with grpc.aio.secure_channel(
            self._address, self._credentials, options=self._options
        ) as channel:
            return await exchange_on(channel)


def tickets_seen(gate: CallerGate) -> list[bytes]:
    """Note of each connection that calls whether it came with a ticket."""
    seen: list[bytes] = []
    identify = gate._identify

    def noting(connection: Mapping[str, Sequence[bytes]], is_enrolment: bool) -> Caller:
        seen.extend(connection["ssl_session_reused"])
        return identify(connection, is_enrolment)

    gate._identify = noting
    return seen


async def test_a_tls_ticket_does_not_outlive_the_admission(mesh: SmallMesh) -> None:
    host, lost = mesh.admit(), mesh.admit()
    async with listening(mesh, host) as door:
        seen = tickets_seen(door.gate)
        resumer = Resumer(door.address, host.key.public, lost.shown(mesh.mesh_id), mesh.mesh_id)
        for _ in range(3):
            assert await resumer.call() is grpc.StatusCode.OK
        assert seen[0] == b"false"
        assert b"true" in seen, "the ticket was used, so the next refusal is one of a resumed connection"
        revoke(mesh, lost)
        del seen[:]
        assert await resumer.call() is grpc.StatusCode.UNAUTHENTICATED
        assert seen == [b"true"]
    assert door.asked.calls == 3


async def test_an_open_connection_and_a_fresh_leaf_are_refused(mesh: SmallMesh) -> None:
    host, lost = mesh.admit(), mesh.admit()
    async with listening(mesh, host) as door:
        kept = lost.shown(mesh.mesh_id)
        async with open_channel([door.address], host.key.public, kept, mesh.mesh_id) as channel:
            assert await exchange_on(channel) is grpc.StatusCode.OK
            revoke(mesh, lost)
            assert await exchange_on(channel) is grpc.StatusCode.UNAUTHENTICATED
        for shown in (kept, lost.shown(mesh.mesh_id), lost.shown(mesh.mesh_id, now_ms() + 1000)):
            code = await exchange(door.address, host.key.public, shown, mesh.mesh_id)
            assert code is grpc.StatusCode.UNAUTHENTICATED
    assert door.asked.calls == 1


async def test_old_and_new_admissions_do_not_bring_it_back(mesh: SmallMesh) -> None:
    """The owner's own signature is on them; the revocation is for good all the same."""
    host, lost = mesh.admit(), mesh.admit()
    revoke(mesh, lost)
    for record in (lost.record, newer_admission(mesh, lost)):
        with suppress(RejectedMessage):
            mesh.learn(record)
        assert mesh.ledger.standing(lost.key.id, now_ms()) is Standing.REVOKED
    async with listening(mesh, host) as door:
        code = await exchange(door.address, host.key.public, lost.shown(mesh.mesh_id), mesh.mesh_id)
    assert code is grpc.StatusCode.UNAUTHENTICATED


def newer_admission(mesh: SmallMesh, member: Member) -> SignedAttestation:
    return admit(mesh.owner, mesh.genesis, mesh.store, member.key.public, GRANT, now_ms())
