"""Two real nodes that both moved: no address that they knew is true any more, and they find each other."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from islandrun.vocabulary import Ppm, Tier
from islandrun_node.home import Home
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.meshes import founded, joined, settings, up
from tests.node.cables import cable

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]
EDGE = Grant(Tier.EDGE, "office", Ppm(900_000))
START_SECONDS_MAX = 90


def command(namespace: str, home: Home, *words: str) -> tuple[str, ...]:
    node = (sys.executable, "-m", "islandrun_node", "--json", "--home", str(home.path))
    return ("ip", "netns", "exec", namespace, *node, *words)


@asynccontextmanager
async def node_in(namespace: str, home: Home, *flags: str) -> AsyncIterator[None]:
    """Run a node in a namespace, at all its addresses."""
    local = ("--listen-http", "127.0.0.1:8470", "--listen-grpc", "127.0.0.1:8472")
    with (home.path / "log").open("ab") as log:
        child = await asyncio.create_subprocess_exec(
            *command(namespace, home, "up", "--listen-mesh", "0.0.0.0:8471", *local, *flags),
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    assert child.stdout is not None
    try:
        line = await asyncio.wait_for(child.stdout.readline(), START_SECONDS_MAX)
        assert line.startswith(b"{"), (home.path / "log").read_text()
        yield
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def seen(namespace: str, home: Home, name: str) -> str:
    """Return how a node sees another one, as its command says."""
    child = await asyncio.create_subprocess_exec(
        *command(namespace, home, "islands"), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await child.communicate()
    islands = json.loads(output)["islands"]
    return next((str(one["reachability"]).lower() for one in islands if one["name"] == name), "")


async def homes(path: Path) -> tuple[Home, Home]:
    """Return two members of a mesh that knew each other at addresses on loopback alone."""
    async with AsyncExitStack() as stack:
        laptop = founded(path)
        node = await up(laptop, settings("laptop"), stack)
        office = await joined(path, "office", laptop, EDGE, node.mesh_port)
        await up(office, settings("office"), stack)
        await asyncio.sleep(4)  # until each has heard where the other is
    return laptop, office


async def met(ends: dict[str, str], members: tuple[Home, Home], seconds: float, *flags: str) -> float | None:
    """Start both nodes; return after how long the first sees the second, or None if it does not."""
    (left, right), (laptop, office) = ends, members
    async with node_in(left, laptop, *flags), node_in(right, office, *flags):
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if await seen(left, laptop, "office") == "alive":
                return time.monotonic() - began
            await asyncio.sleep(0.5)
    return None


async def test_nodes_that_both_moved_find_each_other_on_the_local_network(tmp_path: Path) -> None:
    members = await homes(tmp_path)
    with cable() as ends:
        assert await met(ends, members, 15, "--no-discovery") is None
        took = await met(ends, members, 90)
    assert took is not None, (members[0].path / "log").read_text()
    print(f"\nfound after {took:.1f} s")
