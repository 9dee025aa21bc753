"""How fast models answer, learnt from their own answers; the recent ones count more.

Two kinds of memory, both of fixed size: a histogram in logarithmic buckets for quantiles, and the five sums
of a least-squares line. Each new answer weighs 1 and leaves `KEPT` of the weight of all before it: half of
what is remembered comes from the last 34 answers.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from islandrun.load import PACES_MAX, ModelPace

KEPT: Final = 0.98
BUCKET_RATIO: Final = 1.1
"""Neighbouring buckets differ by this factor, so a quantile is right within five percent."""

BUCKETS_MAX: Final = 224
"""Enough for 1 to 10^9: microseconds of a quarter of an hour."""

SAMPLES_MAX: Final = 1_000_000
OUTLIER_FACTOR: Final = 4.0
OUTLIER_SAMPLES_MIN: Final = 8
"""From so many answers on, what took over four times the 95th percentile counts as four times it."""

SPREAD_MIN: Final = 0.01
"""A slope is learnt only where the inputs differ: a hundredth of their mean square at least."""


class DecayedQuantiles:
    """Quantiles of positive figures, within five percent; old figures fade."""

    def __init__(self) -> None:
        self._weights = [0.0] * BUCKETS_MAX
        self._newest = 1.0
        self._total = 0.0

    def add(self, figure: float) -> None:
        """Take in a figure; below 1 counts as 1."""
        self._newest /= KEPT
        if self._newest > 1e100:
            self._weights = [weight / self._newest for weight in self._weights]
            self._total, self._newest = self._total / self._newest, 1.0
        self._weights[_bucket(figure)] += self._newest
        self._total += self._newest

    def quantile(self, share: float) -> float:
        """Return the figure below which this share of the weight lies; 0 when nothing came."""
        if not self._total:
            return 0.0
        left = share * self._total
        for bucket, weight in enumerate(self._weights):
            left -= weight
            if weight and left <= 1e-9 * self._total:
                return BUCKET_RATIO**bucket
        return BUCKET_RATIO ** max(bucket for bucket, weight in enumerate(self._weights) if weight)


class DecayedLine:
    """The line `at_zero + slope * x` nearest to points with x and y from 0 up; neither part is negative."""

    def __init__(self) -> None:
        self._weight = self._x = self._y = self._xx = self._xy = 0.0

    def add(self, x: float, y: float) -> None:
        """Take in a point."""
        self._weight = KEPT * self._weight + 1.0
        self._x = KEPT * self._x + x
        self._y = KEPT * self._y + y
        self._xx = KEPT * self._xx + x * x
        self._xy = KEPT * self._xy + x * y

    def fit(self) -> tuple[float, float]:
        """Return value at zero and slope; all is at zero while the points do not tell a slope."""
        if not self._weight:
            return 0.0, 0.0
        mean_x, mean_y, mean_xx = (part / self._weight for part in (self._x, self._y, self._xx))
        variance = mean_xx - mean_x * mean_x
        if variance <= SPREAD_MIN * mean_xx:
            return mean_y, 0.0
        slope = max(0.0, (self._xy / self._weight - mean_x * mean_y) / variance)
        at_zero = mean_y - slope * mean_x
        if at_zero >= 0:
            return at_zero, slope
        return 0.0, self._xy / self._xx


@dataclass(frozen=True, slots=True)
class Timing:
    """One answer as its engine gave it, from the moment when it had a place.

    `beside` counts the other requests that ran when it began; `token_us` is the time for each token after
    the first, None when it cannot be known.
    """

    model: str
    input_tokens: int
    beside: int
    first_token_ms: float
    token_us: float | None


class PaceBook:
    """What was learnt of the models of one island; the `PACES_MAX` that answered last."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, _Learnt] = OrderedDict()

    def add(self, timing: Timing) -> None:
        """Learn from one answer."""
        learnt = self._models.setdefault(timing.model, _Learnt())
        self._models.move_to_end(timing.model)
        if len(self._models) > PACES_MAX:
            self._models.popitem(last=False)
        learnt.add(timing)

    def paces(self) -> tuple[ModelPace, ...]:
        """Return what is known, the model that answered last first."""
        return tuple(learnt.pace(model) for model, learnt in reversed(self._models.items()))


class _Learnt:
    """Both memories of one model, for the first token and for those after it."""

    def __init__(self) -> None:
        self._samples = 0
        self._first_ms = DecayedQuantiles()
        self._first_line = DecayedLine()
        self._token_us = DecayedQuantiles()
        self._token_line = DecayedLine()
        self._pace: ModelPace | None = None

    def add(self, timing: Timing) -> None:
        self._pace = None
        first_ms = self._bounded(timing.first_token_ms, self._first_ms)
        self._first_ms.add(first_ms)
        self._first_line.add(timing.input_tokens, first_ms)
        if timing.token_us is not None:
            token_us = self._bounded(timing.token_us, self._token_us)
            self._token_us.add(token_us)
            self._token_line.add(timing.beside, token_us)
        self._samples = min(self._samples + 1, SAMPLES_MAX)

    def _bounded(self, figure: float, known: DecayedQuantiles) -> float:
        if self._samples < OUTLIER_SAMPLES_MIN or not (usual := known.quantile(0.95)):
            return figure
        return min(figure, OUTLIER_FACTOR * usual)

    def pace(self, model: str) -> ModelPace:
        """Return what was learnt; it is worked out once for each answer, however often it is asked for."""
        if self._pace is None:
            self._pace = self._worked_out(model)
        return self._pace

    def _worked_out(self, model: str) -> ModelPace:
        base_ms, prefill_ms = self._first_line.fit()
        token_us, crowd_us = self._token_line.fit()
        return ModelPace(
            model=model,
            samples=self._samples,
            first_token_p50_ms=round(self._first_ms.quantile(0.5)),
            first_token_p95_ms=round(self._first_ms.quantile(0.95)),
            token_p50_us=round(self._token_us.quantile(0.5)),
            token_p95_us=round(self._token_us.quantile(0.95)),
            base_ms=round(base_ms),
            prefill_ns=round(prefill_ms * 1_000_000),
            token_us=round(token_us),
            crowd_us=round(crowd_us),
        )


def _bucket(figure: float) -> int:
    return min(max(0, round(math.log(max(figure, 1.0), BUCKET_RATIO))), BUCKETS_MAX - 1)
