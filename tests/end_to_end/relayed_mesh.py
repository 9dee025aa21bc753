"""A mesh with a laptop, relays, and a server that nobody can dial: real processes, real mTLS, loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from islandrun.v1 import status_pb2, status_pb2_grpc
from islandrun.vocabulary import Ppm, Tier
from islandrun_node.channels import local_channel
from islandrun_node.home import Home
from islandrun_node.listeners import Listening
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.engines_on_loopback import Engine, engine
from tests.end_to_end.meshes import founded, joined, process, settings, up, with_engine

EDGE = Grant(Tier.EDGE, "office", Ppm(900_000))
LIGHT = '[privacy]\ndetector = "rules"\n'
RELAYED = f'\n{LIGHT}[listen]\nreachable = "relayed"\n'
SERVING = f'\n{LIGHT}[listen]\nreachable = "direct"\n[relay]\nserve = true\nlisten = "127.0.0.1:0"\n'


@dataclass
class RelayedMesh:
    """A laptop (this process), relays, and `hidden`: its listener's address is told to nobody."""

    laptop: Home
    node: Listening
    engine: Engine
    relays: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    async def islands(self) -> dict[str, status_pb2.Island]:
        """Return the islands as the laptop sees them, by name."""
        async with local_channel(self.node.grpc, self.node.token) as channel:
            stub = status_pb2_grpc.StatusServiceStub(channel)
            listed = await stub.ListIslands(status_pb2.ListIslandsRequest(), timeout=10)
        return {island.name: island for island in listed.islands}

    async def until_reached(self, name: str = "hidden", seconds: float = 20) -> status_pb2.Island:
        """Wait until the laptop finds an island alive; return how it sees it."""
        for _ in range(round(seconds * 20)):
            island = (await self.islands()).get(name)
            if island is not None and island.reachability == status_pb2.REACHABILITY_ALIVE:
                return island
            await asyncio.sleep(0.05)
        raise AssertionError(f"{name} was not reached in time: {island}")

    @asynccontextmanager
    async def asking(self, text: str, **hints: object) -> AsyncGenerator[httpx2.Response]:
        """Ask for a streamed answer of an edge island."""
        body = {
            "model": "large",
            "messages": [{"role": "user", "content": text}],
            "stream": True,
            "islandrun": {"only": ["hidden"], **hints},
        }
        async with httpx2.AsyncClient(base_url=self.node.http, timeout=20, trust_env=False) as client:
            headers = {"authorization": f"Bearer {self.node.token}"}
            sent = client.stream("POST", "/v1/chat/completions", json=body, headers=headers)
            async with sent as response:
                yield response


@asynccontextmanager
async def relayed_mesh(
    path: Path, relays: dict[str, str], laptop: dict[str, object] | None = None
) -> AsyncGenerator[RelayedMesh]:
    """Bring such a mesh up; `relays` maps names to the settings that their processes get."""
    async with AsyncExitStack() as stack:
        home = founded(path)
        node = await up(home, settings("laptop", **(laptop or {})), stack)
        served = await stack.enter_async_context(engine("hidden says so"))
        mesh = RelayedMesh(home, node, served)
        for name, tables in relays.items():
            relay = await joined(path, name, home, EDGE, node.mesh_port)
            mesh.relays[name] = await stack.enter_async_context(process(relay, tables))
        hidden = await joined(path, "hidden", home, EDGE, node.mesh_port)
        await stack.enter_async_context(process(hidden, RELAYED + with_engine(served.url)))
        yield mesh
