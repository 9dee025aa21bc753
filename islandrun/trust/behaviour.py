"""What this node saw an island do, as a cautious estimate of what it will do next.

Good and bad observations decay, bad ones four times slower; the estimate is the lower 5 % quantile of a
Beta distribution, so that few observations count little and one betrayal counts much. The owner's admission
counts as `PRIOR_GOOD` good observations: an island without bad ones is not held back. Slowness alone is
tolerated once and never costs more than a step: it says little about who keeps a secret.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from islandrun.vocabulary import PPM_MAX, Ppm

PRIOR_GOOD: Final = 20.0
GOOD_MAX: Final = 200.0
BAD_MAX: Final = 10_000.0
BAD_TOLERATED: Final = 1.0
"""So much bad costs nothing: one slow answer a month, and what is left of a betrayal after half a year."""

SLOW_BAD_MAX: Final = 2.0
"""Slow answers alone add up to this and no further: it keeps the trust that restricted requests need."""

GOOD_HALF_LIFE_MS: Final = 7 * 24 * 3600 * 1000
BAD_HALF_LIFE_MS: Final = 30 * 24 * 3600 * 1000
_QUANTILE: Final = 0.05
_BAD_NEGLIGIBLE: Final = 1e-3


class Event(StrEnum):
    """What an island was seen to do."""

    ANSWERED = "answered"
    TIMED_OUT = "timed out"
    LIED_ABOUT_CAPABILITY = "lied about a capability"
    VIOLATED_PROTOCOL = "violated the protocol"
    FORGED = "passed on a statement with a false signature"
    REWROTE_RECEIPTS = "showed two logs of receipts that contradict each other"


WEIGHTS: Final[Mapping[Event, float]] = {
    Event.ANSWERED: 0.0,
    Event.TIMED_OUT: 1.0,
    Event.LIED_ABOUT_CAPABILITY: 10.0,
    Event.VIOLATED_PROTOCOL: 20.0,
    Event.FORGED: 20.0,
    Event.REWROTE_RECEIPTS: 20.0,
}
"""How much a bad observation counts."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Decayed counts of good and bad observations, as they were at `at_ms`."""

    good: float = 0.0
    bad: float = 0.0
    at_ms: int = 0


def observe(behaviour: Behaviour, event: Event, now_ms: int) -> Behaviour:
    """Return the behaviour after one more observation."""
    past = _decayed(behaviour, now_ms)
    good = past.good + (1.0 if event is Event.ANSWERED else 0.0)
    bad_max = max(past.bad, SLOW_BAD_MAX) if event is Event.TIMED_OUT else BAD_MAX
    return Behaviour(min(good, GOOD_MAX), min(past.bad + WEIGHTS[event], bad_max), past.at_ms)


def combined(behaviours: Iterable[Behaviour], now_ms: int) -> Behaviour:
    """Return the counts of one island that was observed under several keys."""
    worth = [_decayed(behaviour, now_ms) for behaviour in behaviours]
    return Behaviour(
        min(sum(one.good for one in worth), GOOD_MAX),
        min(sum(one.bad for one in worth), BAD_MAX),
        max((one.at_ms for one in worth), default=0),
    )


def behaviour_ppm(behaviour: Behaviour, now_ms: int) -> Ppm:
    """Return the cautious estimate: 1,000,000 up to `BAD_TOLERATED` bad observations, towards 0 with many.

    Counts that cannot be (negative, not finite) give 0.
    """
    if not (0.0 <= behaviour.good < math.inf and 0.0 <= behaviour.bad < math.inf):
        return Ppm(0)
    seen = _decayed(behaviour, now_ms)
    bad = seen.bad - BAD_TOLERATED
    if bad < _BAD_NEGLIGIBLE:
        return PPM_MAX
    return Ppm(math.floor(beta_quantile(_QUANTILE, 1.0 + PRIOR_GOOD + seen.good, bad) * PPM_MAX))


def beta_quantile(share: float, a: float, b: float) -> float:
    """Return x with I_x(a, b) = share, by bisection to 1e-9."""
    low, high = 0.0, 1.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        if beta_cdf(middle, a, b) < share:
            low = middle
        else:
            high = middle
    return low


def beta_cdf(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b) (Numerical Recipes, section 6.4)."""
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _continued_fraction(x, a, b) / a
    return 1.0 - front * _continued_fraction(1.0 - x, b, a) / b


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Evaluate the fraction of the incomplete beta function by Lentz's method."""
    tiny = 1e-300
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > tiny else tiny)
    result = d
    for step in range(1, 500):
        even = step * (b - step) * x / ((a + 2 * step - 1.0) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1.0))
        for term in (even, odd):
            d = 1.0 + term * d
            c = 1.0 + term / c
            d = 1.0 / (d if abs(d) > tiny else tiny)
            c = c if abs(c) > tiny else tiny
            result *= d * c
        if abs(d * c - 1.0) < 1e-12:
            break
    return result


def _decayed(behaviour: Behaviour, now_ms: int) -> Behaviour:
    """Return the counts as they are worth now; a clock that ran backwards decays nothing."""
    elapsed = max(0, now_ms - behaviour.at_ms)
    return Behaviour(
        behaviour.good * 0.5 ** (elapsed / GOOD_HALF_LIFE_MS),
        behaviour.bad * 0.5 ** (elapsed / BAD_HALF_LIFE_MS),
        max(now_ms, behaviour.at_ms),
    )
