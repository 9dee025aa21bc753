"""A revoked island is out at once: what it is being answered ends, and what it is answering ends."""

import asyncio
import json
import time
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import grpc
import httpx2
import pytest

from islandrun.v1 import inference_pb2, inference_pb2_grpc
from islandrun.vocabulary import Ppm, Tier
from islandrun_node import enrolment, world_clock
from islandrun_node.certificates import show_island
from islandrun_node.channels import open_channel
from islandrun_node.identity import load_membership
from islandrun_node.state import open_state
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.engines_on_loopback import engine
from tests.end_to_end.meshes import founded, joined, process, settings, up, with_engine

pytestmark = pytest.mark.slow
EDGE = Grant(Tier.EDGE, "office", Ppm(900_000))


async def _read_to_the_end(call: grpc.aio.UnaryStreamCall) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


async def test_what_a_revoked_island_asked_for_ends_within_a_second(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(engine("one two three"))
        served.hold = "after"
        laptop = founded(tmp_path)
        backend = {"kind": "openai", "url": served.url, "models": [{"name": "large"}]}
        node = await up(laptop, settings("laptop", backend=backend), stack)
        office = await joined(tmp_path, "office", laptop, EDGE, node.mesh_port)
        ours, theirs = load_membership(laptop), load_membership(office)
        state = open_state(office, stack.enter_context(ExitStack()))
        shown = show_island(
            theirs.key, state.admission.certificate_der, ours.genesis.mesh_id, world_clock.now().wall_ms
        )
        request = inference_pb2.GenerateRequest(
            target=ours.key.public,
            model="large",
            hops_left=1,
            prompt=inference_pb2.Prompt(messages=[inference_pb2.Message(role="user", text="count")]),
        )
        address = [f"127.0.0.1:{node.mesh_port}"]
        async with open_channel(address, ours.key.public, shown, ours.genesis.mesh_id) as channel:
            stub = inference_pb2_grpc.InferenceServiceStub(channel)
            call = stub.Generate(request, timeout=20)
            first = await call.read()
            assert first.chunks[0].text
            enrolment.revoke(laptop, theirs.key.id, "lost")
            began = time.monotonic()
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                await _read_to_the_end(call)
            assert ended.value.code() is grpc.StatusCode.PERMISSION_DENIED
            assert time.monotonic() - began < 1.5
            again = stub.Generate(request, timeout=5)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await again.read()
            assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_what_a_revoked_island_was_answering_ends_with_an_error(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(engine("one two three"))
        laptop = founded(tmp_path)
        node = await up(laptop, settings("laptop"), stack)
        office = await joined(tmp_path, "office", laptop, EDGE, node.mesh_port)
        await stack.enter_async_context(process(office, with_engine(served.url)))
        headers = {"authorization": f"Bearer {node.token}"}
        body = {"model": "large", "stream": True, "messages": [{"role": "user", "content": "count for me"}]}
        async with httpx2.AsyncClient(
            base_url=node.http, headers=headers, timeout=20, trust_env=False
        ) as client:
            for _ in range(150):
                if (await client.post("/v1/chat/completions", json=body)).status_code == 200:
                    break
                await asyncio.sleep(0.1)
            served.hold = "after"
            lines, began = [], 0.0
            async with client.stream("POST", "/v1/chat/completions", json=body) as response:
                async for line in response.aiter_lines():
                    lines.append(line)
                    if "two" in line and not began:
                        enrolment.revoke(laptop, "office", "lost")
                        began = time.monotonic()
            assert time.monotonic() - began < 1.5
            events = [line for line in lines if line.startswith("data:")]
            assert "[DONE]" not in events[-1]
            assert json.loads(events[-1][5:])["error"]["code"]
