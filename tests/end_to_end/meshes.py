"""Real nodes for end-to-end tests: homes on disk, real mTLS on loopback, one event loop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from islandrun_node import config, enrolment
from islandrun_node.config_tables import Config
from islandrun_node.home import Home
from islandrun_node.listeners import Listening
from islandrun_node.node import running_node
from islandrun_node.privacy_worker import PrivacyWorker
from islandrun_node.stores.tokens import Grant

LOOPBACK = {"mesh": "127.0.0.1:0", "http": "127.0.0.1:0", "grpc": "127.0.0.1:0"}


def settings(name: str, **tables: object) -> Config:
    """Return settings of a node on loopback with free ports."""
    return config.parse({"name": name, "listen": LOOPBACK, **tables}, "test")


async def up(
    home: Home, wanted: Config, stack: AsyncExitStack, privacy: PrivacyWorker | None = None
) -> Listening:
    """Bring a node up for as long as the stack lives; `privacy` takes the place of its usual worker."""
    return await stack.enter_async_context(running_node(home, wanted, privacy))


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


@asynccontextmanager
async def process(home: Home, tables: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Run a home's node as a real process with these settings appended; killed at the end."""
    with home.config.open("a") as file:
        file.write(tables)
    listen = ["--listen-mesh", "127.0.0.1:0", "--listen-http", "127.0.0.1:0", "--listen-grpc", "127.0.0.1:0"]
    command = [sys.executable, "-m", "islandrun_node", "--json", "--home", str(home.path), "up", *listen]
    with (home.path / "log").open("wb") as log:
        node = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=log)
    assert node.stdout is not None
    line = await asyncio.wait_for(node.stdout.readline(), 20)
    assert line.startswith(b"{"), (home.path / "log").read_text()
    try:
        yield node
    finally:
        if node.returncode is None:
            node.kill()
        await node.wait()


def with_engine(url: str, model: str = "large", quality: float = 0.9) -> str:
    """Return the settings of an island with an OpenAI-compatible engine."""
    return (
        f'\n[backend]\nkind = "openai"\nurl = "{url}"\n'
        f'[[backend.models]]\nname = "{model}"\nquality = {quality}\n'
    )
