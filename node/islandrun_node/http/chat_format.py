"""An answer in the shapes of chat completions: one object, or the chunks of a stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from islandrun.vocabulary import AnswerPiece, Finished, TextDelta, ToolCallDelta, Usage
from islandrun_node.http.endpoint import About
from islandrun_node.http.facts import cited_facts
from islandrun_node.http.gathered import Call, Gathered
from islandrun_node.http.problems import Problem

DONE: Final = b"data: [DONE]\n\n"

Json = dict[str, object]


class ChatForm:
    """The form of one chat completion."""

    def __init__(self, *, has_usage_chunk: bool = False) -> None:
        self._has_usage_chunk = has_usage_chunk
        self._about = About("", 0, "", {})

    def begin(self, about: About) -> bytes:
        """Return the chunk that names the role."""
        self._about = about
        return self._chunk({"role": "assistant", "content": ""})

    def feed(self, pieces: Sequence[AnswerPiece]) -> bytes:
        """Return the chunks for some pieces; texts that follow each other are one."""
        return b"".join(self._chunks(pieces))

    def end(self) -> bytes:
        """Return the end of the stream."""
        return DONE

    def broken(self, problem: Problem) -> bytes:
        """Return the error as the last event, without the mark of a whole stream."""
        return b"data: " + problem.body() + b"\n\n"

    def whole(self, answers: Sequence[tuple[About, Gathered]]) -> bytes:
        """Return the answer as one object."""
        ((about, gathered),) = answers
        finished = gathered.finished
        message: Json = {"role": "assistant", "content": gathered.text or None, "refusal": None}
        if calls := gathered.calls:
            message["tool_calls"] = [_call(call) for call in calls]
        elif message["content"] is None:
            message["content"] = ""
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finished.reason}
        made = _object(about, "chat.completion", [choice]) | _usage(about, finished)
        return msgspec.json.encode(made | ({"model": finished.model} if finished.model else {}))

    def _chunks(self, pieces: Sequence[AnswerPiece]) -> Iterator[bytes]:
        text: list[str] = []
        for piece in pieces:
            if isinstance(piece, TextDelta):
                text.append(piece.text)
                continue
            if text:
                yield self._chunk({"content": "".join(text)})
                text.clear()
            if isinstance(piece, ToolCallDelta):
                yield self._chunk({"tool_calls": [_call_delta(piece)]})
            else:
                yield self._chunk({}, piece.reason, cited_facts({}, piece))
                if self._has_usage_chunk:
                    last = _object(self._about, "chat.completion.chunk", [])
                    yield event(last | _usage(self._about, piece))
        if text:
            yield self._chunk({"content": "".join(text)})

    def _chunk(self, delta: Json, finish_reason: str | None = None, facts: Json | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        made = _object(self._about, "chat.completion.chunk", [choice])
        if self._has_usage_chunk:
            made["usage"] = None
        return event(made | ({"islandrun": facts} if facts else {}))


def event(content: Json) -> bytes:
    """Return an object as a server-sent event; JSON on one line needs no further escaping."""
    return b"data: " + msgspec.json.encode(content) + b"\n\n"


def usage_counts(usage: Usage) -> Json:
    """Return the tokens of an answer under the names of completions."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def _object(about: About, kind: str, choices: list[Json]) -> Json:
    return {
        "id": f"chatcmpl-{about.receipt}",
        "object": kind,
        "created": about.created,
        "model": about.model,
        "choices": choices,
    }


def _usage(about: About, finished: Finished) -> Json:
    return {"usage": usage_counts(finished.usage), "islandrun": cited_facts(about.facts, finished)}


def _call_delta(piece: ToolCallDelta) -> Json:
    function: Json = {"arguments": piece.arguments}
    delta: Json = {"index": piece.index, "function": function}
    if piece.name:
        function["name"] = piece.name
    if piece.id:
        delta |= {"id": piece.id, "type": "function"}
    return delta


def _call(call: Call) -> Json:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }
