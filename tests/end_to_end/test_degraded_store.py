"""A store that takes nothing, or was restored, shows in `status`, and its exit code says so: real nodes."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import httpx2
import pytest

from islandrun.vocabulary import Ppm, Tier
from islandrun_node import state, world_clock
from islandrun_node.backup import make_backup, restore
from islandrun_node.home import Home
from islandrun_node.listeners import Listening
from islandrun_node.stores.database import Database
from islandrun_node.stores.marks import forget_restored, note_restored
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.meshes import founded, joined, process, settings, up

pytestmark = pytest.mark.slow
EDGE = Grant(Tier.EDGE, "office", Ppm(900_000))
DEGRADED = 6


async def status(home: Home) -> tuple[int, list[str]]:
    """Run `status --check` as an operator does; return its exit code and what is degraded."""
    command = [sys.executable, "-m", "islandrun_node", "--json", "--home", str(home.path), "status"]
    done = await asyncio.create_subprocess_exec(*command, "--check", stdout=asyncio.subprocess.PIPE)
    out, _ = await done.communicate()
    assert done.returncode is not None
    told: list[str] = json.loads(out)["degraded"]
    return done.returncode, told


async def ask(node: Listening) -> int:
    body = {"model": "islandrun/local", "messages": [{"role": "user", "content": "hello"}]}
    headers = {"authorization": f"Bearer {node.token}"}
    async with httpx2.AsyncClient(base_url=node.http, headers=headers, timeout=30, trust_env=False) as client:
        return (await client.post("/v1/chat/completions", json=body)).status_code


async def reported(home: Home, code: int) -> list[str]:
    """Wait until `status --check` ends so, since receipts are written beside the requests."""
    for _ in range(20):
        ended, told = await status(home)
        if ended == code:
            return told
        await asyncio.sleep(0.2)
    raise AssertionError(f"it still ends with {ended}: {told}")


async def test_a_store_that_takes_nothing_is_reported_until_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Database] = []
    plain = Database.open

    def noted(path: Path, *words: object) -> Database:
        opened.append(plain(path, *words))  # type: ignore[arg-type]
        return opened[-1]

    monkeypatch.setattr(state.Database, "open", noted)
    async with AsyncExitStack() as stack:
        home = founded(tmp_path)
        opened.clear()
        node = await up(home, settings("laptop"), stack)
        (database,) = [one for one in opened if one.path == home.receipts]
        assert not [reason for reason in (await status(home))[1] if "readonly" in reason]
        database._connection.execute("PRAGMA query_only = ON")
        await ask(node)
        told = await reported(home, DEGRADED)
        assert any("readonly" in reason for reason in told), told
        database._connection.execute("PRAGMA query_only = OFF")
        assert await ask(node) == 200
        assert not [reason for reason in await reported(home, 0) if "readonly" in reason]


def test_a_restored_home_says_what_it_waits_for(tmp_path: Path) -> None:
    home = founded(tmp_path)
    with ExitStack() as stack:
        opened = state.open_state(home, stack)
        note_restored(opened.database, world_clock.now().wall_ms)
        (reason,) = opened.degraded()
        assert "restored" in reason
        forget_restored(opened.database)
        assert opened.degraded() == ()


@pytest.mark.long
async def test_a_restored_home_is_reported_until_it_has_heard_others(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        owner = founded(tmp_path)
        node = await up(owner, settings("laptop"), stack)
        office = await joined(tmp_path, "office", owner, EDGE, node.mesh_port)
    make_backup(office, tmp_path / "copy", True, world_clock.now().wall_ms)
    restore(office, tmp_path / "copy", world_clock.now().wall_ms)
    async with process(office, ""):  # the owner's node is down: nobody can be heard for now
        code, told = await status(office)
    assert code == DEGRADED
    assert any("restored" in reason for reason in told), told
