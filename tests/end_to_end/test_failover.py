"""Kill the chosen island in the middle: before the first token another answers, after it an honest error."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from islandrun.vocabulary import Ppm, Tier
from islandrun_node import enrolment
from islandrun_node.listeners import Listening
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.engines_on_loopback import Engine, engine
from tests.end_to_end.meshes import founded, joined, process, settings, up, with_engine

pytestmark = pytest.mark.slow
EDGE = Grant(Tier.EDGE, "office", Ppm(900_000))
QUESTION = "why is the sky blue?"


@dataclass
class Trio:
    """A laptop, two servers with the same model, and a cloud with it too."""

    node: Listening
    engines: dict[str, Engine]
    processes: dict[str, asyncio.subprocess.Process]
    cloud: Engine


@asynccontextmanager
async def trio(path: Path, *servers: str) -> AsyncGenerator[Trio]:
    async with AsyncExitStack() as stack:
        laptop = founded(path)
        cloud = await stack.enter_async_context(engine("the cloud says so"))
        await enrolment.admit_outbound(laptop, "cloud")
        outbound = {"name": "cloud", "url": cloud.url, "models": [{"name": "large", "quality": 0.9}]}
        policy = {"tier_trust": {"cloud": 0.4}}
        node = await up(laptop, settings("laptop", outbound=[outbound], policy=policy), stack)
        engines: dict[str, Engine] = {}
        processes: dict[str, asyncio.subprocess.Process] = {}
        for name in servers:
            engines[name] = await stack.enter_async_context(engine(f"{name} says so"))
            home = await joined(path, name, laptop, EDGE, node.mesh_port)
            processes[name] = await stack.enter_async_context(process(home, with_engine(engines[name].url)))
        whole = Trio(node, engines, processes, cloud)
        await _all_known(whole)
        yield whole


async def _all_known(whole: Trio) -> None:
    """Wait until the laptop can reach each server."""
    for name in whole.engines:
        for _ in range(150):
            if (await ask(whole, QUESTION, only=[name])).status_code == 200:
                break
            await asyncio.sleep(0.1)
        else:
            raise AssertionError(f"{name} did not appear")
    for served in whole.engines.values():
        served.received.clear()


def _client(whole: Trio) -> httpx2.AsyncClient:
    headers = {"authorization": f"Bearer {whole.node.token}"}
    return httpx2.AsyncClient(base_url=whole.node.http, headers=headers, timeout=30, trust_env=False)


def _body(text: str, **hints: object) -> dict[str, object]:
    return {"model": "large", "messages": [{"role": "user", "content": text}], "islandrun": hints}


async def ask(whole: Trio, text: str, **hints: object) -> httpx2.Response:
    async with _client(whole) as client:
        return await client.post("/v1/chat/completions", json=_body(text, **hints))


async def _kill_who_was_asked(whole: Trio) -> str:
    """Wait until one server's engine holds the request, and kill that server."""
    waits = {asyncio.create_task(served.asked.wait(), name=name) for name, served in whole.engines.items()}
    done, pending = await asyncio.wait(waits, timeout=15, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    name = done.pop().get_name()
    for served in whole.engines.values():
        served.hold = ""
    whole.processes[name].kill()
    return name


async def test_before_the_first_token_another_island_answers(tmp_path: Path) -> None:
    async with trio(tmp_path, "north", "south") as whole:
        for served in whole.engines.values():
            served.hold = "before"
        asked = asyncio.create_task(ask(whole, QUESTION, tiers=["edge"]))
        killed = await _kill_who_was_asked(whole)
        response = await asked
        other = "south" if killed == "north" else "north"
        assert response.status_code == 200
        assert response.headers["x-islandrun-island"] == other
        assert response.json()["choices"][0]["message"]["content"].strip() == f"{other} says so"
        assert not whole.cloud.received


async def test_after_the_first_token_the_stream_ends_with_an_error(tmp_path: Path) -> None:
    async with trio(tmp_path, "north", "south") as whole:
        for served in whole.engines.values():
            served.hold = "after"
        async with _client(whole) as client:
            body = {**_body(QUESTION, tiers=["edge"]), "stream": True}
            async with client.stream("POST", "/v1/chat/completions", json=body) as response:
                lines = []
                killed = ""
                async for line in response.aiter_lines():
                    if line.startswith("data:"):
                        lines.append(line)
                    if "says" in line and not killed:
                        killed = await _kill_who_was_asked(whole)
        events = [json.loads(line[5:]) for line in lines if "[DONE]" not in line]
        assert "data: [DONE]" not in lines
        assert events[-1]["error"]["code"]
        shown = "".join(
            choice["delta"].get("content") or ""
            for event in events[:-1]
            for choice in event.get("choices", ())
        )
        assert f"{killed} says".startswith(shown.strip()) or shown.strip() == f"{killed} says"
        assert sum(len(served.received) for served in whole.engines.values()) == 1
        assert not whole.cloud.received


async def test_a_lower_trust_never_gets_what_was_meant_for_a_higher_one(tmp_path: Path) -> None:
    async with trio(tmp_path, "north") as whole:
        whole.engines["north"].hold = "before"
        asked = asyncio.create_task(ask(whole, "write to anna.kern@example.org about my HIV test results"))
        await _kill_who_was_asked(whole)
        response = await asked
        assert response.status_code in (403, 502, 503)
        assert "error" in response.json()
        assert b"anna.kern" in whole.engines["north"].received[0]
        assert not whole.cloud.received
