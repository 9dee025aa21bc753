"""The mesh as one state machine: messages and time go in, messages come out.

Nothing here opens a socket, reads a clock or makes its own dice, so that a whole mesh can run inside one
test. The node drives it in a fixed order: `receive` for each message that arrived, `tick` when
`next_deadline` has passed, then `take_outbox` and send, in that order, and `take_notices` and act.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from islandrun.errors import (
    BadSignature,
    Contradiction,
    ExpiredAttestation,
    MalformedMessage,
    RejectedMessage,
)
from islandrun.mesh import pace
from islandrun.mesh.gossip import News, fit, rank_of_kind
from islandrun.mesh.intake import Intake, Proof, Verifier
from islandrun.mesh.membership import Membership
from islandrun.mesh.notices import Notice, Notices
from islandrun.trust.claims import IslandState
from islandrun.trust.ledger import Ledger, Outcome, key_of, record_key
from islandrun.trust.naming import island_id
from islandrun.trust.signing import SignedAttestation, verify
from islandrun.v1 import attestation_pb2, mesh_pb2
from islandrun.vocabulary import Instant, IslandId, Load, PublicKey, Reachability, Standing
from islandrun.wire.gossip import check_gossip

if TYPE_CHECKING:
    import random

_IDLE = Load(running=0, waiting=0, requests_max=0, first_token_ms=0, token_us=0)
_RECORD_FRAME_BYTES = 8
"""What a statement costs inside a push beside its own bytes: tag and length."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message on its way. `source` is who the channel says it is, never what the message says."""

    source: IslandId
    target: IslandId
    message: mesh_pb2.GossipMessage


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
    ) -> None:
        self._me = me
        self._ledger = ledger
        self._rng = rng
        self._notices = Notices()
        self._news = News()
        self._members = Membership(rng, self._notices)
        self._intake = Intake(ledger, self._news, self._notices, verifier, now.wall_ms)
        self._outbox: list[Envelope] = []
        self._load = _IDLE
        self._offences: dict[IslandId, int] = {}
        self._ticked_at = now.seconds
        self._next_round_at = now.seconds
        self._next_sync_at = now.seconds
        self._next_standing_at = now.seconds + pace.STANDING_SECONDS
        self._next_pardon_at = now.seconds + pace.OFFENCE_SECONDS
        self._refresh_all(now)

    # ------------------------------------------------------------ the five verbs

    def receive(self, envelope: Envelope, now: Instant) -> None:
        """Take in what a member says. Raises `RejectedMessage` after changing nothing."""
        source, message = envelope.source, envelope.message
        if envelope.target != self._me or source == self._me:
            raise RejectedMessage("the message is not from another island to this one")
        if self._ledger.standing(source, now.wall_ms) is not Standing.ADMITTED:
            raise RejectedMessage(f"island {source[:8]} is not admitted here, or not any more")
        if self._offences.get(source, 0) >= pace.OFFENCES_MAX:
            raise RejectedMessage(f"island {source[:8]} sent too many bad statements; it is heard again soon")
        check_gossip(message)
        self._notice_sleep(now)
        self._members.spoke(source, now.seconds)
        match message.WhichOneof("body"):
            case "push":
                self._on_push(source, message.push, now)
            case "digest":
                self._on_digest(source, message.digest)
            case "bucket_list":
                self._on_bucket_list(source, message.bucket_list)
            case "want":
                self._on_want(source, message.want)
            case "probe":
                self._on_probe(source, message.probe, now)
            case "probe_ack":
                self._on_probe_ack(source, message.probe_ack, now)
            case _:
                self._on_equivocation(source, message.equivocation, now)

    def tick(self, now: Instant) -> None:
        """Do what time has made due: a round, a comparison of tables, the end of admissions and statements."""
        self._notice_sleep(now)
        self._ticked_at = now.seconds
        if now.seconds >= self._next_standing_at:
            self._next_standing_at = now.seconds + pace.STANDING_SECONDS
            self._intake.expire(now.wall_ms)
            self._refresh_all(now)
        if now.seconds >= self._next_pardon_at:
            self._next_pardon_at = now.seconds + pace.OFFENCE_SECONDS
            self._offences.clear()
        if now.seconds >= self._next_round_at:
            self._next_round_at = now.seconds + pace.ROUND_SECONDS
            self._round(now)
        elif self._intake.has_urgent:
            self._tell_news(urgent_only=True)
        if now.seconds >= self._next_sync_at:
            self._compare_with_somebody(now)

    def next_deadline(self) -> float:
        """Return when `tick` is due, on `Instant.seconds`."""
        if self._intake.has_urgent:
            return self._ticked_at
        return min(self._next_round_at, self._next_sync_at)

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
        if self._intake.holds(signed):
            return
        outcome, claims = self._intake.take(signed, len(self._members), now.wall_ms)
        self._taken(outcome, claims.header.subject, claims.kind, now)

    def publish_equivocation(self, first: SignedAttestation, second: SignedAttestation, now: Instant) -> None:
        """Take in a proof that the node kept on disk. Raises `RejectedMessage` when it proves nothing."""
        self._intake.prove(first, second, len(self._members), now.wall_ms)
        self._refresh_all(now)

    def set_load(self, load: Load) -> None:
        """Set what the answers to probes tell of this island's load."""
        self._load = load

    def delivered(self, target: IslandId, ok: bool, now: Instant) -> None:
        """Take in whether a call to an island worked: first-hand evidence, as good as an answered probe."""
        self._notice_sleep(now)
        if not ok:
            self._members.failed(target, now.seconds)
        elif self._members.answered(target, now.seconds):
            self._compare_with(target)

    # ------------------------------------------------------------ what others read

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
        """Return the admitted islands with an endpoint of their own, except this one, sorted."""
        return tuple(
            island
            for island in self._members.islands()
            if self._ledger.standing(island, now.wall_ms) is Standing.ADMITTED
        )
