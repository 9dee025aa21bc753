"""A node whose view of the mesh is too old serves other islands nothing but what brings a newer one."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

import islandrun.v1
from islandrun.routing.receiver import ForwardVeto
from islandrun.trust.view import Reach, View
from islandrun.vocabulary import Ppm, Tier
from islandrun_node import callers, world_clock
from islandrun_node.certificates import show_island
from islandrun_node.channels import open_channel
from islandrun_node.home import Home
from islandrun_node.identity import load_membership
from islandrun_node.outlook import Outlook
from islandrun_node.services.errors import error_info
from islandrun_node.state import open_state
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.meshes import founded, joined, settings, up

EDGE = Grant(Tier.EDGE, "office", Ppm(900_000))
SERVED = ("MeshService/Exchange",)
ELSEWHERE = ("EnrollService", "RelayService")
"""Services that no island calls at another one's mesh listener."""


def methods() -> dict[str, bool]:
    """Return every method that an island may call at another one, and whether it answers with a stream."""
    names = [module.name for module in pkgutil.iter_modules(islandrun.v1.__path__)]
    files = [importlib.import_module(f"islandrun.v1.{name}") for name in names if name.endswith("_pb2")]
    return {
        f"{service.name}/{method.name}": method.server_streaming
        for file in files
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
        if service.name not in ELSEWHERE
    }


@dataclass
class Scene:
    """An island's channel to a node, and what the node thinks of its own view."""

    channel: grpc.aio.Channel
    seen: list[View] = field(default_factory=lambda: [View(Reach.EVERYBODY, "new")])

    async def reason(self, method: str, is_stream: bool) -> str:
        """Call with an empty request; return why the node refuses, or the code."""
        path = f"/islandrun.v1.{method}"
        try:
            if is_stream:
                call = self.channel.unary_stream(path)(b"", timeout=8)
                await call.read()
                call.cancel()
            else:
                await self.channel.unary_unary(path)(b"", timeout=8)
        except grpc.aio.AioRpcError as error:
            info = error_info(error)
            return info.reason if info is not None else error.code().name
        return "OK"


@pytest.fixture
async def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr(callers, "RECHECK_SECONDS", 0.2)
    async with AsyncExitStack() as stack:
        host = founded(tmp_path)
        node = await up(host, settings("laptop"), stack)
        guest = await joined(tmp_path, "guest", host, EDGE, node.mesh_port)
        channel = await stack.enter_async_context(dialled(guest, host, node.mesh))
        built = Scene(channel)
        monkeypatch.setattr(Outlook, "view", lambda _: built.seen[-1])
        yield built


def dialled(guest: Home, host: Home, address: str) -> grpc.aio.Channel:
    theirs = load_membership(host)
    with ExitStack() as stack:
        state = open_state(guest, stack)
        certificate = state.admission.certificate_der
        shown = show_island(
            state.membership.key, certificate, theirs.genesis.mesh_id, world_clock.now().wall_ms
        )
    return open_channel([address], theirs.key.public, shown, theirs.genesis.mesh_id)


async def test_every_forwarded_method_is_refused_and_news_is_not(scene: Scene) -> None:
    assert {"ChatService/Embed", "ChatService/Retrieve", "InferenceService/Generate"} <= set(methods())
    before = {method: await scene.reason(method, is_stream) for method, is_stream in methods().items()}
    assert ForwardVeto.VIEW_TOO_OLD not in before.values()
    scene.seen.append(View(Reach.ITSELF, "old"))
    after = {method: await scene.reason(method, is_stream) for method, is_stream in methods().items()}
    assert {method: after.pop(method) for method in SERVED} == dict.fromkeys(SERVED, "OK")
    assert after == dict.fromkeys(after, ForwardVeto.VIEW_TOO_OLD)
    scene.seen.append(View(Reach.OWN_GROUP, "a day old"))
    assert await scene.reason("StatusService/ListIslands", False) == "OK"


async def test_a_stream_that_is_open_ends_when_the_view_becomes_too_old(scene: Scene) -> None:
    call = scene.channel.unary_stream("/islandrun.v1.StatusService/WatchMesh")(b"", timeout=20)
    assert await call.read() is not grpc.aio.EOF
    scene.seen.append(View(Reach.ITSELF, "old"))
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await asyncio.wait_for(_to_the_end(call), 12)
    assert ended.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def _to_the_end(call: grpc.aio.UnaryStreamCall[bytes, bytes]) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass
