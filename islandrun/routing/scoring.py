"""Compare candidates by four objectives at once, in whole numbers.

Each objective is scaled over the candidates. The augmented weighted Chebyshev sum (Steuer and Choo
1983) turns four figures into one: a candidate is as bad as its worst weighted objective, plus a
small share of all of them. The least total, ties broken by the figures themselves, is always on
the Pareto front: whoever dominates has no higher total and comes first. So the front need not be
built, which for thousands of islands would take their number squared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from islandrun.agents.agent import Objective
from islandrun.agents.policy import Weights
from islandrun.vocabulary import PPM_MAX

Vector = tuple[int, int, int, int]
"""Values in the order of `Objective`; lower is better."""

FULL_SPANS: Final[Vector] = (1_000, 1_000, 300_000, 800_000)
"""The least difference that counts fully: 0.1 cent, 1 second, 0.3 of exposure, 0.8 of quality.

Candidates that differ by less are scaled by this span, so that a difference nobody notices does
not decide.
"""

AUGMENTATION_DIVISOR: Final = 20
"""The sum of all weighted objectives counts 1/20 beside the worst one."""


def normalise(vectors: Sequence[Vector]) -> tuple[Vector, ...]:
    """Scale each objective over the candidates to 0 (best) .. 1,000,000; equal values become 0."""
    lows, spans = [], []
    for objective in Objective:
        column = [vector[objective] for vector in vectors]
        lows.append(min(column))
        spans.append(max(max(column) - min(column), FULL_SPANS[objective]))
    low_a, low_b, low_c, low_d = lows
    span_a, span_b, span_c, span_d = spans
    return tuple(
        (
            (a - low_a) * PPM_MAX // span_a,
            (b - low_b) * PPM_MAX // span_b,
            (c - low_c) * PPM_MAX // span_c,
            (d - low_d) * PPM_MAX // span_d,
        )
        for a, b, c, d in vectors
    )


def is_dominated(vector: Vector, by: Vector) -> bool:
    """Say whether `by` is nowhere worse than `vector` and somewhere better."""
    return (
        by[0] <= vector[0]
        and by[1] <= vector[1]
        and by[2] <= vector[2]
        and by[3] <= vector[3]
        and by != vector
    )


def total_ppm(normalised: Vector, weights: Weights) -> int:
    """Make one figure of four, 0 (best) to 1,200,000: augmented weighted Chebyshev."""
    a = normalised[Objective.COST_MICROUSD] * weights.cost
    b = normalised[Objective.LATENCY_MS] * weights.latency
    c = normalised[Objective.EXPOSURE_PPM] * weights.exposure
    d = normalised[Objective.QUALITY_LOSS_PPM] * weights.quality
    heaviest = max(weights.cost, weights.latency, weights.exposure, weights.quality)
    return (max(a, b, c, d) + (a + b + c + d) // AUGMENTATION_DIVISOR) // heaviest
