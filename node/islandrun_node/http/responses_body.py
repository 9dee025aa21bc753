"""The body of `POST /v1/responses` as a `ChatRequest`. Nothing is stored: a request brings all it needs.

What would need a store, a hosted tool or another sense than reading is refused by the name of its field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Final

import msgspec
from starlette.datastructures import Headers

from islandrun.errors import BadRequest
from islandrun.vocabulary import ChatRequest, Message, Prompt, ToolCall, ToolDefinition
from islandrun.wire import limits
from islandrun.wire.inference import ROLES
from islandrun_node.http.body import decode
from islandrun_node.http.chat_body import CHOICE_WORDS, FORMAT_TYPES, check_size, refuse_unread
from islandrun_node.http.endpoint import Asked
from islandrun_node.http.hints import HintsBody, read_hints
from islandrun_node.http.responses_format import Echo, ResponseForm
from islandrun_node.http.settings import Tokens, checked_model, refuse_given, sampling

NOT_STORED: Final = "nothing is stored here; send the whole conversation as input"
LOGPROBS: Final = "message.output_text.logprobs"

Json = dict[str, object]


class _Part(msgspec.Struct):
    type: str
    text: str | None = None
    refusal: str | None = None


class _Item(msgspec.Struct):
    type: str | None = None
    role: str | None = None
    content: str | list[_Part] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: str | list[_Part] | None = None


class _Tool(msgspec.Struct):
    type: str
    name: str | None = None
    description: str | None = None
    parameters: Json | None = None
    strict: bool | None = None


class _Text(msgspec.Struct):
    format: Json | None = None


class ResponsesBody(msgspec.Struct):
    """What is read of the body."""

    input: str | list[_Item]
    instructions: str | None = None
    model: str | None = None
    stream: bool | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    max_output_tokens: Tokens | None = None
    tools: list[_Tool] | None = None
    tool_choice: str | Json | None = None
    parallel_tool_calls: bool | None = None
    text: _Text | None = None
    store: bool | None = None
    background: bool | None = None
    previous_response_id: str | None = None
    conversation: object = None
    prompt: object = None
    include: list[str] | None = None
    top_logprobs: int | None = None
    max_tool_calls: int | None = None
    truncation: str | None = None
    islandrun: HintsBody | None = None


def read_response(content: bytes, headers: Headers) -> Asked:
    """Read the body of a response. Raises `BadRequest` or `Rejected`, which name the field."""
    body = decode(content, ResponsesBody)
    _refuse(body)
    hints, conversation = read_hints(body.islandrun, headers.items())
    prompt = Prompt(
        _messages(body),
        tuple(_tool(tool, f"tools[{place}]") for place, tool in enumerate(_bounded(body.tools or []))),
        _tool_choice(body.tool_choice),
        _format(body.text),
    )
    check_size(prompt, "input")
    settings = sampling(body.temperature, body.top_p, (body.max_output_tokens,), None, None)
    chat = ChatRequest(checked_model(body.model), prompt, settings, hints, conversation)
    echo = Echo(
        tools=msgspec.to_builtins(body.tools or []),
        tool_choice=body.tool_choice or "auto",
        format=(body.text.format if body.text else None) or {"type": "text"},
        has_many_calls=body.parallel_tool_calls is not False,
        tokens_max=body.max_output_tokens,
        temperature=body.temperature,
        top_p=body.top_p,
    )
    return Asked((chat,), ResponseForm(echo), bool(body.stream), not echo.has_many_calls)


def _refuse(body: ResponsesBody) -> None:
    refuse_given(
        previous_response_id=(body.previous_response_id, NOT_STORED),
        conversation=(body.conversation, NOT_STORED),
        store=(body.store, "nothing is stored here; set it to false"),
        background=(body.background, "answers are not made in the background; leave it out"),
        prompt=(body.prompt, "no templates of prompts are kept here; send input and instructions"),
        top_logprobs=(body.top_logprobs, "probabilities of tokens are not given; leave it out"),
        include=(LOGPROBS in (body.include or ()), "probabilities of tokens are not given; leave it out"),
        max_tool_calls=(body.max_tool_calls, "no tool runs here; leave it out"),
    )
    if body.truncation not in (None, "disabled"):
        raise BadRequest("truncation: nothing is cut off; leave it out", "truncation")


def _messages(body: ResponsesBody) -> tuple[Message, ...]:
    turns = [Message("system", body.instructions)] if body.instructions else []
    if isinstance(body.input, str):
        return (*turns, Message("user", body.input))
    if not 0 < len(body.input) < limits.MESSAGES_MAX:
        raise BadRequest(f"input: give 1 to {limits.MESSAGES_MAX - 1} items", "input")
    for place, item in enumerate(body.input):
        _add(turns, item, f"input[{place}]")
    return tuple(turns)


def _add(turns: list[Message], item: _Item, where: str) -> None:
    """Add one item; a call belongs to the assistant's message before it."""
    match item.type or "message":
        case "message":
            if item.role not in ROLES or item.role == "tool":
                raise BadRequest(f"{where}.role: not one of {', '.join(ROLES[:-1])}", f"{where}.role")
            turns.append(Message(item.role, _text(item.content, f"{where}.content")))
        case "function_call":
            call = ToolCall(
                _given(item.call_id, f"{where}.call_id"),
                _given(item.name, f"{where}.name"),
                item.arguments or "",
            )
            before = turns.pop() if turns and turns[-1].role == "assistant" else Message("assistant", "")
            if len(before.tool_calls) >= limits.TOOL_CALLS_MAX:
                raise BadRequest(f"{where}: more than {limits.TOOL_CALLS_MAX} calls in a row", where)
            turns.append(replace(before, tool_calls=(*before.tool_calls, call)))
        case "function_call_output":
            call_id = _given(item.call_id, f"{where}.call_id")
            turns.append(Message("tool", _text(item.output, f"{where}.output"), tool_call_id=call_id))
        case "item_reference":
            raise BadRequest(f"{where}.type: {NOT_STORED}", f"{where}.type")
        case _:
            raise BadRequest(
                f"{where}.type: only message, function_call and function_call_output are read",
                f"{where}.type",
            )


def _given(value: str | None, where: str) -> str:
    if not value:
        raise BadRequest(f"{where}: missing", where)
    return value


def _text(content: str | Sequence[_Part] | None, where: str) -> str:
    """Join the text parts of an item; any other kind of part is refused by its place."""
    if content is None:
        raise BadRequest(f"{where}: missing", where)
    if isinstance(content, str):
        return content
    return "\n".join(_part(part, f"{where}[{place}]") for place, part in enumerate(content))


def _part(part: _Part, where: str) -> str:
    refuse_unread(part.type, where)
    if part.type not in ("input_text", "output_text", "text", "refusal"):
        raise BadRequest(f"{where}.type: only parts of type input_text are read", f"{where}.type")
    text = part.refusal if part.type == "refusal" else part.text
    if text is None:
        raise BadRequest(f"{where}.text: missing", f"{where}.text")
    return text


def _bounded(tools: list[_Tool]) -> list[_Tool]:
    if len(tools) > limits.TOOLS_MAX:
        raise BadRequest(f"tools: more than {limits.TOOLS_MAX}", "tools")
    return tools


def _tool(tool: _Tool, where: str) -> ToolDefinition:
    if tool.type != "function":
        raise BadRequest(f"{where}.type: only function is supported; no tool runs here", f"{where}.type")
    name = _given(tool.name, f"{where}.name")
    parameters = "" if tool.parameters is None else msgspec.json.encode(tool.parameters).decode()
    return ToolDefinition(name, tool.description or "", parameters)


def _tool_choice(choice: str | Json | None) -> str:
    """Return the choice as chat completions write it."""
    if choice is None:
        return ""
    if isinstance(choice, str):
        if choice not in CHOICE_WORDS:
            raise BadRequest(
                f"tool_choice: not one of {', '.join(CHOICE_WORDS)}, or an object", "tool_choice"
            )
        return choice
    if choice.get("type") != "function" or not isinstance(choice.get("name"), str):
        raise BadRequest("tool_choice: an object names one function", "tool_choice")
    function = {"type": "function", "function": {"name": choice["name"]}}
    return msgspec.json.encode(function).decode()


def _format(text: _Text | None) -> str:
    """Return the form of the answer as chat completions write it."""
    wanted = text.format if text else None
    if wanted is None:
        return ""
    if wanted.get("type") not in FORMAT_TYPES:
        raise BadRequest(f"text.format.type: not one of {', '.join(FORMAT_TYPES)}", "text.format.type")
    if wanted["type"] != "json_schema":
        return msgspec.json.encode({"type": wanted["type"]}).decode()
    schema = {name: value for name, value in wanted.items() if name != "type"}
    return msgspec.json.encode({"type": "json_schema", "json_schema": schema}).decode()
