"""An answer in OpenAI's shapes: one object, or the chunks of a stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from islandrun.errors import Interrupted
from islandrun.vocabulary import AnswerPiece, Finished, TextDelta, ToolCallDelta, Usage

ANSWER_CHARACTERS_MAX: Final = 32 * 1024 * 1024
"""The longest answer that is gathered into one object."""

DONE: Final = b"data: [DONE]\n\n"

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Frame:
    """What is the same in every object of one answer. `facts` is its `islandrun` object."""

    id: str
    created: int
    model: str
    facts: Json
    has_usage_chunk: bool = False

    def chunk(self, delta: Json, finish_reason: str | None = None) -> bytes:
        """Return one piece of a stream as a server-sent event."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        made = self._object("chat.completion.chunk", [choice])
        if self.has_usage_chunk:
            made["usage"] = None
        return event(made)

    def usage_chunk(self, usage: Usage) -> bytes:
        """Return the last event before the end, which has no choices."""
        return event(self._object("chat.completion.chunk", []) | self._usage(usage))

    def whole(self, gathered: Gathered) -> bytes:
        """Return an answer as one object."""
        finished = gathered.finished
        message: Json = {"role": "assistant", "content": gathered.text or None, "refusal": None}
        if calls := gathered.tool_calls():
            message["tool_calls"] = calls
        elif message["content"] is None:
            message["content"] = ""
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finished.reason}
        made = self._object("chat.completion", [choice])
        if finished.model:
            made["model"] = finished.model
        return msgspec.json.encode(made | self._usage(finished.usage))

    def _object(self, kind: str, choices: list[Json]) -> Json:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "choices": choices,
        }

    def _usage(self, usage: Usage) -> Json:
        total = usage.input_tokens + usage.output_tokens
        return {
            "usage": {
                "prompt_tokens": usage.input_tokens,
                "completion_tokens": usage.output_tokens,
                "total_tokens": total,
            },
            "islandrun": self.facts,
        }


@dataclass(slots=True)
class Gathered:
    """A whole answer, put together from its pieces."""

    finished: Finished = field(default_factory=lambda: Finished("stop", Usage(), ""))
    _texts: list[str] = field(default_factory=list, repr=False)
    _calls: dict[int, list[ToolCallDelta]] = field(default_factory=dict, repr=False)
    _size: int = 0

    def add(self, piece: AnswerPiece) -> None:
        """Take the next piece. Raises `Interrupted` when the answer grows too long for one object."""
        match piece:
            case TextDelta():
                self._texts.append(piece.text)
                self._size += len(piece.text)
            case ToolCallDelta():
                self._calls.setdefault(piece.index, []).append(piece)
                self._size += len(piece.arguments) + 1
            case Finished():
                self.finished = piece
        if self._size > ANSWER_CHARACTERS_MAX:
            raise Interrupted(f"the answer is longer than {ANSWER_CHARACTERS_MAX} characters; stream it")

    @property
    def text(self) -> str:
        """The text of the answer."""
        return "".join(self._texts)

    def tool_calls(self) -> list[Json]:
        """Return the tool calls in their order."""
        return [_whole_call(pieces) for _, pieces in sorted(self._calls.items())]


def events(frame: Frame, pieces: Sequence[AnswerPiece]) -> Iterator[bytes]:
    """Yield the events for pieces that were ready at the same time; texts that follow each other are one."""
    text: list[str] = []
    for piece in pieces:
        if isinstance(piece, TextDelta):
            text.append(piece.text)
            continue
        if text:
            yield frame.chunk({"content": "".join(text)})
            text.clear()
        if isinstance(piece, ToolCallDelta):
            yield frame.chunk({"tool_calls": [_call_delta(piece)]})
        else:
            yield frame.chunk({}, piece.reason)
            if frame.has_usage_chunk:
                yield frame.usage_chunk(piece.usage)
    if text:
        yield frame.chunk({"content": "".join(text)})


def event(content: Json) -> bytes:
    """Return an object as a server-sent event; JSON on one line needs no further escaping."""
    return b"data: " + msgspec.json.encode(content) + b"\n\n"


def _call_delta(piece: ToolCallDelta) -> Json:
    function: Json = {"arguments": piece.arguments}
    delta: Json = {"index": piece.index, "function": function}
    if piece.name:
        function["name"] = piece.name
    if piece.id:
        delta |= {"id": piece.id, "type": "function"}
    return delta


def _whole_call(pieces: Sequence[ToolCallDelta]) -> Json:
    return {
        "id": next((piece.id for piece in pieces if piece.id), ""),
        "type": "function",
        "function": {
            "name": next((piece.name for piece in pieces if piece.name), ""),
            "arguments": "".join(piece.arguments for piece in pieces),
        },
    }
