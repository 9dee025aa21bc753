"""Every door of a node, and what is sent through each with a canary in every text that it takes.

A door that is missing here fails `tests/unit/test_doors.py`; `test_canaries_at_every_door.py` knocks at all.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import grpc
import httpx2

from islandrun.v1 import (
    audit_pb2,
    audit_pb2_grpc,
    chat_pb2,
    chat_pb2_grpc,
    enroll_pb2,
    enroll_pb2_grpc,
    inference_pb2,
    inference_pb2_grpc,
    mesh_pb2,
    mesh_pb2_grpc,
    status_pb2,
    status_pb2_grpc,
)
from tests.end_to_end.canaries import Canaries, filled

MODEL: Final = "large"
Json = dict[str, object]


@dataclass(frozen=True)
class Kit:
    """A running node: programs' HTTP and gRPC, another island's mTLS, and the key of its cloud."""

    http: httpx2.AsyncClient
    local: grpc.aio.Channel
    mesh: grpc.aio.Channel
    cloud: bytes


@dataclass(frozen=True)
class Knock:
    """One request; `send` gives what came back.

    `reaches`: the cloud must get something of it, masked; else it gets nothing. `echoes`: the API promises
    that parts of the request come back to the program.
    """

    send: Callable[[Kit, Canaries], Awaitable[str]]
    reaches: bool
    echoes: bool = False


# ---------------------------------------------------------------- HTTP


def http(
    method: str,
    path: str,
    fields: Callable[[Canaries], Json] | None,
    *,
    reaches: bool,
    echoes: bool = False,
) -> Knock:
    """Return a knock over HTTP, with canaries in headers and query too; it gives the answer's text."""

    async def send(kit: Kit, canaries: Canaries) -> str:
        headers = {
            "x-islandrun-session": canaries.at("session"),
            "x-trace": canaries.at("header"),
            "user-agent": canaries.at("user agent"),
            "cookie": f"a={canaries.at('cookie')}",
        }
        if fields is None:
            headers.pop("x-islandrun-session")
        answer = await kit.http.request(
            method,
            path.replace("{name:path}", canaries.at("path")),
            params={"q": canaries.at("query")},
            headers=headers,
            json=None if fields is None else fields(canaries),
        )
        assert answer.status_code != 500, answer.text
        return f"{answer.text}{answer.headers}"

    return Knock(send, reaches, echoes)


def unread(canaries: Canaries) -> Json:
    """Return fields of OpenAI's API that must go nowhere."""
    return {
        "user": canaries.at("user"),
        "metadata": {canaries.at("metadata key"): canaries.at("metadata")},
        "safety_identifier": canaries.at("safety identifier"),
        "prompt_cache_key": canaries.at("prompt cache key"),
        "service_tier": canaries.at("service tier"),
        "prediction": {"type": "content", "content": canaries.at("prediction")},
        "a field of tomorrow": {"text": [canaries.at("unknown")]},
    }


def schema(canaries: Canaries, place: str) -> Json:
    """Return a JSON schema with a canary in each of its corners."""
    at = f"{place} schema"
    return {
        "type": "object",
        "description": f"the card {canaries.at(at)}",
        "properties": {canaries.at(f"{at} key"): {"type": "string", "enum": [canaries.at(f"{at} enum")]}},
        "required": [int(canaries.at(f"{at} number"))],
    }


def chat(canaries: Canaries) -> Json:
    """Return the body of a chat in which every text holds a canary."""
    text = {"type": "text", "text": f"the card {canaries.at('part')} failed"}
    arguments = json.dumps({"card": canaries.at("argument"), canaries.at("argument key"): 1})
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": arguments}}
    function = {"name": "look", "description": canaries.at("tool"), "parameters": schema(canaries, "tool")}
    form = {"name": canaries.at("schema name"), "schema": schema(canaries, "format"), "strict": True}
    return unread(canaries) | {
        "model": MODEL,
        "messages": [
            {"role": "system", "content": f"keep {canaries.at('system')} to yourself"},
            {"role": "developer", "content": [text]},
            {"role": "user", "content": canaries.at("text"), "name": canaries.at("name")},
            {"role": "assistant", "content": None, "refusal": canaries.at("refusal"), "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": canaries.at("result")},
        ],
        "tools": [{"type": "function", "function": function}],
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "parallel_tool_calls": False,
        "response_format": {"type": "json_schema", "json_schema": form},
        "stop": [canaries.at("stop")],
        "seed": int(canaries.at("seed")),
        "stream": True,
        "stream_options": {"include_usage": True},
        "islandrun": {"conversation": canaries.at("session")},
    }


def simple(place: str, field: Callable[[str], Json]) -> Callable[[Canaries], Json]:
    """Return a chat with a canary where it cannot be masked, so that nobody may get it."""

    def fields(canaries: Canaries) -> Json:
        return {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]} | field(
            canaries.at(place)
        )

    return fields


def tool_named(name: str) -> Json:
    """Return a tool whose name is a canary."""
    return {"tools": [{"type": "function", "function": {"name": f"look_{name}"}}]}


def call_id(name: str) -> Json:
    """Return a turn whose id is a canary."""
    return {"messages": [{"role": "tool", "tool_call_id": name, "content": "hello"}]}


def image(name: str) -> Json:
    """Return a part that nobody here can judge."""
    return {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": name}}]}]}


def completion(canaries: Canaries) -> Json:
    """Return the body of a completion in which every text holds a canary."""
    return unread(canaries) | {
        "model": MODEL,
        "prompt": [f"the card {canaries.at('prompt')} failed", canaries.at("second prompt")],
        "stop": canaries.at("stop"),
        "seed": int(canaries.at("seed")),
        "echo": True,
        "islandrun": {"conversation": canaries.at("session")},
    }


def response(canaries: Canaries) -> Json:
    """Return the body of a response in which every text holds a canary."""
    arguments = json.dumps({"card": canaries.at("argument")})
    parameters = schema(canaries, "tool")
    tool = {"type": "function", "name": "look", "description": canaries.at("tool"), "parameters": parameters}
    form = {"type": "json_schema", "name": canaries.at("schema name"), "schema": schema(canaries, "format")}
    said = {"type": "output_text", "text": canaries.at("answer"), "annotations": [canaries.at("annotation")]}
    return unread(canaries) | {
        "model": MODEL,
        "instructions": f"keep {canaries.at('instructions')} to yourself",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": canaries.at("text")}]},
            {"type": "message", "role": "assistant", "id": canaries.at("item id"), "content": [said]},
            {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": arguments},
            {"type": "function_call_output", "call_id": "call_1", "output": canaries.at("result")},
        ],
        "tools": [tool],
        "text": {"format": form, "verbosity": canaries.at("verbosity")},
        "reasoning": {"effort": canaries.at("effort")},
        "include": [canaries.at("include")],
        "islandrun": {"conversation": canaries.at("session")},
    }


def embedding(canaries: Canaries) -> Json:
    """Return the body of an embedding in which every text holds a canary."""
    texts = [f"the card {canaries.at('text')} failed", canaries.at("second text")]
    return unread(canaries) | {"model": "minilm-l6-int8", "input": texts}


def streamed(canaries: Canaries) -> Json:
    """Return the body of a response that is streamed."""
    return response(canaries) | {"stream": True}


CHAT: Final = "/v1/chat/completions"

HTTP_DOORS: Final[dict[str, tuple[Knock, ...]]] = {
    f"POST {CHAT}": (
        http("POST", CHAT, chat, reaches=True),
        http("POST", CHAT, lambda canaries: chat(canaries) | {"stream": False}, reaches=True),
        http("POST", CHAT, simple("model", lambda name: {"model": name}), reaches=False),
        http("POST", CHAT, simple("profile", lambda name: {"islandrun": {"profile": name}}), reaches=False),
        http("POST", CHAT, simple("only", lambda name: {"islandrun": {"only": [name]}}), reaches=False),
        http("POST", CHAT, simple("data", lambda name: {"islandrun": {"datasets": [name]}}), reaches=False),
        http("POST", CHAT, simple("tool name", tool_named), reaches=False),
        http("POST", CHAT, simple("call id", call_id), reaches=False),
        http("POST", CHAT, simple("image", image), reaches=False),
        http("POST", CHAT, simple("bias", lambda name: {"logit_bias": {name: 1}}), reaches=False),
    ),
    "POST /v1/completions": (http("POST", "/v1/completions", completion, reaches=True, echoes=True),),
    "POST /v1/responses": (
        http("POST", "/v1/responses", response, reaches=True, echoes=True),
        http("POST", "/v1/responses", streamed, reaches=True, echoes=True),
    ),
    "POST /v1/embeddings": (http("POST", "/v1/embeddings", embedding, reaches=False),),
    "GET /v1/models": (http("GET", "/v1/models", None, reaches=False),),
    "GET /v1/models/{name:path}": (http("GET", "/v1/models/{name:path}", None, reaches=False),),
    "GET /healthz": (http("GET", "/healthz", None, reaches=False),),
    "GET /metrics": (http("GET", "/metrics", None, reaches=False),),
}

# ---------------------------------------------------------------- gRPC

FIXED: Final[dict[str, object]] = {
    "islandrun.v1.ChatRequest.model": MODEL,
    "islandrun.v1.PlanRequest.model": MODEL,
    "islandrun.v1.Message.role": "assistant",
    "islandrun.v1.Message.tool_call_id": "call_1",
    "islandrun.v1.ToolCall.id": "call_1",
    "islandrun.v1.ToolCall.name": "look",
    "islandrun.v1.ToolDefinition.name": "look",
    "islandrun.v1.ToolDefinition.parameters": '{"type": "object"}',
    "islandrun.v1.Prompt.tool_choice": "auto",
    "islandrun.v1.Prompt.response_format": '{"type": "text"}',
    "islandrun.v1.ChatRequest.hints": None,
    "islandrun.v1.PlanRequest.hints": None,
}
"""What a request needs to be run at all; each of these has a knock of its own over HTTP."""

Stub = Callable[[grpc.aio.Channel], object]


def call(
    stub: Stub,
    method: str,
    request: type,
    *,
    reaches: bool = False,
    over_mesh: bool = False,
    fixed: dict[str, object] | None = None,
) -> Knock:
    """Return a knock over gRPC; it gives what came back, or the error."""

    async def send(kit: Kit, canaries: Canaries) -> str:
        message = filled(request(), canaries, FIXED | (fixed or {}))
        if isinstance(message, inference_pb2.GenerateRequest | inference_pb2.FindPassagesRequest):
            message.target, message.sensitivity_ppm, message.hops_left = kit.cloud, 900_000, 1
        running = getattr(stub(kit.mesh if over_mesh else kit.local), method)(message, timeout=10)
        try:
            if not hasattr(running, "read"):
                return str(await running)
            said = []
            async for one in running:
                said.append(str(one))
                if not reaches:
                    break  # some of these streams never end
            running.cancel()
            return "".join(said)
        except grpc.aio.AioRpcError as error:
            return f"{error.code()} {error.details()} {error.trailing_metadata()}"

    return Knock(send, reaches)


CHATS: Final = chat_pb2_grpc.ChatServiceStub
STATUS: Final = status_pb2_grpc.StatusServiceStub


def both(stub: Stub, method: str, request: type, *, reaches: bool = False) -> tuple[Knock, ...]:
    """Return a knock at each of the two listeners."""
    return (
        call(stub, method, request, reaches=reaches),
        call(stub, method, request, reaches=reaches, over_mesh=True),
    )


GRPC_DOORS: Final[dict[str, tuple[Knock, ...]]] = {
    "islandrun.v1.ChatService/Chat": both(CHATS, "Chat", chat_pb2.ChatRequest, reaches=True),
    "islandrun.v1.ChatService/Plan": both(CHATS, "Plan", chat_pb2.PlanRequest),
    "islandrun.v1.ChatService/Embed": both(CHATS, "Embed", chat_pb2.EmbedRequest),
    "islandrun.v1.ChatService/Retrieve": both(CHATS, "Retrieve", chat_pb2.RetrieveRequest),
    "islandrun.v1.InferenceService/Generate": (
        call(
            inference_pb2_grpc.InferenceServiceStub, "Generate", inference_pb2.GenerateRequest, over_mesh=True
        ),
    ),
    "islandrun.v1.InferenceService/FindPassages": (
        call(
            inference_pb2_grpc.InferenceServiceStub,
            "FindPassages",
            inference_pb2.FindPassagesRequest,
            over_mesh=True,
            fixed={"islandrun.v1.FindPassagesRequest.passages_max": 4},
        ),
        call(
            inference_pb2_grpc.InferenceServiceStub,
            "FindPassages",
            inference_pb2.FindPassagesRequest,
            over_mesh=True,
            fixed={
                "islandrun.v1.FindPassagesRequest.passages_max": 4,
                "islandrun.v1.FindPassagesRequest.data_sets": ["handbook"],
            },
        ),
    ),
    "islandrun.v1.MeshService/Exchange": (
        call(mesh_pb2_grpc.MeshServiceStub, "Exchange", mesh_pb2.ExchangeRequest, over_mesh=True),
    ),
    "islandrun.v1.WitnessService/Witness": (
        call(audit_pb2_grpc.WitnessServiceStub, "Witness", audit_pb2.WitnessRequest, over_mesh=True),
    ),
    "islandrun.v1.EnrollService/Join": (
        call(enroll_pb2_grpc.EnrollServiceStub, "Join", enroll_pb2.JoinRequest, over_mesh=True),
    ),
    "islandrun.v1.StatusService/GetMeshStatus": both(
        STATUS, "GetMeshStatus", status_pb2.GetMeshStatusRequest
    ),
    "islandrun.v1.StatusService/WatchMesh": both(STATUS, "WatchMesh", status_pb2.WatchMeshRequest),
    "islandrun.v1.StatusService/ListIslands": both(STATUS, "ListIslands", status_pb2.ListIslandsRequest),
    "islandrun.v1.StatusService/ListReceipts": both(STATUS, "ListReceipts", status_pb2.ListReceiptsRequest),
    "islandrun.v1.StatusService/WatchReceipts": (
        call(STATUS, "WatchReceipts", status_pb2.WatchReceiptsRequest, over_mesh=True),
    ),
    "islandrun.v1.StatusService/GetReceipt": both(STATUS, "GetReceipt", status_pb2.GetReceiptRequest),
    "islandrun.v1.StatusService/GetBudget": both(STATUS, "GetBudget", status_pb2.GetBudgetRequest),
}

PIPES: Final = dict.fromkeys(
    (f"islandrun.v1.RelayService/{method}" for method in ("Attach", "Dial", "Splice", "Expect")),
    "test_relay_evil.py",
)
"""Doors of a relay, which carries only what its two ends encrypted; each with the test of its canaries."""
