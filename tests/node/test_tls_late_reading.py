"""Whoever is refused is refused before it sent its request, and what is read is bounded for each caller."""

import asyncio
import gc
import weakref

import grpc
import pytest

from islandrun.v1 import mesh_pb2, mesh_pb2_grpc
from islandrun_node import late_reading
from islandrun_node.admissions import take_away
from islandrun_node.certificates import Shown, show_join
from islandrun_node.channels import ANSWER_BYTES_MAX, REQUEST_BYTES_MAX, open_channel
from tests.node.hostile_certificates import GATE, HOSTILE, Scene, two_meshes
from tests.node.identity_kit import Door, exchange_on, listening, now_ms, opened, until

EXCHANGE = "/islandrun.v1.MeshService/Exchange"
GENERATE = "/islandrun.v1.InferenceService/Generate"
JOIN = "/islandrun.v1.EnrollService/Join"
Silent = grpc.aio.StreamUnaryCall | grpc.aio.StreamStreamCall


@pytest.fixture
def scene(tmp_path):
    with two_meshes(tmp_path) as scene:
        yield scene


def dialled(scene: Scene, door: Door, shown: Shown) -> grpc.aio.Channel:
    return open_channel([door.address], scene.victim.key.public, shown, scene.mesh.mesh_id)


def silent(channel: grpc.aio.Channel, method: str = EXCHANGE, timeout: float = 8) -> Silent:
    """Open a call and send nothing; on the wire nobody sees how many requests the caller meant to send."""
    make = channel.stream_stream if method == GENERATE else channel.stream_unary
    return make(method)(timeout=timeout)


async def sent(channel: grpc.aio.Channel, data: bytes, method: str = EXCHANGE) -> grpc.StatusCode:
    return await channel.unary_unary(method)(data, timeout=20).code()


@pytest.mark.parametrize("method", [EXCHANGE, GENERATE, JOIN])
@pytest.mark.parametrize("case", sorted(GATE))
async def test_who_passes_tls_alone_is_refused_before_it_sends_a_byte(
    scene: Scene, case: str, method: str
) -> None:
    async with listening(scene.mesh, scene.victim) as door:
        async with dialled(scene, door, HOSTILE[case](scene)) as channel:
            assert await silent(channel, method).code() is grpc.StatusCode.UNAUTHENTICATED
        assert (door.asked.calls, door.endless.by, door.published) == (0, [], [])


async def test_a_revoked_island_and_a_token_of_another_service_are_refused_as_early(scene: Scene) -> None:
    async with listening(scene.mesh, scene.victim) as door:
        token = opened(scene.mesh, scene.victim, door.address)
        holder = show_join(token.join_key(), scene.mesh.mesh_id, now_ms())
        async with dialled(scene, door, holder) as channel:
            assert await silent(channel).code() is grpc.StatusCode.UNAUTHENTICATED
        async with dialled(scene, door, scene.attacker.shown(scene.mesh.mesh_id)) as channel:
            assert await exchange_on(channel) is grpc.StatusCode.OK
            assert await silent(channel, JOIN).code() is grpc.StatusCode.UNAUTHENTICATED
            revoke(scene)
            for method in (EXCHANGE, GENERATE):
                assert await silent(channel, method).code() is grpc.StatusCode.UNAUTHENTICATED
    assert door.asked.calls == 1


def revoke(scene: Scene) -> None:
    mesh = scene.mesh
    mesh.learn(take_away(mesh.owner, mesh.genesis, mesh.store, scene.attacker.key.public, "", now_ms()))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", grpc.StatusCode.OK),
        (b"\xff\xff", grpc.StatusCode.INVALID_ARGUMENT),
        (b"\x0b" * 100_000, grpc.StatusCode.INVALID_ARGUMENT),  # groups in groups in groups
        (b"\xfa\x06\x80\x80\x01" + bytes(16384), grpc.StatusCode.OK),  # a field that nobody knows
        (bytes(ANSWER_BYTES_MAX + 1), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (bytes(REQUEST_BYTES_MAX + 1), grpc.StatusCode.RESOURCE_EXHAUSTED),
    ],
    ids=["nothing", "no message", "nesting bomb", "unknown field", "over its limit", "over all limits"],
)
async def test_what_is_no_request_ends_with_the_right_word(
    scene: Scene, data: bytes, code: grpc.StatusCode
) -> None:
    async with listening(scene.mesh, scene.victim) as door:
        async with dialled(scene, door, scene.attacker.shown(scene.mesh.mesh_id)) as channel:
            assert await sent(channel, data) is code
            assert await exchange_on(channel) is grpc.StatusCode.OK, "the connection goes on"
        assert door.asked.calls == 1 + (code is grpc.StatusCode.OK)


async def test_a_small_service_takes_small_requests(scene: Scene) -> None:
    async with listening(scene.mesh, scene.victim) as door:
        token = opened(scene.mesh, scene.victim, door.address)
        async with dialled(scene, door, show_join(token.join_key(), scene.mesh.mesh_id, now_ms())) as channel:
            assert await sent(channel, bytes(16_385), JOIN) is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert await sent(channel, b"\xff", JOIN) is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("size", [100_000, 32 * 1024 * 1024])
async def test_a_compressed_bomb_is_not_blown_up(scene: Scene, size: int) -> None:
    """32 MiB of zeros travel as 32 KiB."""
    async with (
        listening(scene.mesh, scene.victim) as door,
        dialled(scene, door, scene.attacker.shown(scene.mesh.mesh_id)) as channel,
    ):
        call = channel.unary_unary(EXCHANGE)(bytes(size), timeout=20, compression=grpc.Compression.Gzip)
        assert await call.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert door.asked.calls == 0


async def test_a_call_without_its_request_is_refused(scene: Scene) -> None:
    async with (
        listening(scene.mesh, scene.victim) as door,
        dialled(scene, door, scene.attacker.shown(scene.mesh.mesh_id)) as channel,
    ):
        call = silent(channel)
        await call.done_writing()
        assert await call.code() is grpc.StatusCode.INVALID_ARGUMENT
        twice = channel.stream_unary(EXCHANGE)(iter([b"", b""]), timeout=8)
        assert await twice.code() is grpc.StatusCode.OK, "what comes after the first is never read"
    assert door.asked.calls == 1


async def test_who_sends_slowly_holds_up_itself_alone(scene: Scene, monkeypatch) -> None:
    monkeypatch.setattr(late_reading, "READ_SECONDS_MAX", 1.0)
    third = scene.mesh.admit()
    async with (
        listening(scene.mesh, scene.victim) as door,
        dialled(scene, door, scene.attacker.shown(scene.mesh.mesh_id)) as slow,
        dialled(scene, door, third.shown(scene.mesh.mesh_id)) as other,
    ):
        stuck = [silent(slow) for _ in range(late_reading.READS_PER_CALLER_MAX)]
        await until(lambda: door.gate.calls(scene.attacker.key.id) == len(stuck))
        waiting = asyncio.ensure_future(exchange_on(slow))
        assert await exchange_on(other) is grpc.StatusCode.OK
        assert await sent(slow, b"", GENERATE.replace("Generate", "Nothing")) is grpc.StatusCode.UNIMPLEMENTED
        assert door.asked.by == [third.key.id]
        for call in stuck:
            assert await call.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert await waiting is grpc.StatusCode.OK, "its turn came when the slow ones had lost theirs"


async def test_a_caller_that_leaves_gives_its_turn_back(scene: Scene) -> None:
    async with (
        listening(scene.mesh, scene.victim) as door,
        dialled(scene, door, scene.attacker.shown(scene.mesh.mesh_id)) as channel,
    ):
        for _ in range(3):
            calls = [silent(channel) for _ in range(4)]
            await until(lambda: door.gate.calls(scene.attacker.key.id) == 4)
            for call in calls:
                call.cancel()
            await until(lambda: door.gate.calls(scene.attacker.key.id) == 0)
        assert mesh_pb2.ExchangeResponse.FromString(await channel.unary_unary(EXCHANGE)(b"", timeout=8)) == (
            mesh_pb2.ExchangeResponse()
        )


class Refusing(mesh_pb2_grpc.MeshServiceServicer):
    """Refuses each call, and knows which of its frames are still alive."""

    def __init__(self) -> None:
        self.alive: weakref.WeakSet[Marker] = weakref.WeakSet()

    async def Exchange(self, request, context):  # noqa: N802 - the name of the RPC
        marker = Marker()
        self.alive.add(marker)
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no")


class Marker:
    """Lives as long as a frame."""


async def test_a_refused_request_is_forgotten_at_once(scene: Scene, monkeypatch) -> None:
    """A cycle through the frames of a call keeps its request until the collector comes, which may be long."""
    refusing = Refusing()
    monkeypatch.setattr("tests.node.identity_kit.Asked", lambda: refusing)
    async with (
        listening(scene.mesh, scene.victim) as door,
        dialled(scene, door, scene.attacker.shown(scene.mesh.mesh_id)) as channel,
    ):
        gc.collect()
        gc.disable()
        try:
            for _ in range(20):
                assert await exchange_on(channel) is grpc.StatusCode.INVALID_ARGUMENT
            await asyncio.sleep(0.1)
            assert len(refusing.alive) <= 1
        finally:
            gc.enable()
