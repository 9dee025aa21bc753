"""The newest statement of every place, and nothing that was not verified.

A place is (issuer, subject, kind, slot). A lower version never replaces a higher one, so a replay changes
nothing. Two statements of one place and version with other content prove that the issuer lies: its key is
frozen for good. Error contract: what `admit` does not return `NEW` for changed nothing but that freeze.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from enum import Enum

from islandrun.errors import RejectedMessage
from islandrun.trust import authority
from islandrun.trust.claims import (
    AdmissionClaims,
    CertificationClaims,
    Claims,
    SelfClaims,
    VouchClaims,
    decode,
)
from islandrun.trust.genesis import Genesis
from islandrun.trust.naming import island_id
from islandrun.trust.signing import SignedAttestation, VerifiedAttestation, verify
from islandrun.vocabulary import IslandId, Ppm, PublicKey, Standing
from islandrun.wire.limits import ISLANDS_MAX, RECORDS_PER_ISSUER_MAX


class Outcome(Enum):
    """What became of a verified statement."""

    NEW = "new"
    KNOWN = "known"
    OLDER = "older"
    EQUIVOCATION = "equivocation"


def record_key(issuer: PublicKey, subject: PublicKey, kind: str, slot: int) -> bytes:
    """Return the name of a place: SHA-256, 32 bytes."""
    return hashlib.sha256(issuer + subject + kind.encode() + b"\0" + slot.to_bytes(4, "big")).digest()


def key_of(claims: Claims) -> bytes:
    """Return the place of a statement."""
    header = claims.header
    return record_key(header.issuer, header.subject, claims.kind, header.slot)


class Ledger:
    """What one island holds of the statements of its mesh. Synchronous, no lock, no clock."""

    def __init__(self, genesis: Genesis) -> None:
        self.genesis = genesis
        self._records: dict[bytes, tuple[SignedAttestation, Claims]] = {}
        self._per_issuer: Counter[PublicKey] = Counter()
        self._keys: dict[IslandId, PublicKey] = {}
        self._self: dict[IslandId, SelfClaims] = {}
        self._admissions: dict[IslandId, dict[bytes, AdmissionClaims]] = {}
        self._weights: dict[IslandId, dict[bytes, CertificationClaims | VouchClaims]] = {}
        self._authority: dict[bytes, Claims] = {}
        self._revoked: frozenset[PublicKey] = frozenset()
        self._frozen: set[PublicKey] = set()

    # ------------------------------------------------------------ taking in

    def admit(self, verified: VerifiedAttestation, now_ms: int) -> Outcome:
        """Take in a statement. Raises `RejectedMessage` from a frozen or revoked issuer, or over a limit."""
        claims = verified.claims
        key = key_of(claims)
        known = self._records.get(key)
        if known is not None:
            if claims.header.version < known[1].header.version:
                return Outcome.OLDER
            if claims.header.version == known[1].header.version:
                if verified.signed.hash == known[0].hash:
                    return Outcome.KNOWN
                self._freeze(claims.header.issuer)
                return Outcome.EQUIVOCATION
        self._check_room(claims, known is None)
        self._keep(key, verified.signed, claims)
        return Outcome.NEW

    def admit_equivocation(self, first: SignedAttestation, second: SignedAttestation, now_ms: int) -> bool:
        """Take in a proof that a key contradicts itself; return whether it was news.

        Raises `RejectedMessage` when it proves nothing.
        """
        # A proof stays true after its statements expired, so each is read at its own time.
        one = verify(first, self.genesis, _issued_at_ms(first, now_ms))
        two = verify(second, self.genesis, _issued_at_ms(second, now_ms))
        same_place = key_of(one.claims) == key_of(two.claims)
        if (
            not same_place
            or one.claims.header.version != two.claims.header.version
            or first.hash == second.hash
        ):
            raise RejectedMessage("the equivocation proof proves nothing")
        if first.issuer in self._frozen:
            return False
        self._freeze(first.issuer)
        return True

    def expire(self, now_ms: int) -> tuple[bytes, ...]:
        """Drop self statements past their end; return their places. Admissions and revocations stay."""
        over = sorted(
            key
            for key, (_, claims) in self._records.items()
            if isinstance(claims, SelfClaims) and claims.header.not_after_ms < now_ms
        )
        for key in over:
            signed, claims = self._records.pop(key)
            self._per_issuer[signed.issuer] -= 1
            self._self.pop(island_id(claims.header.subject), None)
        return tuple(over)

    # ------------------------------------------------------------ records

    def records(self) -> tuple[SignedAttestation, ...]:
        """Return every statement, sorted by place."""
        return tuple(self._records[key][0] for key in sorted(self._records))

    def versions(self) -> dict[bytes, tuple[int, int, bytes]]:
        """Return place -> (epoch, sequence, first 8 bytes of the hash)."""
        return {
            key: (*claims.header.version, signed.hash[:8]) for key, (signed, claims) in self._records.items()
        }

    def record(self, key: bytes) -> SignedAttestation | None:
        """Return the statement of a place."""
        known = self._records.get(key)
        return known[0] if known else None

    def version(self, key: bytes) -> tuple[int, int] | None:
        """Return (epoch, sequence) of a place."""
        known = self._records.get(key)
        return known[1].header.version if known else None

    # ------------------------------------------------------------ islands

    def islands(self) -> tuple[IslandId, ...]:
        """Return every island that has an admission or a statement of its own, sorted."""
        return tuple(sorted(self._admissions.keys() | self._self.keys()))

    def public_key(self, island: IslandId) -> PublicKey | None:
        """Return an island's key."""
        return self._keys.get(island)

    def self_claims(self, island: IslandId) -> SelfClaims | None:
        """Return what an island says of itself."""
        return self._self.get(island)

    def admission(self, island: IslandId) -> AdmissionClaims | None:
        """Return what the owner grants an island, all slots combined."""
        return authority.combine(self._admissions.get(island, {}).values())

    def admission_record(self, island: IslandId) -> SignedAttestation | None:
        """Return the newest admission of an island as it travels."""
        slots = self._admissions.get(island, {})
        newest = max(slots, key=lambda key: (slots[key].header.version, key), default=None)
        return self._records[newest][0] if newest is not None else None

    def standing(self, island: IslandId, now_ms: int) -> Standing:
        """Return what the owner says of an island at this moment."""
        key = self._keys.get(island)
        if key is not None and (key in self._revoked or key in self._frozen):
            return Standing.REVOKED
        admission = self.admission(island)
        if admission is None or self.genesis.owner in self._frozen:
            return Standing.UNKNOWN
        inside = admission.header.not_before_ms - 5 * 60_000 <= now_ms <= admission.header.not_after_ms
        return Standing.ADMITTED if inside else Standing.EXPIRED

    def certifications(self, island: IslandId) -> tuple[CertificationClaims, ...]:
        """Return the certifications of an island, whoever issued them."""
        claims = self._weights.get(island, {}).values()
        return tuple(claim for claim in claims if isinstance(claim, CertificationClaims))

    def vouches(self, island: IslandId) -> tuple[VouchClaims, ...]:
        """Return the ceilings that others set for an island."""
        claims = self._weights.get(island, {}).values()
        return tuple(claim for claim in claims if isinstance(claim, VouchClaims))

    def group_trust(self, from_group: str, to_group: str) -> Ppm:
        """Return how far one group trusts another."""
        return authority.group_trust(self._authority.values(), from_group, to_group)

    def is_frozen(self, key: PublicKey) -> bool:
        """Say whether a key has contradicted itself."""
        return key in self._frozen

    def revoked(self) -> tuple[IslandId, ...]:
        """Return the revoked and frozen islands, sorted."""
        return tuple(sorted(island_id(key) for key in self._revoked | self._frozen))

    # ------------------------------------------------------------ inside

    def _check_room(self, claims: Claims, is_new_place: bool) -> None:
        issuer, subject = claims.header.issuer, claims.header.subject
        if issuer in self._frozen:
            raise RejectedMessage("the issuer has contradicted itself and is not heard any more")
        if issuer in self._revoked:
            raise RejectedMessage("the issuer is revoked")
        if not is_new_place or issuer == self.genesis.owner:
            return
        if island_id(issuer) not in self._admissions and not isinstance(claims, CertificationClaims):
            raise RejectedMessage("the issuer is not admitted to this mesh")
        if island_id(subject) not in self._admissions:
            raise RejectedMessage("the subject is not admitted to this mesh")
        if self._per_issuer[issuer] >= RECORDS_PER_ISSUER_MAX:
            raise RejectedMessage(f"the issuer has {RECORDS_PER_ISSUER_MAX} statements here already")
        if len(self._keys) >= ISLANDS_MAX and island_id(subject) not in self._keys:
            raise RejectedMessage(f"the ledger holds {ISLANDS_MAX} islands already")

    def _keep(self, key: bytes, signed: SignedAttestation, claims: Claims) -> None:
        if key not in self._records:
            self._per_issuer[signed.issuer] += 1
        self._records[key] = (signed, claims)
        island = island_id(claims.header.subject)
        match claims:
            case SelfClaims():
                self._keys[island] = claims.header.subject
                self._self[island] = claims
            case AdmissionClaims():
                self._keys[island] = claims.header.subject
                self._admissions.setdefault(island, {})[key] = claims
            case CertificationClaims() | VouchClaims():
                self._weights.setdefault(island, {})[key] = claims
            case _:
                self._authority[key] = claims
                self._revoked = authority.revoked_keys(self._authority.values())
                for revoked in self._revoked:
                    self._keys.setdefault(island_id(revoked), revoked)

    def _freeze(self, key: PublicKey) -> None:
        self._frozen.add(key)


def _issued_at_ms(signed: SignedAttestation, now_ms: int) -> int:
    """Return when a statement says that it was made, for judging it at that time."""
    return min(decode(signed.kind, signed.payload).header.issued_at_ms, now_ms)
