"""The owner's commands against real nodes: a join and its time, a word, a locked key, a farewell."""

import asyncio
import json
import os
import pty
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from nacl.pwhash import argon2id

from islandrun_node import locked_key, root_key
from islandrun_node.home import Home
from islandrun_node.identity import load_membership
from tests.end_to_end.meshes import founded, process

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
WORDS = "five words that nobody guesses"
LOADED_SECONDS_MAX = 20.0


async def command(home: Home, *words: str, text: str = "") -> tuple[int, str, str]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "islandrun_node", "--home", str(home.path), *words,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(child.communicate(text.encode()), 60)
    assert child.returncode is not None
    return child.returncode, out.decode(), err.decode()


async def said(home: Home, *words: str) -> dict[str, object]:
    code, out, err = await command(home, "--json", *words)
    assert code == 0, err
    return json.loads(out)


async def invited(home: Home, *words: str) -> str:
    return str((await said(home, "invite", *words))["token"])


async def eventually(home: Home, *words: str, holds: Callable[[dict[str, object]], object]) -> object:
    """Run a reading command until what it says satisfies a condition."""
    for _ in range(60):
        if found := holds(await said(home, *words)):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"{words} never said it")


def pending(listed: dict[str, object]) -> dict[str, str] | None:
    invites = listed["invites"]
    assert isinstance(invites, list)
    return next((each for each in invites if each["state"] == "pending"), None)


def island(name: str, listed: dict[str, object]) -> dict[str, object]:
    islands = listed["islands"]
    assert isinstance(islands, list)
    return next((each for each in islands if each["name"] == name), {})


async def test_a_join_between_two_nodes_and_a_farewell(tmp_path: Path) -> None:
    owner, office = founded(tmp_path), Home(tmp_path / "office")
    async with process(owner, ""):
        token = await invited(owner, "--tier", "personal")
        began = time.monotonic()
        code, _, err = await command(office, "join", "-", "--name", "office", text=token)
        took = time.monotonic() - began
        print(f"join, the whole command: {took:.2f} s")
        assert code == 0, err
        assert took < LOADED_SECONDS_MAX
        async with process(office, ""):
            await eventually(
                owner, "islands", holds=lambda listed: island("office", listed).get("reachability") == "alive"
            )
            code, _, err = await command(office, "leave", "--yes")
            assert code == 1
            assert "stop it first" in err
        left = await said(office, "leave", "--yes")
        assert left["told"] == [load_membership(owner).key.id]
        assert not office.is_member
        await eventually(
            owner, "islands", holds=lambda listed: island("office", listed).get("reachability") == "away"
        )
        assert island("office", await said(owner, "islands"))["models"] == []


async def test_a_locked_key_runs_a_node_and_a_yes_needs_the_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cost = (argon2id.OPSLIMIT_MIN, argon2id.MEMLIMIT_MIN)
    monkeypatch.setattr(locked_key.lock, "__defaults__", cost)
    owner, office = founded(tmp_path), Home(tmp_path / "office")
    root_key.lock(owner, lambda: WORDS)
    async with process(owner, ""):
        assert (await said(owner, "status"))["root"] == "locked"
        token = await invited(owner, "--tier", "edge")
        joins = asyncio.create_task(command(office, "join", token, "--name", "office"))
        waits = await eventually(owner, "invites", holds=pending)
        assert isinstance(waits, dict)
        approve = ("invites", "approve", waits["id"], "--code", waits["code"])
        code, _, err = await command(owner, *approve)
        assert code == 4, "no passphrase, no terminal"
        assert not joins.done()
        monkeypatch.setenv("ISLANDRUN_ROOT_PASSPHRASE", WORDS)
        code, _, err = await command(owner, *approve)
        assert code == 0, err
        code, _, told = await joins
        assert code == 0, told
        assert waits["code"] in told, "the new machine showed the same digits"
        assert (await said(owner, "invites"))["invites"][0]["state"] == "spent"


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")
async def test_at_a_terminal_the_owner_is_asked(tmp_path: Path) -> None:
    owner, office = founded(tmp_path), Home(tmp_path / "office")
    async with process(owner, ""):
        ours, theirs = pty.openpty()
        inviting = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "islandrun_node", "--home", str(owner.path), "invite", "--tier", "edge",
            stdin=theirs, stdout=asyncio.subprocess.PIPE, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        assert inviting.stdout is not None
        token = (await asyncio.wait_for(inviting.stdout.readline(), 40)).decode().strip()
        joins = asyncio.create_task(command(office, "join", "-", "--name", "office", text=token))
        waits = await eventually(owner, "invites", holds=pending)
        assert isinstance(waits, dict)
        shown = ""
        while "[y/N]" not in shown:
            shown += (await asyncio.to_thread(os.read, ours, 4096)).decode()
        assert waits["code"] in shown
        os.write(ours, b"y\n")
        code, _, told = await joins
        assert code == 0, told
        assert waits["code"] in told
        assert await asyncio.wait_for(inviting.wait(), 20) == 0
        os.close(ours)
