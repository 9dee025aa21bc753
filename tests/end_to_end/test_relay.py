"""An island that nobody can dial is reached over a relay, and over the next one when that dies."""

import asyncio
import json
import time
from pathlib import Path

import httpx2
import psutil
import pytest

from islandrun_node import enrolment
from tests.end_to_end.relayed_mesh import SERVING, RelayedMesh, relayed_mesh

pytestmark = pytest.mark.slow


async def said(response: httpx2.Response) -> tuple[str, list[dict[str, object]]]:
    """Return the text of a streamed answer, and all its events."""
    events = [
        json.loads(line[5:])
        async for line in response.aiter_lines()
        if line.startswith("data:") and "[DONE]" not in line
    ]
    deltas = [choice["delta"] for event in events for choice in event.get("choices", ())]
    return "".join(delta.get("content") or "" for delta in deltas).strip(), events


def kill(process: asyncio.subprocess.Process) -> None:
    """Kill a node and its relay at once, as a power cut does."""
    for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
        one.kill()


async def test_a_chat_streams_over_a_relay_until_its_islands_are_revoked(tmp_path: Path) -> None:
    async with relayed_mesh(tmp_path, {"north": SERVING}) as mesh:
        hidden = await mesh.until_reached()
        assert not hidden.endpoints
        assert hidden.through == "north"
        async with mesh.asking("why is the sky blue?") as response:
            assert response.headers["x-islandrun-island"] == "hidden"
            assert (await said(response))[0] == "hidden says so"
        assert len(mesh.engine.received) == 1

        mesh.engine.hold = "after"
        async with mesh.asking("why is the sky blue?") as response:
            answer = asyncio.create_task(said(response))
            await asyncio.wait_for(mesh.engine.asked.wait(), 10)
            enrolment.revoke(mesh.laptop, "north", "sold")
            text, events = await asyncio.wait_for(answer, 10)
        assert "hidden says so".startswith(text)
        assert "error" in events[-1]
        assert not (await mesh.islands())["hidden"].through


async def _asked_again(mesh: RelayedMesh) -> float:
    """Ask until there is a whole answer; return how long that took."""
    began = time.monotonic()
    for _ in range(40):
        async with mesh.asking("and at night?") as response:
            text, _ = await said(response) if response.status_code == 200 else ("", [])
        if text == "hidden says so":
            return time.monotonic() - began
        await asyncio.sleep(0.1)
    raise AssertionError("the second relay was not used")


@pytest.mark.long
async def test_when_a_relay_dies_the_answer_ends_with_an_error_and_the_next_takes_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with relayed_mesh(tmp_path, {"north": SERVING, "south": SERVING}) as mesh:
        hidden = await mesh.until_reached()
        await asyncio.sleep(2)  # until it is attached to both
        mesh.engine.hold = "after"
        async with mesh.asking("why is the sky blue?") as response:
            answer = asyncio.create_task(said(response))
            await asyncio.wait_for(mesh.engine.asked.wait(), 10)
            hidden = (await mesh.islands())["hidden"]
            kill(mesh.relays[hidden.through])
            text, events = await asyncio.wait_for(answer, 10)
        assert "hidden says so".startswith(text)
        assert events[-1]["error"]["code"]
        mesh.engine.hold = ""
        seconds = await _asked_again(mesh)
        with capsys.disabled():
            print(f"\nthe second relay carried a whole answer {seconds:.2f} s after the first died")
        assert seconds < 10, "two on a machine of its own"
        assert (await mesh.islands())["hidden"].through not in ("", hidden.through)
