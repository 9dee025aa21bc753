"""The chat completions dialect, without a connection: a prompt as its JSON body, stream events as pieces.

Only what the dialect's many servers agree on is sent. What comes back is foreign: every field is
checked, and no part of it enters an error text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import msgspec

from islandrun.errors import ForwardFailed, Interrupted, MalformedMessage, Refused, Unreachable
from islandrun.vocabulary import (
    AnswerPiece,
    Finished,
    Message,
    Prompt,
    Sampling,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from islandrun_node.backends.sse import Event

TOOL_CALLS_MAX = 128
ANSWER_BYTES_MAX = 16 << 20
TOKENS_COUNTED_MAX = 2**32 - 1
CHARACTERS_PER_TOKEN = 4

_REASONS = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_CHOICE_WORDS = frozenset({"auto", "none", "required"})

Json = dict[str, object]


def request_body(model: str, prompt: Prompt, sampling: Sampling) -> bytes:
    """Return the body of a streaming request. Raises `Refused` when a JSON text inside is not JSON."""
    body: Json = {
        "model": model,
        "messages": [_message(message) for message in prompt.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if prompt.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": _json(tool.parameters or "{}", "the parameters of a tool"),
                },
            }
            for tool in prompt.tools
        ]
    if prompt.tool_choice:
        is_word = prompt.tool_choice in _CHOICE_WORDS
        body["tool_choice"] = prompt.tool_choice if is_word else _json(prompt.tool_choice, "tool_choice")
    if prompt.response_format:
        body["response_format"] = _json(prompt.response_format, "response_format")
    body.update(_sampling(sampling))
    return json.dumps(body, ensure_ascii=False).encode("utf-8", errors="replace")


def _message(message: Message) -> Json:
    role = "system" if message.role == "developer" else message.role
    made: Json = {"role": role, "content": message.text}
    if message.name:
        made["name"] = message.name
    if message.tool_call_id:
        made["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        made["content"] = message.text or None
        made["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    return made


def _sampling(sampling: Sampling) -> Json:
    wishes: Json = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.tokens_max,
        "stop": list(sampling.stop) or None,
        "seed": sampling.seed,
    }
    return {key: value for key, value in wishes.items() if value is not None}


def _json(text: str, what: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused(f"{what} is not valid JSON; correct the request") from None
    return value


# ---------------------------------------------------------------- the way back


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct):
    index: int = 0
    delta: _Delta | None = None
    finish_reason: str | None = None


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None

    def counted(self) -> Usage | None:
        """Return the count, or None where one half of it is missing."""
        if self.prompt_tokens is None or self.completion_tokens is None:
            return None
        tokens, details = _count(self.prompt_tokens), self.prompt_tokens_details or _PromptDetails()
        return Usage(tokens, _count(self.completion_tokens), min(tokens, _count(details.cached_tokens)))


class _Chunk(msgspec.Struct):
    object: str | None = None
    error: msgspec.Raw = msgspec.Raw()
    choices: list[_Choice] | None = None
    usage: _Usage | None = None


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


_chunk_decoder = msgspec.json.Decoder(_Chunk)
_models_decoder = msgspec.json.Decoder(_Models)


@dataclass(slots=True)
class AnswerReader:
    """Turns the events of one stream into pieces and judges how it ended. One reader for one answer."""

    model: str
    input_chars: int
    started: bool = False
    done: bool = False
    _reason: str = ""
    _usage: Usage | None = None
    _bytes: int = 0
    _calls: set[int] = field(default_factory=set)

    def read(self, event: Event) -> tuple[AnswerPiece, ...]:
        """Return the pieces of one event; `done` is set by the event that ends a stream.

        Raises `ForwardFailed` when the server reports an error before the first piece, `Interrupted`
        after it, and `MalformedMessage` on what is not an event of this dialect or passes a limit.
        """
        if event.data.strip() == "[DONE]":
            self.done = True
            return ()
        chunk = self._decode(event)
        if chunk.usage is not None:
            self._usage = chunk.usage.counted() or self._usage
        pieces: list[AnswerPiece] = []
        for choice in chunk.choices or ():
            if choice.index == 0:
                pieces += self._pieces(choice.delta or _Delta())
                self._reason = self._finish_reason(choice.finish_reason) or self._reason
        self.started = self.started or bool(pieces)
        return tuple(pieces)

    def finish(self) -> Finished:
        """Return the end of the answer.

        Without a finish reason it was cut off: raises `Interrupted`, or `Unreachable` when no piece came.
        """
        if not self._reason:
            what = "the answer was cut off: the server gave no finish reason"
            raise Interrupted(what) if self.started else Unreachable(what)
        estimate = Usage(
            self.input_chars // CHARACTERS_PER_TOKEN, self._bytes // CHARACTERS_PER_TOKEN, is_estimated=True
        )
        return Finished(self._reason, self._usage or estimate, self.model)

    @property
    def is_complete(self) -> bool:
        """Whether the server has given a reason to end."""
        return bool(self._reason)

    def failure(self, what: str) -> ForwardFailed:
        """Make the error of a broken answer: `Interrupted` once a piece was given."""
        return Interrupted(what) if self.started else ForwardFailed(what)

    def _decode(self, event: Event) -> _Chunk:
        try:
            chunk = _chunk_decoder.decode(event.data)
        except (msgspec.MsgspecError, RecursionError):
            if event.kind == "error":
                raise self.failure("the server reported an error in its answer") from None
            raise MalformedMessage("an event is not a chat completion chunk") from None
        reports_error = bytes(chunk.error) not in (b"", b"null")
        if event.kind == "error" or chunk.object == "error" or reports_error:
            raise self.failure("the server reported an error in its answer")
        return chunk

    def _pieces(self, delta: _Delta) -> list[AnswerPiece]:
        pieces: list[AnswerPiece] = []
        if delta.content:
            self._grow(delta.content)
            pieces.append(TextDelta(delta.content))
        for position, call in enumerate(delta.tool_calls or ()):
            index = position if call.index is None else call.index
            if not 0 <= index < TOOL_CALLS_MAX:
                raise MalformedMessage(f"an answer makes more than {TOOL_CALLS_MAX} tool calls")
            function = call.function or _Function()
            is_new = index not in self._calls
            self._calls.add(index)
            arguments = function.arguments or ""
            self._grow(arguments)
            identity = (call.id or f"call_{index}", function.name or "") if is_new else ("", "")
            pieces.append(ToolCallDelta(index, *identity, arguments))
        return pieces

    def _grow(self, text: str) -> None:
        self._bytes += len(text.encode("utf-8", errors="replace"))
        if self._bytes > ANSWER_BYTES_MAX:
            raise MalformedMessage(f"an answer is larger than {ANSWER_BYTES_MAX} bytes")

    def _finish_reason(self, reason: str | None) -> str:
        if not reason:
            return ""
        if reason not in _REASONS:
            raise self.failure("the server ended its answer for a reason that is no success")
        return _REASONS[reason]


def model_names(content: bytes, models_max: int) -> tuple[str, ...]:
    """Read the names in a list of models, sorted. Raises `MalformedMessage` on anything else."""
    try:
        models = _models_decoder.decode(content).data
    except (msgspec.MsgspecError, RecursionError):
        raise MalformedMessage("the list of models is not readable") from None
    names = {model.id for model in models if 0 < len(model.id) <= 128 and model.id.isprintable()}
    if len(names) > models_max:
        raise MalformedMessage(f"the server lists more than {models_max} models")
    return tuple(sorted(names))


def _count(tokens: int | None) -> int:
    return min(TOKENS_COUNTED_MAX, max(0, tokens or 0))
