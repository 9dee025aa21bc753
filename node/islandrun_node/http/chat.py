"""`POST /v1/chat/completions`: read, ask `request.Requests`, and send the answer as it comes.

Headers travel before the first byte and tell the decision, so nothing is sent until the first piece of the
answer is here; a failover before it is invisible to the client. A client that goes away ends the work.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from islandrun.errors import ForwardFailed, IslandRunError, NobodyMaySee
from islandrun.vocabulary import AnswerPiece, ChatRequest, Finished, TextDelta, ToolCallDelta
from islandrun_node import world_clock
from islandrun_node.coalesce import coalesced
from islandrun_node.http.body import decode, read_body
from islandrun_node.http.chat_body import ChatBody, Wanted, chat_request, wanted
from islandrun_node.http.chat_format import DONE, Frame, Gathered, events
from islandrun_node.http.facts import answer_facts, answer_headers
from islandrun_node.http.hints import read_hints
from islandrun_node.http.meters import CUT, Meters
from islandrun_node.http.problems import Problem, Rejected, problem_of

if TYPE_CHECKING:
    from islandrun.routing.decision import Decision
    from islandrun_node.outlook import Outlook
    from islandrun_node.request import RequestEvent, Requests

_log = logging.getLogger(__name__)
_PIECES = (TextDelta, ToolCallDelta, Finished)


@dataclass(frozen=True, slots=True)
class Door:
    """What the endpoints share."""

    requests: Requests
    outlook: Outlook
    meters: Meters
    body_bytes_max: int


class ChatEndpoint:
    """The endpoint as an ASGI application."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            chat, how = await self._read(request)
        except ClientDisconnect:
            return
        except Exception as error:
            problem = _logged(error)
            self._door.meters.ended(None, str(problem.status))
            await problem.response()(scope, receive, send)
            return
        await _until_cut(Answer(self._door, chat, how, send).run(), receive)

    async def _read(self, request: Request) -> tuple[ChatRequest, Wanted]:
        body = decode(await read_body(request, self._door.body_bytes_max), ChatBody)
        hints, conversation = read_hints(body.islandrun, request.headers.items())
        chat = chat_request(body, hints, conversation)
        if not is_known(chat.model, self._door.requests.models()):
            raise Rejected(unknown_model("model"))
        return chat, wanted(body)


def is_known(model: str, models: tuple[str, ...]) -> bool:
    """Say whether a name is one of the mesh's models, alone or as `model@island`."""
    return model in models or ("@" in model and model.rpartition("@")[0] in models)


def unknown_model(param: str = "") -> Problem:
    """Return the answer to a model name that nobody in the mesh knows."""
    return Problem(
        404,
        "no island of this mesh has that model; GET /v1/models lists what there is",
        "invalid_request_error",
        "model_not_found",
        param,
    )


class Answer:
    """One answer on its way to one client; `run` it once."""

    def __init__(self, door: Door, chat: ChatRequest, how: Wanted, send: Send) -> None:
        self._door = door
        self._chat = chat
        self._how = how
        self._send = send
        self._began = world_clock.now()
        self._decision: Decision | None = None
        self._is_open = False

    async def run(self) -> None:
        """Send the answer, or the error in its place."""
        code = CUT
        try:
            async with aclosing(coalesced(self._door.requests.answer(self._chat))) as batches:
                code = await (self._stream(batches) if self._how.is_stream else self._whole(batches))
        except Exception as error:
            code = await self._fail(error)
        finally:
            self._door.meters.ended(self._decision, code)

    async def _stream(self, batches: AsyncGenerator[list[RequestEvent]]) -> str:
        """Send the answer piece by piece."""
        first = await self._first(batches)
        frame = self._frame(has_usage_chunk=self._how.has_usage_chunk)
        await self._start(200, b"text/event-stream; charset=utf-8", ((b"cache-control", b"no-store"),))
        opening = frame.chunk({"role": "assistant", "content": ""})
        await self._part(opening + b"".join(events(frame, first)))
        async for batch in batches:
            await self._part(b"".join(events(frame, self._pieces(batch))))
        await self._part(DONE, is_last=True)
        return "200"

    async def _whole(self, batches: AsyncGenerator[list[RequestEvent]]) -> str:
        """Gather the answer and send it as one object."""
        gathered = Gathered()
        for piece in await self._first(batches):
            gathered.add(piece)
        async for batch in batches:
            for piece in self._pieces(batch):
                gathered.add(piece)
        body = self._frame().whole(gathered)
        await self._start(200, b"application/json", ((b"content-length", str(len(body)).encode()),))
        await self._part(body, is_last=True)
        return "200"

    async def _first(self, batches: AsyncGenerator[list[RequestEvent]]) -> list[AnswerPiece]:
        """Wait for the first pieces; the decision they were made under is the one the headers tell."""
        async for batch in batches:
            if pieces := self._pieces(batch):
                return pieces
        raise ForwardFailed("the answer ended before its first piece")

    def _pieces(self, batch: list[RequestEvent]) -> list[AnswerPiece]:
        """Take the decisions out of a batch and return its pieces."""
        pieces: list[AnswerPiece] = []
        for item in batch:
            if isinstance(item, _PIECES):
                pieces.append(item)
                continue
            assert not self._is_open, "no decision comes after the first piece of an answer"
            self._decision = item.decision
            seconds = world_clock.now().seconds - self._began.seconds
            self._door.meters.decided(item.decision, seconds)
        return pieces

    def _frame(self, *, has_usage_chunk: bool = False) -> Frame:
        decision = self._decision
        assert decision is not None, "a decision comes before the first piece of an answer"
        return Frame(
            id=f"chatcmpl-{decision.receipt_id}",
            created=self._began.wall_ms // 1000,
            model=decision.chosen.model if decision.chosen else self._chat.model,
            facts=answer_facts(decision, self._door.outlook.me),
            has_usage_chunk=has_usage_chunk,
        )

    async def _fail(self, error: Exception) -> str:
        """Send the error: as the answer, or as the last event of a stream that has begun."""
        if isinstance(error, NobodyMaySee) and error.decision is not None:
            self._decision = error.decision  # type: ignore[assignment]  # errors know no routing type
        problem = _logged(error)
        if self._is_open:
            await self._part(b"data: " + problem.body() + b"\n\n", is_last=True)
            return "interrupted"
        body = problem.body()
        headers = tuple((name.encode(), value.encode()) for name, value in problem.headers)
        length = (b"content-length", str(len(body)).encode())
        await self._start(problem.status, b"application/json", (length, *headers))
        await self._part(body, is_last=True)
        return str(problem.status)

    async def _start(self, status: int, media_type: bytes, further: tuple[tuple[bytes, bytes], ...]) -> None:
        told = answer_headers(self._decision, self._door.outlook.me) if self._decision else ()
        headers = [(name.encode(), value.encode()) for name, value in told]
        self._is_open = True
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-type", media_type), *further, *headers],
            }
        )

    async def _part(self, content: bytes, *, is_last: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": content, "more_body": not is_last})


def _logged(error: Exception) -> Problem:
    """Return the answer to an error; one that is not ours is logged by its type, since its text may quote."""
    if not isinstance(error, IslandRunError | Rejected):
        _log.error("a chat request failed inside: %s", type(error).__name__)
    return problem_of(error)


async def _until_cut(work: Coroutine[None, None, None], receive: Receive) -> None:
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
