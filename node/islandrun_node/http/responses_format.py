"""An answer in the shape of the Responses API: one object, or its events in their order.

Each event has a number and its own type. A stream that breaks ends with `response.failed` and `error`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from islandrun.vocabulary import AnswerPiece, Finished, TextDelta, ToolCallDelta, Usage
from islandrun_node.http.endpoint import About
from islandrun_node.http.facts import cited_facts
from islandrun_node.http.gathered import Call, Gathered
from islandrun_node.http.problems import Problem

Json = dict[str, object]

_INCOMPLETE: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Reasons of ours that leave an answer incomplete, and what this API calls them."""


@dataclass(frozen=True, slots=True)
class Echo:
    """What of a request comes back with its answer, as the API promises."""

    tools: object = field(repr=False)
    tool_choice: object = field(repr=False)
    format: Json = field(repr=False)
    has_many_calls: bool
    tokens_max: int | None
    temperature: float | None
    top_p: float | None


@dataclass(slots=True)
class _Item:
    """One item of the output while it is made: the text of a message, or a call."""

    place: int
    id: str
    call: Call | None
    gathered: list[str] = field(default_factory=list, repr=False)

    @property
    def text(self) -> str:
        return "".join(self.gathered)

    def shown(self, *, is_done: bool) -> Json:
        """Return it as an output item."""
        status = "completed" if is_done else "in_progress"
        if self.call is None:
            return _message(self.id, status, [_part(self.text)] if is_done else [])
        arguments = self.text if is_done else ""
        return _function_call(self.id, status, Call(self.call.id, self.call.name, arguments))


class ResponseForm:
    """The form of one response."""

    def __init__(self, echo: Echo) -> None:
        self._echo = echo
        self._about = About("", 0, "", {})
        self._number = 0
        self._items: list[_Item] = []
        self._message: _Item | None = None
        self._calls: dict[int, _Item] = {}
        self._gathered = Gathered()

    def begin(self, about: About) -> bytes:
        """Return the events that open a response."""
        self._about = about
        opened = self._response("in_progress", [])
        return self._event("response.created", response=opened) + self._event(
            "response.in_progress", response=opened
        )

    def feed(self, pieces: Sequence[AnswerPiece]) -> bytes:
        """Return the events for some pieces. Raises `Interrupted` when the answer grows too long."""
        self._gathered.add(pieces)
        return b"".join(event for piece in pieces for event in self._events(piece))

    def end(self) -> bytes:
        """Return nothing: the last event was the end."""
        return b""

    def broken(self, problem: Problem) -> bytes:
        """Return the events of a response that failed; nobody can take it for a whole one."""
        error = {"code": problem.code, "message": problem.message}
        failed = self._response("failed", self._output()) | {"error": error}
        told = error | {"type": problem.type, "param": problem.param or None}
        return self._event("response.failed", response=failed) + self._event("error", error=told)

    def whole(self, answers: Sequence[tuple[About, Gathered]]) -> bytes:
        """Return the answer as one object."""
        ((about, gathered),) = answers
        self._about = about
        output: list[Json] = []
        if gathered.text or not gathered.calls:
            output.append(_message(self._id("msg", 0), "completed", [_part(gathered.text)]))
        for call in gathered.calls:
            output.append(_function_call(self._id("fc", len(output)), "completed", call))
        return msgspec.json.encode(self._finished(gathered.finished, output))

    def _events(self, piece: AnswerPiece) -> Iterator[bytes]:
        match piece:
            case TextDelta():
                yield from self._text(piece.text)
            case ToolCallDelta():
                yield from self._call(piece)
            case Finished():
                yield from self._finish(piece)

    def _text(self, text: str) -> Iterator[bytes]:
        if self._message is None:
            self._message = self._opened("msg", None)
            yield self._added(self._message)
            yield self._of(self._message, "response.content_part.added", content_index=0, part=_part(""))
        self._message.gathered.append(text)
        yield self._of(self._message, "response.output_text.delta", content_index=0, delta=text, logprobs=())

    def _call(self, piece: ToolCallDelta) -> Iterator[bytes]:
        yield from self._close_message()
        item = self._calls.get(piece.index)
        if item is None:
            item = self._calls[piece.index] = self._opened("fc", Call(piece.id, piece.name, ""))
            yield self._added(item)
        if piece.arguments:
            item.gathered.append(piece.arguments)
            yield self._of(item, "response.function_call_arguments.delta", delta=piece.arguments)

    def _finish(self, finished: Finished) -> Iterator[bytes]:
        if not self._items:
            yield from self._text("")
        yield from self._close_message()
        for item in self._calls.values():
            assert item.call is not None, "a call has an id and a name"
            yield self._of(
                item, "response.function_call_arguments.done", name=item.call.name, arguments=item.text
            )
            yield self._done(item)
        made = self._finished(finished, self._output())
        yield self._event(f"response.{made['status']}", response=made)

    def _close_message(self) -> Iterator[bytes]:
        item, self._message = self._message, None
        if item is None:
            return
        yield self._of(item, "response.output_text.done", content_index=0, text=item.text, logprobs=())
        yield self._of(item, "response.content_part.done", content_index=0, part=_part(item.text))
        yield self._done(item)

    def _opened(self, kind: str, call: Call | None) -> _Item:
        item = _Item(len(self._items), self._id(kind, len(self._items)), call)
        self._items.append(item)
        return item

    def _added(self, item: _Item) -> bytes:
        shown = item.shown(is_done=False)
        return self._event("response.output_item.added", output_index=item.place, item=shown)

    def _done(self, item: _Item) -> bytes:
        shown = item.shown(is_done=True)
        return self._event("response.output_item.done", output_index=item.place, item=shown)

    def _of(self, item: _Item, kind: str, **fields: object) -> bytes:
        return self._event(kind, item_id=item.id, output_index=item.place, **fields)

    def _event(self, kind: str, **fields: object) -> bytes:
        content = msgspec.json.encode({"type": kind, "sequence_number": self._number, **fields})
        self._number += 1
        return b"event: " + kind.encode() + b"\ndata: " + content + b"\n\n"

    def _id(self, kind: str, place: int) -> str:
        return f"{kind}_{self._about.receipt}_{place}"

    def _output(self) -> list[Json]:
        return [item.shown(is_done=True) for item in self._items]

    def _finished(self, finished: Finished, output: list[Json]) -> Json:
        reason = _INCOMPLETE.get(finished.reason)
        made = self._response("incomplete" if reason else "completed", output)
        made |= {"usage": _usage(finished.usage), "islandrun": cited_facts(self._about.facts, finished)}
        made["incomplete_details"] = {"reason": reason} if reason else None
        return made | ({"model": finished.model} if finished.model else {})

    def _response(self, status: str, output: list[Json]) -> Json:
        return {
            "id": f"resp_{self._about.receipt}",
            "object": "response",
            "created_at": self._about.created,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "max_output_tokens": self._echo.tokens_max,
            "model": self._about.model,
            "output": output,
            "parallel_tool_calls": self._echo.has_many_calls,
            "previous_response_id": None,
            "store": False,
            "temperature": self._echo.temperature,
            "text": {"format": self._echo.format},
            "tool_choice": self._echo.tool_choice,
            "tools": self._echo.tools,
            "top_p": self._echo.top_p,
            "truncation": "disabled",
            "usage": None,
            "metadata": {},
        }


def _message(item_id: str, status: str, content: list[Json]) -> Json:
    return {"id": item_id, "type": "message", "status": status, "role": "assistant", "content": content}


def _part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _function_call(item_id: str, status: str, call: Call) -> Json:
    return {
        "id": item_id,
        "type": "function_call",
        "status": status,
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
    }


def _usage(usage: Usage) -> Json:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
