"""A laptop that asks, an office as a real process, and targets that record every byte that reaches them.

The office runs a model of its own and fronts a second cloud, so a request can reach a target in three ways:
the laptop's own cloud, the office, and the cloud behind the office.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from islandrun.vocabulary import Ppm, Tier
from islandrun_node import enrolment
from islandrun_node.home import Home
from islandrun_node.privacy_worker import PrivacyWorker
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.engines_on_loopback import Engine, engine
from tests.end_to_end.meshes import founded, joined, process, settings, up, with_engine

EDGE = Grant(Tier.EDGE, "office", Ppm(900_000))
CLOUD = Grant(Tier.CLOUD, "public", Ppm(1_000_000))
CLOUD_TRUST = 0.35
TRUST_PPM = {"cloud": 350_000, "relay": 350_000, "office": 800_000}
"""How far the laptop trusts each target."""
QUESTION = "why is the sky blue?"
TARGETS = tuple(TRUST_PPM)


@dataclass
class RecordedMesh:
    """Homes on disk, the targets' engines by island name, and the processes that run."""

    laptop: Home
    office: Home
    engines: dict[str, Engine]
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    @property
    def listening(self) -> dict[str, str]:
        """Where the laptop listens now."""
        told: dict[str, str] = json.loads(self.laptop.running.read_bytes())
        return told

    @property
    def token(self) -> str:
        """The bearer token of the laptop's local listeners."""
        return self.laptop.token.read_text().strip()

    def client(self) -> httpx2.AsyncClient:
        """Return a client of the laptop's HTTP door."""
        headers = {"authorization": f"Bearer {self.token}"}
        return httpx2.AsyncClient(
            base_url=self.listening["http"], headers=headers, timeout=40, trust_env=False
        )

    async def ask(self, text: str, model: str = "large", **fields: object) -> httpx2.Response:
        """Ask the laptop one question over HTTP."""
        body = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
        async with self.client() as client:
            return await client.post("/v1/chat/completions", json=body)

    def received(self) -> bytes:
        """Return every byte that reached any target, heads of requests included."""
        return b"\n".join(piece for served in self.engines.values() for piece in served.received)

    def forget(self) -> None:
        """Forget what the targets received so far."""
        for served in self.engines.values():
            served.received.clear()

    def files(self) -> Iterator[tuple[Path, bytes]]:
        """Yield every file of both homes: databases, journals, logs, keys."""
        for home in (self.laptop, self.office):
            for path in sorted(home.path.rglob("*")):
                if path.is_file():
                    yield path, path.read_bytes()

    async def all_known(self) -> None:
        """Wait until nothing but trust keeps the laptop from each target; then forget what that took."""
        for name in TARGETS:
            for _ in range(200):
                if _is_known(await self.ask(QUESTION, islandrun={"only": [name]}), name):
                    break
                await asyncio.sleep(0.1)
            else:
                raise AssertionError(f"{name} did not appear")
        self.forget()


def _is_known(answer: httpx2.Response, name: str) -> bool:
    if answer.status_code == 200:
        return True
    islands = answer.json()["error"].get("islands", ())
    return any(one["island"] == name and one["reasons"] == ["TRUST_BELOW_SENSITIVITY"] for one in islands)


@asynccontextmanager
async def recorded_mesh(path: Path, privacy: PrivacyWorker | None = None) -> AsyncGenerator[RecordedMesh]:
    """Bring the mesh up with the laptop in this process, judged by `privacy` when it is given."""
    async with AsyncExitStack() as stack:
        laptop = founded(path)
        engines = {name: await stack.enter_async_context(engine(f"{name} says so")) for name in TARGETS}
        await enrolment.admit_outbound(laptop, "cloud")
        wanted = settings(
            "laptop", outbound=[_outbound(engines["cloud"])], policy={"tier_trust": {"cloud": CLOUD_TRUST}}
        )
        node = await up(laptop, wanted, stack, privacy)
        office = await _office(path, laptop, node.mesh_port)
        mesh = RecordedMesh(laptop, office, engines)
        tables = _policy() + with_engine(engines["office"].url) + _tables("relay", engines["relay"])
        mesh.processes["office"] = await stack.enter_async_context(process(office, tables))
        await mesh.all_known()
        yield mesh


@asynccontextmanager
async def mesh_of_processes(path: Path) -> AsyncGenerator[RecordedMesh]:
    """Bring the mesh up with the laptop as a process of its own, which can be killed."""
    async with AsyncExitStack() as stack:
        laptop = founded(path)
        engines = {name: await stack.enter_async_context(engine(f"{name} says so")) for name in TARGETS}
        await enrolment.admit_outbound(laptop, "cloud")
        policy = f"\n[policy.tier_trust]\ncloud = {CLOUD_TRUST}\n"
        running = await stack.enter_async_context(
            process(laptop, policy + _tables("cloud", engines["cloud"]))
        )
        port = int(json.loads(laptop.running.read_bytes())["mesh"].rpartition(":")[2])
        office = await _office(path, laptop, port)
        mesh = RecordedMesh(laptop, office, engines, {"laptop": running})
        tables = _policy() + with_engine(engines["office"].url) + _tables("relay", engines["relay"])
        mesh.processes["office"] = await stack.enter_async_context(process(office, tables))
        await mesh.all_known()
        yield mesh


async def _office(path: Path, owner: Home, port: int) -> Home:
    office = await joined(path, "office", owner, EDGE, port)
    token = enrolment.invite(owner, CLOUD, 60, [f"127.0.0.1:{port}"])
    await enrolment.admit_outbound(office, "relay", token, CLOUD)
    return office


def _outbound(served: Engine) -> dict[str, object]:
    return {"name": "cloud", "url": served.url, "models": [{"name": "large", "quality": 0.9}]}


def _policy() -> str:
    return f"\n[policy.tier_trust]\ncloud = {CLOUD_TRUST}\n"


def _tables(name: str, served: Engine) -> str:
    return (
        f'\n[[outbound]]\nname = "{name}"\nurl = "{served.url}"\n'
        '[[outbound.models]]\nname = "large"\nquality = 0.9\n'
    )
