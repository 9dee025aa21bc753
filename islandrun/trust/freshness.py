"""What an authority has taken away in all: a count and a hash, so that a hidden revocation is missed.

Removals are never dropped and never undone, so the set of them only grows. An authority states count and hash
every hour. Whoever holds less than that has been kept on an old view (the freeze attack of TUF).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from islandrun.trust.claims import Claims, FreshnessClaims, Removal
from islandrun.trust.records import key_of
from islandrun.vocabulary import PublicKey


def removals(said: Iterable[Claims], until_ms: int) -> tuple[bytes, int]:
    """Return SHA-256 over the sorted places of what one authority removed until then, and how many."""
    places = sorted(
        key_of(claims)
        for claims in said
        if isinstance(claims, Removal) and claims.header.issued_at_ms <= until_ms
    )
    return hashlib.sha256(b"".join(places)).digest(), len(places)


class Views:
    """How fresh what is held of each authority is. It only grows.

    `whole_at_ms` tells of each issuer when it stated something that all was held of at some time, `stated_by`
    who ever stated anything.
    """

    def __init__(self) -> None:
        self.whole_at_ms: dict[PublicKey, int] = {}
        self.stated_by: set[PublicKey] = set()

    def note(self, stated: Iterable[FreshnessClaims], said: Callable[[], Iterable[Claims]]) -> None:
        """Look at what one issuer states, beside all that it said."""
        for claims in stated:
            issuer, at_ms = claims.header.issuer, claims.header.issued_at_ms
            self.stated_by.add(issuer)
            is_news = at_ms > self.whole_at_ms.get(issuer, 0)
            if is_news and removals(said(), at_ms) == (claims.set_hash, claims.statements):
                self.whole_at_ms[issuer] = at_ms
