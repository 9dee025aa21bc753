"""What is news, and what of it to tell in this round.

News is a place in the ledger, not a statement: what is sent is the newest of that place, so a newer
statement replaces an older one that still waits. Revocations and proofs go before all else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Final

from islandrun.mesh import pace
from islandrun.trust.claims import AdmissionClaims, Claims, Removal
from islandrun.wire.limits import RECORDS_PER_PUSH_MAX

URGENT: Final = 0
_RANK_OF_KIND: Final = {"authority": 0, "admission": 1, "self": 2, "certification": 3, "vouch": 3}


def urgency(claims: Claims) -> int:
    """Return 0 for what takes trust away, 1 for what grants it, 2 for the rest."""
    if isinstance(claims, Removal):
        return URGENT
    return 1 if isinstance(claims, AdmissionClaims) or claims.kind == "authority" else 2


def rank_of_kind(kind: str) -> int:
    """Return the order in which statements are taken in and sent: authority, admissions, then the rest."""
    return _RANK_OF_KIND.get(kind, len(_RANK_OF_KIND))


def sends(members: int) -> int:
    """Return how often a piece of news is pushed in a mesh of so many members."""
    return pace.SENDS_FACTOR * math.ceil(math.log10(max(1, members) + 1))


class News:
    """The places that changed lately. Bounded: when it is full, the least urgent and most told goes."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: bytes, rank: int, members: int) -> None:
        """Take in a place that changed; `rank` as `urgency` says."""
        self._waiting[key] = (rank, -sends(members))
        if len(self._waiting) > pace.NEWS_MAX:
            del self._waiting[max(self._waiting, key=self._order)]

    def choose(self, size_bytes: Callable[[bytes], int], urgent_only: bool = False) -> tuple[bytes, ...]:
        """Return the places to tell now, most urgent first and within the limits of one push."""
        keys = sorted(self._waiting, key=self._order)
        if urgent_only:
            keys = [key for key in keys if self._waiting[key][0] == URGENT]
        return fit(keys, size_bytes)

    def told(self, keys: Iterable[bytes], targets: int) -> None:
        """Note that these places were told to so many members; what was told often enough is dropped."""
        for key in keys:
            rank, left = self._waiting[key]
            if left + targets < 0:
                self._waiting[key] = (rank, left + targets)
            else:
                del self._waiting[key]

    def drop(self, keys: Iterable[bytes]) -> None:
        """Note that these places need no more telling."""
        for key in keys:
            self._waiting.pop(key, None)

    def _order(self, key: bytes) -> tuple[int, int, bytes]:
        rank, left = self._waiting[key]
        return rank, left, key


def fit(keys: Iterable[bytes], size_bytes: Callable[[bytes], int]) -> tuple[bytes, ...]:
    """Return as many keys, from the first, as one push can carry."""
    chosen: list[bytes] = []
    room = pace.PUSH_BYTES_MAX
    for key in keys:
        room -= size_bytes(key)
        if room < 0 or len(chosen) == RECORDS_PER_PUSH_MAX:
            break
        chosen.append(key)
    return tuple(chosen)
