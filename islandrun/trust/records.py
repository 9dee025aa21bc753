"""The newest statement of every place: a table that compares versions and judges nothing else.

A place is (issuer, subject, kind, slot). Of a place whose statement was dropped the version stays, so that
an older statement cannot come back in its stead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from enum import Enum

from islandrun.trust.claims import Claims
from islandrun.trust.signing import SignedAttestation
from islandrun.vocabulary import PublicKey

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
    """Return the place of a statement."""
    header = claims.header
    return record_key(header.issuer, header.subject, claims.kind, header.slot)


class Records:
    """Statements by place, and the places of each issuer. Bounded by its caller."""

    def __init__(self) -> None:
        self._held: dict[bytes, tuple[SignedAttestation, Claims]] = {}
        self._dropped: dict[bytes, Version] = {}
        self._places: dict[PublicKey, set[bytes]] = {}

    def compare(self, key: bytes, signed: SignedAttestation, claims: Claims) -> Outcome:
        """Say what a statement is beside the one of its place.

        Beside a dropped one a contradiction cannot be proven any more; the statement is OLDER then.
        """
        version = self.version(key)
        if version is None or claims.header.version > version:
            return Outcome.NEW
        held = self._held.get(key)
        if held is None or claims.header.version < version:
            return Outcome.OLDER
        return Outcome.KNOWN if signed.hash == held[0].hash else Outcome.EQUIVOCATION

    def put(self, key: bytes, signed: SignedAttestation, claims: Claims) -> None:
        """Set the statement of a place."""
        self._held[key] = (signed, claims)
        self._dropped.pop(key, None)
        self._places.setdefault(signed.issuer, set()).add(key)

    def drop(self, key: bytes, keep_version: bool) -> None:
        """Drop the statement of a place; keep its version, or forget that the place was ever used."""
        signed, claims = self._held.pop(key)
        if keep_version:
            self._dropped[key] = claims.header.version
            return
        places = self._places[signed.issuer]
        places.discard(key)
        if not places:
            del self._places[signed.issuer]

    def get(self, key: bytes) -> tuple[SignedAttestation, Claims] | None:
        """Return the statement of a place and what it says."""
        return self._held.get(key)

    def version(self, key: bytes) -> Version | None:
        """Return the newest version of a place, also where its statement was dropped."""
        held = self._held.get(key)
        return held[1].header.version if held else self._dropped.get(key)

    def items(self) -> Iterator[tuple[bytes, SignedAttestation, Claims]]:
        """Return place, statement and claims of all, sorted by place."""
        for key in sorted(self._held):
            yield (key, *self._held[key])

    def held_by(self, issuer: PublicKey) -> tuple[tuple[bytes, Claims], ...]:
        """Return place and claims of every statement of an issuer, sorted by place."""
        places = sorted(self._places.get(issuer, ()))
        return tuple((key, self._held[key][1]) for key in places if key in self._held)

    def count(self, issuer: PublicKey) -> int:
        """Return how many places an issuer uses, dropped ones included."""
        return len(self._places.get(issuer, ()))
