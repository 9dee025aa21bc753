"""The owner's statements as a set: the same set gives the same state, in whatever order it arrived.

* A revocation wins over every admission, earlier or later, and for good: that key never comes back.
* An admission in the same slot with a higher sequence replaces the one before it (a renewal).
* Admissions in other slots can only lower: the farther tier, the lower ceiling, the common jurisdictions.
* Of two statements on the trust between two groups, the newer one holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from islandrun.trust.claims import AdmissionClaims, Claims, GroupTrustClaims, RevocationClaims
from islandrun.vocabulary import PPM_MAX, Ppm, PublicKey

GROUP_TRUST_DEFAULT: Final = Ppm(800_000)
"""Between two groups of one owner about which the owner has said nothing."""


def revoked_keys(statements: Iterable[Claims]) -> frozenset[PublicKey]:
    """Return the keys that the owner revoked."""
    return frozenset(claims.island for claims in statements if isinstance(claims, RevocationClaims))


def combine(admissions: Iterable[AdmissionClaims]) -> AdmissionClaims | None:
    """Return the one admission that several slots amount to, or None without any.

    Header and certificate are those of the newest.
    """
    ordered = sorted(admissions, key=lambda claims: (claims.header.version, claims.header.slot))
    if not ordered:
        return None
    newest = ordered[-1]
    bound = [set(claims.jurisdictions) for claims in ordered if claims.jurisdictions]
    return replace(
        newest,
        tier=max(claims.tier for claims in ordered),
        trust_ceiling_ppm=min(claims.trust_ceiling_ppm for claims in ordered),
        jurisdictions=tuple(sorted(set.intersection(*bound))) if bound else (),
    )


def group_trust(statements: Iterable[Claims], from_group: str, to_group: str) -> Ppm:
    """Return how far `from_group` trusts `to_group`."""
    stated = [
        claims
        for claims in statements
        if isinstance(claims, GroupTrustClaims)
        and (claims.from_group, claims.to_group) == (from_group, to_group)
    ]
    if stated:
        return max(stated, key=lambda claims: (claims.header.version, -claims.trust_ppm)).trust_ppm
    return PPM_MAX if from_group == to_group else GROUP_TRUST_DEFAULT
