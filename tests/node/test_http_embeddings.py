"""`/v1/embeddings` on a real node, and the same texts through gRPC: judged, made here, with a receipt."""

import base64
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import grpc
import httpx2
import openai
import pytest

from islandrun.routing.receipt import Receipt, verify_receipt
from islandrun.v1 import chat_pb2, chat_pb2_grpc, status_pb2, status_pb2_grpc
from islandrun_node.channels import local_channel
from islandrun_node.privacy_worker import PrivacyWorker
from islandrun_node.services.errors import error_of
from tests.end_to_end.meshes import founded, settings, up

MODEL = "minilm-l6-int8"
CARD = "my card is 4111 1111 1111 1111"


@asynccontextmanager
async def running(path: Path, **tables: object) -> AsyncIterator[SimpleNamespace]:
    async with AsyncExitStack() as stack:
        node = await up(founded(path), settings("laptop", **tables), stack)
        headers = {"authorization": f"Bearer {node.token}"}
        client = httpx2.AsyncClient(base_url=node.http, headers=headers, timeout=20, trust_env=False)
        raw = await stack.enter_async_context(client)
        channel = await stack.enter_async_context(local_channel(node.grpc, node.token))
        sdk = openai.AsyncOpenAI(base_url=f"{node.http}/v1", api_key=node.token, max_retries=0, timeout=20)
        yield SimpleNamespace(sdk=await stack.enter_async_context(sdk), raw=raw, channel=channel)


@pytest.fixture(scope="module")
async def node(tmp_path_factory) -> AsyncIterator[SimpleNamespace]:
    async with running(tmp_path_factory.mktemp("embeddings")) as opened:
        yield opened


async def post(node, **fields: object) -> httpx2.Response:
    return await node.raw.post("/v1/embeddings", json={"model": MODEL} | fields)


async def receipt(node, receipt_id: str) -> Receipt:
    stub = status_pb2_grpc.StatusServiceStub(node.channel)
    return verify_receipt((await stub.GetReceipt(status_pb2.GetReceiptRequest(id=receipt_id))).receipt)


async def test_the_sdk_gets_vectors_in_both_encodings(node) -> None:
    plain = await node.sdk.embeddings.create(model=MODEL, input=["red", "blue"], encoding_format="float")
    assert [one.index for one in plain.data] == [0, 1]
    assert {len(one.embedding) for one in plain.data} == {384}
    assert (plain.model, plain.usage.prompt_tokens) == (MODEL, 2)
    packed = (await post(node, input="red", encoding_format="base64")).json()["data"][0]["embedding"]
    assert list(struct.unpack("<384f", base64.b64decode(packed))) == plain.data[0].embedding
    again = await node.sdk.embeddings.create(model="islandrun/local", input="red", dimensions=384)
    assert again.data[0].embedding == plain.data[0].embedding
    assert MODEL in [model.id async for model in await node.sdk.models.list()]


async def test_texts_that_never_leave_are_judged_and_leave_a_receipt(node) -> None:
    answer = await post(node, input=["hello", CARD])
    told = {name: value for name, value in answer.headers.items() if name.startswith("x-islandrun-")}
    assert answer.json()["islandrun"]["island"] == told["x-islandrun-island"] == "laptop"
    assert (told["x-islandrun-decision"], told["x-islandrun-sensitivity"]) == ("local", "restricted")
    kept = await receipt(node, told["x-islandrun-receipt"])
    assert (kept.outcome, kept.decisions[0].chosen.name) == ("answered", "laptop")
    assert [report.name for report in kept.decisions[0].reports] == ["laptop"]
    assert "4111" not in repr(kept)


async def test_grpc_goes_the_same_way(node) -> None:
    call = chat_pb2_grpc.ChatServiceStub(node.channel).Embed(chat_pb2.EmbedRequest(texts=[CARD]))
    made = await call
    assert (made.model, len(made.vectors[0].values)) == (MODEL, 384)
    kept = await receipt(node, dict(await call.trailing_metadata())["x-islandrun-receipt"])
    assert (kept.outcome, kept.decisions[0].sensitivity_ppm) == ("answered", 900_000)


LONG = "word " * 300


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": [1, 2]}, "input"),
        ({"input": [[1, 2]]}, "input"),
        ({"input": []}, "input"),
        ({"input": ["a", ""]}, "input"),
        ({"input": ["a"] * 1025}, "input"),
        ({"input": ["x" * 1_000_000] * 3}, "input"),
        ({"input": ["a", LONG]}, "input[1]"),
        ({"input": "x" * 20_000}, "input[0]"),
        ({"input": "a", "dimensions": 256}, "dimensions"),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format"),
        ({"input": "a", "islandrun": {"only": []}}, "islandrun.only"),
        ({"model": "m" * 500, "input": "a"}, "model"),
    ],
)
async def test_what_cannot_be_done_is_refused_by_name(node, fields, param) -> None:
    answer = await post(node, **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert "word" not in answer.text


async def test_an_unknown_model_and_a_wish_against_this_island(node) -> None:
    unknown = await post(node, model="text-embedding-3-small", input="a")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")
    elsewhere = await post(node, input="a", islandrun={"ignore": ["laptop"]})
    assert (elsewhere.status_code, elsewhere.json()["error"]["code"]) == (403, "no_eligible_island")
    assert elsewhere.headers["x-islandrun-decision"] == "refused"


async def test_texts_that_this_island_may_not_see_are_not_read(tmp_path: Path) -> None:
    async with running(tmp_path, policy={"tier_trust": {"personal": 0.8}}) as node:
        assert (await post(node, input="hello")).status_code == 200
        refused = await post(node, input=CARD)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "no_eligible_island")
        kept = await receipt(node, refused.headers["x-islandrun-receipt"])
        assert kept.outcome == "refused"


async def test_texts_that_nobody_could_judge_are_not_read(node, monkeypatch) -> None:
    async def failing(*_: object) -> object:
        from islandrun.privacy.sensitivity import WITHHELD

        return WITHHELD

    monkeypatch.setattr(PrivacyWorker, "assess", failing)
    answer = await post(node, input="hello")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "privacy_fault")
    stub = chat_pb2_grpc.ChatServiceStub(node.channel)
    for call in (
        stub.Embed(chat_pb2.EmbedRequest(texts=["hello"])),
        stub.Embed(chat_pb2.EmbedRequest(texts=["hello", "x"])),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert error_of(caught.value).reason == "PRIVACY_FAULT"
