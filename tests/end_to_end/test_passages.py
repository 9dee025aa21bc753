"""Real nodes: a holder that only quotes, and a cloud that writes. Passages go there masked, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from islandrun.v1 import chat_pb2, chat_pb2_grpc, status_pb2, status_pb2_grpc
from islandrun.vocabulary import Ppm, Tier
from islandrun_node import enrolment
from islandrun_node.channels import local_channel
from islandrun_node.listeners import Listening
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.engines_on_loopback import Engine, engine
from tests.end_to_end.meshes import founded, joined, process, settings, up, with_engine

pytestmark = pytest.mark.slow
EDGE = Grant(Tier.EDGE, "office", Ppm(900_000))
GERMAN = Grant(Tier.EDGE, "office", Ppm(900_000), ("DE",))
LOW = Grant(Tier.EDGE, "office", Ppm(500_000))
LEAVE = "# Leave\nRequests for leave go to kern.anna@office.example.org within five days.\n"
CLOSED = "# Merger\nThe zubrovka merger is signed on the ninth of May in the harbour.\n"
CANARY = b"zubrovka"


@dataclass
class Trio:
    """A laptop that fronts a cloud, and the islands around it."""

    path: Path
    node: Listening
    cloud: Engine
    homes: dict[str, Path] = field(default_factory=dict)
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    async def ask(self, text: str, model: str = "islandrun/auto", **hints: object) -> httpx2.Response:
        body = {"model": model, "messages": [{"role": "user", "content": text}], "islandrun": hints}
        headers = {"authorization": f"Bearer {self.node.token}"}
        async with httpx2.AsyncClient(timeout=30, trust_env=False) as client:
            return await client.post(f"{self.node.http}/v1/chat/completions", json=body, headers=headers)

    async def reader(self, text: str, data_set: str) -> str:
        """Return who would be asked to read documents for the cloud's model."""
        async with local_channel(self.node.grpc, self.node.token) as channel:
            prompt = {"messages": [{"role": "user", "text": text}]}
            request = chat_pb2.PlanRequest(model="large", prompt=prompt, hints={"data_sets": [data_set]})
            plan = await chat_pb2_grpc.ChatServiceStub(channel).Plan(request, timeout=20)
        assert plan.decision.summary.startswith("reading documents: ")
        return plan.decision.chosen_name

    async def until(self, code: int, text: str, **hints: object) -> httpx2.Response:
        """Ask until the mesh has heard of it, ten seconds at most."""
        for _ in range(100):
            response = await self.ask(text, **hints)
            if response.status_code == code:
                return response
            await asyncio.sleep(0.1)
        raise AssertionError(response.text)


def folder(path: Path, name: str, text: str) -> Path:
    made = path / name
    made.mkdir()
    (made / f"{name}.md").write_text(text)
    return made


def data(name: str, path: Path, sensitivity: float, place: str = "") -> str:
    table = f'\n[[data]]\nname = "{name}"\npath = "{path}"\nsensitivity = {sensitivity}\n'
    return table + (f'jurisdiction = "{place}"\n' if place else "")


@asynccontextmanager
async def trio(path: Path, *islands: tuple[str, Grant, str]) -> AsyncGenerator[Trio]:
    """Run the laptop here and each island as a process of its own with these settings."""
    async with AsyncExitStack() as stack:
        laptop = founded(path)
        cloud = await stack.enter_async_context(engine("Write to [EMAIL_1] in time [1]."))
        await enrolment.admit_outbound(laptop, "cloud")
        outbound = {"name": "cloud", "url": cloud.url, "models": [{"name": "large", "quality": 0.9}]}
        policy = {"tier_trust": {"cloud": 0.4}}
        node = await up(laptop, settings("laptop", outbound=[outbound], policy=policy), stack)
        whole = Trio(path, node, cloud)
        for name, grant, tables in islands:
            home = await joined(path, name, laptop, grant, node.mesh_port)
            whole.processes[name] = await stack.enter_async_context(process(home, tables))
            whole.homes[name] = home.path
        yield whole


def told_of(answer: httpx2.Response) -> dict[str, object]:
    facts = answer.json()["islandrun"]
    assert isinstance(facts, dict)
    return facts


async def test_passages_of_a_holder_that_only_quotes_go_masked_to_a_cloud_that_writes(tmp_path: Path) -> None:
    office = data("leave", folder(tmp_path, "leave", LEAVE), 0.1)
    async with trio(tmp_path, ("office", EDGE, office)) as whole:
        answer = await whole.until(200, "Who takes my requests for leave?", datasets=["leave"])
        assert answer.headers["x-islandrun-island"] == "cloud", answer.text
        assert answer.headers["x-islandrun-decision"] == "masked"
        text = answer.json()["choices"][0]["message"]["content"]
        assert text.strip() == "Write to kern.anna@office.example.org in time [1]."
        (citation,) = told_of(answer)["citations"]
        assert (citation["data_set"], citation["document"]) == ("leave", "leave.md")
        assert (citation["section"], citation["cited"]) == ("Leave", True)
        sent = b"".join(whole.cloud.received)
        assert b"Requests for leave go to [EMAIL_1] within five days." in sent
        assert b"kern.anna" not in sent
        assert b"leave.md" not in sent
        private = await whole.ask("Who takes my requests for leave?", datasets=["leave"], profile="private")
        assert private.headers["x-islandrun-island"] == "office"
        assert "kern.anna@office.example.org" in private.text
        assert told_of(private)["citations"][0]["document"] == "leave.md"


async def test_passages_above_the_trust_of_a_target_are_nowhere_near_it(tmp_path: Path) -> None:
    office = data("deals", folder(tmp_path, "deals", CLOSED), 0.7)
    async with AsyncExitStack() as stack:
        low = await stack.enter_async_context(engine("low says so"))
        islands = (("office", EDGE, office), ("low", LOW, with_engine(low.url)))
        whole = await stack.enter_async_context(trio(tmp_path, *islands))
        await whole.until(200, "hello", only=["low"])
        quoted = await whole.until(200, "When is the merger signed?", datasets=["deals"])
        assert quoted.headers["x-islandrun-island"] == "office"
        assert "zubrovka" in quoted.text
        refused = await whole.ask("When is the merger signed?", model="large", datasets=["deals"])
        assert refused.status_code == 403
        assert "TRUST_BELOW_SENSITIVITY" in refused.text
        assert CANARY not in b"".join([*whole.cloud.received, *low.received])
        for file in whole.homes["low"].rglob("*"):
            assert not file.is_file() or CANARY not in file.read_bytes(), file
        for file in (tmp_path / "laptop").rglob("*"):
            assert not file.is_file() or CANARY not in file.read_bytes(), file


@pytest.mark.long
async def test_documents_bound_to_a_place_stay_with_islands_there(tmp_path: Path) -> None:
    office = data("leave", folder(tmp_path, "leave", LEAVE), 0.1, "DE")
    async with trio(tmp_path, ("office", GERMAN, office)) as whole:
        await whole.until(200, "hello", only=["office"])
        await asyncio.sleep(0.5)
        refused = await whole.ask("Who takes my requests for leave?", model="large", datasets=["leave"])
        assert refused.status_code in (403, 502, 503), refused.text
        assert "permission_denied" in refused.text
        assert b"Requests for leave" not in b"".join(whole.cloud.received)


@pytest.mark.long
async def test_one_question_over_the_documents_of_two_holders(tmp_path: Path) -> None:
    office = data("leave", folder(tmp_path, "leave", LEAVE), 0.1)
    harbour = "# Harbour\nThe harbour closes on requests of the pilot and for leave of the crew.\n"
    pilot = data("harbour", folder(tmp_path, "harbour", harbour), 0.2)
    async with trio(tmp_path, ("office", EDGE, office), ("pilot", EDGE, pilot)) as whole:
        question = "What about requests for leave in the harbour?"
        answer = await whole.until(200, question, datasets=["leave", "harbour"])
        assert answer.headers["x-islandrun-island"] == "cloud"
        citations = told_of(answer)["citations"]
        assert {one["data_set"] for one in citations} == {"leave", "harbour"}
        sent = b"".join(whole.cloud.received)
        assert b"The harbour closes" in sent
        assert b"[EMAIL_1] within five days" in sent


@pytest.mark.long
async def test_a_replica_answers_when_the_first_holder_is_gone(tmp_path: Path) -> None:
    path = folder(tmp_path, "leave", LEAVE)
    one, two = data("leave", path, 0.1), data("leave", path, 0.1)
    async with trio(tmp_path, ("one", EDGE, one), ("two", EDGE, two)) as whole:
        question = "Who takes my requests for leave?"
        await whole.until(200, question, datasets=["leave"], only=["one", "cloud"])
        await whole.until(200, question, datasets=["leave"], only=["two", "cloud"])
        whole.cloud.received.clear()
        answer = await whole.until(200, question, datasets=["leave"])
        assert answer.headers["x-islandrun-island"] == "cloud"
        assert len(whole.cloud.received) == 1
        (path / "more.md").write_text("Leave is asked for in the portal.")
        async with local_channel(whole.node.grpc, whole.node.token) as channel:
            status = status_pb2_grpc.StatusServiceStub(channel)
            for _ in range(150):
                islands = (await status.ListIslands(status_pb2.ListIslandsRequest(), timeout=5)).islands
                told = {island.name: [one.documents for one in island.data_sets] for island in islands}
                if told["one"] == told["two"] == [2]:
                    break
                await asyncio.sleep(0.1)
            assert (told["one"], told["two"]) == ([2], [2]), "what changed is told anew"
        gone = await whole.reader(question, "leave")
        whole.processes[gone].kill()
        answer = await whole.ask(question, model="large", datasets=["leave"])
        assert answer.status_code == 200, answer.text


@pytest.mark.long
async def test_a_holder_with_a_model_reads_its_documents_itself(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(engine("Ask kern.anna@office.example.org [1]."))
        tables = with_engine(own.url) + data("leave", folder(tmp_path, "leave", LEAVE), 0.6)
        whole = await stack.enter_async_context(trio(tmp_path, ("office", EDGE, tables)))
        answer = await whole.until(200, "Who takes my requests for leave?", datasets=["leave"])
        assert answer.headers["x-islandrun-island"] == "office"
        (citation,) = told_of(answer)["citations"]
        assert (citation["document"], citation["cited"]) == ("leave.md", True)
        shown = b"".join(own.received)
        assert b"> Requests for leave go to kern.anna@office.example.org within five days." in shown
        assert whole.cloud.received == []


@pytest.mark.long
async def test_auto_finds_the_data_set_and_leaves_other_questions_alone(tmp_path: Path) -> None:
    path = folder(tmp_path, "leave", LEAVE)
    office = data("staff-rules", path, 0.1).rstrip() + '\ndescription = "Rules of the office: leave, pay"\n'
    async with trio(tmp_path, ("office", EDGE, office)) as whole:
        question = "Who takes my requests for leave of the office?"
        await whole.until(200, question, datasets=["staff-rules"])
        found = await whole.ask(question, datasets=["auto"])
        assert [one["data_set"] for one in told_of(found)["citations"]] == ["staff-rules"]
        unasked = await whole.ask(question)
        assert "citations" not in told_of(unasked)
        other = await whole.ask("How many moons has Jupiter?", datasets="auto")
        assert other.status_code == 200
        assert "citations" not in told_of(other)


@pytest.mark.long
async def test_a_plan_sends_nothing_and_says_who_would_read(tmp_path: Path) -> None:
    office = data("leave", folder(tmp_path, "leave", LEAVE), 0.1)
    async with trio(tmp_path, ("office", EDGE, office)) as whole:
        await whole.until(200, "Who takes my requests for leave?", datasets=["leave"])
        whole.cloud.received.clear()
        assert await whole.reader("Who takes my requests for leave?", "leave") == "office"
        assert whole.cloud.received == []
