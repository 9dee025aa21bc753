"""ChatService and the local listener over real gRPC: token, coalescing, errors, deadline, cancel."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from islandrun.agents.agent import Veto, VetoReason
from islandrun.errors import BadRequest, Interrupted, NobodyMaySee, Overloaded, Unreachable
from islandrun.routing.decision import CandidateReport, Decision
from islandrun.v1 import attestation_pb2, chat_pb2, chat_pb2_grpc, inference_pb2
from islandrun.vocabulary import (
    Finished,
    IslandId,
    Message,
    ModelOffer,
    Ppm,
    Prompt,
    PublicKey,
    TextDelta,
    Tier,
    ToolCallDelta,
    Usage,
)
from islandrun_node.channels import local_channel
from islandrun_node.request import Decided, Plan, Settled
from islandrun_node.services.chat import ChatService
from islandrun_node.services.errors import error_of
from islandrun_node.services.local_access import TokenCheck, add_health_and_reflection, serving
from islandrun_node.stores.documents import Passage

TOKEN = "t" * 40
SECRET = "the user's own words"


def report(*vetoes: Veto) -> CandidateReport:
    return CandidateReport(
        IslandId("o" * 52), PublicKey(b"k" * 32), "office", Tier.EDGE, Ppm(800_000), Ppm(0), False, "tiny",
        vetoes, 0, 1, (), 0, 0 if vetoes else 1,
    )  # fmt: skip


def decision(chosen: CandidateReport | None, *others: CandidateReport) -> Decision:
    reports = (*((chosen,) if chosen else ()), *others)
    return Decision("r-1", "r-1", 1, "balanced", Ppm(600_000), (), reports, chosen, (), "a summary")


DECIDED = Decided(decision(report()))
END = Finished("stop", Usage(7, 3), "tiny")


class Scripted:
    """Stands where `Requests` stands."""

    def __init__(self) -> None:
        self.script: list[object] = [DECIDED, TextDelta("Hel"), TextDelta("lo"), END]
        self.asked = []
        self.closed = asyncio.Event()

    async def answer(self, request, caller="local") -> AsyncGenerator[object]:
        self.asked.append((request, caller))
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

    @asynccontextmanager
    async def here(self, request, offer, caller="local", data_sets=()):
        self.asked.append((request, offer.name))
        yield DECIDED.decision

    async def plan(self, request, caller="local") -> Plan:
        self.asked.append((request, caller))
        return Plan(DECIDED.decision, Prompt((Message("user", "[EMAIL_1]"),)))


class Shelf:
    """A data set of one passage, and a sentence model that counts letters."""

    def offer(self):
        return ModelOffer("letters", 100, Ppm(0))

    async def embed(self, texts, field):
        return [[float(len(text)), 0.5] for text in texts], 1

    def bound(self, data_set):
        return {"handbook": (Ppm(400_000), ""), "files": (Ppm(0), "DE")}.get(data_set)

    async def retrieve(self, data_set, query, passages_max):
        return [Passage(data_set, "a.md", f"{query} {passages_max}", Ppm(900_000))]


@pytest.fixture
async def node() -> AsyncIterator[SimpleNamespace]:
    """A local listener, and the same service as another island of little trust would see it."""
    scripted = Scripted()
    server = grpc.aio.server(interceptors=[TokenCheck(TOKEN)])
    chat_pb2_grpc.add_ChatServiceServicer_to_server(ChatService(scripted, Shelf()), server)
    await serving(add_health_and_reflection(server))
    mesh = grpc.aio.server()
    foreign = ChatService(scripted, Shelf(), lambda _: "i" * 52, lambda _: Ppm(300_000))
    chat_pb2_grpc.add_ChatServiceServicer_to_server(foreign, mesh)
    ports = [listener.add_insecure_port("127.0.0.1:0") for listener in (server, mesh)]
    await server.start()
    await mesh.start()
    address = f"127.0.0.1:{ports[0]}"
    async with (
        local_channel(address, TOKEN) as channel,
        grpc.aio.insecure_channel(address) as bare,
        grpc.aio.insecure_channel(f"127.0.0.1:{ports[1]}") as far,
    ):
        chat, foreign_chat = chat_pb2_grpc.ChatServiceStub(channel), chat_pb2_grpc.ChatServiceStub(far)
        yield SimpleNamespace(
            scripted=scripted, address=address, channel=channel, bare=bare, chat=chat, far=foreign_chat
        )
    await server.stop(0)
    await mesh.stop(0)


def request(**fields: object) -> chat_pb2.ChatRequest:
    prompt = inference_pb2.Prompt(messages=[inference_pb2.Message(role="user", text=SECRET)])
    return chat_pb2.ChatRequest(**({"model": "tiny", "prompt": prompt} | fields))


async def failure(call) -> grpc.aio.AioRpcError:
    """Return how a call fails."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call if hasattr(call, "__await__") else [message async for message in call]
    return caught.value


def info_of(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    info = error_details_pb2.ErrorInfo()
    assert rpc_status.from_call(error).details[0].Unpack(info)
    assert info.domain == "islandrun.dev"
    return info


@pytest.mark.parametrize("given", [None, "", "Bearer", TOKEN, f"Bearer {TOKEN}x", f"Bearer {TOKEN[1:]}"])
async def test_no_call_without_the_token(node, given) -> None:
    metadata = () if given is None else (("authorization", given),)
    stub = chat_pb2_grpc.ChatServiceStub(node.bare)
    streamed = await failure(stub.Chat(request(), metadata=metadata))
    single = await failure(stub.Plan(chat_pb2.PlanRequest(), metadata=metadata))
    assert {streamed.code(), single.code()} == {grpc.StatusCode.UNAUTHENTICATED}
    assert info_of(streamed).reason == "TOKEN_REQUIRED"
    assert not node.scripted.asked


async def test_reflection_needs_the_token_and_health_does_not(node) -> None:
    health = health_pb2_grpc.HealthStub(node.bare)
    asked = health_pb2.HealthCheckRequest(service="islandrun.v1.ChatService")
    assert (await health.Check(asked)).status == health_pb2.HealthCheckResponse.SERVING
    questions = [reflection_pb2.ServerReflectionRequest(list_services="")]
    stub = reflection_pb2_grpc.ServerReflectionStub(node.bare)
    refused = await failure(stub.ServerReflectionInfo(iter(questions)))
    assert refused.code() is grpc.StatusCode.UNAUTHENTICATED
    metadata = (("authorization", f"Bearer {TOKEN}"),)
    answers = [item async for item in stub.ServerReflectionInfo(iter(questions), metadata=metadata)]
    assert "islandrun.v1.ChatService" in {s.name for s in answers[0].list_services_response.service}


async def test_an_answer_is_a_decision_and_coalesced_pieces(node) -> None:
    messages = [message async for message in node.chat.Chat(request())]
    assert messages[0].decision.chosen_name == "office"
    assert messages[0].decision.chosen_tier == attestation_pb2.TIER_EDGE
    chunks = [chunk for message in messages[1:] for chunk in message.chunks.chunks]
    assert "".join(chunk.text for chunk in chunks) == "Hello"
    assert chunks[-1].finished.usage.output_tokens == 3
    assert len(messages) < 5
    asked, caller = node.scripted.asked[0]
    assert (asked.prompt.messages[0].text, caller) == (SECRET, "local")


async def test_what_an_answer_cost_is_in_the_trailing_metadata(node) -> None:
    node.scripted.script = [DECIDED, TextDelta("Hello"), END, Settled(1_234, 5)]
    call = node.chat.Chat(request())
    messages = [message async for message in call]
    assert messages[-1].chunks.chunks[-1].HasField("finished")
    assert dict(await call.trailing_metadata())["x-islandrun-cost"] == "0.001234"


async def test_a_decision_after_a_failover_comes_in_its_place(node) -> None:
    node.scripted.script = [DECIDED, DECIDED, ToolCallDelta(0, "a", "f", "{}"), END]
    bodies = [message.WhichOneof("body") async for message in node.chat.Chat(request())]
    assert bodies[:2] == ["decision", "decision"]
    assert set(bodies[2:]) == {"chunks"}


async def test_the_deadline_of_the_call_is_a_wish_and_the_tighter_counts(node) -> None:
    await failure_free(node.chat.Chat(request(), timeout=20))
    await failure_free(node.chat.Chat(request(hints=chat_pb2.Hints(deadline_ms=5)), timeout=20))
    await failure_free(node.chat.Chat(request()))
    first, second, third = [asked.hints.deadline_ms for asked, _ in node.scripted.asked]
    assert 10_000 < first <= 20_500  # gRPC rounds what is left of a deadline
    assert (second, third) == (5, None)


async def failure_free(call) -> None:
    """Read a call to its end."""
    assert [message async for message in call]


async def test_a_cancelled_call_and_a_passed_deadline_end_the_work(node) -> None:
    node.scripted.script = [DECIDED, TextDelta("x"), asyncio.Event()]
    call = node.chat.Chat(request())
    await call.read()
    assert not node.scripted.closed.is_set()
    call.cancel()
    async with asyncio.timeout(5):
        await node.scripted.closed.wait()
    node.scripted.closed.clear()
    assert (await failure(node.chat.Chat(request(), timeout=0.2))).code() is grpc.StatusCode.DEADLINE_EXCEEDED
    async with asyncio.timeout(5):
        await node.scripted.closed.wait()


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (BadRequest("wrong", "hints.profile"), grpc.StatusCode.INVALID_ARGUMENT, "BAD_REQUEST"),
        (Overloaded("full"), grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED"),
        (Unreachable("away"), grpc.StatusCode.UNAVAILABLE, "UNREACHABLE"),
        (Interrupted("broke"), grpc.StatusCode.ABORTED, "INTERRUPTED"),
        (RuntimeError(SECRET), grpc.StatusCode.INTERNAL, "ERROR"),
    ],
)
async def test_an_error_keeps_its_reason_there_and_back(node, caplog, error, code, reason) -> None:
    node.scripted.script = [DECIDED, error]
    failed = await failure(node.chat.Chat(request()))
    assert (failed.code(), info_of(failed).reason) == (code, reason)
    back = error_of(failed)
    assert back.reason == reason
    if reason != "ERROR":
        assert type(back) is type(error)
        assert str(back) == str(error)
    assert SECRET not in failed.details() + caplog.text


async def test_a_bad_request_names_its_field(node) -> None:
    turns = [inference_pb2.Message(role="robot", text=SECRET)]
    for message, field in [
        (request(prompt=inference_pb2.Prompt()), "prompt.messages"),
        (request(conversation="c" * 300), "conversation"),
    ]:
        back = error_of(await failure(node.chat.Chat(message)))
        assert (type(back), back.field) == (BadRequest, field)
    failed = await failure(node.chat.Chat(request(prompt=inference_pb2.Prompt(messages=turns))))
    assert failed.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "prompt.messages[0].role" in failed.details()
    assert not node.scripted.asked


async def test_a_refusal_names_the_islands_and_fits_into_trailers(node) -> None:
    veto = Veto(VetoReason.RESIDENCY, "in US: not all allowed by the owner")
    node.scripted.script = [NobodyMaySee("nobody may see this: " + "y" * 9000, decision(None, report(veto)))]
    failed = await failure(node.chat.Chat(request()))
    assert failed.code() is grpc.StatusCode.PERMISSION_DENIED
    assert info_of(failed).metadata == {"receipt": "r-1", "island.office": "RESIDENCY"}
    assert type(error_of(failed)) is NobodyMaySee


async def test_a_plan_shows_what_would_be_seen(node) -> None:
    planned = await node.chat.Plan(chat_pb2.PlanRequest(prompt=request().prompt))
    assert planned.decision.summary == "a summary"
    assert planned.visible_prompt.messages[0].text == "[EMAIL_1]"


async def test_embed_and_retrieve_have_limits_and_names(node) -> None:
    call = node.chat.Embed(chat_pb2.EmbedRequest(texts=["ab", "abc"]))
    made = await call
    assert dict(await call.trailing_metadata())["x-islandrun-receipt"] == "r-1"
    judged, model = node.scripted.asked[0]
    assert ([turn.text for turn in judged.prompt.messages], model) == (["ab", "abc"], "letters")
    assert (made.model, [list(vector.values) for vector in made.vectors]) == ("letters", [[2, 0.5], [3, 0.5]])
    for texts in ([], ["x"] * 1025):
        assert (await failure(node.chat.Embed(chat_pb2.EmbedRequest(texts=texts)))).code() is (
            grpc.StatusCode.INVALID_ARGUMENT
        )
    ask = chat_pb2.RetrieveRequest(data_set="handbook", query="leave", passages_max=9999)
    assert (await node.chat.Retrieve(ask)).passages[0].text == "leave 100"
    missing = await failure(node.chat.Retrieve(chat_pb2.RetrieveRequest(data_set="gone", query="x")))
    assert (missing.code(), "gone" in missing.details()) == (grpc.StatusCode.NOT_FOUND, False)
    assert info_of(missing).reason == "DATA_SET_NOT_FOUND"


async def test_another_island_reads_no_data_set_above_its_trust(node) -> None:
    ask = chat_pb2.RetrieveRequest(data_set="handbook", query="leave")
    assert (await failure(node.far.Retrieve(ask))).code() is grpc.StatusCode.PERMISSION_DENIED
    for name in ("handbook", "elsewhere", "files"):
        named = request(hints=chat_pb2.Hints(data_sets=[name]))
        assert (await failure(node.far.Chat(named))).code() is grpc.StatusCode.PERMISSION_DENIED
    assert not node.scripted.asked
    await failure_free(node.far.Chat(request()))
    assert node.scripted.asked[0][1] == "i" * 52
