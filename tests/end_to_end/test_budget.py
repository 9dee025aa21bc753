"""A budget of one cent over a real node: the cloud until it is spent, then home; a refusal says why."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from islandrun.agents.budget import input_tokens_max
from islandrun.routing.receipt import Receipt, verify_receipt
from islandrun.v1 import status_pb2, status_pb2_grpc
from islandrun.vocabulary import Message, Prompt
from islandrun_node import enrolment
from islandrun_node.channels import local_channel
from islandrun_node.home import Home
from islandrun_node.listeners import Listening
from tests.end_to_end.engines_on_loopback import Engine, engine
from tests.end_to_end.meshes import founded, settings, up

pytestmark = pytest.mark.slow
ANSWER = "the cloud says so"


@dataclass(frozen=True)
class Household:
    home: Home
    node: Listening
    cloud: Engine
    own: Engine

    async def ask(self, tokens_max: int = 20, **hints: object) -> httpx2.Response:
        body = {
            "model": "islandrun/auto", "max_tokens": tokens_max, "islandrun": hints,
            "messages": [{"role": "user", "content": "what is a fern?"}],
        }  # fmt: skip
        async with httpx2.AsyncClient(timeout=30, trust_env=False) as client:
            headers = {"authorization": f"Bearer {self.node.token}"}
            return await client.post(f"{self.node.http}/v1/chat/completions", json=body, headers=headers)

    async def budget(self) -> status_pb2.Budget:
        async with local_channel(self.node.grpc, self.node.token) as channel:
            stub = status_pb2_grpc.StatusServiceStub(channel)
            return (await stub.GetBudget(status_pb2.GetBudgetRequest(), timeout=10)).budget

    async def receipt(self) -> Receipt:
        """Return the newest receipt."""
        async with local_channel(self.node.grpc, self.node.token) as channel:
            stub = status_pb2_grpc.StatusServiceStub(channel)
            page = await stub.ListReceipts(status_pb2.ListReceiptsRequest(page_size=1), timeout=10)
            return verify_receipt(page.receipts[0])

    async def spent(self, span: str = "day") -> status_pb2.BudgetAccount:
        (account,) = [one for one in (await self.budget()).accounts if one.span == span]
        return account

    async def command(self) -> dict:
        """Return what the command `budget` prints."""
        words = (sys.executable, "-m", "islandrun_node", "--json", "--home", str(self.home.path), "budget")
        child = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
        out, _ = await child.communicate()
        assert child.returncode == 0
        return json.loads(out)


def microusd(costs: list[float]) -> int:
    return round(sum(costs) * 1_000_000)


@asynccontextmanager
async def household(home: Home, own: Engine, cloud: Engine, **budget: object) -> AsyncGenerator[Household]:
    async with AsyncExitStack() as stack:
        dear = {"name": "large", "quality": 0.9, "input_price_usd": 1.0, "output_price_usd": 40.0}
        outbound = {"name": "cloud", "url": cloud.url, "models": [dear]}
        backend = {"kind": "openai", "url": own.url, "models": [{"name": "small", "quality": 0.05}]}
        policy = {"tier_trust": {"cloud": 0.4}}
        power = {"active_watts": 100, "idle_watts": 20, "kwh_price": 0.3}
        wanted = settings(
            "laptop", outbound=[outbound], backend=backend, policy=policy, power=power, budget=budget
        )
        yield Household(home, await up(home, wanted, stack), cloud, own)


@pytest.fixture
async def engines(tmp_path: Path):
    home = founded(tmp_path)
    await enrolment.admit_outbound(home, "cloud")
    async with engine(ANSWER) as cloud, engine("home says so") as own:
        yield home, own, cloud


async def test_a_cent_moves_requests_home_and_then_only_refuses_what_must_be_paid(engines) -> None:
    home, own, cloud = engines
    async with household(home, own, cloud, day_usd=0.01) as house:
        where, costs = [], []
        while "laptop" not in where:
            answer = await house.ask()
            assert answer.status_code == 200, answer.text
            where.append(answer.headers["x-islandrun-island"])
            costs.append(float(answer.headers["x-islandrun-cost"]))
            assert len(where) < 40
        assert where[:2] == ["cloud", "cloud"]
        day = await house.spent()
        assert day.spent_microusd == microusd(costs[:-1])
        assert 0 < day.spent_microusd <= day.limit_microusd == 10_000
        assert day.reserved_microusd == 0

        refused = await house.ask(only=["cloud"])
        assert refused.status_code == 403
        assert "OVER_BUDGET" in refused.text
        assert "micro-dollars at worst" in refused.text
        assert (await house.ask()).headers["x-islandrun-island"] == "laptop"

    asked = len(cloud.received)
    async with household(home, own, cloud, day_usd=0.01) as house:
        assert (await house.spent()) == day, "a restart forgets nothing"
        assert (await house.ask(only=["cloud"])).status_code == 403
        assert len(cloud.received) == asked
        told = await house.command()
        (today, _) = told["tallies"]
        assert today["answers"] == len(where) + 1
        assert today["billed_usd"] == day.spent_microusd / 1_000_000
        assert today["baseline_usd"] > 0
        assert told["accounts"][0]["left_usd"] == (10_000 - day.spent_microusd) / 1_000_000
        assert told["baseline"] == "openai/gpt-4o"
        assert "genai-prices" in told["baseline_source"]


async def test_requests_at_one_time_do_not_pass_the_limit(engines) -> None:
    home, own, cloud = engines
    async with household(home, own, cloud, day_usd=0.01) as house:
        answers = await asyncio.gather(*(house.ask(tokens_max=60, only=["cloud"]) for _ in range(16)))
        codes = sorted(answer.status_code for answer in answers)
        assert set(codes) == {200, 403}, codes
        costs = [float(one.headers["x-islandrun-cost"]) for one in answers if one.status_code == 200]
        assert microusd(costs) == (await house.spent()).spent_microusd <= 10_000
        assert len(cloud.received) == len(costs)


async def test_a_paid_request_carries_the_bound_that_its_money_rests_on(engines) -> None:
    home, own, cloud = engines
    async with household(home, own, cloud, month_usd=1.0, answer_tokens_max=77) as house:
        body = {"model": "large", "messages": [{"role": "user", "content": "what is a fern?"}]}
        async with httpx2.AsyncClient(timeout=30, trust_env=False) as client:
            headers = {"authorization": f"Bearer {house.node.token}"}
            url = f"{house.node.http}/v1/chat/completions"
            assert (await client.post(url, json=body, headers=headers)).status_code == 200
            assert json.loads(cloud.received[-1].partition(b"\r\n\r\n")[2])["max_tokens"] == 77
            streamed = await client.post(url, json={**body, "stream": True}, headers=headers)
            assert streamed.text.endswith("data: [DONE]\n\n")
        receipt = await house.receipt()
        assert receipt.cost_microusd > 0
        assert (await house.spent("month")).spent_microusd == 2 * receipt.cost_microusd


async def test_a_request_that_masking_made_longer_than_the_money_is_decided_anew(tmp_path: Path) -> None:
    text = "write to a@b.co, c@d.co and e@f.co"
    prompt = Prompt((Message("user", text),))
    home = founded(tmp_path)
    await enrolment.admit_outbound(home, "cloud")
    async with AsyncExitStack() as stack:
        cloud = await stack.enter_async_context(engine(ANSWER))
        dear = {"name": "large", "input_price_usd": 1_000.0}
        outbound = {"name": "cloud", "url": cloud.url, "models": [dear]}
        enough = input_tokens_max(prompt) / 1_000
        policy, budget = {"tier_trust": {"cloud": 0.4}}, {"day_usd": enough}
        node = await up(home, settings("laptop", outbound=[outbound], policy=policy, budget=budget), stack)
        body = {"model": "large", "max_tokens": 5, "messages": [{"role": "user", "content": text}]}
        async with httpx2.AsyncClient(timeout=30, trust_env=False) as client:
            headers = {"authorization": f"Bearer {node.token}"}
            answer = await client.post(f"{node.http}/v1/chat/completions", json=body, headers=headers)
        assert answer.status_code == 403, answer.text
        assert "> 0 left" in answer.text, "it was let through, did not fit any more, and was decided again"
        assert cloud.received == []
