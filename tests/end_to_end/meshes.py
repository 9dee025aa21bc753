"""Real nodes for end-to-end tests: homes on disk, real mTLS on loopback, one event loop."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from islandrun_node import config, enrolment
from islandrun_node.home import Home
from islandrun_node.listeners import Listening
from islandrun_node.node import running_node
from islandrun_node.stores.tokens import Grant

LOOPBACK = {"mesh": "127.0.0.1:0", "http": "127.0.0.1:0", "grpc": "127.0.0.1:0"}


def settings(name: str, **tables: object) -> config.Config:
    """Return settings of a node on loopback with free ports."""
    return config.parse({"name": name, "listen": LOOPBACK, **tables}, "test")


async def up(home: Home, wanted: config.Config, stack: AsyncExitStack) -> Listening:
    """Bring a node up for as long as the stack lives."""
    return await stack.enter_async_context(running_node(home, wanted))


def founded(path: Path, name: str = "laptop") -> Home:
    """Return the home of a mesh's owner."""
    home = Home(path / name)
    enrolment.found_mesh(home, "test mesh", name)
    return home


async def joined(path: Path, name: str, owner: Home, grant: Grant, port: int) -> Home:
    """Return a home that joined the owner's mesh by a token."""
    token = enrolment.invite(owner, grant, 60, [f"127.0.0.1:{port}"])
    home = Home(path / name)
    await enrolment.join(home, token, name)
    return home
