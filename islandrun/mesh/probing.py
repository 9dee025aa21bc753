"""Probes: who answers us, who answers helpers when it does not, and how well we are ourselves.

SWIM (Das, Gupta and Motivala, 2002) with Lifeguard's local health: a helper answers also when it reached
nobody, so that silence of the helpers says that the trouble is ours. What a helper says stays here: nobody
is told that a third island is silent. Whoever wants to know looks itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from islandrun.mesh import pace
from islandrun.mesh.clocks import Clocks
from islandrun.mesh.membership import Membership
from islandrun.mesh.suspicion import patience_seconds, trouble_after
from islandrun.v1 import mesh_pb2
from islandrun.vocabulary import Instant, IslandId, Reachability
from islandrun.wire.load import load_from_wire

if TYPE_CHECKING:
    import random

Say = Callable[[IslandId, mesh_pb2.GossipMessage], None]
"""Puts one message to one island into the outbox."""


@dataclass(frozen=True, slots=True)
class _Asker:
    """For whom a probe was sent, and what it called its question."""

    island: IslandId
    nonce: int


@dataclass(slots=True)
class _Pending:
    island: IslandId
    sent_at: float
    sent_wall_ms: int
    asker: _Asker | None = None
    was_for_another: bool = False
    is_missed: bool = False


@dataclass(slots=True)
class _Asked:
    """A question to helpers about one silent member; those in `waiting` have not answered yet."""

    island: IslandId
    asked_at: float
    waiting: dict[IslandId, None] = field(default_factory=dict)


class Probing:
    """The probes that are on their way, our own and for others. `now` is the moment on both clocks."""

    def __init__(self, rng: random.Random, members: Membership, say: Say) -> None:
        self._rng = rng
        self._members = members
        self._say = say
        self._pending: dict[int, _Pending] = {}
        self._asked: dict[int, _Asked] = {}
        self._asked_about: dict[IslandId, int] = {}
        self._to_look_at: dict[IslandId, None] = {}
        self._helping: Counter[IslandId] = Counter()
        self.trouble = 0
        self.clocks = Clocks()

    # ------------------------------------------------------------ a round

    def settle(self, now: Instant) -> None:
        """Count the probes that were not answered, ask helpers, and give up whoever stayed silent."""
        patience = patience_seconds(self.trouble)
        for nonce, pending in tuple(self._pending.items()):
            age = now.seconds - pending.sent_at
            if pending.asker is not None and age >= pace.PATIENCE_SECONDS:
                self._answer(pending.asker, self._not_reached())
                self._helped(pending.asker)
                pending.asker = None
            if not pending.is_missed and age >= patience:
                self._missed(pending, now.seconds)
            if age >= pace.LATE_ANSWER_SECONDS_MAX:
                self._forget(nonce)
        self._close_questions(now.seconds)
        for island in self._members.silent():
            self._ask_about(island, now.seconds)
        self._members.settle(now.seconds)

    def probe(self, island: IslandId, now: Instant, asker: _Asker | None = None) -> None:
        """Send a probe."""
        nonce = self._rng.getrandbits(63)
        if len(self._pending) >= pace.PROBES_PENDING_MAX:
            self._forget(next(iter(self._pending)))
        self._pending[nonce] = _Pending(
            island, now.seconds, now.wall_ms, asker, was_for_another=asker is not None
        )
        if asker is not None:
            self._helping[asker.island] += 1
        member = self._members.get(island)
        if member is not None:
            member.probed_at = now.seconds
        self._say(island, mesh_pb2.GossipMessage(probe=mesh_pb2.Probe(nonce=nonce, wall_ms=now.wall_ms)))

    def take_looks(self) -> tuple[IslandId, ...]:
        """Return whom to probe since we did not reach them when another asked, and forget it."""
        looks = tuple(self._to_look_at)
        self._to_look_at.clear()
        return looks

    def wake(self) -> None:
        """Forget every probe and every question: the answers came while nobody listened."""
        self._pending.clear()
        self._asked.clear()
        self._asked_about.clear()
        self._to_look_at.clear()
        self._helping.clear()
        self.trouble = pace.TROUBLE_MAX
        self.clocks.forget()

    # ------------------------------------------------------------ answers

    def on_ack(self, source: IslandId, ack: mesh_pb2.ProbeAck, now: Instant) -> bool:
        """Take in the answer to a probe; return whether the member was given up before."""
        pending = self._pending.get(ack.nonce)
        if pending is None or pending.island != source:
            return False
        trip = max(0.0, now.seconds - pending.sent_at)
        if pending.asker is not None:
            self._answer(pending.asker, mesh_pb2.PROBE_OUTCOME_ACK)
        self._forget(ack.nonce)
        member = self._members.get(source)
        if member is not None:
            trip_ms = round(trip * 1000)
            member.round_trip_ms = (3 * member.round_trip_ms + trip_ms) // 4 if member.was_heard else trip_ms
            member.load, member.load_at = load_from_wire(ack.load), now.seconds
            self.clocks.heard(source, ack.wall_ms - pending.sent_wall_ms - trip_ms // 2)
        return self.answered(source, now.seconds)

    def answered(self, island: IslandId, now_seconds: float) -> bool:
        """Note that an island answered us in any way; return whether it was given up before."""
        if island not in self._members:
            return False
        self.trouble = trouble_after(self.trouble, -1)
        return self._members.answered(island, now_seconds)

    def failed(self, island: IslandId, now_seconds: float) -> None:
        """Note that a call to an island failed; the probes in that call are not counted a second time."""
        pending = self._probes_of(island)
        since = min((self._pending[nonce].sent_at for nonce in pending), default=now_seconds)
        for nonce in pending:
            asker = self._pending[nonce].asker
            if asker is not None:
                self._answer(asker, self._not_reached())
            self._forget(nonce)
        self._members.missed(island, since, now_seconds)

    def not_sent(self, island: IslandId) -> None:
        """Note that what we said to an island could not even be sent: nothing can be missed of it."""
        for nonce in self._probes_of(island):
            asker = self._pending[nonce].asker
            if asker is not None:
                self._answer(asker, mesh_pb2.PROBE_OUTCOME_BUSY)
            self._forget(nonce)

    # ------------------------------------------------------------ helping, and being helped

    def on_probe_for(self, source: IslandId, question: mesh_pb2.ProbeFor, now: Instant) -> None:
        """Try an island for another, unless we do that for too many already."""
        asker = _Asker(source, question.nonce)
        target = IslandId(question.island)
        is_greedy = self._helping[source] >= pace.HELP_ASKED_MAX
        is_busy = is_greedy or self._helping.total() >= pace.HELP_GIVEN_MAX
        if is_busy or target == source or target not in self._members:
            self._answer(asker, mesh_pb2.PROBE_OUTCOME_BUSY)
        else:
            self.probe(target, now, asker)

    def on_probe_for_ack(self, source: IslandId, answer: mesh_pb2.ProbeForAck, now_seconds: float) -> None:
        """Take in what a helper found; only those that were asked are heard, and each once."""
        asked = self._asked.get(answer.nonce)
        if asked is None or source not in asked.waiting:
            return
        del asked.waiting[source]
        if answer.outcome == mesh_pb2.PROBE_OUTCOME_ACK:
            self._members.vouched(asked.island, now_seconds)
        elif answer.outcome == mesh_pb2.PROBE_OUTCOME_NACK:
            self._members.confirmed(asked.island)

    def _ask_about(self, island: IslandId, now_seconds: float) -> None:
        if island in self._asked_about or len(self._asked) >= pace.HELP_ASKED_MAX:
            return
        helpers = self._members.some(pace.HELPERS, (island,), (Reachability.ALIVE,))
        nonce = self._rng.getrandbits(63)
        self._asked[nonce] = _Asked(island, now_seconds, dict.fromkeys(helpers))
        self._asked_about[island] = nonce
        question = mesh_pb2.ProbeFor(nonce=nonce, island=island)
        for helper in helpers:
            self._say(helper, mesh_pb2.GossipMessage(probe_for=question))

    def _close_questions(self, now_seconds: float) -> None:
        """End the questions whose time is over; helpers that said nothing, but for one, speak against us."""
        for nonce, asked in tuple(self._asked.items()):
            if now_seconds - asked.asked_at >= pace.HELP_SECONDS:
                self.trouble = trouble_after(self.trouble, max(0, len(asked.waiting) - 1))
                del self._asked[nonce], self._asked_about[asked.island]

    def _missed(self, pending: _Pending, now_seconds: float) -> None:
        pending.is_missed = True
        if pending.was_for_another:
            self._look_oneself(pending.island)
            return
        is_first = self._members.missed(pending.island, pending.sent_at, now_seconds)
        if is_first and not self._members.some(1, (pending.island,), (Reachability.ALIVE,)):
            self.trouble = trouble_after(self.trouble, 1)  # nobody is left who could tell whose fault it is

    def _look_oneself(self, island: IslandId) -> None:
        """Look at an island on our own account that we missed for another; that miss is no evidence yet.

        Doubt must not spread by itself. In a large mesh we do not even look, or all would soon look at one
        slow island, each for the next.
        """
        if len(self._members) <= pace.DIRECT_MAX and len(self._to_look_at) < pace.EXTRA_PROBES_MAX:
            self._to_look_at[island] = None

    def _not_reached(self) -> mesh_pb2.ProbeOutcome:
        """Return what to tell of an island that did not answer, as far as our own eyes can be trusted."""
        is_unwell = self.trouble >= pace.TROUBLE_BUSY
        return mesh_pb2.PROBE_OUTCOME_BUSY if is_unwell else mesh_pb2.PROBE_OUTCOME_NACK

    def _answer(self, asker: _Asker, outcome: mesh_pb2.ProbeOutcome) -> None:
        answer = mesh_pb2.ProbeForAck(nonce=asker.nonce, outcome=outcome)
        self._say(asker.island, mesh_pb2.GossipMessage(probe_for_ack=answer))

    # ------------------------------------------------------------ inside

    def _probes_of(self, island: IslandId) -> list[int]:
        return [nonce for nonce, pending in self._pending.items() if pending.island == island]

    def _forget(self, nonce: int) -> None:
        pending = self._pending.pop(nonce)
        if pending.asker is not None:
            self._helped(pending.asker)

    def _helped(self, asker: _Asker) -> None:
        self._helping[asker.island] -= 1
        if not self._helping[asker.island]:
            del self._helping[asker.island]
