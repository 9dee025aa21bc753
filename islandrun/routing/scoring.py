"""Compare candidates by four objectives at once, in whole numbers.

Each objective is scaled over the candidates. The augmented weighted Chebyshev sum (Steuer and Choo
1983) turns four figures into one: a candidate is as bad as its worst weighted objective, plus a
small share of all of them. The least total, ties broken by the figures themselves, is always on
the Pareto front: whoever dominates has no higher total and comes first. So the front need not be
built, which for thousands of islands would take their number squared.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from islandrun.agents.columns import Figures
from islandrun.agents.policy import Weights
from islandrun.vocabulary import PPM_MAX

FULL_SPANS: Final = (1_000, 1_000, 300_000, 800_000)
"""The least difference that counts fully: 0.1 cent, 1 second, 0.3 of exposure, 0.8 of quality.

Candidates that differ by less are scaled by this span, so that a difference nobody notices does
not decide.
"""

AUGMENTATION_DIVISOR: Final = 20
"""The sum of all weighted objectives counts 1/20 beside the worst one."""

_SPANS: Final[Figures] = np.array(FULL_SPANS, dtype=np.int64)


def normalise(scores: Figures) -> Figures:
    """Scale each objective over the candidates to 0 (best) .. 1,000,000; equal values become 0.

    `scores` has a row for each `Objective` and a column for each candidate, of which there is one at least.
    """
    lows = np.minimum.reduce(scores, axis=1)
    spans = np.maximum.reduce(scores, axis=1)
    spans -= lows
    np.maximum(spans, _SPANS, out=spans)
    scaled: Figures = scores - lows[:, None]
    scaled *= PPM_MAX
    scaled //= spans[:, None]
    return scaled


def totals_ppm(scaled: Figures, weights: Weights) -> Figures:
    """Make one figure of four, 0 (best) to 1,200,000: augmented weighted Chebyshev."""
    parts = (weights.cost, weights.latency, weights.exposure, weights.quality)
    weighted = scaled * np.array(parts, dtype=np.int64)[:, None]
    totals: Figures = np.add.reduce(weighted, axis=0)
    totals //= AUGMENTATION_DIVISOR
    totals += np.maximum.reduce(weighted, axis=0)
    totals //= max(parts)
    return totals


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
