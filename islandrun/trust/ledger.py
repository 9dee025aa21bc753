"""What one island holds of the statements of its mesh: the newest of every place, and nothing unverified.

A lower version never replaces a higher one, so a replay changes nothing. Two contents of one place and
version prove that the issuer lies: an island's key is frozen for good. What a revoked or frozen island said
is dropped, and it is not heard any more. The same statements leave the same ledger in any order, as long as
no limit is reached. Error contract: a statement that is refused changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from islandrun.errors import Contradiction, RejectedMessage
from islandrun.trust import authority
from islandrun.trust.claims import (
    AdmissionClaims,
    CertificationClaims,
    Claims,
    FreshnessClaims,
    RevocationClaims,
    SelfClaims,
    VouchClaims,
)
from islandrun.trust.genesis import Genesis
from islandrun.trust.naming import island_id
from islandrun.trust.records import Outcome, Records, key_of, record_key
from islandrun.trust.roster import Roster
from islandrun.trust.signing import SKEW_MS, SignedAttestation, VerifiedAttestation, check_window, verify_then
from islandrun.vocabulary import IslandId, Ppm, PublicKey, Standing
from islandrun.wire import limits

__all__ = ["Ledger", "Outcome", "Proof", "key_of", "record_key"]

Proof = tuple[SignedAttestation, SignedAttestation]
"""Two statements of one place and version with different contents, sorted by hash."""

_GRANTS_MAX: Final = limits.OWNER_RECORDS_MAX // 2


class Ledger:
    """The statements of one mesh and what they amount to. Synchronous, no lock, no clock.

    `accepted_issuers` are keys outside the mesh whose certifications and vouches are kept in any case; of
    other outside keys only the first `OUTSIDE_ISSUERS_MAX` are.
    """

    def __init__(self, genesis: Genesis, accepted_issuers: Iterable[PublicKey] = ()) -> None:
        self.genesis = genesis
        self._accepted = frozenset(accepted_issuers)
        self._records = Records()
        self._roster = Roster()
        self._proofs: dict[PublicKey, Proof] = {}
        self._twins: set[bytes] = set()
        self._owner_spoke_at_ms = 0
        self._views_ms: dict[PublicKey, int] = {}

    # ------------------------------------------------------------ taking in

    def admit(self, verified: VerifiedAttestation, now_ms: int) -> Outcome:
        """Take in a statement.

        Raises `RejectedMessage` from an issuer that is revoked or frozen, or over a limit, and
        `ExpiredAttestation` when the statement ended since it was verified.
        """
        check_window(verified.claims, now_ms)
        return self._hear(verified)

    def admit_equivocation(self, first: SignedAttestation, second: SignedAttestation, now_ms: int) -> bool:
        """Take in a proof that a key contradicts itself; return whether it was news.

        The proof stays true after its statements have ended, so `now_ms` does not matter. Raises
        `RejectedMessage` when it proves nothing, or when there is no room for one more key not admitted.
        """
        pair = verify_then(first, self.genesis), verify_then(second, self.genesis)
        one, other = (verified.claims for verified in pair)
        is_one_place = key_of(one) == key_of(other) and one.header.version == other.header.version
        if not is_one_place or first.hash == second.hash:
            raise Contradiction("the equivocation proof proves nothing")
        was_frozen = first.issuer in self._proofs
        if first.issuer == self.genesis.owner:
            self._hear_owner(pair)
        self._freeze(first, second)
        return not was_frozen

    def expire(self, now_ms: int) -> tuple[bytes, ...]:
        """Drop self statements past their end; return their places. Admissions and revocations stay."""
        present_ms = self.present_ms(now_ms)
        over = [
            (key, claims)
            for key, _, claims in self._records.items()
            if isinstance(claims, SelfClaims) and claims.header.not_after_ms < present_ms
        ]
        for key, claims in over:
            self._drop(key, claims)
        return tuple(key for key, _ in over)

    # ------------------------------------------------------------ records

    def records(self) -> tuple[SignedAttestation, ...]:
        """Return every statement, sorted by place."""
        return tuple(signed for _, signed, _ in self._records.items())

    def versions(self) -> dict[bytes, tuple[int, int, bytes]]:
        """Return place -> (epoch, sequence, first 8 bytes of the hash) of every statement held."""
        return {
            key: (*claims.header.version, signed.hash[: limits.HASH8_BYTES])
            for key, signed, claims in self._records.items()
        }

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
        """Return what the owner grants an island, all slots combined (see `authority.combine`)."""
        return self._roster.admitted.get(island)

    def admissions(self, island: IslandId) -> tuple[AdmissionClaims, ...]:
        """Return every admission of an island that holds, sorted by place."""
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
            return Standing.UNKNOWN
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

    def is_frozen(self, key: PublicKey) -> bool:
        """Say whether a key has contradicted itself."""
        return key in self._proofs

    def revoked(self) -> tuple[IslandId, ...]:
        """Return the revoked and frozen islands, sorted. The owner, frozen or not, is no island."""
        barred = self._roster.revoked | self._proofs.keys() - {self.genesis.owner}
        return tuple(sorted(island_id(key) for key in barred))

    def present_ms(self, now_ms: int) -> int:
        """Return the time to judge by: a clock wound back does not bring back what has ended.

        The owner's newest statement, less the five minutes by which clocks may differ, bounds it from below.
        """
        return max(now_ms, self._owner_spoke_at_ms - SKEW_MS)

    def freshest_ms(self, now_ms: int) -> dict[PublicKey, int]:
        """Return when each authority last said what it has said in all; never after `now_ms`."""
        return {key: min(at_ms, now_ms) for key, at_ms in sorted(self._views_ms.items())}

    def publishes_views(self) -> bool:
        """Say whether an authority ever said what it has said in all, all of that held here or not."""
        return bool(self._views_ms)

    # ------------------------------------------------------------ hearing

    def _hear(self, verified: VerifiedAttestation) -> Outcome:
        signed, claims = verified.signed, verified.claims
        key = key_of(claims)
        outcome = self._records.compare(key, signed, claims)
        if outcome is Outcome.NEW:
            self._check_heard(claims)
            if self._records.version(key) is None:
                self._check_room(claims)
            self._keep(key, signed, claims)
        elif outcome is Outcome.EQUIVOCATION and (held := self._records.get(key)):
            self._freeze(held[0], signed)
            self._keep_twin(key + signed.hash, claims)
        self._note_time(claims)
        return outcome

    def _hear_owner(self, pair: Iterable[VerifiedAttestation]) -> None:
        """Hear both statements of a proof against the owner: whatever they lower counts."""
        for verified in pair:
            is_heard = self.genesis.owner not in self._proofs or isinstance(verified.claims, RevocationClaims)
            if is_heard or self._records.compare(*_placed(verified)) is Outcome.EQUIVOCATION:
                self._hear(verified)

    def _freeze(self, first: SignedAttestation, second: SignedAttestation) -> None:
        """Keep the proof; drop what the key said, unless it is the owner's."""
        issuer = first.issuer
        if issuer not in self._proofs:
            if not self._is_member(issuer):
                strangers = sum(not self._is_member(key) for key in self._proofs)
                _refuse(
                    strangers >= limits.WAITING_ISLANDS_MAX, "too many unknown keys contradicted themselves"
                )
            low, high = sorted((first, second), key=lambda signed: signed.hash)
            self._proofs[issuer] = (low, high)
        if issuer != self.genesis.owner:
            self._silence(issuer)
            self._roster.keys[island_id(issuer)] = issuer

    def _keep(self, key: bytes, signed: SignedAttestation, claims: Claims) -> None:
        held = self._records.get(key)
        if held:
            self._roster.take(key, held[1])
        self._records.put(key, signed, claims)
        self._roster.put(key, claims)
        if isinstance(claims, RevocationClaims):
            self._silence(claims.island)

    def _keep_twin(self, key: bytes, claims: Claims) -> None:
        """Let the owner's second statement of one place count beside the first."""
        is_owner = claims.header.issuer == self.genesis.owner
        if is_owner and key not in self._twins and len(self._twins) < limits.RECORDS_PER_ISSUER_MAX:
            self._twins.add(key)
            self._roster.put(key, claims)

    def _silence(self, issuer: PublicKey) -> None:
        """Drop all that a key said."""
        for key, claims in self._records.held_by(issuer):
            self._drop(key, claims)

    def _drop(self, key: bytes, claims: Claims) -> None:
        """Drop a statement. Only a member's version is remembered: other keys cost nothing to make."""
        self._records.drop(key, keep_version=self._is_member(claims.header.issuer))
        self._roster.take(key, claims)

    def _note_time(self, claims: Claims) -> None:
        if claims.header.issuer == self.genesis.owner and not isinstance(claims, RevocationClaims):
            self._owner_spoke_at_ms = max(self._owner_spoke_at_ms, claims.header.issued_at_ms)
        if isinstance(claims, FreshnessClaims):
            issuer, at_ms = claims.header.issuer, claims.header.issued_at_ms
            self._views_ms[issuer] = max(self._views_ms.get(issuer, 0), at_ms)

    # ------------------------------------------------------------ who is heard, and for how long

    def _is_member(self, key: PublicKey) -> bool:
        """Say whether the owner, or this node's settings, stand for a key."""
        return island_id(key) in self._roster.admitted or key == self.genesis.owner or key in self._accepted

    def _is_barred(self, key: PublicKey) -> bool:
        return key in self._roster.revoked or (key in self._proofs and key != self.genesis.owner)

    def _check_heard(self, claims: Claims) -> None:
        issuer = claims.header.issuer
        _refuse(issuer in self._roster.revoked, "the issuer is revoked")
        is_frozen = issuer in self._proofs and not isinstance(claims, RevocationClaims)
        _refuse(is_frozen, "the issuer has contradicted itself and is not heard any more")

    def _check_room(self, claims: Claims) -> None:
        """Refuse one more place where that goes over a limit."""
        issuer, island = claims.header.issuer, island_id(claims.header.subject)
        count = self._records.count(issuer)
        if issuer == self.genesis.owner:
            count_max = limits.OWNER_RECORDS_MAX if isinstance(claims, RevocationClaims) else _GRANTS_MAX
            is_one_more = isinstance(claims, AdmissionClaims) and island not in self._roster.admitted
            is_full = len(self._roster.admitted) >= limits.ISLANDS_MAX
            _refuse(is_one_more and is_full, f"the mesh has {limits.ISLANDS_MAX} islands already")
        else:
            count_max = limits.RECORDS_PER_ISSUER_MAX
            self._check_room_for_stranger(claims)
        _refuse(count >= count_max, f"the issuer has {count_max} statements here already")

    def _check_room_for_stranger(self, claims: Claims) -> None:
        issuer = claims.header.issuer
        if self._is_member(issuer):
            return
        if isinstance(claims, SelfClaims):
            is_full = self._roster.waiting() >= limits.WAITING_ISLANDS_MAX
            _refuse(is_full, f"{limits.WAITING_ISLANDS_MAX} islands wait for an admission already")
        elif issuer not in self._roster.weighing:
            strangers = sum(not self._is_member(key) for key in self._roster.weighing)
            is_full = strangers >= limits.OUTSIDE_ISSUERS_MAX
            _refuse(is_full, f"{limits.OUTSIDE_ISSUERS_MAX} keys from outside the mesh speak already")


def _placed(verified: VerifiedAttestation) -> tuple[bytes, SignedAttestation, Claims]:
    return key_of(verified.claims), verified.signed, verified.claims


def _refuse(condition: bool, why: str) -> None:
    if condition:
        raise RejectedMessage(why)
