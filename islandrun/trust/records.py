"""The newest statement of every place: a table that compares versions and judges nothing else.

A place is (issuer, subject, kind, slot). Of a place whose statement was dropped the version stays, so that
an older statement cannot come back in its stead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, MutableMapping
from dataclasses import replace
from enum import Enum

from islandrun.trust.admitters import is_contradiction
from islandrun.trust.claims import (
    AdmissionClaims,
    Claims,
    CutOffClaims,
    DelegationClaims,
    Removal,
    RenewalClaims,
    SelfClaims,
    SuccessorClaims,
    encode,
)
from islandrun.trust.ends import Ends
from islandrun.trust.layered import Layered, own
from islandrun.trust.signing import SignedAttestation
from islandrun.vocabulary import PublicKey
from islandrun.wire.limits import HASH8_BYTES, TIME_MS_MAX

Version = tuple[int, int]
"""(epoch, sequence): higher is newer."""


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
    """Return the place of a statement.

    What is said once and never changed has a place by its content, so that nothing can take it: the
    admissions of an admitter, cut-offs, and successors.
    """
    header = claims.header
    issuer, subject = header.issuer, header.subject
    match claims:
        case AdmissionClaims() if claims.number:
            return hashlib.sha256(issuer + b"numbered" + hashlib.sha256(encode(claims)).digest()).digest()
        case DelegationClaims():
            return record_key(issuer, subject, "delegation", header.slot)
        case RenewalClaims():
            return record_key(issuer, subject, "renewal", header.slot)
        case CutOffClaims():
            end = claims.last_good_number.to_bytes(4, "big") + claims.last_good_hash
            return hashlib.sha256(record_key(issuer, subject, "cut-off", 0) + end).digest()
        case SuccessorClaims():
            return hashlib.sha256(record_key(issuer, subject, "successor", 0) + claims.new).digest()
        case _:
            return record_key(issuer, subject, claims.kind, header.slot)


def outlives(claims: Claims) -> bool:
    """Say whether a statement stays whatever becomes of its issuer; what it amounts to is another matter."""
    is_numbered = isinstance(claims, AdmissionClaims) and claims.number > 0
    return is_numbered or isinstance(claims, Removal)


def contradict(first: tuple[bytes, Claims], second: tuple[bytes, Claims]) -> bool:
    """Say whether two statements, each behind its hash, prove that their issuer lies."""
    (name, one), (other_name, other) = first, second
    if isinstance(one, AdmissionClaims) and isinstance(other, AdmissionClaims) and one.number:
        return is_contradiction((name, one), (other_name, other))
    is_one_version = key_of(one) == key_of(other) and one.header.version == other.header.version
    return is_one_version and name != other_name


class Records:
    """Statements by place, and the places of each issuer. Bounded by its caller."""

    def __init__(self) -> None:
        self._held: MutableMapping[bytes, tuple[SignedAttestation, Claims]] = {}
        self._dropped: dict[bytes, tuple[Version, bytes]] = {}
        self.ends = Ends()
        self._places: MutableMapping[PublicKey, MutableMapping[bytes, None]] = {}

    def fork(self) -> Records:
        """Return a table that begins with what this one holds; this one may not change any more."""
        other = Records()
        other._held, other._places = Layered(self._held), Layered(self._places)
        other._dropped, other.ends = dict(self._dropped), replace(self.ends)
        return other

    def compare(
        self, key: bytes, signed: SignedAttestation, claims: Claims, present_ms: int = TIME_MS_MAX
    ) -> Outcome:
        """Say what a statement is beside the one of its place.

        Beside a dropped one a contradiction cannot be proven any more; the statement is OLDER then. The very
        one that was dropped is NEW again while it lasts: the clock that ended it was wrong.
        """
        version = self.version(key)
        if version is None or claims.header.version > version:
            return Outcome.NEW
        held = self._held.get(key)
        if self._dropped.get(key) == (version, signed.hash) and claims.header.not_after_ms >= present_ms:
            return Outcome.NEW
        if held is None or claims.header.version < version:
            return Outcome.OLDER
        return Outcome.KNOWN if signed.hash == held[0].hash else Outcome.EQUIVOCATION

    def put(self, key: bytes, signed: SignedAttestation, claims: Claims) -> None:
        """Set the statement of a place."""
        self._held[key] = (signed, claims)
        self.ends.note(claims)
        self._dropped.pop(key, None)
        own(self._places, signed.issuer)[key] = None

    def drop(self, key: bytes, keep_version: bool) -> None:
        """Drop the statement of a place; keep its version, or forget that the place was ever used."""
        signed, claims = self._held.pop(key)
        if keep_version:
            self._dropped[key] = claims.header.version, signed.hash
            return
        places = own(self._places, signed.issuer)
        places.pop(key, None)
        if not places:
            del self._places[signed.issuer]

    def get(self, key: bytes) -> tuple[SignedAttestation, Claims] | None:
        """Return the statement of a place and what it says."""
        return self._held.get(key)

    def version(self, key: bytes) -> Version | None:
        """Return the newest version of a place, also where its statement was dropped."""
        held = self._held.get(key)
        if held is not None:
            return held[1].header.version
        dropped = self._dropped.get(key)
        return dropped[0] if dropped is not None else None

    def items(self) -> Iterator[tuple[bytes, SignedAttestation, Claims]]:
        """Return place, statement and claims of all, sorted by place."""
        for key in sorted(self._held):
            yield (key, *self._held[key])

    def versions(self) -> dict[bytes, tuple[int, int, bytes]]:
        """Return place -> (epoch, sequence, first 8 bytes of the hash) of every statement held."""
        return {
            key: (*claims.header.version, signed.hash[:HASH8_BYTES]) for key, signed, claims in self.items()
        }

    def over(self, present_ms: int) -> tuple[tuple[bytes, Claims], ...]:
        """Return the self statements and renewals past their end, sorted; they are still held."""
        if self.ends.is_as_it_was(present_ms):
            return ()
        self.ends.look((claims for _, claims in self._held.values()), present_ms)
        return tuple(
            (key, claims)
            for key, _, claims in self.items()
            if isinstance(claims, SelfClaims | RenewalClaims) and claims.header.not_after_ms < present_ms
        )

    def held_by(self, issuer: PublicKey) -> tuple[tuple[bytes, Claims], ...]:
        """Return place and claims of every statement of an issuer, sorted by place."""
        places = sorted(self._places.get(issuer, ()))
        return tuple((key, self._held[key][1]) for key in places if key in self._held)

    def count(self, issuer: PublicKey) -> int:
        """Return how many places an issuer uses, dropped ones included."""
        return len(self._places.get(issuer, ()))
