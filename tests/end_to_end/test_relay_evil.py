"""What a relay can do with what it carries: nothing but stop it. It sees no text and can change none."""

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from islandrun.vocabulary import FindingType
from islandrun_node.relay import process as relay_process
from tests.end_to_end.aviary import Canary, Haystack, forms
from tests.end_to_end.meshes import LOOPBACK, joined, settings, up
from tests.end_to_end.relayed_mesh import EDGE, RelayedMesh, relayed_mesh
from tests.end_to_end.test_relay import said

pytestmark = pytest.mark.slow
PROGRAM = str(Path(__file__).with_name("evil_relay.py"))
MARKERS = ("quarzobimmelfunk", "tremolinskavortag")
QUESTION = f"what is a {MARKERS[0]}?"
ANSWER = f"it is a {MARKERS[1]} with seven legs"


async def _answer(mesh: RelayedMesh) -> str:
    """Ask, and return what was answered; nothing when there was an error."""
    async with mesh.asking(QUESTION) as response:
        if response.status_code != 200:
            return ""
        text, events = await said(response)
        assert "error" in events[-1] or text == ANSWER
        return text


async def _answers(mesh: RelayedMesh) -> None:
    """Ask until there is a whole answer again."""
    for _ in range(100):
        if await _answer(mesh) == ANSWER:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("an honest relay was not used again")


async def test_a_relay_that_reads_and_spoils(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "evil"
    folder.mkdir()
    orders, saw = folder / "orders", folder / "saw"
    orders.write_text("")
    command = (sys.executable, PROGRAM, str(folder))
    monkeypatch.setattr(relay_process, "COMMAND", command)
    async with relayed_mesh(tmp_path, {}) as mesh, AsyncExitStack() as stack:
        mesh.engine.answer = ANSWER
        home = await joined(tmp_path, "evil", mesh.laptop, EDGE, mesh.node.mesh_port)
        serving = {"serve": True, "listen": "127.0.0.1:0"}
        listen = {**LOOPBACK, "reachable": "direct"}
        await up(home, settings("evil", relay=serving, listen=listen), stack)
        hidden = await mesh.until_reached()
        assert hidden.through == "evil"
        assert await _answer(mesh) == ANSWER
        for order in ("flip", "swap", "repeat", "cut"):
            asked = len(mesh.engine.received)
            orders.write_text(order)
            assert ANSWER.startswith(await _answer(mesh)), order
            assert await _answer(mesh) == "", order
            assert len(mesh.engine.received) <= asked + 1
            assert all(MARKERS[0].encode() in body for body in mesh.engine.received)
            orders.write_text("")
            await _answers(mesh)
        copy = saw.read_bytes()
    assert len(copy) > 10_000
    for marker in MARKERS:
        assert not Haystack(copy).found(canary(marker)), "the relay saw plain text"


def canary(marker: str) -> Canary:
    """Return a marker as the haystack looks for it."""
    return Canary(FindingType.TERM, marker, marker)


def test_the_search_would_find_a_marker() -> None:
    for _, shape in forms(MARKERS[0]):
        assert Haystack(b"\0\1" + shape + b"\2").found(canary(MARKERS[0]))
