"""What is said of statements between two islands: news, comparisons of tables, and answers to both.

Every statement passes `intake` before it is kept or told on. A bad one inside a good message is refused
alone; a source with too many of them is not heard for a while, and of nobody more is read than it is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from islandrun.errors import (
    BadSignature,
    Contradiction,
    ExpiredAttestation,
    MalformedMessage,
    RejectedMessage,
)
from islandrun.mesh import pace
from islandrun.mesh.allowance import Allowances
from islandrun.mesh.broadcast import Broadcast
from islandrun.mesh.gossip import News, fit, rank_of_kind
from islandrun.mesh.intake import Intake
from islandrun.mesh.notices import Notices
from islandrun.mesh.probing import Say
from islandrun.mesh.sync import Version
from islandrun.trust.ledger import Ledger, Outcome, Proof, record_key
from islandrun.trust.signing import SignedAttestation
from islandrun.v1 import attestation_pb2, mesh_pb2
from islandrun.vocabulary import Instant, IslandId, PublicKey
from islandrun.wire.limits import RECORD_BYTES_MAX, RECORDS_PER_PUSH_MAX, VERSIONS_PER_HAVE_MAX

RECORD_FRAME_BYTES: Final = 128
"""What a statement costs inside a push beside its payload: key, signature, kind, tags and lengths."""

_PUSH_IS_FULL_BYTES: Final = pace.PUSH_BYTES_MAX - RECORD_BYTES_MAX - RECORD_FRAME_BYTES


class Records:
    """The part of the machine that exchanges statements. `members` sizes how far news is spread."""

    def __init__(self, ledger: Ledger, intake: Intake, news: News, notices: Notices, say: Say) -> None:
        self._ledger = ledger
        self._intake = intake
        self._news = news
        self._notices = notices
        self._say = say
        self._offences: dict[IslandId, int] = {}
        self._allowances = Allowances()
        self._tree = Broadcast()
        self._neighbours: tuple[IslandId, ...] = ()

    # ------------------------------------------------------------ hearing

    def hear(self, source: IslandId, message: mesh_pb2.GossipMessage, members: int, now: Instant) -> None:
        """Take in a message about statements. Raises `RejectedMessage`: then only the offence was noted."""
        body = message.WhichOneof("body")
        is_muted = self._offences.get(source, 0) >= pace.OFFENCES_MAX
        if is_muted and body in ("push", "equivocation"):
            raise RejectedMessage(f"island {source[:8]} sent too many bad statements; it is heard again soon")
        match body:
            case "push":
                self._on_push(source, message.push, members, now)
            case "equivocation":
                self._on_proof(source, message.equivocation, members, now)
            case "bucket_list":
                self._on_bucket_list(source, message.bucket_list, now)
            case "have":
                self._on_have(source, message.have, now)
            case "prune":
                self._tree.prune(source)
            case _:
                self._on_question(source, message, now)

    def pardon(self, now: Instant) -> None:
        """Begin a new period of counting bad statements."""
        self._offences.clear()
        self._allowances.forget_idle(now.seconds)

    def _on_question(self, source: IslandId, message: mesh_pb2.GossipMessage, now: Instant) -> None:
        """Answer what a source asks for, as often as it may ask."""
        is_digest = message.WhichOneof("body") == "digest"
        cost = pace.COMPARISON_COST if is_digest else pace.QUESTION_COST
        if not self._allowances.spend(source, now.seconds, cost):
            self._says_too_much(source)
        elif is_digest:
            self._on_digest(source, message.digest, now)
        elif message.WhichOneof("body") == "graft":
            self._tree.graft(source)
            self._tell(source, message.graft.keys)
        else:
            self._tell(source, message.want.keys)

    def _on_push(self, source: IslandId, push: mesh_pb2.Push, members: int, now: Instant) -> None:
        """Take in statements one by one: what the owner grants first, so that the rest finds its island."""
        newer: list[bytes] = []
        missing: list[bytes] = []
        outcomes: set[Outcome | None] = set()
        for record in sorted(push.attestations, key=lambda record: rank_of_kind(record.kind)):
            outcome, key = self._hear_one(source, record, members, now)
            outcomes.add(outcome)
            if outcome is Outcome.OLDER:
                newer.append(key)
            elif outcome is Outcome.NEW:
                self._tree.came(key, source)
                if self._intake.waits(key):
                    missing.append(self._admission_of(record))
        self._tell(source, newer)
        if missing:
            self._want(source, missing, now)
        if Outcome.NEW in outcomes and _is_full(push):
            self.compare_with(source)
        elif outcomes == {Outcome.KNOWN} and source in self._tree.eager(self._neighbours):
            self._tree.prune(source)
            self._say(source, mesh_pb2.GossipMessage(prune=mesh_pb2.Prune()))

    def _hear_one(
        self, source: IslandId, record: attestation_pb2.SignedAttestation, members: int, now: Instant
    ) -> tuple[Outcome | None, bytes]:
        """Take in one statement of a push; return its outcome (None: refused) and its place."""
        try:
            signed = SignedAttestation.from_wire(record)
            if self._intake.holds(signed):
                return Outcome.KNOWN, b""
            if self._allowances.spend(source, now.seconds):
                return self._intake.take(signed, members, now.wall_ms)
            self._says_too_much(source)
        except (BadSignature, MalformedMessage, Contradiction) as error:
            self._offended(source, error)
        except ExpiredAttestation:
            pass  # no offence: the clocks of honest islands differ by minutes
        except RejectedMessage:
            pass  # no offence: the source may not have heard of a revocation, or of an admission, yet
        return None, b""

    def _on_proof(
        self, source: IslandId, proof: attestation_pb2.Equivocation, members: int, now: Instant
    ) -> None:
        if not self._allowances.spend(source, now.seconds):
            self._says_too_much(source)
            return
        try:
            first = SignedAttestation.from_wire(proof.first)
            second = SignedAttestation.from_wire(proof.second)
            self._intake.prove(first, second, members, now.wall_ms)
        except RejectedMessage as error:
            self._offended(source, error)
            raise

    def _offended(self, source: IslandId, error: RejectedMessage) -> None:
        self._offences[source] = self._offences.get(source, 0) + 1
        self._notices.rejected(source, f"{error.reason}: {error}")

    def _says_too_much(self, source: IslandId) -> None:
        """Note that something was not read. It is no offence: who was away for long has much to tell."""
        self._notices.rejected(source, "more than its share; what was not read comes with a later comparison")

    def _admission_of(self, record: attestation_pb2.SignedAttestation) -> bytes:
        """Return the place to ask for when a statement came before what lets its issuer speak."""
        if record.kind in ("admission", "authority"):
            return record_key(self._ledger.genesis.owner, PublicKey(record.issuer), "delegation", 0)
        return record_key(self._ledger.genesis.owner, PublicKey(record.issuer), "admission", 0)

    def _on_digest(self, source: IslandId, digest: mesh_pb2.Digest, now: Instant) -> None:
        buckets = self._intake.index.differing(digest)
        if not buckets:
            return
        listing = self._intake.index.bucket_list(digest.buckets_log2, buckets)
        if listing.buckets:
            if not self._allowances.has_asked(source, now.seconds):
                self._allowances.ask(source, RECORDS_PER_PUSH_MAX, now.seconds)
            self._say(source, mesh_pb2.GossipMessage(bucket_list=listing))
        else:  # their table is so much smaller that one of their buckets is too large for us to list
            self.compare_with(source)

    def _on_bucket_list(self, source: IslandId, listing: mesh_pb2.BucketList, now: Instant) -> None:
        if not self._allowances.spend(source, now.seconds, pace.QUESTION_COST):
            self._says_too_much(source)
            return
        newer, offered = self._intake.index.compare(listing)
        keys = [key for key, version in newer.items() if self._is_wanted(key, version)]
        if keys:
            self._want(source, keys, now)
        self._tell(source, offered)

    def _on_have(self, source: IslandId, have: mesh_pb2.Have, now: Instant) -> None:
        """Note what a neighbour could push; it may well come by the tree."""
        is_allowed = self._allowances.spend(source, now.seconds, pace.QUESTION_COST)
        if source not in self._neighbours or not is_allowed:
            return  # the link ended while it spoke, or it speaks too often; a comparison brings the rest
        lacking = [
            entry.key
            for entry in have.versions
            if self._intake.index.lacks(entry.key, (entry.epoch, entry.sequence, entry.hash8))
            and self._is_wanted(entry.key, (entry.epoch, entry.sequence, entry.hash8))
        ]
        self._tree.promised(source, lacking, now.seconds)

    def _is_wanted(self, key: bytes, version: Version) -> bool:
        """Say whether a version that our index does not have is more than what the ledger once held."""
        held = self._ledger.version(key)
        return held is None or version[:2] > held or self._intake.index.get(key) is not None

    # ------------------------------------------------------------ telling

    def compare_with(self, target: IslandId) -> None:
        """Send our digest, so that the target finds what one of us lacks."""
        self._say(target, mesh_pb2.GossipMessage(digest=self._intake.index.digest()))

    def tell_news(self, targets: Sequence[IslandId], urgent_only: bool = False) -> None:
        """Tell these members what is news; with nobody to tell it stays news."""
        self._intake.has_urgent = False
        keys = self._news.choose(self._size_bytes, urgent_only)
        if keys and targets:
            messages = self._messages(keys)
            for target in targets:
                for message in messages:
                    self._say(target, message)
            self._news.told(keys, len(targets))

    def has_news(self) -> bool:
        """Say whether anything waits to be told."""
        return len(self._news) > 0

    def link_to(self, neighbours: tuple[IslandId, ...]) -> None:
        """Set with whom there is a link; none in a small mesh."""
        self._neighbours = neighbours
        self._tree.keep(neighbours)

    def push_news(self) -> None:
        """Push what is news along the tree, each piece once; what takes trust away goes on every link."""
        if not self._neighbours:
            return
        self._intake.has_urgent = False
        urgent = self._news.choose(self._size_bytes, urgent_only=True)
        keys = self._news.choose(self._size_bytes)
        eager = self._tree.eager(self._neighbours)
        for target in self._neighbours:
            told = keys if target in eager else urgent
            for message in self._messages(key for key in told if not self._tree.is_from(key, target)):
                self._say(target, message)
        self._tree.pushed(keys)
        self._news.drop(keys)

    def tend_tree(self, now: Instant) -> None:
        """Name on the other links what went along the tree, and ask for what did not come."""
        for target, keys in self._tree.names_for(self._neighbours).items():
            versions = self._intake.index.record_versions(keys[:VERSIONS_PER_HAVE_MAX])
            if versions:
                self._say(target, mesh_pb2.GossipMessage(have=mesh_pb2.Have(versions=versions)))
        for target, keys in self._tree.overdue(now.seconds).items():
            missing = keys[:VERSIONS_PER_HAVE_MAX]
            self._tree.graft(target)
            self._allowances.ask(target, len(missing), now.seconds)
            self._say(target, mesh_pb2.GossipMessage(graft=mesh_pb2.Graft(keys=missing)))

    def _want(self, source: IslandId, keys: Sequence[bytes], now: Instant) -> None:
        self._allowances.ask(source, len(keys), now.seconds)
        self._say(source, mesh_pb2.GossipMessage(want=mesh_pb2.Want(keys=keys)))

    def _tell(self, target: IslandId, keys: Sequence[bytes]) -> None:
        """Send as much of these places as one push carries, the owner's statements first."""
        held = [(signed.kind, key) for key in keys if (signed := self._ledger.record(key)) is not None]
        ordered = [key for _, key in sorted(held, key=lambda pair: rank_of_kind(pair[0]))]
        proofs = [key for key in keys if self._intake.proof(key) is not None][: pace.PROOFS_PER_WANT_MAX]
        for message in self._messages((*proofs, *fit(ordered, self._size_bytes))):
            self._say(target, message)

    def _messages(self, keys: Iterable[bytes]) -> tuple[mesh_pb2.GossipMessage, ...]:
        """Return the messages that carry these places: one for each proof, and one push for the rest."""
        proofs: list[Proof] = []
        records: list[SignedAttestation] = []
        for key in keys:
            if (proof := self._intake.proof(key)) is not None:
                proofs.append(proof)
            elif self._intake.index.get(key) and (signed := self._ledger.record(key)) is not None:
                records.append(signed)
        messages = [_equivocation(proof) for proof in proofs]
        if records:
            push = mesh_pb2.Push(attestations=[signed.to_wire() for signed in records])
            messages.append(mesh_pb2.GossipMessage(push=push))
        return tuple(messages)

    def _size_bytes(self, key: bytes) -> int:
        signed = self._ledger.record(key)
        return len(signed.payload) + RECORD_FRAME_BYTES if signed is not None else 0


def _equivocation(proof: Proof) -> mesh_pb2.GossipMessage:
    first, second = (signed.to_wire() for signed in proof)
    return mesh_pb2.GossipMessage(equivocation=attestation_pb2.Equivocation(first=first, second=second))


def _is_full(push: mesh_pb2.Push) -> bool:
    """Say whether a push is as large as they get, so that there may be more to come."""
    return len(push.attestations) >= RECORDS_PER_PUSH_MAX or push.ByteSize() >= _PUSH_IS_FULL_BYTES
