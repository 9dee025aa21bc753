"""The mesh as one state machine: messages and time go in, messages come out.

Nothing here opens a socket, reads a clock or makes its own dice, so that a whole mesh can run inside one
test. The node drives it in a fixed order: `receive` for each message that arrived, `tick` when
`next_deadline` has passed, then `take_outbox` and send, in that order, and `take_notices` and act.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from islandrun.errors import RejectedMessage
from islandrun.mesh import pace
from islandrun.mesh.clocks import ClockState
from islandrun.mesh.gossip import News
from islandrun.mesh.intake import Intake, Verifier
from islandrun.mesh.membership import Membership
from islandrun.mesh.notices import Notice, Notices
from islandrun.mesh.probing import Probing
from islandrun.mesh.records import Records
from islandrun.mesh.suspicion import sync_seconds
from islandrun.mesh.views import Place, Views, networks_of
from islandrun.trust.changes import Changes
from islandrun.trust.claims import IslandState
from islandrun.trust.ledger import Ledger
from islandrun.trust.naming import island_id
from islandrun.trust.signing import SignedAttestation, verify
from islandrun.v1 import mesh_pb2
from islandrun.vocabulary import Instant, IslandId, Load, PublicKey, Reachability, Standing
from islandrun.wire.gossip import check_gossip
from islandrun.wire.load import load_to_wire

if TYPE_CHECKING:
    import random

_ABOUT_THE_WAY: Final = frozenset({"probe", "probe_ack", "probe_for", "probe_for_ack", "link"})


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message on its way. `source` is who the channel says it is, never what the message says."""

    source: IslandId
    target: IslandId
    message: mesh_pb2.GossipMessage


@dataclass(frozen=True, slots=True)
class Known:
    """What a new machine may begin with instead of finding it out: see `Mesh.fork`."""

    members: Membership
    intake: Intake


class Mesh:
    """Members, liveness and gossip of one island, as one machine.

    It owns the ledger from now on: nothing else may change it. Not safe for threads, and needs no lock as one
    task drives it. Error contract: what `receive` or `publish` raises for changed nothing; a bad statement
    inside a good message is refused alone and told as `MessageRejected`.
    """

    def __init__(
        self,
        me: IslandId,
        ledger: Ledger,
        rng: random.Random,
        now: Instant,
        *,
        verifier: Verifier = verify,
        known: Known | None = None,
    ) -> None:
        self._me = me
        self._ledger = ledger
        self._rng = rng
        self._notices = Notices()
        self._news = News()
        if known is None:
            self._members = Membership(rng, self._notices)
            self._intake = Intake(ledger, self._news, self._notices, verifier, now.wall_ms)
        else:
            self._members = known.members.fork(rng, self._notices)
            self._intake = known.intake.fork(ledger, self._news, self._notices, verifier, now.wall_ms)
        self._records = Records(ledger, self._intake, self._news, self._notices, self._say)
        self._probing = Probing(rng, self._members, self._say)
        self._views = Views(rng, self._members, self._place, self._say, now.seconds)
        self._clock = ClockState.RIGHT
        self._outbox: list[Envelope] = []
        self._load = mesh_pb2.Load()
        self._ticked_at = now.seconds
        self._next_round_at = now.seconds
        self._next_sync_at = now.seconds
        self._next_standing_at = now.seconds + pace.STANDING_SECONDS
        self._next_pardon_at = now.seconds + pace.OFFENCE_SECONDS
        if known is None:
            self._refresh_all(now)
        else:
            self._members.remove(me)

    def fork(
        self, me: IslandId, ledger: Ledger, rng: random.Random, now: Instant, verifier: Verifier
    ) -> Mesh:
        """Return the machine of another island of this mesh that knows and has heard what this one has.

        `ledger` is a fork of this one's ledger. For many islands in one process: a fork costs what it
        changes. This machine may not be used any more.
        """
        return Mesh(me, ledger, rng, now, verifier=verifier, known=Known(self._members, self._intake))

    # ------------------------------------------------------------ the five verbs

    def receive(self, envelope: Envelope, now: Instant) -> None:
        """Take in what a member says. Raises `RejectedMessage` after changing nothing."""
        source, message = envelope.source, envelope.message
        if envelope.target != self._me or source == self._me:
            raise RejectedMessage("the message is not from another island to this one")
        if self._ledger.standing(source, now.wall_ms) is not Standing.ADMITTED:
            raise RejectedMessage(f"island {source[:8]} is not admitted here, or not any more")
        check_gossip(message)
        self._notice_sleep(now)
        self._members.spoke(source, now.seconds)
        body = message.WhichOneof("body")
        if body in _ABOUT_THE_WAY:
            self._hear_of_the_way(source, message, now)
        else:
            self._records.hear(source, message, len(self._members), now)
            if self._views.is_on and self._records.has_news():
                self._records.push_news()
        self._refresh_changed(now)

    def tick(self, now: Instant) -> None:
        """Do what time has made due: a round, a comparison of tables, the end of admissions."""
        self._notice_sleep(now)
        self._ticked_at = now.seconds
        if now.seconds >= self._next_standing_at:
            self._next_standing_at = now.seconds + pace.STANDING_SECONDS
            if not self._ledger.is_as_it_was(now.wall_ms):
                self._intake.expire(now.wall_ms)
                self._refresh_all(now)
        if now.seconds >= self._next_pardon_at:
            self._next_pardon_at = now.seconds + pace.OFFENCE_SECONDS
            self._records.pardon(now)
        if now.seconds >= self._next_round_at:
            self._next_round_at = now.seconds + pace.ROUND_SECONDS
            probed = self._round(now)
            if now.seconds >= self._next_sync_at:
                self._compare_with_somebody(now, probed)
        elif self._intake.has_urgent:
            self._tell_news(urgent_only=True)

    def next_deadline(self) -> float:
        """Return when `tick` is due, on `Instant.seconds`."""
        if self._intake.has_urgent:
            return self._ticked_at
        return self._next_round_at

    def take_outbox(self) -> tuple[Envelope, ...]:
        """Return what is to be sent, in this order, and forget it."""
        outbox = tuple(self._outbox)
        self._outbox.clear()
        return outbox

    def take_notices(self) -> tuple[Notice, ...]:
        """Return what happened since the last call."""
        return self._notices.take()

    # ------------------------------------------------------------ what the node tells

    def publish(self, signed: SignedAttestation, now: Instant) -> None:
        """Take in a statement of this island or of the owner, and spread it when it is new.

        Raises `RejectedMessage` when it does not pass the checks that a peer's statement has to pass.
        """
        if not self._intake.holds(signed):
            self._intake.take(signed, len(self._members), now.wall_ms)
            self._refresh_changed(now)

    def set_load(self, load: Load) -> None:
        """Set what the answers to probes tell of this island's load."""
        self._load = load_to_wire(load)

    def delivered(self, target: IslandId, ok: bool, now: Instant) -> None:
        """Take in whether a call to an island worked: first-hand evidence, as good as an answered probe."""
        self._notice_sleep(now)
        if not ok:
            self._probing.failed(target, now.seconds)
        elif self._probing.answered(target, now.seconds):
            self._records.compare_with(target)

    def not_sent(self, target: IslandId) -> None:
        """Take in that what was said to an island was never sent: its silence proves nothing."""
        self._probing.not_sent(target)

    def woke(self, slept_seconds: float, now: Instant) -> None:
        """Take in that this machine slept, where the gap between two ticks does not show it.

        Nobody is accused of a silence in which we did not listen; first we ask what we missed, then we probe.
        """
        self._ticked_at = now.seconds
        self._probing.wake()
        self._members.wake(now.seconds)
        self._notices.woke(slept_seconds)
        for island in self._members.some(pace.SYNC_PEERS_AFTER_SLEEP):
            self._records.compare_with(island)
        self._next_sync_at = now.seconds + pace.SYNC_SECONDS
        self._next_round_at = now.seconds

    def saw_nearby(self, island: IslandId, now: Instant) -> None:
        """Take in that a member may be near: a reason to try it, and no evidence that it answers."""
        self._members.spoke(island, now.seconds)

    # ------------------------------------------------------------ what others read

    @property
    def changes(self) -> Changes:
        """To which islands the way, or the load of them, is new; to read only. A load also ends by time."""
        return self._members.changes

    def load(self, island: IslandId, now: Instant) -> Load | None:
        """Return an island's load as it told us itself in the last ten seconds."""
        member = self._members.get(island)
        if member is None or member.load is None or now.seconds - member.load_at > pace.LOAD_SECONDS_MAX:
            return None
        return member.load

    def reachability(self, island: IslandId, now: Instant) -> Reachability:
        """Return what we know of the way to an island; an outbound island is reached as its front is."""
        claims = self._ledger.self_claims(island)
        if claims is not None and claims.front:
            island = island_id(PublicKey(claims.front))
        if island == self._me:
            return Reachability.ALIVE
        member = self._members.get(island)
        if member is None or self._ledger.standing(island, now.wall_ms) is not Standing.ADMITTED:
            return Reachability.UNREACHABLE
        return member.shown

    def round_trip_ms(self, island: IslandId) -> int:
        """Return the smoothed time that an answer takes; 0 when none was measured."""
        member = self._members.get(island)
        return member.round_trip_ms if member is not None else 0

    def peers(self, now: Instant) -> tuple[IslandId, ...]:
        """Return the admitted islands that can be reached by themselves, except this one, sorted."""
        return tuple(
            island
            for island in self._members.islands()
            if self._ledger.standing(island, now.wall_ms) is Standing.ADMITTED
        )

    # ------------------------------------------------------------ inside

    def _hear_of_the_way(self, source: IslandId, message: mesh_pb2.GossipMessage, now: Instant) -> None:
        """Take in a message about who reaches whom."""
        match message.WhichOneof("body"):
            case "probe":
                self._on_probe(source, message.probe, now)
            case "probe_ack":
                if self._probing.on_ack(source, message.probe_ack, now):
                    self._records.compare_with(source)
                self._judge_clock()
            case "probe_for":
                self._probing.on_probe_for(source, message.probe_for, now)
            case "probe_for_ack":
                self._probing.on_probe_for_ack(source, message.probe_for_ack, now.seconds)
            case _:
                self._views.on_link(source, message.link.action, now.seconds)
                self._records.link_to(self._views.neighbours())

    def _on_probe(self, source: IslandId, probe: mesh_pb2.Probe, now: Instant) -> None:
        claims = self._ledger.self_claims(self._me)
        ack = mesh_pb2.ProbeAck(
            nonce=probe.nonce,
            wall_ms=now.wall_ms,
            incarnation=claims.incarnation if claims else 0,
            load=self._load,
        )
        self._say(source, mesh_pb2.GossipMessage(probe_ack=ack))

    def _judge_clock(self) -> None:
        state = self._probing.clocks.state()
        if state is not self._clock:
            self._clock = state
            self._notices.clock(state, self._probing.clocks.offset_ms())

    def _round(self, now: Instant) -> tuple[IslandId, ...]:
        """Tell news and probe who is due; return whom."""
        self._probing.settle(now)
        self._views.round(now.seconds)
        self._records.link_to(self._views.neighbours())
        self._tell_news()
        self._records.tend_tree(now)
        looks = self._probing.take_looks()
        due = (*self._members.due(now.seconds), *looks, self._views.next_to_probe())
        probed = tuple(island for island in dict.fromkeys(due) if island is not None)
        for island in probed:
            self._probing.probe(island, now)
        return probed

    def _tell_news(self, urgent_only: bool = False) -> None:
        if self._views.is_on and self._views.neighbours():
            self._records.push_news()
        else:
            self._records.tell_news(self._members.some(pace.FANOUT), urgent_only)

    def _compare_with_somebody(self, now: Instant, probed: Sequence[IslandId]) -> None:
        """Compare tables with a member: in a large mesh mostly, but not always, with a neighbour.

        Any other is as good as the one that is probed now, and that costs no call of its own.
        """
        neighbours = self._views.neighbours()
        is_outside = not neighbours or self._rng.random() < pace.OUTSIDE_SHARE
        if not is_outside:
            chosen = [self._rng.choice(neighbours)]
        else:
            called = [island for island in probed if self._members.talks(island) and island not in neighbours]
            chosen = called[:1] or self._members.some(1, neighbours)
        pause = sync_seconds(len(self._members)) if chosen else pace.ROUND_SECONDS
        self._next_sync_at = now.seconds + pause
        for island in chosen:
            self._records.compare_with(island)

    def _say(self, target: IslandId, message: mesh_pb2.GossipMessage) -> None:
        if len(self._outbox) < pace.OUTBOX_MAX:  # what does not fit is said again by a later comparison
            self._outbox.append(Envelope(self._me, target, message))

    # ------------------------------------------------------------ members

    def _refresh(self, island: IslandId, now: Instant) -> None:
        """Make an island a member, or no member, as the ledger has it now.

        What it says of itself ends after a day, its admission does not: it is tried where it was last, or two
        halves of a mesh that were apart for longer would never meet again. Routing needs a word that holds.
        """
        claims = self._ledger.self_claims(island)
        has_door = claims is not None and bool(claims.endpoints or claims.relays) and not claims.front
        is_admitted = self._ledger.standing(island, now.wall_ms) is Standing.ADMITTED
        if claims is not None and has_door and is_admitted and island != self._me:
            self._members.add(island, claims.state is IslandState.AWAY, now.seconds)
        elif claims is not None or not is_admitted:
            self._members.remove(island)

    def _refresh_changed(self, now: Instant) -> None:
        """Look again at the islands that the last statements were about."""
        changed, may_concern_all = self._intake.take_changes()
        if may_concern_all:
            self._refresh_all(now)
            return
        members = len(self._members)
        for island in changed:
            self._refresh(island, now)
        if len(self._members) < members:
            self._unsay(now)

    def _refresh_all(self, now: Instant) -> None:
        """Look at every island."""
        for island in sorted({*self._ledger.islands(), *self._members.islands()}):
            self._refresh(island, now)
        self._unsay(now)

    def _unsay(self, now: Instant) -> None:
        """Say nothing to those that lost their admission."""
        self._outbox = [
            envelope
            for envelope in self._outbox
            if self._ledger.standing(envelope.target, now.wall_ms) is Standing.ADMITTED
        ]

    def _notice_sleep(self, now: Instant) -> None:
        """After a gap in time we slept."""
        gap = now.seconds - self._ticked_at
        if gap > pace.SLEEP_SECONDS:
            self.woke(gap, now)

    def _place(self, island: IslandId) -> Place:
        claims, admission = self._ledger.self_claims(island), self._ledger.admission(island)
        networks = networks_of(claims.endpoints) if claims is not None else ()
        return Place(networks, admission.group if admission is not None else "")
