"""The end of the island that is reached: it stays attached to two relays and takes up what they invite it to.

A pipe ends at this island's own mesh listener, which checks who is at its other end as for every caller.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import grpc

from islandrun.errors import MalformedMessage
from islandrun.mesh.relays import RelayPolicy, choose_relays
from islandrun.mesh.switchboard import ANSWER_SECONDS_MAX, PIPES_PER_ISLAND_MAX
from islandrun.v1 import relay_pb2, relay_pb2_grpc
from islandrun.vocabulary import IslandId, IslandView, PublicKey
from islandrun.wire.limits import NEWCOMERS_PER_ISLAND_MAX
from islandrun.wire.relay import invited
from islandrun_node.relay.pipes import chunks_of, copy

CHOOSE_SECONDS = 1.0
RETRY_SECONDS_MIN = 0.5
RETRY_SECONDS_MAX = 30.0
WHOLE_SECONDS_MIN = 60.0
"""An attachment that held this long was a good one: the next try comes at once."""

Opener = Callable[[Sequence[str], PublicKey], grpc.aio.Channel]

_log = logging.getLogger(__name__)


class Attachments:
    """Keeps this island attached to the relays that it may use."""

    def __init__(
        self,
        open_channel: Opener,
        islands: Callable[[], Iterable[IslandView]],
        policy: RelayPolicy,
        own_address: str,
        expected: Callable[[], Mapping[PublicKey, int]] = dict,
    ) -> None:
        """Take in what to keep; `expected` returns the keys of the open join tokens and when each ends."""
        self._expected = expected
        self._open = open_channel
        self._islands = islands
        self._policy = policy
        self._host, _, port = own_address.rpartition(":")
        self._port = int(port)
        self._keeping: dict[IslandId, asyncio.Task[None]] = {}
        self._attached: dict[IslandId, IslandView] = {}
        self._pipes: set[asyncio.Task[None]] = set()

    @property
    def relays(self) -> tuple[PublicKey, ...]:
        """The keys of the relays that carry pipes to this island now."""
        return tuple(view.key for _, view in sorted(self._attached.items()))

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(sorted(view.name for view in self._attached.values()))

    async def run(self) -> None:
        """Choose relays and stay attached to them, until cancelled."""
        try:
            while True:
                self._choose()
                await asyncio.sleep(CHOOSE_SECONDS)
        finally:
            tasks = [*self._keeping.values(), *self._pipes]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _choose(self) -> None:
        views = {view.id: view for view in self._islands()}
        chosen = choose_relays(views.values(), self._policy, tuple(self._attached))
        for island in tuple(self._keeping):
            if island not in chosen:
                self._keeping.pop(island).cancel()
        for island in chosen:
            task = self._keeping.get(island)
            if task is None or task.done():
                self._keeping[island] = asyncio.get_running_loop().create_task(self._keep(views[island]))

    async def _keep(self, relay: IslandView) -> None:
        """Stay attached to one relay; each try has a new channel, with our present certificate."""
        loop = asyncio.get_running_loop()
        pause = RETRY_SECONDS_MIN
        while True:
            began = loop.time()
            channel = self._open(relay.relay_endpoints, relay.key)
            try:
                await self._attach(relay, channel)
            except (TimeoutError, grpc.aio.AioRpcError) as error:
                _log.info("not attached to the relay %s: %s", relay.name, type(error).__name__)
            finally:
                if self._attached.pop(relay.id, None) is not None:
                    _log.warning("the relay %s carries calls to this island no more", relay.name)
                await channel.close(grace=None)
            held = loop.time() - began >= WHOLE_SECONDS_MIN
            pause = RETRY_SECONDS_MIN if held else min(2 * pause, RETRY_SECONDS_MAX)
            await asyncio.sleep(pause)
            if (now := next((view for view in self._islands() if view.id == relay.id), None)) is not None:
                relay = now

    async def _attach(self, relay: IslandView, channel: grpc.aio.Channel) -> None:
        stub = relay_pb2_grpc.RelayServiceStub(channel)
        call = stub.Attach(relay_pb2.AttachRequest())
        telling: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                await call.initial_metadata()
            if call.done():
                await call.read()  # raises what the relay answered
                return
            self._attached[relay.id] = relay
            _log.info("the relay %s carries calls to this island", relay.name)
            telling = asyncio.get_running_loop().create_task(self._tell_newcomers(stub))
            telling.add_done_callback(_told)
            while (message := await call.read()) is not grpc.aio.EOF:
                self._invited(stub, message)
        finally:
            call.cancel()
            if telling is not None:
                telling.cancel()

    async def _tell_newcomers(self, stub: relay_pb2_grpc.RelayServiceStub) -> None:
        """Keep a relay told of whose join tokens may dial this island, until cancelled."""
        told: dict[PublicKey, int] = {}
        while True:
            ends = sorted(self._expected().items(), key=lambda one: one[1])[:NEWCOMERS_PER_ISLAND_MAX]
            if dict(ends) != told:
                newcomers = [relay_pb2.Newcomer(join_key=key, expires_at_ms=end_ms) for key, end_ms in ends]
                request = relay_pb2.ExpectRequest(newcomers=newcomers)
                try:
                    await stub.Expect(request, timeout=ANSWER_SECONDS_MAX)
                    told = dict(ends)
                except grpc.aio.AioRpcError as error:
                    _log.warning("a relay lets no newcomer dial this island: %s", error.code().name.lower())
                    await asyncio.sleep(RETRY_SECONDS_MAX)
            await asyncio.sleep(CHOOSE_SECONDS / 2)

    def _invited(self, stub: relay_pb2_grpc.RelayServiceStub, message: relay_pb2.AttachResponse) -> None:
        """Take up an invitation in a task of its own; what is too much or malformed is left lying."""
        if len(self._pipes) >= PIPES_PER_ISLAND_MAX:
            return
        try:
            connection_id, _ = invited(message)
        except MalformedMessage as error:
            _log.warning("a relay sent an invitation that does not decode: %s", error)
            return
        task = asyncio.get_running_loop().create_task(self._take_up(stub, connection_id))
        self._pipes.add(task)
        task.add_done_callback(partial(_over, self._pipes))

    async def _take_up(self, stub: relay_pb2_grpc.RelayServiceStub, connection_id: bytes) -> None:
        """Join a pipe to our own listener."""
        reader, writer = await asyncio.open_connection(self._host.strip("[]"), self._port)
        call = stub.Splice()

        async def send(data: bytes) -> None:
            await call.write(relay_pb2.SpliceRequest(data=data))

        try:
            await call.write(relay_pb2.SpliceRequest(connection_id=connection_id))
            await copy(reader, writer, chunks_of(call), send)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            pass  # the pipe ended before it began; who dialled is told by the relay
        finally:
            writer.close()
            call.cancel()


def _told(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.error("no newcomer can dial this island over a relay: %r", task.exception())


def _over(pipes: set[asyncio.Task[None]], task: asyncio.Task[None]) -> None:
    pipes.discard(task)
    if not task.cancelled() and isinstance(error := task.exception(), OSError):
        _log.warning("this island's own listener does not answer: %s", error.strerror)
