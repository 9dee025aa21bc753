"""Losing its admission ends an island's open streams, between processes that learn of it by gossip alone.

It is lost by a revocation, or because the owner cut off, from a moment on, the authority that admitted it.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import grpc
import httpx2
import pytest

from islandrun.errors import EnrolmentRefused
from islandrun.v1 import inference_pb2, inference_pb2_grpc
from islandrun.vocabulary import Ppm, Tier
from islandrun_node import delegation, enrolment, world_clock
from islandrun_node.certificates import show_island
from islandrun_node.channels import open_channel
from islandrun_node.home import Home
from islandrun_node.identity import load_membership
from islandrun_node.rulings import Limits
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
    """The owner in this process, and two islands as processes; each has an engine that stands still.

    `take_away` ends the admission of the island that is to be lost, and of no other.
    """

    owner: Home
    asking: Home
    answering: Home
    address: str
    engine: Engine
    take_away: Callable[[], object]


@asynccontextmanager
async def staged(path: Path, way: str, lost: str) -> AsyncIterator[Cast]:
    """Bring all up; who is to be lost joins last, so that a cut-off after the first admission is its end."""
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(engine("one two three"))
        owner = founded(path, "owner")
        node = await up(owner, settings("owner"), stack)
        admitter, port, key = owner, node.mesh_port, ""
        if way == "cut off":
            admitter = await joined(path, "office", owner, EDGE, port)
            port = (await up(admitter, settings("office"), stack)).mesh_port
            key = delegation.request(admitter)
            delegation.add(owner, key, Limits(2, Tier.EDGE, Ppm(900_000), ("office",)))
        names = sorted(("asking", "answering"), key=lambda name: name == lost)
        homes = {name: await _joined(path, name, admitter, port) for name in names}
        await stack.enter_async_context(process(homes["answering"], with_engine(served.url)))
        await stack.enter_async_context(process(homes["asking"], ""))
        address = _running(homes["answering"])["mesh"]
        if way == "cut off":
            take_away = partial(delegation.cut_off, owner, key, 1, reason="stolen")
        else:
            take_away = partial(enrolment.revoke, owner, lost, "lost")
        yield Cast(owner, homes["asking"], homes["answering"], address, served, take_away)


async def _joined(path: Path, name: str, admitter: Home, port: int) -> Home:
    """Join at a home, as soon as it has heard that it may admit."""
    for _ in range(100):
        with suppress(EnrolmentRefused):
            return await joined(path, name, admitter, EDGE, port)
        await asyncio.sleep(0.1)
    raise AssertionError("the delegation did not arrive in ten seconds")


def _running(home: Home) -> dict[str, str]:
    return json.loads(home.running.read_bytes())  # type: ignore[no-any-return]


async def _ready(client: httpx2.AsyncClient, body: dict[str, object]) -> None:
    for _ in range(200):
        if (await client.post("/v1/chat/completions", json=body)).status_code == 200:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the two islands never met")


@pytest.mark.parametrize("way", ["revoked", pytest.param("cut off", marks=pytest.mark.long)])
async def test_an_island_stops_reading_what_a_lost_one_answers(tmp_path: Path, way: str) -> None:
    """The asking process hears by gossip that the answering one is lost, and ends its open stream."""
    async with staged(tmp_path, way, "answering") as cast:
        took = await _read_until_cut(cast)
    print(f"a stream from an island was cut {took:.2f} s after the owner gave the command ({way})")
    assert took <= SECONDS_MAX


async def _read_until_cut(cast: Cast) -> float:
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
                    cast.take_away()
        took = time.monotonic() - began
    assert began
    assert "[DONE]" not in "".join(lines)
    assert '"error"' in "".join(lines)
    return took


@pytest.mark.parametrize("way", ["revoked", pytest.param("cut off", marks=pytest.mark.long)])
async def test_an_island_stops_answering_a_lost_one(tmp_path: Path, way: str) -> None:
    """The answering process hears by gossip that its caller is lost, and ends this call and later ones."""
    async with staged(tmp_path, way, "asking") as cast:
        took = await _call_until_cut(cast)
    print(f"a stream to an island was cut {took:.2f} s after the owner gave the command ({way})")
    assert took <= SECONDS_MAX


async def _call_until_cut(cast: Cast) -> float:
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
        cast.take_away()
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await _read_to_the_end(call)
        took = time.monotonic() - began
        assert ended.value.code() is grpc.StatusCode.PERMISSION_DENIED
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Generate(request, timeout=10).read()
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    return took


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
