"""A relay lets in whom the owner admits, joins whom it invited, and bounds what it carries."""

import asyncio
from pathlib import Path

import grpc
import pytest

from islandrun.mesh import switchboard
from islandrun.v1 import inference_pb2, inference_pb2_grpc, relay_pb2, relay_pb2_grpc
from islandrun_node.admissions import take_away
from islandrun_node.services import relay as relay_module
from tests.node.identity_kit import Member, SmallMesh, exchange_on, now_ms, until
from tests.node.relay_kit import Trio, opener, trio


@pytest.fixture
def mesh(tmp_path: Path) -> SmallMesh:
    return SmallMesh.found(tmp_path)


def stub_of(three: Trio, member: Member) -> tuple[grpc.aio.Channel, relay_pb2_grpc.RelayServiceStub]:
    channel = opener(three.mesh, member)((three.relay_door.address,), three.relay.key.public)
    return channel, relay_pb2_grpc.RelayServiceStub(channel)


def revoke(mesh: SmallMesh, member: Member) -> None:
    mesh.learn(take_away(mesh.owner, mesh.genesis, mesh.store, member.key.public, "lost", now_ms()))


async def drained(call: grpc.aio.UnaryStreamCall) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


async def _code(call: grpc.aio.StreamStreamCall) -> grpc.StatusCode:
    return await asyncio.wait_for(call.code(), 10)


async def test_only_admitted_islands_attach_and_dial(mesh: SmallMesh) -> None:
    async with trio(mesh) as three:
        stranger = SmallMesh.found(Path(mesh.database.path).parent / "other").admit()
        revoked = mesh.admit()
        revoke(mesh, revoked)
        for member in (stranger, revoked):
            channel, stub = stub_of(three, member)
            async with channel:
                call = stub.Attach(relay_pb2.AttachRequest())
                assert await _code(call) in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNAVAILABLE)
        assert not three.relay_door.service._joints


async def test_a_stolen_invitation_is_worth_nothing(mesh: SmallMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "ANSWER_SECONDS_MAX", 0.5)
    async with trio(mesh) as three:
        silent, thief = mesh.admit(), mesh.admit()
        silent_channel, silent_stub = stub_of(three, silent)
        thief_channel, thief_stub = stub_of(three, thief)
        caller_channel, caller_stub = stub_of(three, three.caller)
        async with silent_channel, thief_channel, caller_channel:
            attached = silent_stub.Attach(relay_pb2.AttachRequest())
            await attached.initial_metadata()
            dialled = caller_stub.Dial()
            await dialled.write(relay_pb2.DialRequest(to=silent.key.public))
            invitation = await attached.read()
            assert getattr(invitation, "from") == three.caller.key.public
            stolen = thief_stub.Splice()
            await stolen.write(relay_pb2.SpliceRequest(connection_id=invitation.connection_id))
            assert await _code(stolen) is grpc.StatusCode.INVALID_ARGUMENT
            assert await _code(dialled) is grpc.StatusCode.UNAVAILABLE
            assert "did not take up" in await dialled.details()
            late = silent_stub.Splice()
            await late.write(relay_pb2.SpliceRequest(connection_id=invitation.connection_id))
            assert await _code(late) is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_pipe_that_is_too_many_is_refused(mesh: SmallMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switchboard, "PIPES_PER_PAIR_MAX", 1)
    async with trio(mesh) as three:
        await three.ways.to(three.target)
        channel, stub = stub_of(three, three.caller)
        async with channel:
            call = stub.Dial()
            await call.write(relay_pb2.DialRequest(to=three.hidden.key.public))
            assert await _code(call) is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_silent_pipe_ends_and_the_next_call_opens_another(
    mesh: SmallMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switchboard, "IDLE_SECONDS_MAX", 0.5)
    async with trio(mesh) as three:
        way = await three.ways.to(three.target)
        assert (await exchange_on(way.channel)).name == "OK"
        await until(lambda: not three.relay_door.service._joints)
        assert not three.relay_door.service._switchboard.pipes(three.hidden.key.id)
        await until(lambda: way.channel.get_state() is not grpc.ChannelConnectivity.READY)
        assert (await exchange_on(way.channel)).name == "OK"


@pytest.mark.parametrize("end", ["caller", "hidden"])
async def test_a_revoked_end_is_cut_in_the_middle(mesh: SmallMesh, end: str) -> None:
    async with trio(mesh) as three:
        way = await three.ways.to(three.target)
        stub = inference_pb2_grpc.InferenceServiceStub(way.channel)
        call = stub.Generate(inference_pb2.GenerateRequest())
        await call.read()
        member = getattr(three, end)
        revoke(mesh, member)
        three.relay_door.gate.evict(member.key.id)
        await until(lambda: not three.relay_door.service._joints)
        async with asyncio.timeout(5):
            with pytest.raises(grpc.aio.AioRpcError):
                await drained(call)


async def test_a_newer_attachment_takes_the_place_of_an_older(mesh: SmallMesh) -> None:
    async with trio(mesh) as three:
        channel, stub = stub_of(three, three.hidden)
        async with channel:
            newer = stub.Attach(relay_pb2.AttachRequest())
            await newer.initial_metadata()
            await until(lambda: not three.attachments.relays)
            await until(lambda: three.attachments.relays)  # the island itself comes back after a pause
            assert await newer.read() is grpc.aio.EOF


async def test_a_slow_bucket_slows_the_pipe_and_loses_nothing(mesh: SmallMesh) -> None:
    async with trio(mesh, rate=20_000) as three:
        loop = asyncio.get_running_loop()
        way = await three.ways.to(three.target)
        stub = inference_pb2_grpc.InferenceServiceStub(way.channel)
        three.door.endless.pause_seconds = 0.0
        call = stub.Generate(inference_pb2.GenerateRequest())
        began, size = loop.time(), 0
        while size < 40_000:
            size += sum(len(chunk.text) for chunk in (await call.read()).chunks)
        assert loop.time() - began > 0.5
        call.cancel()
