"""An owner's rule closes an island for others at once, and its own programs go on: two real nodes."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from islandrun.load import Machine
from islandrun.routing.hosting import HostingRules, Whose
from islandrun.vocabulary import IslandId
from islandrun_node.backends.embedded import EmbeddedBackend
from islandrun_node.backends.embedder import Embedder
from islandrun_node.backends.turnstile import Turnstile
from islandrun_node.probes.watch import Watch
from islandrun_node.upkeep import Upkeep
from tests.end_to_end.meshes import founded, joined, settings, up
from tests.end_to_end.test_two_islands import EDGE, HANDBOOK, ask, ask_until

pytestmark = pytest.mark.slow
ME = IslandId("a" * 52)
QUESTION = "How many days of holiday do I get?"


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about in ten seconds")


async def test_on_a_metered_network_others_are_refused_and_the_own_requests_go_on(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        laptop = founded(tmp_path)
        node = await up(laptop, settings("laptop"), stack)
        office = await joined(tmp_path, "office", laptop, EDGE, node.mesh_port)
        rules = {"metered": "yes", "on_metered": "own"}
        there = await up(office, settings("office", data=[HANDBOOK], resources=rules), stack)

        refused = await ask(node, QUESTION, datasets=["handbook"])
        for _ in range(100):
            assert refused.status_code != 200, "it refuses at the door what does not know better yet"
            if "NO_CAPACITY" in refused.text:
                break
            await asyncio.sleep(0.1)
            refused = await ask(node, QUESTION, datasets=["handbook"])
        assert "it takes no requests" in refused.text

        own = await ask_until(there, 200, QUESTION, datasets=["handbook"])
        assert own.headers["x-islandrun-island"] == "office"
        assert "28 days" in own.json()["choices"][0]["message"]["content"]


async def test_the_machine_opens_and_closes_the_engine_and_the_mesh_is_told() -> None:
    seen = [Machine(is_on_battery=True), Machine(is_on_battery=True), Machine(is_on_battery=False)]
    turnstile = Turnstile(EmbeddedBackend(Embedder()), 3)
    watch = Watch(lambda: seen.pop(0) if len(seen) > 1 else seen[0])
    upkeep = Upkeep(watch, HostingRules(on_battery=Whose.OWN), {ME: turnstile}, lambda: 0)
    told: list[bool] = []
    running = asyncio.create_task(upkeep.run(lambda: told.append(turnstile.is_open()), pause_seconds=0.2))
    await until(lambda: bool(told))
    assert told == [False]
    assert "battery" in upkeep.words()
    held = upkeep.load(ME, is_for_others=True)
    assert (held.requests_max, held.is_on_battery) == (0, True)
    assert upkeep.load(ME).requests_max == 3
    await until(turnstile.is_open)
    assert upkeep.load(ME, is_for_others=True).requests_max == 3
    assert upkeep.words() == ""
    assert told == [False], "a second statement waits: the answers to probes tell it already"
    running.cancel()
    watch.close()
