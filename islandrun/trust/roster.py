"""What the statements of a ledger amount to, kept by island: who is known, granted what, held down by whom.

It follows the ledger: every statement that starts to count is `put`, every one that ceases to is `taken`.
"""

from __future__ import annotations

from collections import Counter
from typing import TypeVar

from islandrun.trust import authority
from islandrun.trust.claims import (
    AdmissionClaims,
    CertificationClaims,
    Claims,
    FreshnessClaims,
    GroupTrustClaims,
    RevocationClaims,
    SelfClaims,
    VouchClaims,
)
from islandrun.trust.naming import island_id
from islandrun.vocabulary import IslandId, PublicKey

Name = TypeVar("Name")
Content = TypeVar("Content")


class Roster:
    """Claims by island. Keys of the inner tables are places, or longer where one place holds two."""

    def __init__(self) -> None:
        self.keys: dict[IslandId, PublicKey] = {}
        self.speaking: dict[IslandId, SelfClaims] = {}
        self.admissions: dict[IslandId, dict[bytes, AdmissionClaims]] = {}
        self.admitted: dict[IslandId, AdmissionClaims] = {}
        self.certifications: dict[IslandId, dict[bytes, CertificationClaims]] = {}
        self.vouches: dict[IslandId, dict[bytes, VouchClaims]] = {}
        self.groups: dict[tuple[str, str], dict[bytes, GroupTrustClaims]] = {}
        self.revoked: set[PublicKey] = set()
        self.weighing: Counter[PublicKey] = Counter()

    def waiting(self) -> int:
        """Return how many islands speak that the owner has not admitted."""
        return len(self.speaking.keys() - self.admitted.keys())

    def put(self, key: bytes, claims: Claims) -> None:
        """Let a statement count."""
        subject = claims.header.subject
        island = island_id(subject)
        match claims:
            case SelfClaims():
                self.speaking[island] = claims
                self.keys[island] = subject
            case AdmissionClaims():
                self.admissions.setdefault(island, {})[key] = claims
                self.keys[island] = subject
                self._combine(island)
            case RevocationClaims():
                self.revoked.add(subject)
                self.keys[island] = subject
            case GroupTrustClaims():
                self.groups.setdefault((claims.from_group, claims.to_group), {})[key] = claims
            case CertificationClaims():
                self.certifications.setdefault(island, {})[key] = claims
                self.weighing[claims.header.issuer] += 1
            case VouchClaims():
                self.vouches.setdefault(island, {})[key] = claims
                self.weighing[claims.header.issuer] += 1
            case FreshnessClaims():
                pass

    def take(self, key: bytes, claims: Claims) -> None:
        """Let a statement count no more. A revocation counts for ever."""
        subject = claims.header.subject
        island = island_id(subject)
        match claims:
            case SelfClaims():
                del self.speaking[island]
                if island not in self.admissions and subject not in self.revoked:
                    del self.keys[island]
            case AdmissionClaims():
                _remove(self.admissions, island, key)
                self._combine(island)
            case GroupTrustClaims():
                _remove(self.groups, (claims.from_group, claims.to_group), key)
            case CertificationClaims():
                _remove(self.certifications, island, key)
                self._weighs_less(claims.header.issuer)
            case VouchClaims():
                _remove(self.vouches, island, key)
                self._weighs_less(claims.header.issuer)
            case RevocationClaims() | FreshnessClaims():
                pass

    def _combine(self, island: IslandId) -> None:
        combined = authority.combine(self.admissions.get(island, {}).values())
        if combined is None:
            self.admitted.pop(island, None)
        else:
            self.admitted[island] = combined

    def _weighs_less(self, issuer: PublicKey) -> None:
        self.weighing[issuer] -= 1
        if not self.weighing[issuer]:
            del self.weighing[issuer]


def _remove(table: dict[Name, dict[bytes, Content]], name: Name, key: bytes) -> None:
    del table[name][key]
    if not table[name]:
        del table[name]
