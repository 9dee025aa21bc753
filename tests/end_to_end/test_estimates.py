"""Estimates of time against real answers of the embedded engine, and the figures of a node about itself."""

from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from islandrun.agents.latency import ENOUGH_SAMPLES
from islandrun_node.listeners import Listening
from tests.end_to_end.meshes import founded, settings, up
from tests.end_to_end.test_two_islands import HANDBOOK, ask

pytestmark = pytest.mark.slow
QUESTIONS = (
    "How many days of holiday do I get?",
    "When is payday?",
    "Where do I park?",
    "Who fixes laptops?",
)


async def figures(node: Listening) -> dict[str, float]:
    async with httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{node.http}/metrics", headers={"authorization": f"Bearer {node.token}"})
    lines = (line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}


async def ratios(node: Listening) -> tuple[float, float]:
    """Return the sum of the ratios of whole answers so far, and how many there are."""
    found = await figures(node)
    name = 'islandrun_prediction_ratio_{}{{part="whole"}}'
    return found[name.format("sum")], found[name.format("count")]


async def test_estimates_come_near_to_what_answers_take(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        node = await up(founded(tmp_path), settings("laptop", data=[HANDBOOK]), stack)
        for number in range(2 * ENOUGH_SAMPLES):
            answer = await ask(node, QUESTIONS[number % 4], datasets=["handbook"])
            assert answer.status_code == 200
        learnt_sum, learnt_count = await ratios(node)
        assert learnt_count == 2 * ENOUGH_SAMPLES
        for number in range(8):
            await ask(node, QUESTIONS[number % 4], datasets=["handbook"])
        total, count = await ratios(node)
        before, after = learnt_sum / learnt_count, (total - learnt_sum) / (count - learnt_count)
        print(f"expected over measured: {before:.2f} while learning, {after:.2f} after")
        assert 0.1 < after < 5
        assert before > after, "the prior of a laptop is far above what the embedded engine takes"


async def test_the_figures_tell_of_engine_and_machine(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        node = await up(founded(tmp_path), settings("laptop", data=[HANDBOOK]), stack)
        await ask(node, QUESTIONS[0], datasets=["handbook"])
        found = await figures(node)
        assert found['islandrun_engine_requests{state="running"}'] == 0
        assert found['islandrun_engine_places{whose="others"}'] == 4
        assert 0 < found['islandrun_machine_used{part="memory"}'] < 1
        assert found['islandrun_first_token_seconds{quantile="0.5"}'] > 0
        assert found["islandrun_turned_away_total"] == 0
        assert not any(name.startswith("islandrun_battery") and value == 0 for name, value in found.items())
