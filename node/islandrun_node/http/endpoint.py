"""One endpoint that answers: read the body, ask `request.Requests`, send the answer as it comes.

Every door of HTTP that runs a prompt is this class with its own reader and its own form of the answer.
Headers travel before the first byte and tell the decision, so nothing is sent until the first piece of the
answer is here; a failover before it is invisible to the client. A client that goes away ends the work.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from islandrun.errors import ForwardFailed, IslandRunError, NobodyMaySee
from islandrun.vocabulary import AnswerPiece, ChatRequest, Finished, TextDelta, ToolCallDelta
from islandrun_node import world_clock
from islandrun_node.coalesce import coalesced
from islandrun_node.http.body import read_body
from islandrun_node.http.facts import answer_facts, answer_headers
from islandrun_node.http.gathered import Gathered
from islandrun_node.http.guard import CALLER
from islandrun_node.http.meters import CUT, Meters
from islandrun_node.http.problems import Problem, Rejected, problem_of, unknown_model_or
from islandrun_node.request import RequestEvent, Settled

if TYPE_CHECKING:
    from islandrun.routing.decision import Decision
    from islandrun_node.outlook import Outlook
    from islandrun_node.request import Requests

_log = logging.getLogger(__name__)
_PIECES = (TextDelta, ToolCallDelta, Finished)
_STREAM: Final = ((b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store"))
_JSON: Final = ((b"content-type", b"application/json"),)

Raw = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Door:
    """What the endpoints share."""

    requests: Requests
    outlook: Outlook
    meters: Meters
    body_bytes_max: int


@dataclass(frozen=True, slots=True)
class About:
    """What is the same in every object of one answer. `facts` is its `islandrun` object."""

    receipt: str
    created: int
    model: str
    facts: dict[str, object]


class Form(Protocol):
    """How one answer looks to its client: the bytes of a stream, or one object. Used once."""

    def begin(self, about: About) -> bytes:
        """Return what comes before the first piece of an answer; called again for each further request."""
        ...

    def feed(self, pieces: Sequence[AnswerPiece]) -> bytes:
        """Return the events for pieces that were ready at the same time."""
        ...

    def end(self) -> bytes:
        """Return the end of a stream whose answers are all whole."""
        ...

    def broken(self, problem: Problem) -> bytes:
        """Return the end of a stream that broke; no client may take it for a whole answer."""
        ...

    def whole(self, answers: Sequence[tuple[About, Gathered]]) -> bytes:
        """Return all answers as one object."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client wants: requests that are answered one after the other, and how the answer travels."""

    requests: tuple[ChatRequest, ...]
    form: Form = field(repr=False)
    is_stream: bool = False
    has_one_call: bool = False


Reader = Callable[[bytes, Headers], Asked]
"""Reads a body; raises `BadRequest` or `Rejected`, which name the field."""


class Endpoint:
    """An endpoint as an ASGI application."""

    def __init__(self, door: Door, read: Reader) -> None:
        self._door = door
        self._read = read

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            asked = self._read(await read_body(request, self._door.body_bytes_max), request.headers)
        except ClientDisconnect:
            return
        except Exception as error:
            problem = logged(error)
            self._door.meters.ended(None, str(problem.status))
            await problem.response()(scope, receive, send)
            return
        await until_cut(_Answer(self._door, asked, send, scope[CALLER]).run(), receive)


class _Answer:
    """One answer on its way to one client; `run` it once."""

    def __init__(self, door: Door, asked: Asked, send: Send, caller: str) -> None:
        self._door = door
        self._asked = asked
        self._send = send
        self._caller = caller
        self._began = world_clock.now()
        self._model = ""
        self._decision: Decision | None = None
        self._settled: Settled | None = None
        self._has_piece = False
        self._is_open = False

    async def run(self) -> None:
        """Send the answer, or the error in its place."""
        code = CUT
        try:
            await (self._stream() if self._asked.is_stream else self._whole())
            code = "200"
        except Exception as error:
            code = await self._fail(error)
        finally:
            self._door.meters.ended(self._decision, code)

    async def _stream(self) -> None:
        """Send the answers piece by piece; the headers tell of the first."""
        form = self._asked.form
        for chat in self._asked.requests:
            async with aclosing(self._ask(chat)) as batches:
                first = await anext(batches)
                if not self._is_open:
                    await self._start(200, _STREAM)
                await self._part(form.begin(self._about()) + form.feed(first))
                async for pieces in batches:
                    await self._part(form.feed(pieces))
        await self._part(form.end(), is_last=True)

    async def _whole(self) -> None:
        """Gather the answers and send them as one object; the headers tell of the first."""
        answers: list[tuple[About, Gathered]] = []
        told: tuple[Decision | None, Settled | None] | None = None
        for chat in self._asked.requests:
            gathered = Gathered()
            async with aclosing(self._ask(chat)) as batches:
                async for pieces in batches:
                    gathered.add(pieces)
            answers.append((self._about(), gathered))
            told = told or (self._decision, self._settled)
        self._decision, self._settled = told or (None, None)
        await self._object(200, self._asked.form.whole(answers))

    async def _ask(self, chat: ChatRequest) -> AsyncGenerator[list[AnswerPiece]]:
        """Yield the pieces of one answer; before the first its decision is known."""
        self._model, self._has_piece, self._settled = chat.model, False, None
        async with aclosing(coalesced(self._door.requests.answer(chat, self._caller))) as batches:
            async for batch in batches:
                if pieces := self._pieces(batch):
                    self._has_piece = True
                    yield pieces
        if not self._has_piece:
            raise ForwardFailed("the answer ended before its first piece")

    def _pieces(self, batch: list[RequestEvent]) -> list[AnswerPiece]:
        """Take the decisions out of a batch and return its pieces."""
        pieces: list[AnswerPiece] = []
        for item in batch:
            if isinstance(item, _PIECES):
                if not (self._asked.has_one_call and isinstance(item, ToolCallDelta) and item.index):
                    pieces.append(item)
                continue
            if isinstance(item, Settled):
                self._settled = item
                self._door.meters.settled(item.cost_microusd)
                continue
            assert not self._has_piece, "no decision comes after the first piece of an answer"
            self._decision = item.decision
            seconds = world_clock.now().seconds - self._began.seconds
            self._door.meters.decided(item.decision, seconds)
        return pieces

    def _about(self) -> About:
        decision = self._decision
        assert decision is not None, "a decision comes before the first piece of an answer"
        return About(
            receipt=decision.receipt_id,
            created=self._began.wall_ms // 1000,
            model=decision.chosen.model if decision.chosen else self._model,
            facts=answer_facts(decision, self._door.outlook.me, self._settled),
        )

    async def _fail(self, error: Exception) -> str:
        """Send the error: as the answer, or as the last event of a stream that has begun."""
        problem = logged(error)
        if isinstance(error, NobodyMaySee) and error.decision is not None:
            self._decision = error.decision  # type: ignore[assignment]  # errors know no routing type
            problem = unknown_model_or(problem, self._model, error.decision)
        if self._is_open:
            await self._part(self._asked.form.broken(problem), is_last=True)
            return "interrupted"
        further = tuple((name.encode(), value.encode()) for name, value in problem.headers)
        await self._object(problem.status, problem.body(), further)
        return str(problem.status)

    async def _object(self, status: int, body: bytes, further: Raw = ()) -> None:
        await self._start(status, (*_JSON, (b"content-length", str(len(body)).encode()), *further))
        await self._part(body, is_last=True)

    async def _start(self, status: int, headers: Raw) -> None:
        self._is_open = True
        me, settled = self._door.outlook.me, self._settled
        told = answer_headers(self._decision, me, settled) if self._decision else ()
        raw = [*headers, *((name.encode(), value.encode()) for name, value in told)]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def _part(self, content: bytes, *, is_last: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": content, "more_body": not is_last})


def logged(error: Exception) -> Problem:
    """Return the answer to an error; one that is not ours is logged by its type, since its text may quote."""
    if not isinstance(error, IslandRunError | Rejected):
        _log.error("a request failed inside: %s", type(error).__name__)
    return problem_of(error)


async def until_cut(work: Coroutine[None, None, None], receive: Receive) -> None:
    """Run the work until it is done or the client is gone; then whatever still runs is cancelled."""
    tasks = [asyncio.create_task(work), asyncio.create_task(_gone(receive))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if not tasks[0].cancelled() and (error := tasks[0].exception()):
        raise error


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
