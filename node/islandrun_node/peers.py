"""The channels to other islands, and the calls on them; foreign errors become ours here and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import grpc

from islandrun.errors import (
    BrokenAnswer,
    ForwardFailed,
    MalformedMessage,
    NotOffered,
    Overloaded,
    Refused,
    TooSlow,
    Unreachable,
)
from islandrun.locality.passages import PASSAGES_DEFAULT, Found
from islandrun.routing.receiver import HOPS_MAX
from islandrun.v1 import audit_pb2, audit_pb2_grpc, inference_pb2, inference_pb2_grpc, mesh_pb2
from islandrun.vocabulary import AnswerPiece, IslandId, IslandView
from islandrun.wire.exchange import fit, read_answer
from islandrun.wire.inference import piece_from_wire, prompt_to_wire, sampling_to_wire
from islandrun.wire.passages import passages_from_wire
from islandrun_node.backends.grounded import question_of
from islandrun_node.services.errors import error_info, retry_seconds
from islandrun_node.ways import Way, Ways

if TYPE_CHECKING:
    from islandrun_node.runner import Inquiry, Work

ACCEPT_SECONDS_MAX = 5.0
"""How long a peer may take to say that it took a request; after that the next island is asked."""

DOUBT_SECONDS = 0.5
"""After this time without a word a node is asked for a sign of life, which may take `SIGN_SECONDS_MAX`."""
SIGN_SECONDS_MAX = 2.0

EXCHANGE_SECONDS_MAX = 2.0
"""How long a call of gossip may take, on a connection that is there and once more on a fresh one."""

READING_SECONDS_MAX = 20.0
"""How long a peer may take to find passages; after that the next holder is asked."""

WITNESS_SECONDS_MAX = 5.0

_EXCHANGE = "/islandrun.v1.MeshService/Exchange"
_LOST = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)

Request = inference_pb2.GenerateRequest
Response = inference_pb2.GenerateResponse


class _Live:
    """A call that is running and the relay that carries it; `cut` says why we ended it ourselves."""

    def __init__(self, call: grpc.aio.Call, relay: IslandId | None = None) -> None:
        self.call = call
        self.relay = relay
        self.cut = ""


class Peers:
    """The calls to other islands, on the ways that `Ways` finds."""

    def __init__(self, ways: Ways, island: Callable[[IslandId], IslandView | None]) -> None:
        self._ways = ways
        self._island = island
        self._live: dict[IslandId, set[_Live]] = {}
        self._last_doors: dict[IslandId, tuple[tuple[str, ...], tuple[IslandId, ...]]] = {}
        self._tell: Callable[[IslandId, bool], None] = lambda island, ok: None

    def when_called(self, tell: Callable[[IslandId, bool], None]) -> None:
        """Set who hears whether a request reached the node of an island."""
        self._tell = tell

    async def exchange(
        self, target: IslandId, messages: Sequence[mesh_pb2.GossipMessage]
    ) -> tuple[mesh_pb2.GossipMessage, ...]:
        """Give gossip to an island and return what it says in turn.

        Raises `ForwardFailed`; `BrokenAnswer` is the island's own fault.

        A connection that once worked may hang for long after its island, or the way to it, came back: what
        fails on it is tried once on a fresh connection before it counts. Gossip may arrive twice.
        """
        host = self._host(self._view(target))
        request = mesh_pb2.ExchangeRequest(messages=fit(messages))
        way = await self._ways.to(host)
        was_used = way.is_used
        try:
            answer = await self._exchange(host, way, request)
        except grpc.aio.AioRpcError as error:
            if not was_used or error.code() not in _LOST:
                raise failure(error, target) from None
            try:
                answer = await self._exchange(host, await self._ways.to(host), request)
            except grpc.aio.AioRpcError as again:
                raise failure(again, target) from None
        try:
            return read_answer(answer)
        except MalformedMessage as error:
            raise BrokenAnswer(f"{host.name}: {error}") from None

    async def _exchange(self, host: IslandView, way: Way, request: mesh_pb2.ExchangeRequest) -> bytes:
        try:
            answer = await _gossip(way, request, EXCHANGE_SECONDS_MAX)
        except grpc.aio.AioRpcError as error:
            if error.code() in _LOST:
                self._ways.failed(host.id, way)
            raise
        way.is_used = True
        return answer

    async def witness(self, target: IslandId, request: audit_pb2.WitnessRequest) -> audit_pb2.WitnessResponse:
        """Show an island the head of our receipts. Raises `ForwardFailed`."""
        host = self._host(self._view(target))
        way = await self._ways.to(host)
        stub = audit_pb2_grpc.WitnessServiceStub(way.channel)
        try:
            answer: audit_pb2.WitnessResponse = await stub.Witness(request, timeout=WITNESS_SECONDS_MAX)
        except grpc.aio.AioRpcError as error:
            if error.code() in _LOST:
                self._ways.failed(host.id, way)
            raise failure(error, target) from None
        return answer

    async def generate(self, target: IslandId, work: Work) -> AsyncGenerator[AnswerPiece]:
        """Have an island run a masked prompt; closing the generator cancels the call there.

        Raises `Unreachable`, `Overloaded`, `BrokenAnswer` or `Refused`; the last also when the island was
        cut off meanwhile.
        """
        view = self._view(target)
        host = self._host(view)
        way = await self._way(host)
        stub = inference_pb2_grpc.InferenceServiceStub(way.channel)
        call = stub.Generate(_request(view, work), timeout=work.seconds_max)
        with self._live_call(target, call, way.relay) as live, _translated(view.name, live):
            try:
                await self._accepted(host.id, way, call)
                while (message := await call.read()) is not grpc.aio.EOF:
                    for piece in _pieces(message):
                        yield piece
            except (TimeoutError, grpc.aio.AioRpcError) as error:
                if _is_lost(error):
                    self._ways.failed(host.id, way)
                raise
            if await call.code() is not grpc.StatusCode.OK:
                raise Unreachable(f"{view.name} ended the call with {(await call.code()).name}")

    async def find_passages(self, target: IslandId, inquiry: Inquiry) -> Found:
        """Have an island read its documents for a masked question. Raises as `generate` does."""
        view = self._view(target)
        host = self._host(view)
        way = await self._way(host)
        stub = inference_pb2_grpc.InferenceServiceStub(way.channel)
        call = stub.FindPassages(_inquiry(view, inquiry), timeout=READING_SECONDS_MAX)
        with self._live_call(target, call, way.relay) as live, _translated(view.name, live):
            try:
                answer = await call
            except grpc.aio.AioRpcError as error:
                if _is_lost(error):
                    self._ways.failed(host.id, way)
                raise
            return Found(*passages_from_wire(answer, inquiry.data_sets))

    async def _way(self, host: IslandView) -> Way:
        """Return a way for a request; that there is none is told to the mesh."""
        try:
            return await self._ways.to(host)
        except Unreachable:
            self._tell(host.id, False)
            raise

    async def _accepted(
        self, host: IslandId, way: Way, call: grpc.aio.UnaryStreamCall[Request, Response]
    ) -> None:
        """Wait until a node takes a request; tell the mesh whether it could be reached at all.

        One that is slow to take it is asked for a sign of life, so that a dead one does not hold us up.
        """
        accepted = asyncio.ensure_future(call.initial_metadata())
        try:
            async with asyncio.timeout(ACCEPT_SECONDS_MAX):
                await asyncio.wait((accepted,), timeout=DOUBT_SECONDS)
                if not accepted.done() and not await _is_there(way) and not accepted.done():
                    raise TimeoutError
                await accepted
        except TimeoutError:
            self._tell(host, False)
            raise
        finally:
            accepted.cancel()
        self._tell(host, not (call.done() and await call.code() in _LOST))

    def cut(self, island: IslandId) -> None:
        """End every call to an island, or over it, at once and close its channels: it was revoked."""
        self._last_doors.pop(island, None)
        for target, calls in tuple(self._live.items()):
            for live in tuple(calls):
                if target == island or live.relay == island:
                    live.cut = "the island" if target == island else "the relay on the way to"
                    live.call.cancel()
        self._ways.cut(island)

    def renew(self) -> None:
        """Make new channels for new calls, with our present certificate; running calls end by themselves."""
        self._ways.renew()

    async def close(self) -> None:
        """Close all channels and wait for it."""
        await self._ways.close()

    @contextmanager
    def _live_call(self, target: IslandId, call: grpc.aio.Call, relay: IslandId | None) -> Generator[_Live]:
        """Know of a call while it runs, so that it can be cut; it is over when the block ends."""
        live = _Live(call, relay)
        calls = self._live.setdefault(target, set())
        calls.add(live)
        try:
            yield live
        finally:
            call.cancel()
            calls.discard(live)
            if not calls:
                self._live.pop(target, None)

    def _view(self, target: IslandId) -> IslandView:
        view = self._island(target)
        if view is None:
            raise Refused(f"island {target[:8]} is not known here any more")
        if view.endpoints or view.relays:
            self._last_doors[target] = (view.endpoints, view.relays)
        elif target in self._last_doors:  # its last word ended; gossip tries it where it was
            endpoints, relays = self._last_doors[target]
            view = replace(view, endpoints=endpoints, relays=relays)
        return view

    def _host(self, view: IslandView) -> IslandView:
        """Return the island whose node answers for this one: itself, or the one that fronts it."""
        return self._view(IslandId(view.front)) if view.front else view


def _is_lost(error: Exception) -> bool:
    """Say whether a call ended because the connection did, and not by what the island said."""
    if not isinstance(error, grpc.aio.AioRpcError):
        return True
    return error.code() is grpc.StatusCode.UNAVAILABLE and error_info(error) is None


async def _gossip(way: Way, request: mesh_pb2.ExchangeRequest, seconds_max: float) -> bytes:
    """Return the answer of an exchange as bytes: nobody decodes it before it is measured."""
    call: grpc.aio.UnaryUnaryMultiCallable[mesh_pb2.ExchangeRequest, bytes]
    call = way.channel.unary_unary(_EXCHANGE, mesh_pb2.ExchangeRequest.SerializeToString)
    return await call(request, timeout=seconds_max)


async def _is_there(way: Way) -> bool:
    """Ask the node at the end of a way for a sign of life."""
    try:
        await _gossip(way, mesh_pb2.ExchangeRequest(), SIGN_SECONDS_MAX)
    except grpc.aio.AioRpcError as error:
        return error.code() not in _LOST
    return True


@contextmanager
def _translated(island: str, live: _Live) -> Generator[None]:
    """Turn what a call raises into our errors."""
    try:
        yield
    except asyncio.CancelledError:
        if live.cut:
            raise Refused(f"{live.cut} {island} is not trusted any more".lstrip()) from None
        raise
    except TimeoutError:
        raise Unreachable(f"{island} did not take the request in time") from None
    except grpc.aio.AioRpcError as error:
        raise failure(error, island) from None
    except MalformedMessage as error:
        raise BrokenAnswer(f"{island} sent an answer that does not decode: {error}") from None


def _request(view: IslandView, work: Work) -> inference_pb2.GenerateRequest:
    return inference_pb2.GenerateRequest(
        request_id=work.request_id,
        target=view.key,
        model=work.model,
        prompt=prompt_to_wire(work.text.prompt),
        sampling=sampling_to_wire(work.sampling),
        sensitivity_ppm=work.text.visible_ppm,
        hops_left=HOPS_MAX,
        data_sets=work.data_sets,
    )


def _inquiry(view: IslandView, inquiry: Inquiry) -> inference_pb2.FindPassagesRequest:
    return inference_pb2.FindPassagesRequest(
        request_id=inquiry.request_id,
        target=view.key,
        question=question_of(inquiry.text.prompt),
        sensitivity_ppm=inquiry.text.visible_ppm,
        hops_left=HOPS_MAX,
        data_sets=inquiry.data_sets,
        passages_max=PASSAGES_DEFAULT,
    )


def failure(error: grpc.aio.AioRpcError, island: str) -> ForwardFailed:
    """Return our error for a failed call. The peer's own words are kept short and may hold no prompt text."""
    code = error.code()
    words = f"{island}: {code.name.lower()}: {(error.details() or '')[:200]}"
    match code:
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return Overloaded(words, retry_seconds(error))
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return TooSlow(words)
        case grpc.StatusCode.FAILED_PRECONDITION if _reason(error) == NotOffered.reason:
            return NotOffered(words)
        case (
            grpc.StatusCode.PERMISSION_DENIED
            | grpc.StatusCode.UNAUTHENTICATED
            | grpc.StatusCode.FAILED_PRECONDITION
            | grpc.StatusCode.NOT_FOUND
            | grpc.StatusCode.INVALID_ARGUMENT
            | grpc.StatusCode.UNIMPLEMENTED
        ):
            return Refused(words)
        case _:
            return Unreachable(words)


def _reason(error: grpc.aio.AioRpcError) -> str:
    info = error_info(error)
    return info.reason if info is not None else ""


def _pieces(message: Response | None) -> Iterator[AnswerPiece]:
    """Read one message of an answer; gRPC gives None for bytes that are none. Raises `MalformedMessage`."""
    if message is None:
        raise MalformedMessage("the bytes of a message do not decode")
    for chunk in message.chunks:
        yield piece_from_wire(chunk)
