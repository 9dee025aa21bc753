"""Compare candidates by four objectives at once, in whole numbers.

Each objective is scaled over the candidates. The augmented weighted Chebyshev sum (Steuer and Choo
1983) turns four figures into one: a candidate is as bad as its worst weighted objective, plus a
small share of all of them. The least total, ties broken by the figures themselves, is always on
the Pareto front: whoever dominates has no higher total and comes first. So the front need not be
built, which for thousands of islands would take their number squared.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from islandrun.agents.columns import Figures, sealed
from islandrun.agents.policy import PROFILES_MAX, Weights
from islandrun.vocabulary import PPM_MAX

FULL_SPANS: Final = (1_000, 1_000, 300_000, 800_000)
"""The least difference that counts fully: 0.1 cent, 1 second, 0.3 of exposure, 0.8 of quality.

Candidates that differ by less are scaled by this span, so that a difference nobody notices does
not decide.
"""

AUGMENTATION_DIVISOR: Final = 20
"""The sum of all weighted objectives counts 1/20 beside the worst one."""

_SPANS: Final[Figures] = np.array(FULL_SPANS, dtype=np.int64)[:, None]
_ROWS: Final[Figures] = np.arange(len(FULL_SPANS))[:, None]


class Scale(NamedTuple):
    """What each objective counts from and by: the least of the candidates, and how far they lie apart."""

    lows: Figures
    spans: Figures

    def normalise(self, vector: list[int]) -> tuple[int, ...]:
        """Scale the figures of one candidate to 0 (best) .. 1,000,000; what is equal for all becomes 0."""
        figures = zip(vector, self.lows.tolist(), self.spans.tolist(), strict=True)
        return tuple([(value - low) * PPM_MAX // span for value, (low,), (span,) in figures])


def scale_of(scores: Figures) -> Scale:
    """Find the scale of candidates: a row for each `Objective`, a column for each candidate, at least one."""
    lows = scores[_ROWS, scores.argmin(axis=1, keepdims=True)]
    spans = scores[_ROWS, scores.argmax(axis=1, keepdims=True)]
    spans -= lows
    return Scale(lows, np.maximum(spans, _SPANS, out=spans))


def totals_ppm(scores: Figures, scale: Scale, weights: Weights) -> Figures:
    """Make one figure of four, 0 (best) to 1,200,000: augmented weighted Chebyshev."""
    weighted = scores - scale.lows
    weighted *= _shares_ppm(weights)
    weighted //= scale.spans
    totals: Figures = np.add.reduce(weighted, axis=0)
    totals //= AUGMENTATION_DIVISOR
    totals += np.maximum.reduce(weighted, axis=0)
    return totals


@lru_cache(maxsize=PROFILES_MAX)
def _shares_ppm(weights: Weights) -> Figures:
    """Return each weight as a share of the heaviest."""
    parts = (weights.cost, weights.latency, weights.exposure, weights.quality)
    shares = [[part * PPM_MAX // max(parts)] for part in parts]
    return sealed(np.array(shares, dtype=np.int64))


def least(places: Figures, columns: Iterable[Figures]) -> int:
    """Return the one of these places that is least in the first column, of equals in the next, and so on.

    Of those that are equal in all, the first.
    """
    for column in columns:
        if len(places) == 1:
            break
        values = column[places]
        places = places[values == values[values.argmin()]]
    return int(places[0])
