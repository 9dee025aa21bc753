"""The body of `POST /v1/chat/completions` as a `ChatRequest`.

Fields of OpenAI's API that mean nothing here are ignored; a field that is read has the right type or is
named in a 400. What would be lost silently (images, audio, `n` above 1, `functions`) is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from islandrun.errors import BadRequest
from islandrun.vocabulary import ChatRequest, Hints, Message, Prompt, Sampling, ToolCall, ToolDefinition
from islandrun.wire import limits
from islandrun.wire.inference import ROLES
from islandrun_node.http.hints import HintsBody

AUTO: Final = "islandrun/auto"
CHOICE_WORDS: Final = ("auto", "none", "required")
FORMAT_TYPES: Final = ("text", "json_object", "json_schema")

Tokens = Annotated[int, msgspec.Meta(ge=1, le=limits.TOKENS_MAX)]


class _Part(msgspec.Struct):
    type: str
    text: str | None = None


class _Function(msgspec.Struct):
    name: str
    arguments: str


class _ToolCall(msgspec.Struct):
    id: str
    function: _Function


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Part] | None = None
    name: str | None = None
    tool_calls: list[_ToolCall] | None = None
    tool_call_id: str | None = None


class _ToolFunction(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: dict[str, object] | None = None


class _Tool(msgspec.Struct):
    type: str
    function: _ToolFunction | None = None


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class ChatBody(msgspec.Struct):
    """What is read of the body."""

    messages: list[_Message]
    model: str | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    stop: str | list[str] | None = None
    seed: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    n: int | None = None
    tools: list[_Tool] | None = None
    tool_choice: str | dict[str, object] | None = None
    response_format: dict[str, object] | None = None
    functions: object = None
    function_call: object = None
    modalities: list[str] | None = None
    islandrun: HintsBody | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the answer shall travel."""

    is_stream: bool
    has_usage_chunk: bool


def wanted(body: ChatBody) -> Wanted:
    """Return how the answer shall travel."""
    options = body.stream_options
    return Wanted(bool(body.stream), bool(options and options.include_usage))


def chat_request(body: ChatBody, hints: Hints, conversation: str) -> ChatRequest:
    """Return the request. Raises `BadRequest`, which names the field."""
    _refuse_what_would_be_lost(body)
    prompt = Prompt(
        messages=_messages(body.messages),
        tools=_tools(body.tools or []),
        tool_choice=_tool_choice(body.tool_choice),
        response_format=_response_format(body.response_format),
    )
    size = sum(_size(message) for message in prompt.messages) + sum(
        len(tool.description) + len(tool.parameters) for tool in prompt.tools
    )
    if size > limits.PROMPT_BYTES_MAX:
        raise BadRequest(f"messages: more than {limits.PROMPT_BYTES_MAX} bytes of text", "messages")
    model = body.model or AUTO
    if len(model) > limits.MODEL_NAME_CHARACTERS_MAX + 1 + 64:
        raise BadRequest("model: longer than any name of a model", "model")
    return ChatRequest(model, prompt, _sampling(body), hints, conversation)


def _refuse_what_would_be_lost(body: ChatBody) -> None:
    if body.n not in (None, 1):
        raise BadRequest("n: only 1 answer to a request is made", "n")
    for field in ("functions", "function_call"):
        if getattr(body, field) is not None:
            raise BadRequest(f"{field}: not supported; use tools and tool_choice", field)
    if any(modality != "text" for modality in body.modalities or ()):
        raise BadRequest("modalities: only text is answered", "modalities")


def _size(message: Message) -> int:
    calls = sum(len(call.arguments.encode()) + len(call.name) for call in message.tool_calls)
    return len(message.text.encode()) + calls


def _messages(turns: list[_Message]) -> tuple[Message, ...]:
    if not turns:
        raise BadRequest("messages: empty; give at least one", "messages")
    if len(turns) > limits.MESSAGES_MAX:
        raise BadRequest(f"messages: more than {limits.MESSAGES_MAX}", "messages")
    return tuple(_message(turn, f"messages[{place}]") for place, turn in enumerate(turns))


def _message(turn: _Message, where: str) -> Message:
    if turn.role not in ROLES:
        raise BadRequest(f"{where}.role: not one of {', '.join(ROLES)}", f"{where}.role")
    if turn.content is None and turn.role != "assistant":
        raise BadRequest(f"{where}.content: missing", f"{where}.content")
    if turn.role == "tool" and not turn.tool_call_id:
        raise BadRequest(f"{where}.tool_call_id: missing", f"{where}.tool_call_id")
    calls = turn.tool_calls or []
    if len(calls) > limits.TOOL_CALLS_MAX:
        raise BadRequest(f"{where}.tool_calls: more than {limits.TOOL_CALLS_MAX}", f"{where}.tool_calls")
    return Message(
        role=turn.role,
        text=_text(turn.content, f"{where}.content"),
        tool_calls=tuple(ToolCall(call.id, call.function.name, call.function.arguments) for call in calls),
        tool_call_id=turn.tool_call_id or "",
        name=turn.name or "",
    )


def _text(content: str | list[_Part] | None, where: str) -> str:
    """Join the text parts of a message; any other kind of part is refused by its place."""
    if content is None or isinstance(content, str):
        return content or ""
    for place, part in enumerate(content):
        if part.type != "text":
            raise BadRequest(
                f"{where}[{place}].type: only parts of type text are read", f"{where}[{place}].type"
            )
        if part.text is None:
            raise BadRequest(f"{where}[{place}].text: missing", f"{where}[{place}].text")
    return "\n".join(part.text or "" for part in content)


def _tools(tools: list[_Tool]) -> tuple[ToolDefinition, ...]:
    if len(tools) > limits.TOOLS_MAX:
        raise BadRequest(f"tools: more than {limits.TOOLS_MAX}", "tools")
    return tuple(_tool(tool, f"tools[{place}]") for place, tool in enumerate(tools))


def _tool(tool: _Tool, where: str) -> ToolDefinition:
    if tool.type != "function":
        raise BadRequest(f"{where}.type: only function is supported", f"{where}.type")
    if tool.function is None:
        raise BadRequest(f"{where}.function: missing", f"{where}.function")
    function = tool.function
    parameters = "" if function.parameters is None else msgspec.json.encode(function.parameters).decode()
    return ToolDefinition(function.name, function.description or "", parameters)


def _tool_choice(choice: str | dict[str, object] | None) -> str:
    if choice is None:
        return ""
    if isinstance(choice, dict):
        return msgspec.json.encode(choice).decode()
    if choice not in CHOICE_WORDS:
        raise BadRequest(f"tool_choice: not one of {', '.join(CHOICE_WORDS)}, or an object", "tool_choice")
    return choice


def _response_format(wanted_format: dict[str, object] | None) -> str:
    if wanted_format is None:
        return ""
    if wanted_format.get("type") not in FORMAT_TYPES:
        raise BadRequest(
            f"response_format.type: not one of {', '.join(FORMAT_TYPES)}", "response_format.type"
        )
    return msgspec.json.encode(wanted_format).decode()


def _sampling(body: ChatBody) -> Sampling:
    bounds = [bound for bound in (body.max_tokens, body.max_completion_tokens) if bound is not None]
    words = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ())
    if len(words) > limits.STOP_WORDS_MAX:
        raise BadRequest(f"stop: more than {limits.STOP_WORDS_MAX} entries", "stop")
    return Sampling(
        temperature=body.temperature,
        top_p=body.top_p,
        tokens_max=min(bounds, default=None),
        stop=tuple(word for word in words if word),
        seed=body.seed,
    )
