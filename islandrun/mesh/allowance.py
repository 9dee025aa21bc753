"""How much of each source is listened to: ten statements a second, a hundred at once, and what was asked for.

What is over is neither read nor held against its source: the next comparison of tables brings it.
"""

from __future__ import annotations

from dataclasses import dataclass

from islandrun.mesh import pace
from islandrun.vocabulary import IslandId
from islandrun.wire.limits import KEYS_PER_WANT_MAX


@dataclass(slots=True)
class _Bucket:
    """`left` grows with time; `asked_for` is what the source may send beside it, for a while, as we asked."""

    left: float
    at: float
    asked_for: int = 0
    asked_at: float = 0.0


class Allowances:
    """One bucket for each source, which is an admitted island. `now` is `Instant.seconds`."""

    def __init__(self) -> None:
        self._buckets: dict[IslandId, _Bucket] = {}

    def ask(self, source: IslandId, count: int, now: float) -> None:
        """Note that we asked a source for so many statements."""
        bucket = self._bucket(source, now)
        bucket.asked_for = min(KEYS_PER_WANT_MAX, bucket.asked_for + count)
        bucket.asked_at = now

    def has_asked(self, source: IslandId, now: float) -> bool:
        """Say whether the source still owes us something that we asked for."""
        return self._bucket(source, now).asked_for > 0

    def spend(self, source: IslandId, now: float, cost: float = 1.0) -> bool:
        """Take one statement, or one question of that cost, from the allowance; say whether it was left."""
        bucket = self._bucket(source, now)
        if cost == 1.0 and bucket.asked_for:
            bucket.asked_for -= 1
            return True
        if bucket.left < cost:
            return False
        bucket.left -= cost
        return True

    def forget_idle(self, now: float) -> None:
        """Drop the buckets that are as good as new."""
        for source in tuple(self._buckets):
            if self._bucket(source, now).left >= pace.RECORDS_BURST:
                del self._buckets[source]

    def _bucket(self, source: IslandId, now: float) -> _Bucket:
        bucket = self._buckets.get(source)
        if bucket is None:
            bucket = self._buckets[source] = _Bucket(pace.RECORDS_BURST, now)
        grown = bucket.left + (now - bucket.at) * pace.RECORDS_PER_SECOND
        bucket.left, bucket.at = min(pace.RECORDS_BURST, grown), now
        if now - bucket.asked_at > pace.ASKED_SECONDS_MAX:
            bucket.asked_for = 0
        return bucket
