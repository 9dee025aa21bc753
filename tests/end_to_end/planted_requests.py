"""Requests with canaries in every field that a client can fill, one field after another."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from islandrun.v1 import chat_pb2, inference_pb2
from islandrun.vocabulary import FindingType
from tests.end_to_end.aviary import Aviary, Canary

ASKED = "what is to be done about it?"
Json = dict[str, object]


@dataclass
class Planted:
    """One request over HTTP.

    `is_answered`: with what it holds hidden, a cloud may answer it. `is_named_back`: the error names the
    field, and the field is the canary.
    """

    name: str
    canaries: list[Canary]
    fields: Json
    headers: dict[str, str] = field(default_factory=dict)
    is_answered: bool = True
    is_named_back: bool = False


def _says(canaries: list[Canary]) -> str:
    return "; ".join(canary.sentence for canary in canaries)


def _turn(role: str, content: object, **more: object) -> Json:
    return {"role": role, "content": content, **more}


def _asked(*turns: Json, **more: object) -> Json:
    return {"messages": [*turns, _turn("user", ASKED)], **more}


def _call(arguments: object, name: str = "look_up", ident: str = "call_1") -> Json:
    function = {"name": name, "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments)}
    return _turn("assistant", None, tool_calls=[{"id": ident, "type": "function", "function": function}])


def _tool(parameters: object, name: str = "look_up", description: str = "looks things up") -> Json:
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


def _schema(**properties: object) -> Json:
    return {"type": "object", "properties": properties}


TEXTS: dict[str, Callable[[str], Json]] = {
    "system": lambda text: _asked(_turn("system", text)),
    "developer": lambda text: _asked(_turn("developer", text)),
    "user": lambda text: _asked(_turn("user", text)),
    "user parts": lambda text: _asked(_turn("user", [{"type": "text", "text": text}] * 2)),
    "assistant": lambda text: _asked(_turn("user", "go on"), _turn("assistant", text)),
    "tool result": lambda text: _asked(_call({}), _turn("tool", text, tool_call_id="call_1")),
    "tool result in JSON": lambda text: _asked(
        _call({}), _turn("tool", json.dumps({"found": [{"text": text}]}), tool_call_id="call_1")
    ),
    "argument value": lambda text: _asked(_call({"note": text})),
    "argument list": lambda text: _asked(_call({"notes": ["x", [text]]})),
    "argument key": lambda text: _asked(_call({text: 1})),
    "argument that is no JSON": lambda text: _asked(_call(f"note={text}")),
    "tool description": lambda text: _asked(tools=[_tool(_schema(), description=text)]),
    "parameter description": lambda text: _asked(tools=[_tool(_schema(a={"description": text}))]),
    "enum value": lambda text: _asked(tools=[_tool(_schema(a={"enum": ["x", text]}))]),
    "default value": lambda text: _asked(tools=[_tool(_schema(a={"default": text}))]),
    "property name": lambda text: _asked(tools=[_tool(_schema(**{text: {"type": "string"}}))]),
    "response format": lambda text: _asked(
        response_format={"type": "json_schema", "json_schema": {"name": "x", "description": text}}
    ),
}
"""Fields that hold any text: each gets a canary of each kind, with its sentence."""

WORDS: dict[str, Callable[[str], Json]] = {
    "message name": lambda word: _asked(_turn("user", "hello", name=word)),
    "tool name": lambda word: _asked(tools=[_tool(_schema(), name=word)]),
    "called tool": lambda word: _asked(_call({}, name=word)),
    "call id": lambda word: _asked(_call({}, ident=word)),
    "tool call id": lambda word: _asked(_call({}), _turn("tool", "done", tool_call_id=word)),
    "tool choice": lambda word: _asked(
        tools=[_tool(_schema())], tool_choice={"type": "function", "function": {"name": word}}
    ),
    "format name": lambda word: _asked(
        response_format={"type": "json_schema", "json_schema": {"name": word}}
    ),
    "stop": lambda word: _asked(stop=word),
    "stop list": lambda word: _asked(stop=["x", word]),
    "user id": lambda word: _asked(user=word),
    "metadata": lambda word: _asked(metadata={"k": word, word: "v"}),
    "unknown field": lambda word: _asked(something={"else": word}),
    "conversation": lambda word: _asked(islandrun={"conversation": word}),
    "only": lambda word: _asked(islandrun={"only": [word]}),
    "ignore": lambda word: _asked(islandrun={"ignore": [word]}),
    "data sets": lambda word: _asked(islandrun={"datasets": [word]}),
    "profile": lambda word: _asked(islandrun={"profile": word}),
    "tiers": lambda word: _asked(islandrun={"tiers": [word]}),
    "jurisdictions": lambda word: _asked(islandrun={"jurisdictions": [word]}),
    "unknown hint": lambda word: _asked(islandrun={word: 1}),
    "role": lambda word: {"messages": [_turn(word, "hello")]},
    "part type": lambda word: _asked(_turn("user", [{"type": word, "text": "x"}])),
    "model": lambda word: _asked(model=word),
    "model at island": lambda word: _asked(model=f"large@{word}"),
    "temperature": lambda word: _asked(temperature=word),
}
"""Fields that hold a word: each gets canaries that are found without a sentence, one request each."""

HEADERS = (
    "user-agent",
    "x-request-id",
    "referer",
    "cookie",
    "x-islandrun-session",
    "x-islandrun-only",
    "x-islandrun-profile",
    "x-islandrun-sensitivity",
    "x-islandrun-anything",
    "openai-organization",
)


def over_http(aviary: Aviary) -> Iterator[Planted]:
    """Yield a request for each field; those in texts hold a canary of each kind."""
    for name, plant in TEXTS.items():
        canaries = aviary.one_of_each()
        is_answered = name not in ("property name",)
        yield Planted(name, canaries, plant(_says(canaries)), is_answered=is_answered)
    for name, plant in WORDS.items():
        for canary in aviary.bare():
            is_named = name == "unknown hint"
            yield Planted(name, [canary], plant(canary.value), is_answered=False, is_named_back=is_named)
    for name in HEADERS:
        canary = aviary.one(FindingType.SECRET)
        yield Planted(name, [canary], _asked(), {name: canary.value}, is_answered=False)
    canary = aviary.one(FindingType.CARD)
    number = int(canary.value.replace(" ", ""))
    yield Planted("argument number", [canary], _asked(_call({"number": number})))
    yield from _in_names(aviary)


def _in_names(aviary: Aviary) -> Iterator[Planted]:
    """Yield values inside file names, links and JSON inside JSON."""
    key, card, mail = aviary.bare()
    link = f"https://example.org/pay?card={card.value.replace(' ', '')}&k={key.value}"
    text = f"see report-{mail.value}.pdf and {link}"
    yield Planted("file name and link", [mail, card, key], _asked(_turn("user", text)))
    inner = aviary.bare()
    nested = json.dumps({"inner": json.dumps({"deep": _says(inner)})})
    yield Planted("JSON in JSON", inner, _asked(_call({"payload": nested})))


DISGUISES: dict[str, Callable[[str], str]] = {
    "base64": lambda text: base64.b64encode(f"x{text}".encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "reversed": lambda text: text[::-1],
    "capitals": str.swapcase,
    "full width": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "zero width": lambda text: "\u200b".join(text),
    "soft hyphen": lambda text: "\u00ad".join(text),
}


def disguised(aviary: Aviary) -> Iterator[Planted]:
    """Yield requests that give a value away once in clear, and once in a dress, in another message."""
    for name, dress in DISGUISES.items():
        for canary in aviary.bare():
            turns = (_turn("user", canary.sentence), _turn("user", f"or is it {dress(canary.value)} perhaps"))
            yield Planted(f"{name} {canary.kind}", [canary], _asked(*turns), is_answered=False)


def over_grpc(aviary: Aviary) -> Iterator[tuple[str, list[Canary], chat_pb2.ChatRequest]]:
    """Yield requests as programs make them over gRPC, a field each."""
    asked = inference_pb2.Message(role="user", text=ASKED)
    for name in (
        "text",
        "name",
        "tool_call_id",
        "arguments",
        "call name",
        "call id",
        "tool",
        "stop",
        "model",
    ):
        for canary in aviary.bare():
            request = chat_pb2.ChatRequest(model="large", prompt=inference_pb2.Prompt(messages=[asked]))
            _plant(request, name, canary.value)
            yield name, [canary], request
    for name in ("conversation", "only", "data_sets", "profile", "tool_choice", "response_format"):
        canary = aviary.one(FindingType.SECRET)
        request = chat_pb2.ChatRequest(model="large", prompt=inference_pb2.Prompt(messages=[asked]))
        _plant(request, name, canary.value)
        yield name, [canary], request


def _plant(request: chat_pb2.ChatRequest, name: str, value: str) -> None:
    message = request.prompt.messages[0]
    json_text = json.dumps({"name": value})
    added: dict[str, Callable[[], object]] = {
        "arguments": lambda: message.tool_calls.add(id="1", name="f", arguments=json.dumps({value: value})),
        "call name": lambda: message.tool_calls.add(id="1", name=value, arguments="{}"),
        "call id": lambda: message.tool_calls.add(id=value, name="f", arguments="{}"),
        "tool": lambda: request.prompt.tools.add(name=value, description=value, parameters=json_text),
        "stop": lambda: request.sampling.stop.append(value),
        "only": lambda: request.hints.only.append(value),
        "data_sets": lambda: request.hints.data_sets.append(value),
        "profile": lambda: setattr(request.hints, name, value),
        "tool_choice": lambda: setattr(request.prompt, name, json_text),
        "response_format": lambda: setattr(request.prompt, name, json_text),
        "conversation": lambda: setattr(request, name, value),
        "model": lambda: setattr(request, name, value),
    }
    added.get(name, lambda: setattr(message, name, value))()
