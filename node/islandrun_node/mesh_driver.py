"""Drives the mesh machine: wait for a message or the deadline, call it, keep what is new, send the outbox.

Nothing else in the node touches the machine, so it needs no lock. There is no protocol in here.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from islandrun.errors import (
    BrokenAnswer,
    ExpiredAttestation,
    ForwardFailed,
    RejectedMessage,
    StateError,
)
from islandrun.mesh.clocks import ClockState
from islandrun.mesh.machine import Envelope, Mesh
from islandrun.mesh.notices import (
    AttestationAdmitted,
    ClockJudged,
    Equivocated,
    IslandRevoked,
    MessageRejected,
    Notice,
    ReachabilityChanged,
    Woke,
)
from islandrun.mesh.rereading import Rereading
from islandrun.trust.signing import SignedAttestation
from islandrun.v1 import mesh_pb2
from islandrun.vocabulary import IslandId, Reachability
from islandrun.wire.exchange import fit
from islandrun.wire.limits import EXCHANGE_MESSAGES_MAX
from islandrun_node import world_clock
from islandrun_node.keeping import Keeping
from islandrun_node.peers import Peers
from islandrun_node.stores.attestations import AttestationStore

SENDING_MAX = 64
WAITING_MESSAGES_MAX = EXCHANGE_MESSAGES_MAX
"""What is kept for one island while a call to it runs, the newest; the other side takes as many at once."""

_log = logging.getLogger(__name__)


class MeshDriver:
    """The shell around one `Mesh`. `answered` are the islands that have answered us since the start."""

    def __init__(
        self,
        me: IslandId,
        mesh: Mesh,
        peers: Peers,
        store: AttestationStore,
        evict: Callable[[IslandId], None],
        refused: Callable[[IslandId, str], None],
    ) -> None:
        self._me = me
        self._mesh = mesh
        self._peers = peers
        self._store = store
        self._evict = evict
        self._refused = refused
        self._wake = asyncio.Event()
        self._sending: dict[IslandId, asyncio.Task[None]] = {}
        self._waiting: dict[IslandId, list[mesh_pb2.GossipMessage]] = {}
        self._speak: Callable[[], object] = lambda: None
        self.clock = ClockState.RIGHT
        self._version = store.data_version()
        self._keeping = Keeping(store)
        self.answered: set[IslandId] = set()
        self._rereading = Rereading()
        peers.when_called(self._called)

    def when_awake(self, speak: Callable[[], object]) -> None:
        """Set what speaks anew of this node's islands: after sleep, and when the clock is right again."""
        self._speak = speak

    def degraded(self) -> tuple[str, ...]:
        """Return what is wrong with this node as the mesh sees it."""
        return ("clock",) if self.clock is ClockState.WRONG else ()

    async def run(self) -> None:
        """Drive the machine until cancelled."""
        try:
            while True:
                now = world_clock.now()
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, self._mesh.next_deadline() - now.seconds)):
                        await self._wake.wait()
                self._wake.clear()
                self._mesh.tick(world_clock.now())
                self._send(self._settle())
        finally:
            for task in tuple(self._sending.values()):
                task.cancel()

    def receive(
        self, source: IslandId, messages: Sequence[mesh_pb2.GossipMessage]
    ) -> tuple[mesh_pb2.GossipMessage, ...]:
        """Take in what a peer says and return what we say in turn. Raises `RejectedMessage`."""
        for message in messages:
            self._mesh.receive(Envelope(source, self._me, message), world_clock.now())
        outbox = self._settle()
        self._send(tuple(envelope for envelope in outbox if envelope.target != source))
        return fit([envelope.message for envelope in outbox if envelope.target == source])

    def publish(self, signed: SignedAttestation) -> None:
        """Tell the mesh a new statement of ours or of the owner."""
        self._mesh.publish(signed, world_clock.now())
        self._send(self._settle())
        self._wake.set()

    def has_heard(self, islands: int) -> bool:
        """Say whether so many islands, or as many as there are, have answered since the start."""
        return len(self.answered) >= min(islands, len(self._mesh.peers(world_clock.now())))

    async def tell_all(self, statements: Sequence[SignedAttestation]) -> None:
        """Give statements to every island that answers, at once and past the rounds: this node goes."""
        push = mesh_pb2.Push(attestations=[signed.to_wire() for signed in statements])
        now = world_clock.now()
        calls = [
            self._peers.exchange(island, (mesh_pb2.GossipMessage(push=push),))
            for island in self._mesh.peers(now)
            if self._mesh.reachability(island, now) is Reachability.ALIVE
        ]
        await asyncio.gather(*calls[:SENDING_MAX], return_exceptions=True)

    def woke(self, slept_seconds: float) -> None:
        """Take in that this machine slept."""
        self._mesh.woke(slept_seconds, world_clock.now())
        self._send(self._settle())
        self._wake.set()

    def saw_nearby(self, island: IslandId) -> None:
        """Take in that an island showed itself on the local network: time to try it, if it was given up."""
        self._mesh.saw_nearby(island, world_clock.now())
        self._wake.set()

    async def watch_store(self, period_seconds: float = 0.2) -> None:
        """Take in what a command wrote to the state while the node runs, until cancelled."""
        while True:
            await asyncio.sleep(period_seconds)
            try:
                self._keeping.write_again()
                self._read_store()
            except StateError as error:
                self._keeping.complain(error)

    def _read_store(self) -> None:
        """Take in what is new in the store, and what the clock refused of it before."""
        now, version = world_clock.now(), self._store.data_version()
        if version == self._version and not self._rereading.is_due(now):
            return
        statements = self._store.load_all()
        self._version = version
        self._rereading.begin(now)
        for signed in statements:
            try:
                self._mesh.publish(signed, now)
            except ExpiredAttestation:
                self._rereading.left_out(signed, now)
            except RejectedMessage:
                pass  # its issuer is not heard, or not yet
        self._send(self._settle())
        self._wake.set()

    def _settle(self) -> tuple[Envelope, ...]:
        """Keep what the machine learnt, act on what it noticed, and return what it wants to say."""
        for notice in self._mesh.take_notices():
            self._act_on(notice)
        return self._mesh.take_outbox()

    def _act_on(self, notice: Notice) -> None:
        match notice:
            case AttestationAdmitted():
                self._keeping.statement(notice.signed)
            case Equivocated():
                self._keeping.proof(notice.first, notice.second)
                _log.warning("two contradicting statements by one key; it is not trusted any more")
            case IslandRevoked():
                self._revoked(notice.island)
            case Woke() | ClockJudged():
                self._act_on_ourselves(notice)
            case ReachabilityChanged():
                _log.info("island %s is %s", notice.island[:8], notice.reachability.name.lower())
            case MessageRejected():
                _log.warning("refused a message of %s: %s", notice.source[:8], notice.reason)
                self._refused(notice.source, notice.reason)

    def _act_on_ourselves(self, notice: Woke | ClockJudged) -> None:
        """After sleep, or with a clock that is right again, speak anew of our islands."""
        if isinstance(notice, Woke):
            _log.info("this machine slept for %.0f s; asking what is new", notice.slept_seconds)
            self._peers.renew()  # connections from before may hang without a word
            must_speak = True
        else:
            words, seconds = notice.state.name.lower(), notice.offset_ms / 1000
            _log.warning("our clock is %s: others are %.0f s ahead of it (median)", words, seconds)
            must_speak = self.clock is ClockState.WRONG
            if must_speak:
                self._rereading.mended()
            self.clock = notice.state
        if must_speak:
            asyncio.get_running_loop().call_soon(self._speak)

    def _revoked(self, island: IslandId) -> None:
        self._evict(island)
        self._peers.cut(island)
        self._waiting.pop(island, None)
        _log.warning("island %s is revoked", island[:8])

    def _called(self, target: IslandId, ok: bool) -> None:
        """Take in whether a request to an island got through: first-hand evidence like any other."""
        self._mesh.delivered(target, ok, world_clock.now())
        self._send(self._settle())

    def _send(self, outbox: tuple[Envelope, ...]) -> None:
        """Send each island its messages, one call at a time; what does not fit is said again by gossip."""
        by_target: dict[IslandId, list[mesh_pb2.GossipMessage]] = defaultdict(list)
        for envelope in outbox:
            by_target[envelope.target].append(envelope.message)
        for target, messages in by_target.items():
            if target in self._sending:
                self._waiting[target] = [*self._waiting.get(target, ()), *messages][-WAITING_MESSAGES_MAX:]
                continue
            if len(self._sending) >= SENDING_MAX:
                self._mesh.not_sent(target)
                continue
            newest = messages[-WAITING_MESSAGES_MAX:]
            task = asyncio.get_running_loop().create_task(self._exchange(target, newest))
            self._sending[target] = task
            task.add_done_callback(partial(self._sent, target))

    def _sent(self, target: IslandId, task: asyncio.Task[None]) -> None:
        if self._sending.get(target) is task:
            del self._sending[target]

    async def _exchange(self, target: IslandId, messages: Sequence[mesh_pb2.GossipMessage]) -> None:
        try:
            replies = await self._peers.exchange(target, messages)
        except ForwardFailed as failure:
            self._mesh.delivered(target, False, world_clock.now())
            if isinstance(failure, BrokenAnswer):
                self._refused(target, f"{failure.reason}: {failure}")
        else:
            self.answered.add(target)
            self._mesh.delivered(target, True, world_clock.now())
            for message in replies:
                with suppress(RejectedMessage):
                    self._mesh.receive(Envelope(target, self._me, message), world_clock.now())
        outbox = self._settle()
        self._sending.pop(target, None)
        waited = self._waiting.pop(target, ())
        self._send((*(Envelope(self._me, target, message) for message in waited), *outbox))
