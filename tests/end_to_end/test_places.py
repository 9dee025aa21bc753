"""A full engine over real HTTP: refused with a time to come again, or served when a place becomes free."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from islandrun.agents.resources import WAITING_MAX
from islandrun_node.listeners import Listening
from tests.end_to_end.engines_on_loopback import engine
from tests.end_to_end.meshes import founded, settings, up
from tests.end_to_end.test_estimates import figures
from tests.end_to_end.test_two_islands import ask

pytestmark = pytest.mark.slow


async def filled(node: Listening) -> list[asyncio.Task[httpx2.Response]]:
    """Fill the one place and the queue behind it."""
    asking = [asyncio.create_task(ask(node, "What is the tallest tower?")) for _ in range(1 + WAITING_MAX)]
    for _ in range(200):
        if (await figures(node))['islandrun_engine_requests{state="waiting"}'] == WAITING_MAX:
            return asking
        await asyncio.sleep(0.05)
    raise AssertionError("the queue did not fill")


async def test_who_finds_no_place_is_told_or_waits_as_long_as_it_may(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        tower = await stack.enter_async_context(engine("It is the Burj Khalifa ."))
        tower.hold = "before"
        model = {"name": "large", "quality": 0.9}
        backend = {"kind": "openai", "url": tower.url, "models": [model]}
        resources = {"wait_seconds": {"balanced": 15.0}}
        wanted = settings("box", backend=backend, island={"requests_max": 1}, resources=resources)
        node = await up(founded(tmp_path, "box"), wanted, stack)
        asking = await filled(node)

        refused = await ask(node, "And the longest river?", wait_ms=0)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "no_capacity")
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.json()["error"]["islands"][0]["reasons"] == ["NO_CAPACITY"]

        waits = asyncio.create_task(ask(node, "And the longest river?"))
        await asyncio.sleep(0.2)
        assert not waits.done()
        tower.hold = ""
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        served = await waits
        assert served.status_code == 200
        assert served.headers["x-islandrun-island"] == "box"
