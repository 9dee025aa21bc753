"""The mesh as one state machine: messages and time go in, messages come out.

Nothing here opens a socket, reads a clock or makes its own dice, so that a whole mesh can run inside one
test. The node drives it in a fixed order: `receive` for each message that arrived, `tick` when
`next_deadline` has passed, then `take_outbox` and send, in that order, and `take_notices` and act.
"""

from __future__ import annotations

from collections.abc import Iterable
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
from islandrun.wire.limits import RECORD_BYTES_MAX, RECORDS_PER_PUSH_MAX

if TYPE_CHECKING:
    import random

_IDLE = Load(running=0, waiting=0, requests_max=0, first_token_ms=0, token_us=0)
_RECORD_FRAME_BYTES = 128
"""What a statement costs inside a push beside its payload: key, signature, kind, tags and lengths."""

_PUSH_IS_FULL_BYTES = pace.PUSH_BYTES_MAX - RECORD_BYTES_MAX - _RECORD_FRAME_BYTES


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
        self._is_stale = True
        self._refresh_if_stale(now)

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
                self._on_equivocation(message.equivocation, now)
        self._refresh_if_stale(now)

    def tick(self, now: Instant) -> None:
        """Do what time has made due: a round, a comparison of tables, the end of admissions and statements."""
        self._notice_sleep(now)
        self._ticked_at = now.seconds
        if now.seconds >= self._next_standing_at:
            self._next_standing_at = now.seconds + pace.STANDING_SECONDS
            self._intake.expire(now.wall_ms)
            self._is_stale = True
            self._refresh_if_stale(now)
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
        self._take(signed, now)
        self._refresh_if_stale(now)

    def publish_equivocation(self, first: SignedAttestation, second: SignedAttestation, now: Instant) -> None:
        """Take in a proof that the node kept on disk. Raises `RejectedMessage` when it proves nothing."""
        self._intake.prove(first, second, len(self._members), now.wall_ms)
        self._is_stale = True
        self._refresh_if_stale(now)

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

    # ------------------------------------------------------------ hearing

    def _on_push(self, source: IslandId, push: mesh_pb2.Push, now: Instant) -> None:
        """Take in statements one by one: what the owner grants first, so that the rest finds its island."""
        newer: list[bytes] = []
        missing: list[bytes] = []
        has_news = False
        for message in sorted(push.attestations, key=lambda record: rank_of_kind(record.kind)):
            try:
                signed = SignedAttestation.from_wire(message)
                outcome, key = (Outcome.KNOWN, b"") if self._intake.holds(signed) else self._take(signed, now)
            except (BadSignature, MalformedMessage, Contradiction) as error:
                self._offended(source, error)
            except ExpiredAttestation:
                continue  # the clocks of honest islands differ by minutes
            except RejectedMessage:
                missing.extend(self._missing_for(message))
            else:
                has_news = has_news or outcome is Outcome.NEW
                if outcome is Outcome.OLDER:
                    newer.append(key)
        self._push(source, newer)
        if missing:
            self._say(source, mesh_pb2.GossipMessage(want=mesh_pb2.Want(keys=missing)))
        if has_news and _is_full(push):
            self._compare_with(source)

    def _on_digest(self, source: IslandId, digest: mesh_pb2.Digest) -> None:
        buckets = self._intake.index.differing(digest)
        if not buckets:
            return
        listing = self._intake.index.bucket_list(digest.buckets_log2, buckets)
        if listing.buckets:
            self._say(source, mesh_pb2.GossipMessage(bucket_list=listing))
        else:  # their table is so much smaller that one of their buckets is too large for us to list
            self._compare_with(source)

    def _on_bucket_list(self, source: IslandId, listing: mesh_pb2.BucketList) -> None:
        wanted, offered = self._intake.index.compare(listing)
        # What the index leaves out is held all the same: its issuer is not heard any more.
        keys = [key for key in wanted if self._intake.index.get(key) or self._ledger.version(key) is None]
        if keys:
            self._say(source, mesh_pb2.GossipMessage(want=mesh_pb2.Want(keys=keys)))
        self._push(source, offered)

    def _on_want(self, source: IslandId, want: mesh_pb2.Want) -> None:
        self._push(source, want.keys)

    def _on_probe(self, source: IslandId, probe: mesh_pb2.Probe, now: Instant) -> None:
        claims = self._ledger.self_claims(self._me)
        load = mesh_pb2.Load(
            running=self._load.running,
            waiting=self._load.waiting,
            requests_max=self._load.requests_max,
            first_token_ms=self._load.first_token_ms,
            token_us=self._load.token_us,
        )
        ack = mesh_pb2.ProbeAck(
            nonce=probe.nonce,
            wall_ms=now.wall_ms,
            incarnation=claims.incarnation if claims else 0,
            load=load,
        )
        self._say(source, mesh_pb2.GossipMessage(probe_ack=ack))

    def _on_probe_ack(self, source: IslandId, ack: mesh_pb2.ProbeAck, now: Instant) -> None:
        load = Load(
            running=ack.load.running,
            waiting=ack.load.waiting,
            requests_max=ack.load.requests_max,
            first_token_ms=ack.load.first_token_ms,
            token_us=ack.load.token_us,
        )
        if self._members.probe_answered(source, ack.nonce, load, now.seconds):
            self._compare_with(source)

    def _on_equivocation(self, proof: attestation_pb2.Equivocation, now: Instant) -> None:
        first = SignedAttestation.from_wire(proof.first)
        second = SignedAttestation.from_wire(proof.second)
        self._intake.prove(first, second, len(self._members), now.wall_ms)
        self._is_stale = True

    def _take(self, signed: SignedAttestation, now: Instant) -> tuple[Outcome, bytes]:
        """Take in one statement and note whose place in the mesh it changes; return its outcome and place."""
        outcome, claims = self._intake.take(signed, len(self._members), now.wall_ms)
        if outcome is Outcome.EQUIVOCATION or (outcome is Outcome.NEW and claims.kind == "authority"):
            self._is_stale = True
        elif outcome is Outcome.NEW:
            self._refresh(island_id(claims.header.subject), now)
        return outcome, key_of(claims)

    def _missing_for(self, record: attestation_pb2.SignedAttestation) -> tuple[bytes, ...]:
        """Return what to ask for when a statement came before the admission of its island."""
        issuer = PublicKey(record.issuer)
        if record.kind != "self" or self._ledger.public_key(island_id(issuer)) is not None:
            return ()
        owner = self._ledger.genesis.owner
        return record_key(owner, issuer, "admission", 0), record_key(issuer, issuer, "self", 0)

    def _offended(self, source: IslandId, error: RejectedMessage) -> None:
        self._offences[source] = self._offences.get(source, 0) + 1
        self._notices.rejected(source, f"{error.reason}: {error}")

    # ------------------------------------------------------------ telling

    def _round(self, now: Instant) -> None:
        self._members.settle(now.seconds)
        self._tell_news()
        for island in self._members.due(now.seconds):
            nonce = self._members.probe(island, now.seconds)
            probe = mesh_pb2.Probe(nonce=nonce, wall_ms=now.wall_ms)
            self._say(island, mesh_pb2.GossipMessage(probe=probe))

    def _tell_news(self, urgent_only: bool = False) -> None:
        self._intake.has_urgent = False
        reachable = self._members.reachable()
        targets = self._rng.sample(reachable, min(pace.FANOUT, len(reachable)))
        keys = self._news.choose(self._size_bytes, urgent_only)
        if keys and targets:
            messages = self._messages(keys)
            for target in targets:
                for message in messages:
                    self._say(target, message)
            self._news.told(keys, len(targets))

    def _compare_with_somebody(self, now: Instant) -> None:
        reachable = self._members.reachable()
        pause = pace.SYNC_SECONDS if reachable else pace.ROUND_SECONDS
        self._next_sync_at = now.seconds + pause
        if reachable:
            self._compare_with(self._rng.choice(reachable))

    def _compare_with(self, target: IslandId) -> None:
        self._say(target, mesh_pb2.GossipMessage(digest=self._intake.index.digest()))

    def _push(self, target: IslandId, keys: Iterable[bytes]) -> None:
        """Send as much of these places as one push carries, the owner's statements first."""
        held = [(signed, key) for key in keys if (signed := self._ledger.record(key)) is not None]
        ordered = [key for signed, key in sorted(held, key=lambda pair: rank_of_kind(pair[0].kind))]
        proofs = [key for key in keys if self._intake.proof(key) is not None]
        for message in self._messages((*proofs[: pace.PROOFS_PER_WANT_MAX], *fit(ordered, self._size_bytes))):
            self._say(target, message)

    def _messages(self, keys: Iterable[bytes]) -> tuple[mesh_pb2.GossipMessage, ...]:
        """Return the messages that carry these places: a message for each proof, and one push for the rest."""
        proofs: list[Proof] = []
        records: list[SignedAttestation] = []
        for key in keys:
            if (proof := self._intake.proof(key)) is not None:
                proofs.append(proof)
            elif self._intake.index.get(key) and (signed := self._ledger.record(key)) is not None:
                records.append(signed)
        messages = [
            mesh_pb2.GossipMessage(
                equivocation=attestation_pb2.Equivocation(first=first.to_wire(), second=second.to_wire())
            )
            for first, second in proofs
        ]
        if records:
            push = mesh_pb2.Push(attestations=[signed.to_wire() for signed in records])
            messages.append(mesh_pb2.GossipMessage(push=push))
        return tuple(messages)

    def _size_bytes(self, key: bytes) -> int:
        signed = self._ledger.record(key)
        return len(signed.payload) + _RECORD_FRAME_BYTES if signed is not None else 0

    def _say(self, target: IslandId, message: mesh_pb2.GossipMessage) -> None:
        if len(self._outbox) < pace.OUTBOX_MAX:  # what does not fit is said again by a later comparison
            self._outbox.append(Envelope(self._me, target, message))

    # ------------------------------------------------------------ members

    def _refresh(self, island: IslandId, now: Instant) -> None:
        """Make an island a member, or no member, as the ledger has it now."""
        claims = self._ledger.self_claims(island)
        has_door = claims is not None and bool(claims.endpoints) and not claims.front
        is_admitted = self._ledger.standing(island, now.wall_ms) is Standing.ADMITTED
        if claims is not None and has_door and is_admitted and island != self._me:
            self._members.add(island, claims.state is IslandState.AWAY, now.seconds)
        else:
            self._members.remove(island)

    def _refresh_if_stale(self, now: Instant) -> None:
        """After a change that may concern anybody: look at every island, and tell no outsider anything."""
        if not self._is_stale:
            return
        self._is_stale = False
        for island in sorted({*self._ledger.islands(), *self._members.islands()}):
            self._refresh(island, now)
        self._outbox = [
            envelope
            for envelope in self._outbox
            if self._ledger.standing(envelope.target, now.wall_ms) is Standing.ADMITTED
        ]

    def _notice_sleep(self, now: Instant) -> None:
        """After a gap in time we slept: nobody is accused of it, and we ask what we missed."""
        if now.seconds - self._ticked_at > pace.SLEEP_SECONDS:
            self._ticked_at = now.seconds
            self._members.wake(now.seconds)
            self._next_round_at = self._next_sync_at = now.seconds


def _is_full(push: mesh_pb2.Push) -> bool:
    """Say whether a push is as large as they get, so that there may be more to come."""
    return len(push.attestations) >= RECORDS_PER_PUSH_MAX or push.ByteSize() >= _PUSH_IS_FULL_BYTES
