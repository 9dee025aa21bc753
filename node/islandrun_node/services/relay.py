"""RelayService: joins two calls of admitted islands into one pipe and copies what they say.

What is copied is the ciphertext of the islands' own mTLS. Each call reads and writes its own stream alone;
the two meet in two short queues, so that the end of one (also by eviction) ends the other in order.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import grpc

from islandrun.errors import IslandRunError, Overloaded, RejectedMessage
from islandrun.mesh.newcomers import Newcomers
from islandrun.mesh.switchboard import ANSWER_SECONDS_MAX, PIPES_PER_ISLAND_MAX, Pipe, Switchboard
from islandrun.trust.naming import island_id
from islandrun.v1 import relay_pb2, relay_pb2_grpc
from islandrun.vocabulary import IslandId, PublicKey
from islandrun.wire import relay as wire
from islandrun.wire.limits import CONNECTION_ID_BYTES
from islandrun_node import world_clock
from islandrun_node.callers import caller_name, newcomer_of
from islandrun_node.services.errors import abort

CHUNKS_WAITING_MAX = 2
_CLOSED = b""
"""In a queue: the end that fills it has closed."""

INVITED = (("islandrun-relay", "joined"),)

AttachContext = grpc.aio.ServicerContext[relay_pb2.AttachRequest, relay_pb2.AttachResponse]
DialContext = grpc.aio.ServicerContext[relay_pb2.DialRequest, relay_pb2.DialResponse]
ExpectContext = grpc.aio.ServicerContext[relay_pb2.ExpectRequest, relay_pb2.ExpectResponse]
SpliceContext = grpc.aio.ServicerContext[relay_pb2.SpliceRequest, relay_pb2.SpliceResponse]

_log = logging.getLogger(__name__)


def _chunks() -> asyncio.Queue[bytes]:
    return asyncio.Queue(CHUNKS_WAITING_MAX)


@dataclass(slots=True, eq=False)
class _Joint:
    """Where the two calls of a pipe meet."""

    pipe: Pipe
    to_target: asyncio.Queue[bytes] = field(default_factory=_chunks)
    to_caller: asyncio.Queue[bytes] = field(default_factory=_chunks)
    joined: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class RelayService(relay_pb2_grpc.RelayServiceServicer):
    """Serves one relay's listener; who calls was checked before, and is checked while a call runs."""

    def __init__(
        self,
        switchboard: Switchboard,
        caller: Callable[[object], IslandId],
        key: Callable[[IslandId], PublicKey | None],
        newcomers: Newcomers | None = None,
    ) -> None:
        self._switchboard = switchboard
        self._newcomers = newcomers or Newcomers()
        self._caller = caller
        self._key = key
        self._invitations: dict[IslandId, asyncio.Queue[relay_pb2.AttachResponse | None]] = {}
        self._joints: dict[bytes, _Joint] = {}

    async def Attach(  # noqa: N802 - the name of the RPC
        self, request: relay_pb2.AttachRequest, context: AttachContext
    ) -> AsyncIterator[relay_pb2.AttachResponse]:
        """Invite the caller to each pipe that others open to it; a newer call takes the place of this one."""
        island = self._caller(context)
        mine: asyncio.Queue[relay_pb2.AttachResponse | None] = asyncio.Queue(PIPES_PER_ISLAND_MAX)
        try:
            self._switchboard.attach(island)
        except IslandRunError as error:
            await abort(context, error)
        if (before := self._invitations.get(island)) is not None:
            with suppress(asyncio.QueueFull):
                before.put_nowait(None)
        self._invitations[island] = mine
        _log.info("island %s is attached", island[:8])
        try:
            await context.send_initial_metadata(INVITED)
            while (invitation := await mine.get()) is not None:
                yield invitation
        finally:
            if self._invitations.get(island) is mine:
                del self._invitations[island]
                self._switchboard.detach(island)
                self._newcomers.withdraw(island)
                _log.info("island %s is not attached any more", island[:8])

    async def Dial(  # noqa: N802 - the name of the RPC
        self, requests: AsyncIterator[relay_pb2.DialRequest], context: DialContext
    ) -> None:
        """Open a pipe to an attached island and carry it until one end closes."""
        joint: _Joint | None = None
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                joint = await self._invite(requests, context)
                await joint.joined.wait()
            await context.send_initial_metadata(INVITED)
            await self._carry(joint, requests, joint.to_target, joint.to_caller, _dial_writer(context))
        except TimeoutError:
            text = f"the island did not take up the call in {ANSWER_SECONDS_MAX:g} s"
            await context.abort(grpc.StatusCode.UNAVAILABLE, text)
        except IslandRunError as error:
            await abort(context, error)
        finally:
            if joint is not None:
                self._end(joint)

    async def Splice(  # noqa: N802 - the name of the RPC
        self, requests: AsyncIterator[relay_pb2.SpliceRequest], context: SpliceContext
    ) -> None:
        """Take up an invitation and carry the pipe until one end closes."""
        joint: _Joint | None = None
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                connection_id = wire.taken_up(await anext(requests))
            self._switchboard.take_up(self._caller(context), connection_id, world_clock.now().seconds)
            joint = self._joints[connection_id]
            await context.send_initial_metadata(INVITED)
            joint.joined.set()
            await self._carry(joint, requests, joint.to_caller, joint.to_target, _splice_writer(context))
        except (TimeoutError, StopAsyncIteration):
            await context.abort(grpc.StatusCode.CANCELLED, "the call named no invitation")
        except IslandRunError as error:
            await abort(context, error)
        finally:
            if joint is not None:
                self._end(joint)

    async def Expect(  # noqa: N802 - the name of the RPC
        self, request: relay_pb2.ExpectRequest, context: ExpectContext
    ) -> relay_pb2.ExpectResponse:
        """Let the holders of an attached island's join tokens dial it, from now until each token ends."""
        try:
            island = self._caller(context)
            if island not in self._invitations:
                raise RejectedMessage("only an island that is attached here is dialled here")
            self._newcomers.expect(island, wire.expected(request), world_clock.now().wall_ms)
        except IslandRunError as error:
            await abort(context, error)
        return relay_pb2.ExpectResponse()

    def _dialling(self, context: DialContext, target: IslandId) -> tuple[IslandId, PublicKey | None]:
        """Return under what name a caller's pipes are counted, and its key. Raises `RejectedMessage`."""
        newcomer = newcomer_of(context)
        if newcomer is None:
            caller = self._caller(context)
            return caller, self._key(caller)
        if not self._newcomers.may_dial(newcomer, target, world_clock.now().wall_ms):
            raise RejectedMessage("the island does not expect the holder of this join token")
        return IslandId(caller_name()), newcomer

    async def _invite(self, requests: AsyncIterator[relay_pb2.DialRequest], context: DialContext) -> _Joint:
        """Open the pipe that the first message asks for, and tell its target. Raises `IslandRunError`."""
        first = await anext(requests, None)
        if first is None:
            raise RejectedMessage("the call named no island")
        target = island_id(wire.dialled(first))
        caller, key = self._dialling(context, target)
        connection_id = secrets.token_bytes(CONNECTION_ID_BYTES)
        pipe = self._switchboard.dial(caller, target, connection_id, world_clock.now().seconds)
        joint = self._joints[connection_id] = _Joint(pipe)
        invitation = relay_pb2.AttachResponse(connection_id=connection_id, **{"from": key or b""})
        try:
            self._invitations[target].put_nowait(invitation)
        except asyncio.QueueFull:
            self._end(joint)
            raise Overloaded(f"island {target[:8]} takes up no more calls now") from None
        return joint

    def _end(self, joint: _Joint) -> None:
        joint.ended.set()
        self._switchboard.end(joint.pipe.connection_id)
        self._joints.pop(joint.pipe.connection_id, None)

    async def _carry(
        self,
        joint: _Joint,
        requests: AsyncIterator[relay_pb2.DialRequest] | AsyncIterator[relay_pb2.SpliceRequest],
        outward: asyncio.Queue[bytes],
        inward: asyncio.Queue[bytes],
        write: Callable[[bytes], Awaitable[None]],
    ) -> None:
        """Carry one end's bytes both ways until it closes, the other end has ended, or nothing is said."""
        tasks = [
            asyncio.ensure_future(work)
            for work in (
                self._read(joint, requests, outward),
                _write(inward, write),
                joint.ended.wait(),
                _silence(joint.pipe),
            )
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(
        self,
        joint: _Joint,
        requests: AsyncIterator[relay_pb2.DialRequest] | AsyncIterator[relay_pb2.SpliceRequest],
        outward: asyncio.Queue[bytes],
    ) -> None:
        async for message in requests:
            data = wire.chunk(message)
            await outward.put(data)
            wait = self._switchboard.carried(joint.pipe, len(data), world_clock.now().seconds)
            if wait > 0:
                await asyncio.sleep(wait)
        await outward.put(_CLOSED)
        await joint.ended.wait()  # the other end closes when it has written what is on its way


async def _write(inward: asyncio.Queue[bytes], write: Callable[[bytes], Awaitable[None]]) -> None:
    while data := await inward.get():
        await write(data)


async def _silence(pipe: Pipe) -> None:
    """Return when a pipe has been silent for too long."""
    left = pipe.idle_seconds_left(world_clock.now().seconds)
    while left > 0:
        await asyncio.sleep(left)
        left = pipe.idle_seconds_left(world_clock.now().seconds)


def _dial_writer(context: DialContext) -> Callable[[bytes], Awaitable[None]]:
    return lambda data: context.write(relay_pb2.DialResponse(data=data))


def _splice_writer(context: SpliceContext) -> Callable[[bytes], Awaitable[None]]:
    return lambda data: context.write(relay_pb2.SpliceResponse(data=data))
