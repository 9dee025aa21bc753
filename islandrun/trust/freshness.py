"""What an authority has taken away in all: a count and a hash, so that a hidden revocation is missed.

Removals are never dropped and never undone, so the set of them only grows. An authority states count and hash
every hour. Whoever holds less than that has been kept on an old view (the freeze attack of TUF).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from islandrun.trust.claims import Claims, FreshnessClaims, Removal
from islandrun.trust.records import key_of


def removals(said: Iterable[Claims], until_ms: int) -> tuple[bytes, int]:
    """Return SHA-256 over the sorted places of what one authority removed until then, and how many."""
    places = sorted(
        key_of(claims)
        for claims in said
        if isinstance(claims, Removal) and claims.header.issued_at_ms <= until_ms
    )
    return hashlib.sha256(b"".join(places)).digest(), len(places)


def is_whole(stated: FreshnessClaims, said: Iterable[Claims]) -> bool:
    """Say whether what is held of an authority is all that it had taken away when it stated this."""
    return removals(said, stated.header.issued_at_ms) == (stated.set_hash, stated.statements)
