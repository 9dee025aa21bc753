"""The HTTP door on a free port, with scripted answers behind it, and the OpenAI SDK before it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import openai
import uvicorn
from prometheus_client import CollectorRegistry, generate_latest

from islandrun.load import Machine
from islandrun.routing.decision import CandidateReport, Decision
from islandrun.routing.hosting import HostingRules
from islandrun.v1 import status_pb2
from islandrun.vocabulary import (
    FindingType,
    Finished,
    Instant,
    IslandId,
    ModelOffer,
    Ppm,
    PublicKey,
    TextDelta,
    Tier,
    Usage,
)
from islandrun_node.calibration import Calibration
from islandrun_node.config_tables import Limits
from islandrun_node.http.app import build_app
from islandrun_node.probes.watch import Watch
from islandrun_node.request import Decided
from islandrun_node.upkeep import Upkeep

TOKEN = "t" * 40
ME = IslandId("m" * 52)
SECRET = "the user's own words"


def report(name="office", tier=Tier.EDGE, *, masked=True, vetoes=(), island="o" * 52) -> CandidateReport:
    return CandidateReport(
        IslandId(island), PublicKey(b"k" * 32), name, tier, Ppm(800_000), Ppm(300_000), masked, "tiny",
        tuple(vetoes), 1_250, 90, (), 0, 0 if vetoes else 1,
    )  # fmt: skip


def decision(chosen: CandidateReport | None, *others: CandidateReport, attempt=1) -> Decision:
    reports = (*((chosen,) if chosen else ()), *others)
    masked = ((FindingType.EMAIL, 1), (FindingType.PERSON, 2)) if chosen and chosen.masked else ()
    return Decision(
        "r-1", "r-1", attempt, "balanced", Ppm(600_000), ("EMAIL x1",), reports, chosen, masked, "a summary"
    )


DECIDED = Decided(decision(report()))
END = Finished("stop", Usage(7, 3), "tiny")


class Scripted:
    """Stands where the node's `Requests` stands: plays a script, waits at events, raises errors."""

    def __init__(self) -> None:
        self.script: list[object] = [DECIDED, TextDelta("Hel"), TextDelta("lo"), END]
        self.asked = []
        self.closed = asyncio.Event()

    def models(self) -> tuple[str, ...]:
        return ("tiny", "islandrun/auto", "islandrun/local", "islandrun/private")

    async def answer(self, request, caller="local") -> AsyncGenerator[object]:
        self.asked.append(request)
        try:
            for item in self.script:
                if isinstance(item, asyncio.Event):
                    await item.wait()
                elif isinstance(item, Exception):
                    raise item
                else:
                    yield item
        finally:
            self.closed.set()


class Sentences:
    """Stands where the sentence model stands; no test here asks for vectors."""

    def offer(self) -> ModelOffer:
        return ModelOffer("letters", 100, Ppm(0))


async def until(condition) -> None:
    """Wait for what another task does; fail when it does not come."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the condition lies in code that has no event to wait for
            await asyncio.sleep(0.01)


class Door:
    """A running server and a client for it."""

    def __init__(self, port: int, answerer: Scripted, registry: CollectorRegistry) -> None:
        self.answerer = answerer
        self.registry = registry
        self.url = f"http://127.0.0.1:{port}/v1"

    def client(self, token: str = TOKEN) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=self.url, api_key=token, max_retries=0, timeout=20)

    async def ask(self, **fields):
        async with self.client() as client:
            fields = {"model": "tiny", "messages": [{"role": "user", "content": SECRET}]} | fields
            return await client.chat.completions.with_raw_response.create(**fields)

    def counted(self) -> str:
        return generate_latest(self.registry).decode()


def outlook_of(status: status_pb2.MeshStatus, started_ms: int = 0) -> SimpleNamespace:
    """Return what a door reads of a node that has no engine."""
    return SimpleNamespace(
        me=ME,
        started=Instant(0, started_ms),
        mesh_status=lambda: status,
        upkeep=Upkeep(Watch(Machine), HostingRules(), {}, lambda: 0),
        journal=SimpleNamespace(calibration=Calibration()),
    )


@asynccontextmanager
async def open_door() -> AsyncGenerator[Door]:
    """Serve one door on a free port."""
    answerer, registry = Scripted(), CollectorRegistry()
    status = status_pb2.MeshStatus(islands=3, islands_alive=2, requests_answered=5)
    outlook = outlook_of(status, 1_700_000_000_000)
    app = build_app(answerer, outlook, Sentences(), TOKEN, Limits(), registry)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    yield Door(server.servers[0].sockets[0].getsockname()[1], answerer, registry)
    server.should_exit = True
    await task
