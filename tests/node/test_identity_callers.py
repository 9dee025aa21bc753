"""The gate of the mesh listener: each call is checked, and a revoked island's running calls end at once."""

import asyncio
import time

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from islandrun.errors import RejectedMessage
from islandrun.trust.naming import dns_name
from islandrun.v1 import (
    enroll_pb2,
    enroll_pb2_grpc,
    inference_pb2,
    inference_pb2_grpc,
    mesh_pb2,
    mesh_pb2_grpc,
)
from islandrun_node import callers
from islandrun_node.admissions import ADMISSION_LIFE_MS, admit, take_away
from islandrun_node.callers import EVICTED, REFUSED, caller_of, join_token_of
from islandrun_node.certificates import island_anchor, join_anchor, show_join
from islandrun_node.channels import open_channel
from islandrun_node.join_token import JoinToken
from tests.node.hostile_certificates import HOSTILE, Scene, certificate, names_of, shown
from tests.node.identity_kit import (
    GRANT,
    Member,
    SmallMesh,
    exchange,
    exchange_on,
    listening,
    now_ms,
    opened,
    until,
)

HOUR_MS = 3_600_000


@pytest.fixture
def mesh(tmp_path):
    mesh = SmallMesh.found(tmp_path)
    yield mesh
    mesh.database.close()


def revoke(mesh: SmallMesh, member: Member) -> None:
    mesh.learn(take_away(mesh.owner, mesh.genesis, mesh.store, member.key.public, "test", now_ms()))


def generate(channel: grpc.aio.Channel):
    return inference_pb2_grpc.InferenceServiceStub(channel).Generate(
        inference_pb2.GenerateRequest(), timeout=20
    )


async def drained(call) -> tuple[grpc.StatusCode, str, float]:
    """Read a stream to its end; return code, details and how long that took from now."""
    started = time.monotonic()
    while True:
        try:
            if await call.read() is grpc.aio.EOF:
                break
        except grpc.aio.AioRpcError:
            break
    return await call.code(), await call.details(), time.monotonic() - started


async def test_a_revoked_island_is_cut_off_on_open_stream_and_old_connection(mesh: SmallMesh) -> None:
    host, guest = mesh.admit(), mesh.admit()
    shown = guest.shown(mesh.mesh_id)
    async with (
        listening(mesh, host) as door,
        open_channel([door.address], host.key.public, shown, mesh.mesh_id) as channel,
    ):
        call = generate(channel)
        await call.read()
        assert door.gate.calls(guest.key.id) == 1
        revoke(mesh, guest)
        door.gate.evict(guest.key.id)
        code, details, seconds = await drained(call)
        assert (code, details) == (grpc.StatusCode.PERMISSION_DENIED, EVICTED)
        assert seconds < 1
        await asyncio.wait_for(door.endless.stopped.wait(), 1)
        assert await exchange_on(channel) is grpc.StatusCode.UNAUTHENTICATED
        assert door.gate.calls(guest.key.id) == 0


async def test_a_waiting_unary_call_ends_too(mesh: SmallMesh) -> None:
    host, guest, other = mesh.admit(), mesh.admit(), mesh.admit()
    async with listening(mesh, host) as door:
        door.asked.delay_seconds = 10
        calls = [
            asyncio.create_task(
                exchange(door.address, host.key.public, who.shown(mesh.mesh_id), mesh.mesh_id)
            )
            for who in (guest, other)
        ]
        await until(lambda: door.asked.calls == 2)
        door.gate.evict(guest.key.id)
        assert await asyncio.wait_for(calls[0], 1) is grpc.StatusCode.PERMISSION_DENIED
        assert not calls[1].done()
        door.gate.evict(other.key.id)
        await calls[1]


async def test_a_caller_that_does_not_read_is_cut_off_too(mesh: SmallMesh) -> None:
    host, guest = mesh.admit(), mesh.admit()
    async with (
        listening(mesh, host) as door,
        open_channel([door.address], host.key.public, guest.shown(mesh.mesh_id), mesh.mesh_id) as channel,
    ):
        door.endless.pause_seconds = 0
        call = generate(channel)
        await call.read()
        await asyncio.sleep(0.5)  # until the window is full and the writer waits
        door.gate.evict(guest.key.id)
        await asyncio.wait_for(door.endless.stopped.wait(), 1)
        assert (await drained(call))[0] is grpc.StatusCode.PERMISSION_DENIED


async def test_an_admission_that_runs_out_ends_the_stream_at_the_next_check(
    mesh: SmallMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "RECHECK_SECONDS", 0.1)
    host = mesh.admit()
    guest = mesh.admit(at_ms=now_ms() - ADMISSION_LIFE_MS + 1_500)
    async with (
        listening(mesh, host) as door,
        open_channel([door.address], host.key.public, guest.shown(mesh.mesh_id), mesh.mesh_id) as channel,
    ):
        code, _, seconds = await drained(generate(channel))
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert seconds < 3


async def test_a_cancelled_call_stops_its_handler(mesh: SmallMesh) -> None:
    host, guest = mesh.admit(), mesh.admit()
    async with (
        listening(mesh, host) as door,
        open_channel([door.address], host.key.public, guest.shown(mesh.mesh_id), mesh.mesh_id) as channel,
    ):
        call = generate(channel)
        await call.read()
        call.cancel()
        await asyncio.wait_for(door.endless.stopped.wait(), 2)
        await until(lambda: not door.gate.calls(guest.key.id))


async def test_every_refusal_has_one_text_and_the_reason_stays_in_the_log(mesh: SmallMesh, caplog) -> None:
    host, unknown, revoked = mesh.admit(), mesh.admit(), mesh.admit()
    mesh.ledger = type(mesh.ledger)(
        mesh.genesis
    )  # a host that has heard of nobody but itself and the revoked
    for record in (host.record, revoked.record):
        mesh.learn(record)
    revoke(mesh, revoked)
    async with listening(mesh, host) as door:
        for who, reason in ((unknown, "not known"), (revoked, "revoked")):
            shown = who.shown(mesh.mesh_id)
            async with open_channel([door.address], host.key.public, shown, mesh.mesh_id) as channel:
                call = mesh_pb2_grpc.MeshServiceStub(channel).Exchange(mesh_pb2.ExchangeRequest(), timeout=8)
                assert await call.code() is grpc.StatusCode.UNAUTHENTICATED
                assert await call.details() == REFUSED
            assert reason in caplog.text
        assert sum(door.gate.refusals.values()) == 2


async def test_a_leaf_from_before_a_renewal_of_the_admission_still_counts(mesh: SmallMesh) -> None:
    host, guest = mesh.admit(), mesh.admit(at_ms=now_ms() - HOUR_MS)
    before = guest.shown(mesh.mesh_id)
    mesh.learn(admit(mesh.owner, mesh.genesis, mesh.store, guest.key.public, GRANT, now_ms()))
    async with listening(mesh, host) as door:
        code = await exchange(door.address, host.key.public, before, mesh.mesh_id)
    assert code is grpc.StatusCode.OK


async def test_a_caller_without_a_certificate_is_refused(mesh: SmallMesh) -> None:
    host = mesh.admit()
    credentials = grpc.ssl_channel_credentials(island_anchor(host.key.public, mesh.mesh_id))
    name = ("grpc.ssl_target_name_override", dns_name(host.key.id, mesh.mesh_id))
    async with (
        listening(mesh, host) as door,
        grpc.aio.secure_channel(door.address, credentials, options=[name]) as channel,
    ):
        assert await exchange_on(channel) is grpc.StatusCode.UNAVAILABLE
        assert door.asked.calls == 0


async def test_islands_and_token_holders_each_have_their_own_services(mesh: SmallMesh) -> None:
    host, guest = mesh.admit(), mesh.admit()
    async with listening(mesh, host) as door:
        token: JoinToken = opened(mesh, host, door.address)
        join_key = token.join_key()
        holder = show_join(join_key, mesh.mesh_id, now_ms())
        assert (
            await exchange(door.address, host.key.public, holder, mesh.mesh_id)
            is grpc.StatusCode.UNAUTHENTICATED
        )
        shown = guest.shown(mesh.mesh_id)
        async with open_channel([door.address], host.key.public, shown, mesh.mesh_id) as channel:
            join = enroll_pb2_grpc.EnrollServiceStub(channel).Join(enroll_pb2.JoinRequest(), timeout=8)
            assert await join.code() is grpc.StatusCode.UNAUTHENTICATED
        assert door.asked.calls == 0


async def test_a_token_holder_cannot_pose_as_an_island(mesh: SmallMesh) -> None:
    """The name constraints on its anchor keep it to its own name."""
    host, victim = mesh.admit(), mesh.admit()
    async with listening(mesh, host) as door:
        join_key = opened(mesh, host, door.address).join_key()
        posing = show_join_as(join_key, victim, mesh)
        code = await exchange(door.address, host.key.public, posing, mesh.mesh_id)
    assert code is grpc.StatusCode.UNAVAILABLE


def show_join_as(join_key, victim: Member, mesh: SmallMesh):
    anchor = x509.load_pem_x509_certificate(join_anchor(join_key.public, mesh.mesh_id, now_ms() + HOUR_MS))
    key = ec.generate_private_key(ec.SECP256R1())
    names = names_of(victim.key.public, mesh.mesh_id)
    return shown(key, certificate(join_key.for_x509(), anchor.subject, key, names))


async def test_one_island_cannot_hold_every_call(mesh: SmallMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "CALLS_PER_CALLER_MAX", 2)
    host, guest, other = mesh.admit(), mesh.admit(), mesh.admit()
    async with (
        listening(mesh, host) as door,
        open_channel([door.address], host.key.public, guest.shown(mesh.mesh_id), mesh.mesh_id) as channel,
    ):
        calls = [generate(channel) for _ in range(2)]
        for call in calls:
            await call.read()
        assert await exchange_on(channel) is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert await exchange(door.address, host.key.public, other.shown(mesh.mesh_id), mesh.mesh_id) is (
            grpc.StatusCode.OK
        )
        for call in calls:
            call.cancel()


async def test_old_tls_and_missing_or_double_leaves_are_refused(mesh: SmallMesh) -> None:
    host, guest = mesh.admit(), mesh.admit()
    async with listening(mesh, host) as door:
        pem = guest.shown(mesh.mesh_id).chain_pem.partition(b"-----BEGIN")[2]
        leaf = b"-----BEGIN" + pem.partition(b"-----BEGIN")[0]
        good = {"ssl_tls_version": [b"TLSv1.3"], "x509_pem_cert": [leaf]}
        assert door.gate._identify(good, "").island == guest.key.id
        for change in (
            {"ssl_tls_version": [b"TLSv1.2"]},
            {"ssl_tls_version": []},
            {"x509_pem_cert": []},
            {"x509_pem_cert": [leaf, leaf]},
            {"x509_pem_cert": [b"x" * 100_000]},
            {"x509_pem_cert": [b"nonsense"]},
        ):
            with pytest.raises(RejectedMessage):
                door.gate._identify(good | change, "")


async def test_a_known_leaf_is_refused_once_it_is_over(
    mesh: SmallMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, guest = mesh.admit(), mesh.admit()
    async with (
        listening(mesh, host) as door,
        open_channel([door.address], host.key.public, guest.shown(mesh.mesh_id), mesh.mesh_id) as channel,
    ):
        assert await exchange_on(channel) is grpc.StatusCode.OK
        later = callers.world_clock.now()
        monkeypatch.setattr(
            callers.world_clock, "now", lambda: type(later)(later.seconds, later.wall_ms + 25 * HOUR_MS)
        )
        assert await exchange_on(channel) is grpc.StatusCode.UNAUTHENTICATED


async def test_outside_of_a_call_nobody_is_calling() -> None:
    with pytest.raises(RejectedMessage):
        caller_of(None)
    with pytest.raises(RejectedMessage):
        join_token_of(None)


async def test_the_memory_for_leaves_is_bounded(mesh: SmallMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "LEAVES_MAX", 2)
    host, guest = mesh.admit(), mesh.admit()
    async with listening(mesh, host) as door:
        for _ in range(4):
            shown = guest.shown(mesh.mesh_id)
            assert await exchange(door.address, host.key.public, shown, mesh.mesh_id) is grpc.StatusCode.OK
        assert len(door.gate._leaves) == 2


async def test_a_hostile_leaf_is_judged_anew_each_time(mesh: SmallMesh, tmp_path) -> None:
    scene = Scene(mesh, mesh.admit(), mesh.admit(), mesh, mesh.admit())
    hostile = HOSTILE["own DNS only"](scene)
    async with listening(mesh, scene.victim) as door:
        for _ in range(3):
            code = await exchange(door.address, scene.victim.key.public, hostile, mesh.mesh_id)
            assert code is grpc.StatusCode.UNAUTHENTICATED
        assert len(door.gate._leaves) == 0


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("own URI, victim's DNS", "different islands"),
        ("victim's names", "not signed"),
        ("victim's URI, own DNS", "different islands"),
        ("foreign mesh", "not an island of this mesh"),
        ("expired leaf", "time window"),
        ("server use only", "not made for clients"),
        ("wrong use", "not made for clients"),
        ("self-signed", "not signed"),
        ("borrowed admission", "not signed"),
        ("extra intermediate", "not signed"),
        ("forged admission", "not known"),
    ],
)
async def test_the_gate_alone_would_refuse_what_the_handshake_refuses(
    tmp_path, mesh: SmallMesh, case: str, reason: str
) -> None:
    """Two guards: each of them holds if a version of TLS lets the other down."""
    elsewhere = SmallMesh.found(tmp_path / "elsewhere")
    scene = Scene(mesh, mesh.admit(), mesh.admit(), elsewhere, elsewhere.admit())
    elsewhere.database.close()
    async with listening(mesh, scene.victim) as door:
        leaf = x509.load_pem_x509_certificates(HOSTILE[case](scene).chain_pem)[0]
        connection = {"ssl_tls_version": [b"TLSv1.3"], "x509_pem_cert": [leaf.public_bytes(Encoding.PEM)]}
        with pytest.raises(RejectedMessage, match=reason):
            door.gate._identify(connection, "")


async def test_a_spent_token_is_refused_on_its_open_connection(mesh: SmallMesh) -> None:
    host = mesh.admit()
    async with listening(mesh, host) as door:
        join_key = opened(mesh, host, door.address).join_key()
        holder = show_join(join_key, mesh.mesh_id, now_ms())
        async with open_channel([door.address], host.key.public, holder, mesh.mesh_id) as channel:
            stub = enroll_pb2_grpc.EnrollServiceStub(channel)
            open_call = stub.Join(enroll_pb2.JoinRequest(), timeout=8)
            assert await open_call.code() is grpc.StatusCode.INVALID_ARGUMENT
            with mesh.database.transaction() as cursor:
                cursor.execute("UPDATE tokens SET state = 'DONE'")
            spent = stub.Join(enroll_pb2.JoinRequest(), timeout=8)
            assert await spent.code() is grpc.StatusCode.UNAUTHENTICATED
