"""The channels to other islands, and the calls on them; foreign errors become ours here and nowhere else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import grpc

from islandrun.errors import ForwardFailed, MalformedMessage, Overloaded, Refused, Unreachable
from islandrun.v1 import inference_pb2, inference_pb2_grpc, mesh_pb2, mesh_pb2_grpc
from islandrun.vocabulary import AnswerPiece, IslandId, IslandView, PublicKey
from islandrun.wire.inference import piece_from_wire, prompt_to_wire, sampling_to_wire

if TYPE_CHECKING:
    from islandrun_node.runner import Work

CHANNELS_MAX = 64
ACCEPT_SECONDS_MAX = 5.0
"""How long a peer may take to say that it took a request; after that the next island is asked."""

EXCHANGE_SECONDS_MAX = 4.0
HOPS_MAX = 2

Opener = Callable[[Sequence[str], PublicKey], grpc.aio.Channel]
"""Makes a channel to an island at one of these addresses, pinned to this key."""

_log = logging.getLogger(__name__)


class Peers:
    """One channel to each island that is called; the least recently used is closed first."""

    def __init__(self, open_channel: Opener, island: Callable[[IslandId], IslandView | None]) -> None:
        self._open = open_channel
        self._island = island
        self._channels: dict[IslandId, tuple[tuple[str, ...], grpc.aio.Channel]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def exchange(
        self, target: IslandId, messages: Sequence[mesh_pb2.GossipMessage]
    ) -> tuple[mesh_pb2.GossipMessage, ...]:
        """Give gossip to an island and return what it says in turn. Raises `ForwardFailed`."""
        stub = mesh_pb2_grpc.MeshServiceStub(self._channel(self._view(target)))
        try:
            answer = await stub.Exchange(
                mesh_pb2.ExchangeRequest(messages=messages), timeout=EXCHANGE_SECONDS_MAX
            )
        except grpc.aio.AioRpcError as error:
            raise failure(error, target) from None
        return tuple(answer.messages)

    async def generate(self, target: IslandId, work: Work) -> AsyncGenerator[AnswerPiece]:
        """Have an island run a masked prompt; closing the generator cancels the call there.

        Raises `Unreachable`, `Overloaded` or `Refused`.
        """
        view = self._view(target)
        stub = inference_pb2_grpc.InferenceServiceStub(self._channel(view))
        call = stub.Generate(_request(view, work), timeout=work.seconds_max)
        try:
            async with asyncio.timeout(ACCEPT_SECONDS_MAX):
                await call.initial_metadata()
            while (message := await call.read()) is not grpc.aio.EOF:
                for chunk in message.chunks:
                    yield piece_from_wire(chunk)
            if await call.code() is not grpc.StatusCode.OK:
                raise Unreachable(f"{view.name} ended the call with {(await call.code()).name}")
        except TimeoutError:
            raise Unreachable(f"{view.name} did not take the request in {ACCEPT_SECONDS_MAX:g} s") from None
        except grpc.aio.AioRpcError as error:
            raise failure(error, view.name) from None
        except MalformedMessage as error:
            raise Unreachable(f"{view.name} sent an answer that does not decode: {error}") from None
        finally:
            call.cancel()

    def forget(self, island: IslandId) -> None:
        """Close the channel to an island, for example because it was revoked."""
        if known := self._channels.pop(island, None):
            self._close(known[1])

    def forget_all(self) -> None:
        """Close all channels: the next call makes new ones with our present certificate."""
        for island in tuple(self._channels):
            self.forget(island)

    async def close(self) -> None:
        """Close all channels and wait for it."""
        self.forget_all()
        for task in tuple(self._closing):
            with suppress(Exception):
                await task

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
            self._close(known[1])
            known = None
        if known is None:
            known = (host_view.endpoints, self._open(host_view.endpoints, host_view.key))
        self._channels[host] = known
        while len(self._channels) > CHANNELS_MAX:
            self.forget(next(iter(self._channels)))
        return known[1]

    def _close(self, channel: grpc.aio.Channel) -> None:
        task = asyncio.get_running_loop().create_task(channel.close(grace=None))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


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
