"""What one island holds of the statements of its mesh: the newest of every place, and nothing unverified.

A lower version never replaces a higher one, so a replay changes nothing. Two contents of one place and
version prove that the issuer lies: an island's key is frozen for good. What a revoked or frozen island said
is dropped, and it is not heard any more. The same statements leave the same ledger in any order, as long as
no limit is reached. Error contract: a statement that is refused changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from islandrun.errors import Contradiction
from islandrun.trust import authority
from islandrun.trust.admitters import Admitters
from islandrun.trust.claims import (
    AdmissionClaims,
    CertificationClaims,
    Claims,
    CutOffClaims,
    FreshnessClaims,
    Removal,
    SelfClaims,
    VouchClaims,
)
from islandrun.trust.freshness import Views, removals
from islandrun.trust.genesis import Genesis
from islandrun.trust.lineage import Lineage
from islandrun.trust.naming import island_id
from islandrun.trust.records import Outcome, Records, contradict, key_of, outlives, record_key
from islandrun.trust.room import check_room, refuse
from islandrun.trust.roster import Roster
from islandrun.trust.signing import SKEW_MS, SignedAttestation, VerifiedAttestation, check_window, verify_then
from islandrun.vocabulary import IslandId, Ppm, PublicKey, Standing
from islandrun.wire import limits

__all__ = ["Ledger", "Outcome", "Proof", "key_of", "record_key"]

Proof = tuple[SignedAttestation, SignedAttestation]
"""Two statements of one place and version with different contents, sorted by hash."""


class Ledger:
    """The statements of one mesh and what they amount to. Synchronous, no lock, no clock.

    `accepted_issuers` are keys outside the mesh whose certifications and vouches are kept in any case; of
    other outside keys only the first `OUTSIDE_ISSUERS_MAX` are. `changes`, to be read, says who changed.
    """

    def __init__(self, genesis: Genesis, accepted_issuers: Iterable[PublicKey] = ()) -> None:
        self.genesis = genesis
        self._accepted = frozenset(accepted_issuers)
        self._records = Records()
        self._roster = Roster(genesis.owner)
        self.changes = self._roster.changes
        self._proofs: dict[PublicKey, Proof] = {}
        self._twins: set[bytes] = set()
        self._owner_spoke_at_ms = 0
        self._views = Views()
        self._issuing: tuple[PublicKey, ...] = ()
        self._silenced: dict[PublicKey, None] = {}

    def fork(self) -> Ledger:
        """Return a ledger that begins with what this one holds; it may not change, see `Roster.fork`."""
        other = Ledger(self.genesis, self._accepted)
        other._records, other._roster = self._records.fork(), self._roster.fork()
        other.changes = other._roster.changes
        other._owner_spoke_at_ms, other._issuing = self._owner_spoke_at_ms, self._issuing
        return other

    # ------------------------------------------------------------ taking in

    def admit(self, verified: VerifiedAttestation, now_ms: int) -> Outcome:
        """Take in a statement.

        Raises `RejectedMessage` from an issuer that is revoked or frozen, or over a limit, and
        `ExpiredAttestation` when the statement ended since it was verified.
        """
        check_window(verified.claims, now_ms)
        return self._hear(verified, self.present_ms(now_ms))

    def admit_equivocation(self, first: SignedAttestation, second: SignedAttestation, now_ms: int) -> bool:
        """Take in a proof that a key contradicts itself; return whether it was news.

        The proof stays true after its statements have ended, so `now_ms` does not matter. Raises
        `RejectedMessage` when it proves nothing, or when there is no room for one more key not admitted.
        """
        pair = verify_then(first, self.genesis), verify_then(second, self.genesis)
        one, other = (verified.claims for verified in pair)
        if not contradict((first.hash, one), (second.hash, other)):
            raise Contradiction("the equivocation proof proves nothing")
        was_frozen = first.issuer in self._proofs
        if not was_frozen:
            self._check_room_for_proof(first.issuer)
        if first.issuer == self.genesis.owner:
            self._hear_owner(pair)
        elif all(map(outlives, (one, other))):
            for verified in pair:
                self._hear(verified)
        self._freeze(first, second)
        return not was_frozen

    def expire(self, now_ms: int) -> tuple[bytes, ...]:
        """Drop self statements and renewals past their end; return their places. All others stay."""
        over = self._records.over(self.present_ms(now_ms))
        for key, claims in over:
            self._drop(key, claims)
        return tuple(key for key, _ in over)

    def is_as_it_was(self, now_ms: int) -> bool:
        """Say whether nothing that ends has ended, or began anew, since `expire` looked last."""
        return self._records.ends.is_as_it_was(self.present_ms(now_ms))

    # ------------------------------------------------------------ records

    def records(self) -> tuple[SignedAttestation, ...]:
        """Return every statement, sorted by place."""
        return tuple(signed for _, signed, _ in self._records.items())

    def versions(self) -> dict[bytes, tuple[int, int, bytes]]:
        """Return place -> (epoch, sequence, first 8 bytes of the hash) of every statement held."""
        return self._records.versions()

    def record(self, key: bytes) -> SignedAttestation | None:
        """Return the statement of a place."""
        held = self._records.get(key)
        return held[0] if held else None

    def version(self, key: bytes) -> tuple[int, int] | None:
        """Return the newest (epoch, sequence) of a place, also where its statement was dropped."""
        return self._records.version(key)

    def equivocations(self) -> tuple[Proof, ...]:
        """Return one proof for each frozen key, sorted by key: they must outlive a restart."""
        return tuple(self._proofs[key] for key in sorted(self._proofs))

    # ------------------------------------------------------------ islands

    def islands(self) -> tuple[IslandId, ...]:
        """Return every island that has an admission or a statement of its own, sorted."""
        return tuple(sorted(self._roster.admitted.keys() | self._roster.speaking.keys()))

    def public_key(self, island: IslandId) -> PublicKey | None:
        """Return the key of an island that is admitted, revoked or frozen, or has a statement of its own."""
        return self._roster.keys.get(island)

    def self_claims(self, island: IslandId) -> SelfClaims | None:
        """Return what an island says of itself."""
        return self._roster.speaking.get(island)

    def admission(self, island: IslandId) -> AdmissionClaims | None:
        """Return what an island is granted, all that holds combined (see `authority.combine`)."""
        return self._roster.admitted.get(island)

    def admissions(self, island: IslandId) -> tuple[AdmissionClaims, ...]:
        """Return every admission of an island that holds, sorted by place.

        One by an admitter is lowered to its delegation; one that was inherited names the heir.
        """
        slots = self._roster.admissions.get(island, {})
        return tuple(slots[key] for key in sorted(slots))

    def admission_record(self, island: IslandId) -> SignedAttestation | None:
        """Return the newest admission of an island as it travels."""
        slots = self._roster.admissions.get(island, {})
        held = [key for key in sorted(slots) if self._records.get(key)]
        newest = max(held, key=lambda key: (slots[key].header.version, key), default=None)
        return self.record(newest) if newest is not None else None

    def standing(self, island: IslandId, now_ms: int) -> Standing:
        """Return what the owner says of an island now; REVOKED also when it contradicted itself."""
        key = self._roster.keys.get(island)
        if key is not None and self._is_barred(key):
            return Standing.REVOKED
        admission = self._roster.admitted.get(island)
        if admission is None:
            is_withdrawn = key is not None and self.admitters.is_withdrawn(key)
            return Standing.REVOKED if is_withdrawn else Standing.UNKNOWN
        header, present_ms = admission.header, self.present_ms(now_ms)
        is_inside = header.not_before_ms - SKEW_MS <= present_ms <= header.not_after_ms
        return Standing.ADMITTED if is_inside else Standing.EXPIRED

    def certifications(self, island: IslandId) -> tuple[CertificationClaims, ...]:
        """Return the certifications of an island, whoever issued them, sorted by place."""
        held = self._roster.certifications.get(island, {})
        return tuple(held[key] for key in sorted(held))

    def vouches(self, island: IslandId) -> tuple[VouchClaims, ...]:
        """Return the ceilings that others set for an island, whoever they are, sorted by place."""
        held = self._roster.vouches.get(island, {})
        return tuple(held[key] for key in sorted(held))

    def group_trust(self, from_group: str, to_group: str) -> Ppm:
        """Return how far one group trusts another."""
        stated = self._roster.groups.get((from_group, to_group), {})
        return authority.group_trust(stated.values(), from_group, to_group)

    def groups(self) -> tuple[str, ...]:
        """Return the groups that islands have or the owner named, sorted."""
        named = {group for pair in self._roster.groups for group in pair}
        return tuple(sorted(named | {claims.group for claims in self._roster.admitted.values()}))

    def is_frozen(self, key: PublicKey) -> bool:
        """Say whether a key has contradicted itself."""
        return key in self._proofs

    def revoked(self) -> tuple[IslandId, ...]:
        """Return the revoked and frozen islands, sorted. An authority, frozen or not, is no island."""
        barred = self._roster.revoked | self._proofs.keys() - {self.genesis.owner, *self.admitters.known()}
        return tuple(sorted(island_id(key) for key in barred))

    # ------------------------------------------------------------ authorities

    @property
    def admitters(self) -> Admitters:
        """The keys that the owner lets admit islands; to read only."""
        return self._roster.admitters

    @property
    def issuing(self) -> tuple[PublicKey, ...]:
        """The admitters that may admit, or of whose admissions some hold, sorted. Any thread may read it."""
        return self._issuing

    def is_authority(self, key: PublicKey) -> bool:
        """Say whether a key is the owner's, or ever had a delegation."""
        return key == self.genesis.owner or self.admitters.is_known(key)

    def may_renew(self, key: PublicKey) -> bool:
        """Say whether a key may renew admissions and approve successors now."""
        return key == self.genesis.owner or self.admitters.is_good(key)

    def said_by(self, issuer: PublicKey) -> tuple[tuple[bytes, SignedAttestation, Claims], ...]:
        """Return place, statement and content of all that an issuer said, sorted by place."""
        held = self._records.held_by(issuer)
        return tuple((key, record[0], claims) for key, claims in held if (record := self._records.get(key)))

    def trusted(self) -> frozenset[IslandId]:
        """Return the islands that an admission holds for and that are neither revoked nor frozen."""
        admitted = self._roster.admitted.items()
        return frozenset(one for one, claims in admitted if not self._is_barred(claims.header.subject))

    @property
    def lineage(self) -> Lineage:
        """Which key came after which; to read only."""
        return self._roster.lineage

    def take_silenced(self) -> tuple[PublicKey, ...]:
        """Return the keys whose statements were dropped since the last call."""
        silenced = tuple(self._silenced)
        self._silenced.clear()
        return silenced

    def removals(self, issuer: PublicKey, until_ms: int) -> tuple[bytes, int]:
        """Return what an authority has taken away until then: what its next `FreshnessClaims` says."""
        return removals((claims for _, claims in self._records.held_by(issuer)), until_ms)

    def freshest_ms(self, now_ms: int) -> dict[PublicKey, int]:
        """Return when each authority last said how much it has taken away, if we hold all of that.

        Milliseconds since 1970, never after `now_ms`. An authority is not in it that never said so, that may
        not speak any more, or whose word arrived without what it counts.
        """
        heard = self._views.whole_at_ms.items()
        return {key: min(at_ms, now_ms) for key, at_ms in sorted(heard) if self.may_renew(key)}

    def publishes_views(self) -> bool:
        """Say whether an authority ever said how much it has taken away, all of that held here or not."""
        return any(map(self.is_authority, self._views.stated_by))

    def present_ms(self, now_ms: int) -> int:
        """Return the time to judge by: a clock wound back does not bring back what has ended.

        The owner's newest statement, less the five minutes by which clocks may differ, bounds it from below.
        """
        return max(now_ms, self._owner_spoke_at_ms - SKEW_MS)

    # ------------------------------------------------------------ hearing

    def _hear(self, verified: VerifiedAttestation, present_ms: int = limits.TIME_MS_MAX) -> Outcome:
        signed, claims = verified.signed, verified.claims
        key = key_of(claims)
        outcome = self._records.compare(key, signed, claims, present_ms)
        if outcome is Outcome.NEW:
            outcome = self._hear_new(key, signed, claims)
        elif outcome is Outcome.EQUIVOCATION and (held := self._records.get(key)):
            self._freeze(held[0], signed)
            self._keep_twin(key + signed.hash, claims, signed.hash)
        self._note_time(claims)
        return outcome

    def _hear_new(self, key: bytes, signed: SignedAttestation, claims: Claims) -> Outcome:
        issuer = signed.issuer
        self._check_heard(claims)
        if self._records.version(key) is None:
            used = self._records.count(issuer)
            check_room(claims, used, self.genesis.owner, self._roster, self._is_member)
        rival = self._rival(signed, claims) if issuer not in self._proofs else None
        if rival is not None:
            self._check_room_for_proof(issuer)
        self._keep(key, signed, claims)
        if rival is None:
            return Outcome.NEW
        self._freeze(rival, signed)
        return Outcome.EQUIVOCATION

    def _rival(self, signed: SignedAttestation, claims: Claims) -> SignedAttestation | None:
        """Return a held admission of the same admitter with which this one cannot stand together."""
        if not isinstance(claims, AdmissionClaims) or not claims.number:
            return None
        place = self.admitters.contradicting(signed.hash, claims)
        return self.record(place) if place is not None else None

    def _hear_owner(self, pair: Iterable[VerifiedAttestation]) -> None:
        """Hear both statements of a proof against the owner: whatever they lower counts."""
        for verified in pair:
            is_heard = self.genesis.owner not in self._proofs or outlives(verified.claims)
            if is_heard or self._records.compare(*_placed(verified)) is Outcome.EQUIVOCATION:
                self._hear(verified)

    def _freeze(self, first: SignedAttestation, second: SignedAttestation) -> None:
        """Keep the proof; drop what the key said, unless it is the owner's."""
        issuer = first.issuer
        if issuer not in self._proofs:
            self._check_room_for_proof(issuer)
            low, high = sorted((first, second), key=lambda signed: signed.hash)
            self._proofs[issuer] = (low, high)
        if issuer != self.genesis.owner:
            self._silence(issuer)
            self._roster.keys[island_id(issuer)] = issuer
            self._roster.freeze(issuer)
            self._issuing = self.admitters.issuing()

    def _check_room_for_proof(self, issuer: PublicKey) -> None:
        if not self._is_member(issuer):
            strangers = sum(not self._is_member(key) for key in self._proofs)
            is_full = strangers >= limits.WAITING_ISLANDS_MAX
            refuse(is_full, "too many unknown keys contradicted themselves")

    def _keep(self, key: bytes, signed: SignedAttestation, claims: Claims) -> None:
        held = self._records.get(key)
        if held:
            self._roster.take(key, held[1])
        self._records.put(key, signed, claims)
        self._roster.put(key, claims, signed.hash)
        if isinstance(claims, CutOffClaims):
            self._silence(claims.key)
        for gone in self._roster.lineage.take_fresh():
            self._silence(gone)
        if claims.kind in ("admission", "authority"):
            self._issuing = self.admitters.issuing()
        if isinstance(claims, FreshnessClaims | Removal):
            stated = self._roster.freshness.get(signed.issuer, {}).values()
            self._views.note(stated, lambda: (said for _, said in self._records.held_by(signed.issuer)))

    def _keep_twin(self, key: bytes, claims: Claims, payload_hash: bytes) -> None:
        """Let the owner's second statement of one place count beside the first."""
        is_owner = claims.header.issuer == self.genesis.owner
        if is_owner and key not in self._twins and len(self._twins) < limits.RECORDS_PER_ISSUER_MAX:
            self._twins.add(key)
            self._roster.put(key, claims, payload_hash)
            self._records.ends.note(claims)

    def _silence(self, issuer: PublicKey) -> None:
        """Drop all that a key said, but for what outlives it."""
        self._silenced[issuer] = None
        for key, claims in self._records.held_by(issuer):
            if not outlives(claims):
                self._drop(key, claims)

    def _drop(self, key: bytes, claims: Claims) -> None:
        """Drop a statement. Only a member's version is remembered: other keys cost nothing to make."""
        self._records.drop(key, keep_version=self._is_member(claims.header.issuer))
        self._roster.take(key, claims)

    def _note_time(self, claims: Claims) -> None:
        if claims.header.issuer == self.genesis.owner and not isinstance(claims, Removal):
            self._owner_spoke_at_ms = max(self._owner_spoke_at_ms, claims.header.issued_at_ms)

    # ------------------------------------------------------------ who is heard

    def _is_member(self, key: PublicKey) -> bool:
        """Say whether the owner, or this node's settings, stand for a key."""
        is_named = self.is_authority(key) or key in self._accepted
        return is_named or island_id(key) in self._roster.admitted

    def _is_barred(self, key: PublicKey) -> bool:
        return key in self._roster.revoked or (key in self._proofs and key != self.genesis.owner)

    def _check_heard(self, claims: Claims) -> None:
        """Refuse what is said by a key that lost its voice. What outlives its issuer is heard always."""
        issuer = claims.header.issuer
        if not outlives(claims):
            refuse(issuer in self._roster.revoked, "the issuer is revoked")
            refuse(self.admitters.is_cut(issuer), "the owner has ended what the issuer may do")
            is_frozen = issuer in self._proofs
            refuse(is_frozen, "the issuer has contradicted itself and is not heard any more")


def _placed(verified: VerifiedAttestation) -> tuple[bytes, SignedAttestation, Claims]:
    return key_of(verified.claims), verified.signed, verified.claims
