"""Which islands are gone, and which key goes on where an island changed its key.

Only the owner revokes an island; what an admitter takes back is its own admission (see `admitters`). A
succession counts as a revocation of the old key, for good; the new key inherits as long as whoever approved
it is an authority, the old key was given one successor alone, and the owner did not revoke it beside.
Revoking an island thus takes whoever succeeded it, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from islandrun.trust.admitters import Admitters
from islandrun.trust.claims import RevocationClaims, SuccessorClaims
from islandrun.vocabulary import PublicKey
from islandrun.wire.limits import SUCCESSIONS_MAX


class Lineage:
    """Revocations and successions by island."""

    def __init__(self, owner: PublicKey, admitters: Admitters) -> None:
        self._owner = owner
        self._admitters = admitters
        self._taken: set[PublicKey] = set()
        self._successions: dict[PublicKey, dict[PublicKey, set[PublicKey]]] = {}
        self._predecessors: dict[PublicKey, set[PublicKey]] = {}
        self._approved: Counter[PublicKey] = Counter()
        self._fresh: list[PublicKey] = []
        self.revoked: set[PublicKey] = set()

    def revoke(self, claims: RevocationClaims) -> None:
        """Take in a revocation by the owner, for ever."""
        self._taken.add(claims.island)
        self.settle(claims.island)

    def succeed(self, claims: SuccessorClaims) -> None:
        """Take in a succession, for ever."""
        issuer = claims.header.issuer
        heirs = self._successions.setdefault(claims.old, {})
        self._approved[issuer] += issuer not in heirs.get(claims.new, ())
        heirs.setdefault(claims.new, set()).add(issuer)
        self._predecessors.setdefault(claims.new, set()).add(claims.old)
        self.settle(claims.old)

    def settle(self, island: PublicKey) -> None:
        """Find anew whether an island is gone: its revokers may have become authorities."""
        if island not in self.revoked and (island in self._taken or self._heirs(island)):
            self.revoked.add(island)
            self._fresh.append(island)

    def take_fresh(self) -> tuple[PublicKey, ...]:
        """Return the islands that are gone since the last call."""
        fresh = tuple(self._fresh)
        self._fresh.clear()
        return fresh

    def is_named(self, island: PublicKey) -> bool:
        """Say whether a revocation or a succession speaks of an island."""
        return island in self._taken or island in self._successions or island in self._predecessors

    def descendants(self, island: PublicKey) -> tuple[PublicKey, ...]:
        """Return every key that may inherit from this one, over however many steps, nearest first."""
        return _walk(island, lambda key: self._successions.get(key, ()))

    def ancestors(self, island: PublicKey) -> tuple[PublicKey, ...]:
        """Return every key from which this one inherits, over however many steps, nearest first."""
        return _walk(island, self._bequeathing)

    def successions(self, issuer: PublicKey) -> int:
        """Return how many successions a key approved."""
        return self._approved[issuer]

    def _bequeathing(self, new: PublicKey) -> list[PublicKey]:
        return [old for old in self._predecessors.get(new, ()) if self._inherits(old, new)]

    def _inherits(self, old: PublicKey, new: PublicKey) -> bool:
        if old in self._taken or self._heirs(old) != {new}:
            return False
        approvers = self._successions[old][new]
        return any(key == self._owner or self._admitters.is_good(key) for key in approvers)

    def _heirs(self, old: PublicKey) -> set[PublicKey]:
        """Return the successors of a key that an authority approved, whatever became of that authority."""
        heirs = self._successions.get(old, {})
        return {new for new, approvers in heirs.items() if any(map(self._is_authority, approvers))}

    def _is_authority(self, key: PublicKey) -> bool:
        return key == self._owner or self._admitters.is_known(key)


def _walk(start: PublicKey, next_to: Callable[[PublicKey], Iterable[PublicKey]]) -> tuple[PublicKey, ...]:
    """Return what can be reached, each key once and in a fixed order; no way is followed too far."""
    found: dict[PublicKey, None] = {start: None}
    edge = [start]
    for _ in range(SUCCESSIONS_MAX):
        edge = sorted({key for reached in edge for key in next_to(reached)} - found.keys())
        if not edge:
            break
        found.update(dict.fromkeys(edge))
    return tuple(found)[1:]
