"""The channels to other islands, and the calls on them; foreign errors become ours here and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import contextmanager
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
from islandrun.routing.receiver import HOPS_MAX
from islandrun.v1 import inference_pb2, inference_pb2_grpc, mesh_pb2, mesh_pb2_grpc
from islandrun.vocabulary import AnswerPiece, IslandId, IslandView, PublicKey
from islandrun.wire.inference import piece_from_wire, prompt_to_wire, sampling_to_wire
from islandrun_node.services.errors import error_info

if TYPE_CHECKING:
    from islandrun_node.runner import Work

CHANNELS_MAX = 64
ACCEPT_SECONDS_MAX = 5.0
"""How long a peer may take to say that it took a request; after that the next island is asked."""

EXCHANGE_SECONDS_MAX = 2.0
"""How long a call of gossip may take, on a connection that is there and once more on a fresh one."""

_LOST = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)

Request = inference_pb2.GenerateRequest
Response = inference_pb2.GenerateResponse

Opener = Callable[[Sequence[str], PublicKey], grpc.aio.Channel]
"""Makes a channel to an island at one of these addresses, pinned to this key."""

GRACE_SECONDS = 900.0
"""How long a channel that was replaced may finish its calls."""


class _Live:
    """A call that is running; `is_cut` says that we ended it ourselves."""

    def __init__(self, call: grpc.aio.UnaryStreamCall[Request, Response]) -> None:
        self.call = call
        self.is_cut = False


class Peers:
    """One channel to each island that is called; the least recently used is closed first."""

    def __init__(self, open_channel: Opener, island: Callable[[IslandId], IslandView | None]) -> None:
        self._open = open_channel
        self._island = island
        self._channels: dict[IslandId, tuple[tuple[str, ...], grpc.aio.Channel]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._live: dict[IslandId, set[_Live]] = {}
        self._used: set[IslandId] = set()
        self._tell: Callable[[IslandId, bool], None] = lambda island, ok: None

    def when_called(self, tell: Callable[[IslandId, bool], None]) -> None:
        """Set who hears whether a request reached the node of an island."""
        self._tell = tell

    async def exchange(
        self, target: IslandId, messages: Sequence[mesh_pb2.GossipMessage]
    ) -> tuple[mesh_pb2.GossipMessage, ...]:
        """Give gossip to an island and return what it says in turn. Raises `ForwardFailed`.

        A connection that once worked may hang for long after its island, or the way to it, came back: what
        fails on it is tried once on a fresh connection before it counts. Gossip may arrive twice.
        """
        request = mesh_pb2.ExchangeRequest(messages=messages)
        was_used = target in self._used and target in self._channels
        try:
            answer = await self._exchange(target, request)
        except grpc.aio.AioRpcError as error:
            if not was_used or error.code() not in _LOST:
                raise failure(error, target) from None
            self._start_afresh(target)
            try:
                answer = await self._exchange(target, request)
            except grpc.aio.AioRpcError as again:
                raise failure(again, target) from None
        return tuple(answer.messages)

    async def _exchange(
        self, target: IslandId, request: mesh_pb2.ExchangeRequest
    ) -> mesh_pb2.ExchangeResponse:
        stub = mesh_pb2_grpc.MeshServiceStub(self._channel(self._view(target)))
        answer: mesh_pb2.ExchangeResponse = await stub.Exchange(request, timeout=EXCHANGE_SECONDS_MAX)
        self._used.add(target)
        self._used &= self._channels.keys()
        return answer

    def _start_afresh(self, target: IslandId) -> None:
        """Close the channel to an island when its calls are over; the next call makes a new one."""
        self._used.discard(target)
        if known := self._channels.pop(target, None):
            self._close(known[1], GRACE_SECONDS)

    async def generate(self, target: IslandId, work: Work) -> AsyncGenerator[AnswerPiece]:
        """Have an island run a masked prompt; closing the generator cancels the call there.

        Raises `Unreachable`, `Overloaded`, `BrokenAnswer` or `Refused`; the last also when the island was
        cut off meanwhile.
        """
        view = self._view(target)
        stub = inference_pb2_grpc.InferenceServiceStub(self._channel(view))
        call = stub.Generate(_request(view, work), timeout=work.seconds_max)
        with self._live_call(target, call) as live, _translated(view.name, live):
            await self._accepted(IslandId(view.front) if view.front else view.id, call)
            while (message := await call.read()) is not grpc.aio.EOF:
                for chunk in message.chunks:
                    yield piece_from_wire(chunk)
            if await call.code() is not grpc.StatusCode.OK:
                raise Unreachable(f"{view.name} ended the call with {(await call.code()).name}")

    async def _accepted(self, host: IslandId, call: grpc.aio.UnaryStreamCall[Request, Response]) -> None:
        """Wait until a node takes a request; tell the mesh whether it could be reached at all."""
        try:
            async with asyncio.timeout(ACCEPT_SECONDS_MAX):
                await call.initial_metadata()
        except TimeoutError:
            self._tell(host, False)
            raise
        self._tell(host, not (call.done() and await call.code() in _LOST))

    def cut(self, island: IslandId) -> None:
        """End every call to an island at once and close its channel: it was revoked."""
        for live in tuple(self._live.get(island, ())):
            live.is_cut = True
            live.call.cancel()
        if known := self._channels.pop(island, None):
            self._close(known[1], None)

    def renew(self) -> None:
        """Make new channels for new calls, with our present certificate; running calls end by themselves."""
        for island in tuple(self._channels):
            self._close(self._channels.pop(island)[1], GRACE_SECONDS)

    async def close(self) -> None:
        """Close all channels and wait for it."""
        for task in tuple(self._closing):
            task.cancel()
        closing = [channel.close(grace=None) for _, channel in self._channels.values()]
        self._channels.clear()
        await asyncio.gather(*closing, *self._closing, return_exceptions=True)

    @contextmanager
    def _live_call(
        self, target: IslandId, call: grpc.aio.UnaryStreamCall[Request, Response]
    ) -> Generator[_Live]:
        """Know of a call while it runs, so that it can be cut; it is over when the block ends."""
        live = _Live(call)
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
        if not view.endpoints:
            raise Unreachable(f"{view.name} has told no address")
        return view

    def _channel(self, view: IslandView) -> grpc.aio.Channel:
        """Return the channel to the node of an island (its own, or the one that fronts it)."""
        host = IslandId(view.front) if view.front else view.id
        host_view = self._view(host) if view.front else view
        known = self._channels.pop(host, None)
        if known is not None and known[0] != host_view.endpoints:
            self._close(known[1], GRACE_SECONDS)
            known = None
        if known is None:
            known = (host_view.endpoints, self._open(host_view.endpoints, host_view.key))
        self._channels[host] = known
        while len(self._channels) > CHANNELS_MAX:
            oldest = next(iter(self._channels))
            self._close(self._channels.pop(oldest)[1], GRACE_SECONDS)
        return known[1]

    def _close(self, channel: grpc.aio.Channel, grace: float | None) -> None:
        task = asyncio.get_running_loop().create_task(channel.close(grace=grace))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


@contextmanager
def _translated(island: str, live: _Live) -> Generator[None]:
    """Turn what a call raises into our errors."""
    try:
        yield
    except asyncio.CancelledError:
        if live.is_cut:
            raise Refused(f"{island} is not trusted any more") from None
        raise
    except TimeoutError:
        raise Unreachable(f"{island} did not take the request in {ACCEPT_SECONDS_MAX:g} s") from None
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


def failure(error: grpc.aio.AioRpcError, island: str) -> ForwardFailed:
    """Return our error for a failed call. The peer's own words are kept short and may hold no prompt text."""
    code = error.code()
    words = f"{island}: {code.name.lower()}: {(error.details() or '')[:200]}"
    match code:
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return Overloaded(words)
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
