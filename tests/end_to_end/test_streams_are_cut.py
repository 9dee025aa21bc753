"""A revocation ends open streams in both directions, between processes that learn of it by gossip alone."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx2
import pytest

from islandrun.v1 import inference_pb2, inference_pb2_grpc
from islandrun.vocabulary import Ppm, Tier
from islandrun_node import enrolment, world_clock
from islandrun_node.certificates import show_island
from islandrun_node.channels import open_channel
from islandrun_node.home import Home
from islandrun_node.identity import load_membership
from islandrun_node.state import open_state
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.engines_on_loopback import Engine, engine
from tests.end_to_end.meshes import founded, joined, process, settings, up, with_engine

pytestmark = pytest.mark.slow
EDGE = Grant(Tier.EDGE, "office", Ppm(900_000))
SECONDS_MAX = 5.0
Call = grpc.aio.UnaryStreamCall


@dataclass(frozen=True, slots=True)
class Cast:
    """The owner in this process, and two islands as processes; each has an engine that stands still."""

    owner: Home
    asking: Home
    answering: Home
    address: str
    engine: Engine


@pytest.fixture
async def cast(tmp_path: Path) -> AsyncIterator[Cast]:
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(engine("one two three"))
        owner = founded(tmp_path, "owner")
        node = await up(owner, settings("owner"), stack)
        asking = await joined(tmp_path, "asking", owner, EDGE, node.mesh_port)
        answering = await joined(tmp_path, "answering", owner, EDGE, node.mesh_port)
        await stack.enter_async_context(process(answering, with_engine(served.url)))
        await stack.enter_async_context(process(asking, ""))
        address = _running(answering)["mesh"]
        yield Cast(owner, asking, answering, address, served)


def _running(home: Home) -> dict[str, str]:
    return json.loads(home.running.read_bytes())  # type: ignore[no-any-return]


async def _ready(client: httpx2.AsyncClient, body: dict[str, object]) -> None:
    for _ in range(200):
        if (await client.post("/v1/chat/completions", json=body)).status_code == 200:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the two islands never met")


async def test_an_island_stops_reading_what_a_revoked_one_answers(cast: Cast) -> None:
    """The asking process hears by gossip that the answering one is revoked, and ends its open stream."""
    running = _running(cast.asking)
    headers = {"authorization": f"Bearer {cast.asking.token.read_text().strip()}"}
    body = {"model": "large", "stream": True, "messages": [{"role": "user", "content": "count for me"}]}
    async with httpx2.AsyncClient(
        base_url=running["http"], headers=headers, timeout=30, trust_env=False
    ) as client:
        await _ready(client, body)
        cast.engine.hold = "after"
        began, lines = 0.0, []
        async with client.stream("POST", "/v1/chat/completions", json=body) as response:
            async for line in response.aiter_lines():
                lines.append(line)
                if "two" in line and not began:
                    began = time.monotonic()
                    enrolment.revoke(cast.owner, "answering", "lost")
        took = time.monotonic() - began
    print(f"a stream from a revoked island was cut {took:.2f} s after the owner gave the command")
    assert began
    assert took <= SECONDS_MAX
    assert "[DONE]" not in "".join(lines)
    assert '"error"' in "".join(lines)


async def test_an_island_stops_answering_a_revoked_one(cast: Cast) -> None:
    """The answering process hears by gossip that its caller is revoked, and ends this call and later ones."""
    theirs = load_membership(cast.answering)
    with ExitStack() as stack:
        state = open_state(cast.asking, stack)
        shown = show_island(
            state.membership.key,
            state.admission.certificate_der,
            theirs.genesis.mesh_id,
            world_clock.now().wall_ms,
        )
    request = inference_pb2.GenerateRequest(
        target=theirs.key.public,
        model="large",
        hops_left=1,
        prompt=inference_pb2.Prompt(messages=[inference_pb2.Message(role="user", text="count")]),
    )
    cast.engine.hold = "after"
    async with open_channel([cast.address], theirs.key.public, shown, theirs.genesis.mesh_id) as channel:
        stub = inference_pb2_grpc.InferenceServiceStub(channel)
        call = await _accepted(stub, request)
        began = time.monotonic()
        enrolment.revoke(cast.owner, "asking", "lost")
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await _read_to_the_end(call)
        took = time.monotonic() - began
        print(f"a stream to a revoked island was cut {took:.2f} s after the owner gave the command")
        assert took <= SECONDS_MAX
        assert ended.value.code() is grpc.StatusCode.PERMISSION_DENIED
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Generate(request, timeout=10).read()
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def _read_to_the_end(call: Call) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


async def _accepted(
    stub: inference_pb2_grpc.InferenceServiceStub, request: inference_pb2.GenerateRequest
) -> Call:
    """Return a call that has brought its first words; until the two processes have met, it is refused."""
    for _ in range(200):
        call = stub.Generate(request, timeout=60)
        try:
            assert (await call.read()).chunks
            return call
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAUTHENTICATED:
                raise
            await asyncio.sleep(0.1)
    raise AssertionError("the two islands never met")
