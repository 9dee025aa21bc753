"""The body of `POST /v1/chat/completions` as a `ChatRequest`.

Fields of OpenAI's API that mean nothing here (`user`, `metadata`, `store`, ...) are not even read, so
nothing of them goes on; a field that is read has the right type or is named in a 400. What would be lost
silently (images, audio, files, `n` above 1, `logprobs`, `functions`, a search of the web) is refused.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from starlette.datastructures import Headers

from islandrun.errors import BadRequest
from islandrun.vocabulary import ChatRequest, Hints, Message, Prompt, ToolCall, ToolDefinition
from islandrun.wire import limits
from islandrun.wire.inference import ROLES
from islandrun_node.http.body import decode
from islandrun_node.http.chat_format import ChatForm
from islandrun_node.http.endpoint import Asked
from islandrun_node.http.hints import HintsBody, read_hints
from islandrun_node.http.settings import StreamOptions, Tokens, checked_model, refuse_given, sampling

CHOICE_WORDS: Final = ("auto", "none", "required")
FORMAT_TYPES: Final = ("text", "json_object", "json_schema")
UNREAD_PARTS: Final = ("image_url", "input_audio", "file", "input_image", "input_file", "video_url")
"""Kinds of parts that hold something else than text: nobody here can judge what is in them."""


class _Part(msgspec.Struct):
    type: str
    text: str | None = None
    refusal: str | None = None


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
    refusal: str | None = None
    audio: object = None
    function_call: object = None


class _ToolFunction(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: dict[str, object] | None = None


class _Tool(msgspec.Struct):
    type: str
    function: _ToolFunction | None = None


class ChatBody(msgspec.Struct):
    """What is read of the body."""

    messages: list[_Message]
    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    stop: str | list[str] | None = None
    seed: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    n: int | None = None
    tools: list[_Tool] | None = None
    tool_choice: str | dict[str, object] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, object] | None = None
    functions: object = None
    function_call: object = None
    modalities: list[str] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: dict[str, float] | None = None
    web_search_options: object = None
    islandrun: HintsBody | None = None


def read_chat(content: bytes, headers: Headers) -> Asked:
    """Read the body of a chat completion. Raises `BadRequest` or `Rejected`, which name the field."""
    body = decode(content, ChatBody)
    hints, conversation = read_hints(body.islandrun, headers.items())
    options = body.stream_options
    form = ChatForm(has_usage_chunk=bool(options and options.include_usage))
    chat = chat_request(body, hints, conversation)
    return Asked((chat,), form, bool(body.stream), body.parallel_tool_calls is False)


def chat_request(body: ChatBody, hints: Hints, conversation: str) -> ChatRequest:
    """Return the request. Raises `BadRequest`, which names the field."""
    _refuse_what_would_be_lost(body)
    prompt = Prompt(
        messages=_messages(body.messages),
        tools=_tools(body.tools or []),
        tool_choice=_tool_choice(body.tool_choice),
        response_format=_response_format(body.response_format),
    )
    check_size(prompt, "messages")
    bounds = (body.max_tokens, body.max_completion_tokens)
    settings = sampling(body.temperature, body.top_p, bounds, body.stop, body.seed)
    return ChatRequest(checked_model(body.model), prompt, settings, hints, conversation)


def check_size(prompt: Prompt, field: str) -> None:
    """Refuse too much text before anything reads it. Raises `BadRequest`, which names the field."""
    size = sum(map(_size, prompt.messages))
    size += sum(len(tool.description) + len(tool.parameters) for tool in prompt.tools)
    if size > limits.PROMPT_BYTES_MAX:
        raise BadRequest(f"{field}: more than {limits.PROMPT_BYTES_MAX} bytes of text", field)


def _refuse_what_would_be_lost(body: ChatBody) -> None:
    if body.n not in (None, 1):
        raise BadRequest("n: only 1 answer to a request is made", "n")
    for field in ("functions", "function_call"):
        if getattr(body, field) is not None:
            raise BadRequest(f"{field}: not supported; use tools and tool_choice", field)
    if any(modality != "text" for modality in body.modalities or ()):
        raise BadRequest("modalities: only text is answered", "modalities")
    refuse_given(
        logprobs=(body.logprobs, "probabilities of tokens are not given; leave it out"),
        top_logprobs=(body.top_logprobs, "probabilities of tokens are not given; leave it out"),
        logit_bias=(body.logit_bias, "tokens cannot be favoured; leave it out"),
    )
    if body.web_search_options is not None:
        raise BadRequest("web_search_options: nothing here searches the web", "web_search_options")


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
    for field in ("audio", "function_call"):
        if getattr(turn, field) is not None:
            raise BadRequest(f"{where}.{field}: only text and tool_calls are read", f"{where}.{field}")
    if turn.role == "tool" and not turn.tool_call_id:
        raise BadRequest(f"{where}.tool_call_id: missing", f"{where}.tool_call_id")
    calls = turn.tool_calls or []
    if len(calls) > limits.TOOL_CALLS_MAX:
        raise BadRequest(f"{where}.tool_calls: more than {limits.TOOL_CALLS_MAX}", f"{where}.tool_calls")
    return Message(
        role=turn.role,
        text=_text(turn.content, f"{where}.content") or turn.refusal or "",
        tool_calls=tuple(ToolCall(call.id, call.function.name, call.function.arguments) for call in calls),
        tool_call_id=turn.tool_call_id or "",
        name=turn.name or "",
    )


def _text(content: str | list[_Part] | None, where: str) -> str:
    """Join the text parts of a message; any other kind of part is refused by its place."""
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(_part(part, f"{where}[{place}]") for place, part in enumerate(content))


def refuse_unread(kind: str, where: str) -> None:
    """Refuse a part of a message that is no text. Raises `BadRequest`, which names its place."""
    if kind in UNREAD_PARTS:
        raise BadRequest(
            f"{where}.type: nobody here can judge what is in an image, a sound or a file; send its text",
            f"{where}.type",
        )


def _part(part: _Part, where: str) -> str:
    refuse_unread(part.type, where)
    if part.type not in ("text", "refusal"):
        raise BadRequest(f"{where}.type: only parts of type text are read", f"{where}.type")
    text = part.text if part.type == "text" else part.refusal
    if text is None:
        raise BadRequest(f"{where}.{part.type}: missing", f"{where}.{part.type}")
    return text


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
