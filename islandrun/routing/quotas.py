"""How much each caller may ask: requests a minute, requests at one time, tokens a day.

A bucket holds as many requests as a minute allows and fills evenly, so nobody gets a double share at the turn
of a minute. Days are those of UTC. Counts are kept in memory: a restart begins them anew.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from islandrun.errors import QuotaSpent
from islandrun.vocabulary import Instant

EVERYBODY: Final = "*"
"""The name of the quota that counts for each key, beside the key's own."""

CALLERS_MAX: Final = 1_024
MINUTE_SECONDS: Final = 60
DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Quota:
    """The most that one caller may ask; None: no bound."""

    requests_per_minute: int | None = None
    tokens_per_day: int | None = None
    running_max: int | None = None

    def stricter(self, other: Quota) -> Quota:
        """Return the lower of both bounds in each place."""
        return Quota(
            _lower(self.requests_per_minute, other.requests_per_minute),
            _lower(self.tokens_per_day, other.tokens_per_day),
            _lower(self.running_max, other.running_max),
        )


NO_QUOTA: Final = Quota()


@dataclass(slots=True)
class _Use:
    """What one caller has used: the bucket of requests, what runs, and the tokens of a day."""

    left: float = math.inf
    filled_seconds: float = 0.0
    running: int = 0
    day: int = 0
    tokens: int = 0


@dataclass(slots=True)
class Quotas:
    """What every caller has used. Single-threaded; `now` never runs backwards."""

    _uses: dict[str, _Use] = field(default_factory=dict)

    def enter(self, caller: str, quota: Quota, now: Instant) -> None:
        """Begin a request. Raises `QuotaSpent`, which says when to come again, and counts nothing then."""
        use = self._of(caller)
        _fill(use, quota, now)
        if quota.running_max is not None and use.running >= quota.running_max:
            raise QuotaSpent(f"{use.running} requests of this key run already, of {quota.running_max}", 1)
        if quota.tokens_per_day is not None and use.tokens >= quota.tokens_per_day:
            rest = math.ceil((DAY_MS - now.wall_ms % DAY_MS) / 1000)
            raise QuotaSpent(f"this key has used its {quota.tokens_per_day} tokens of the day", rest)
        if quota.requests_per_minute is not None:
            if use.left < 1:
                wait = math.ceil((1 - use.left) * MINUTE_SECONDS / quota.requests_per_minute)
                raise QuotaSpent(f"this key may ask {quota.requests_per_minute} times a minute", max(wait, 1))
            use.left -= 1
        use.running += 1

    def leave(self, caller: str, tokens: int, now: Instant) -> None:
        """End a request that was let in, and count its tokens, those in and those out."""
        use = self._of(caller)
        use.running = max(use.running - 1, 0)
        _begin_day(use, now)
        use.tokens += max(tokens, 0)

    def _of(self, caller: str) -> _Use:
        if caller not in self._uses:
            if len(self._uses) >= CALLERS_MAX:
                idle = next((name for name, use in self._uses.items() if not use.running), None)
                if idle is None:
                    raise QuotaSpent(f"{CALLERS_MAX} callers ask at one time already", 1)
                del self._uses[idle]
            self._uses[caller] = _Use()
        return self._uses[caller]


def quota_of(quotas: Mapping[str, Quota], name: str) -> Quota:
    """Return what counts for a key: its own bounds and those of everybody, the stricter of both."""
    return quotas.get(name, NO_QUOTA).stricter(quotas.get(EVERYBODY, NO_QUOTA))


def _fill(use: _Use, quota: Quota, now: Instant) -> None:
    _begin_day(use, now)
    if quota.requests_per_minute is None:
        use.left = math.inf
    else:
        seconds = max(now.seconds - use.filled_seconds, 0.0)
        gained = seconds * quota.requests_per_minute / MINUTE_SECONDS
        use.left = min(use.left + gained, float(quota.requests_per_minute))
    use.filled_seconds = now.seconds


def _begin_day(use: _Use, now: Instant) -> None:
    day = now.wall_ms // DAY_MS
    if day != use.day:
        use.day, use.tokens = day, 0


def _lower(one: int | None, other: int | None) -> int | None:
    return min((bound for bound in (one, other) if bound is not None), default=None)
