"""One node with documents, and a cloud that writes: every door names data sets and tells the sources."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from islandrun.v1 import chat_pb2, chat_pb2_grpc, status_pb2, status_pb2_grpc
from islandrun_node import enrolment
from islandrun_node.channels import local_channel
from islandrun_node.listeners import Listening
from tests.end_to_end.engines_on_loopback import Engine, engine
from tests.end_to_end.meshes import founded, settings, up
from tests.end_to_end.test_passages import LEAVE, folder

pytestmark = pytest.mark.slow
QUESTION = "Who takes my requests for leave?"
BODY = {"model": "islandrun/auto", "messages": [{"role": "user", "content": QUESTION}]}
NAMED = {"islandrun": {"datasets": ["leave"]}}


class Home:
    def __init__(self, node: Listening, cloud: Engine) -> None:
        self.node, self.cloud = node, cloud

    async def post(self, path: str, body: dict[str, object], **headers: str) -> httpx2.Response:
        told = {"authorization": f"Bearer {self.node.token}", **headers}
        async with httpx2.AsyncClient(timeout=30, trust_env=False) as client:
            return await client.post(f"{self.node.http}{path}", json=body, headers=told)


@pytest.fixture
async def home(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Home]:
    async with AsyncExitStack() as stack:
        laptop = founded(tmp_path)
        cloud = await stack.enter_async_context(engine("Write to [EMAIL_1] in time [1]."))
        await enrolment.admit_outbound(laptop, "cloud")
        model = {"name": "large", "quality": 0.9, "input_price_usd": 1000.0}
        outbound = {"name": "cloud", "url": cloud.url, "models": [model]}
        data = {"name": "leave", "path": str(folder(tmp_path, "leave", LEAVE)), "sensitivity": 0.1}
        tables: dict[str, object] = {
            "outbound": [outbound],
            "data": [data],
            "policy": {"tier_trust": {"cloud": 0.4}},
        }
        tables["budget"] = getattr(request, "param", {})
        node = await up(laptop, settings("laptop", **tables), stack)
        yield Home(node, cloud)


def masked_only(home: Home) -> None:
    sent = b"".join(home.cloud.received)
    assert b"go to [EMAIL_1] within five days" in sent
    assert b"kern.anna" not in sent


async def test_every_door_of_http_names_data_sets_and_tells_the_sources(home: Home) -> None:
    by_header = await home.post("/v1/chat/completions", BODY, **{"x-islandrun-datasets": "leave"})
    assert by_header.json()["islandrun"]["citations"][0]["document"] == "leave.md"
    streamed = await home.post("/v1/chat/completions", BODY | NAMED | {"stream": True})
    events = [json.loads(line[6:]) for line in streamed.text.splitlines() if line.startswith("data: {")]
    told = [event["islandrun"] for event in events if "islandrun" in event]
    assert [one["citations"][0]["mark"] for one in told] == [1]
    answer = "".join(event["choices"][0]["delta"].get("content", "") for event in events)
    assert answer.strip() == "Write to kern.anna@office.example.org in time [1]."
    body = {"model": "islandrun/auto", "prompt": QUESTION} | NAMED
    text = (await home.post("/v1/completions", body)).json()
    assert text["choices"][0]["islandrun"]["citations"][0]["cited"] is True
    body = {"model": "islandrun/auto", "input": QUESTION} | NAMED
    response = (await home.post("/v1/responses", body)).json()
    assert response["islandrun"]["citations"][0]["data_set"] == "leave"
    masked_only(home)


async def test_grpc_tells_the_sources_and_a_plan_shows_them_masked(home: Home) -> None:
    async with local_channel(home.node.grpc, home.node.token) as channel:
        chat = chat_pb2_grpc.ChatServiceStub(channel)
        asked = {"messages": [{"role": "user", "text": QUESTION}]}
        plan = await chat.Plan(chat_pb2.PlanRequest(prompt=asked, hints={"data_sets": ["leave"]}), timeout=20)
        assert plan.decision.chosen_name == "cloud"
        assert "> Requests for leave go to [EMAIL_1]" in plan.visible_prompt.messages[0].text
        assert home.cloud.received == []
        request = chat_pb2.ChatRequest(prompt=asked, hints={"data_sets": ["leave"]})
        messages = [message async for message in chat.Chat(request, timeout=20)]
        finished = messages[-1].chunks.chunks[-1].finished
        assert [(one.mark, one.document, one.is_cited) for one in finished.citations] == [
            (1, "leave.md", True)
        ]
        status = status_pb2_grpc.StatusServiceStub(channel)
        page = await status.ListReceipts(status_pb2.ListReceiptsRequest(page_size=1), timeout=20)
        assert b"leave.md" not in page.receipts[0].payload
        assert b"kern.anna" not in page.receipts[0].payload
    masked_only(home)


@pytest.mark.parametrize("home", [{"conversation_usd": 0.4}], indirect=True)
async def test_sources_count_in_what_a_request_may_cost(home: Home) -> None:
    async with local_channel(home.node.grpc, home.node.token) as channel:
        asked = {"messages": [{"role": "user", "text": QUESTION}]}

        async def planned(*data_sets: str) -> chat_pb2.Decision:
            request = chat_pb2.PlanRequest(model="large", prompt=asked, hints={"data_sets": data_sets})
            return (await chat_pb2_grpc.ChatServiceStub(channel).Plan(request, timeout=20)).decision

        assert (await planned()).chosen_name == "cloud"
        refused = await planned("leave")
        assert not refused.chosen
        assert "OVER_BUDGET" in {veto.reason for report in refused.candidates for veto in report.vetoes}
