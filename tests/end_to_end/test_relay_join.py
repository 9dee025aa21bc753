"""An admitter whom nobody can dial invites over a relay; who joins so dials out, and can do nothing else."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from islandrun.errors import IslandRunError
from islandrun.v1 import mesh_pb2, mesh_pb2_grpc, relay_pb2, relay_pb2_grpc
from islandrun.vocabulary import Ppm, Tier
from islandrun_node import delegation, enrolment, world_clock
from islandrun_node.certificates import show_join
from islandrun_node.channels import open_channel
from islandrun_node.home import Home
from islandrun_node.identity import load_membership
from islandrun_node.join_token import JoinToken, parse
from islandrun_node.rulings import Limits
from tests.end_to_end.meshes import process
from tests.end_to_end.relayed_mesh import RELAYED, SERVING, RelayedMesh, relayed_mesh

pytestmark = pytest.mark.slow
LIMITS = Limits(2, Tier.EDGE, Ppm(700_000), ("office",))


@dataclass(frozen=True, slots=True)
class Scene:
    """An admitter without a door, a relay that carries calls to it, and a token that names it alone."""

    mesh: RelayedMesh
    admitter: Home
    relay: Home
    token: str

    @property
    def read(self) -> JoinToken:
        return parse(self.token, world_clock.now().wall_ms)


async def invited(admitter: Home) -> str:
    """Invite as a person does, by the command, as soon as the admitter has heard that it is one."""
    command = [sys.executable, "-m", "islandrun_node", "--json", "--home", str(admitter.path), "invite"]
    grant = ["--tier", "edge", "--group", "office", "--trust", "0.7", "--no-confirm"]
    for _ in range(50):
        done = await asyncio.create_subprocess_exec(
            *command, *grant, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        out, _ = await done.communicate()
        if done.returncode == 0:
            facts = json.loads(out)
            assert facts["addresses"] == []
            assert len(facts["relays"]) == 1
            return str(facts["token"])
        await asyncio.sleep(0.2)
    raise AssertionError("the admitter never heard that it is one")


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with relayed_mesh(tmp_path, {"north": SERVING}) as mesh:
        await mesh.until_reached()
        hidden = Home(tmp_path / "hidden")
        delegation.add(mesh.laptop, delegation.request(hidden), LIMITS)
        yield Scene(mesh, hidden, Home(tmp_path / "north"), await invited(hidden))


async def join(scene: Scene, home: Home) -> None:
    """Join; a moment after the invitation the relay may not have heard of it yet."""
    for _ in range(20):
        try:
            await enrolment.join(home, scene.token, home.path.name)
            return
        except IslandRunError as error:
            last = error
            await asyncio.sleep(0.3)
    raise last


def at_relay(scene: Scene) -> grpc.aio.Channel:
    """Return a channel to the relay as the holder of the token has it."""
    token = scene.read
    shown = show_join(token.join_key(), token.mesh_id, world_clock.now().wall_ms)
    (door,) = token.relays
    return open_channel((door.address,), door.key, shown, token.mesh_id)


async def until_expected(scene: Scene, channel: grpc.aio.Channel) -> None:
    """Wait until the relay lets the holder of the token dial the admitter."""
    for _ in range(50):
        if await dialled(channel, scene.read.issuer):
            return
        await asyncio.sleep(0.2)
    raise AssertionError("the relay never heard of the token")


async def dialled(channel: grpc.aio.Channel, to: bytes) -> bool:
    """Ask for a pipe; say whether it was joined."""
    call = relay_pb2_grpc.RelayServiceStub(channel).Dial()
    try:
        async with asyncio.timeout(8):
            await call.write(relay_pb2.DialRequest(to=to))
            await call.initial_metadata()
        return not call.done()
    except (TimeoutError, grpc.aio.AioRpcError, asyncio.InvalidStateError):
        return False
    finally:
        call.cancel()


@pytest.mark.long
async def test_an_island_joins_at_an_admitter_whom_nobody_can_dial(scene: Scene, tmp_path: Path) -> None:
    assert scene.read.addresses == ()
    home = Home(tmp_path / "desk")
    await join(scene, home)
    assert load_membership(home).genesis == load_membership(scene.admitter).genesis
    with pytest.raises(IslandRunError):
        await enrolment.join(Home(tmp_path / "thief"), scene.token, "thief")
    async with process(home, RELAYED):
        desk = await scene.mesh.until_reached("desk")
    assert not desk.endpoints


@pytest.mark.long
async def test_the_holder_of_a_token_can_do_nothing_else_at_the_relay(scene: Scene) -> None:
    async with at_relay(scene) as channel:
        await until_expected(scene, channel)
        laptop = load_membership(scene.mesh.laptop).key.public
        assert not await dialled(channel, laptop), "it is attached, and expects nobody"
        stub = relay_pb2_grpc.RelayServiceStub(channel)
        for refused in (
            stub.Attach(relay_pb2.AttachRequest(), timeout=8).read(),
            stub.Expect(relay_pb2.ExpectRequest(), timeout=8),
            channel.unary_unary("/islandrun.v1.EnrollService/Join")(b"", timeout=8),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await refused
            assert error.value.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNIMPLEMENTED)
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await mesh_pb2_grpc.MeshServiceStub(channel).Exchange(mesh_pb2.ExchangeRequest(), timeout=8)
        assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED
