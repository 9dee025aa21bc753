"""Learning how fast models are: quantiles within their bound, lines found again, outliers and growth held."""

from __future__ import annotations

import random

import pytest

from islandrun.agents.pace import DecayedLine, DecayedQuantiles, PaceBook, Timing
from islandrun.load import PACES_MAX


@pytest.mark.parametrize("scale", [1.0, 300.0, 50_000.0])
def test_quantiles_are_right_within_five_percent(scale: float) -> None:
    rng, quantiles = random.Random(3), DecayedQuantiles()
    for _ in range(3_000):
        quantiles.add(scale * (1 + 9 * rng.random()))
    assert quantiles.quantile(0.5) == pytest.approx(scale * 5.5, rel=0.25)
    assert quantiles.quantile(0.95) == pytest.approx(scale * 9.55, rel=0.10)


def test_one_figure_is_every_quantile() -> None:
    quantiles = DecayedQuantiles()
    assert quantiles.quantile(0.5) == 0
    quantiles.add(1_000)
    for share in (0.0, 0.5, 0.95, 1.0):
        assert quantiles.quantile(share) == pytest.approx(1_000, rel=0.05)


def test_old_figures_fade() -> None:
    quantiles = DecayedQuantiles()
    for figure in [100.0] * 1_000 + [1_000.0] * 50:
        quantiles.add(figure)
    assert quantiles.quantile(0.5) == pytest.approx(1_000, rel=0.05)
    assert quantiles.quantile(0.2) == pytest.approx(100, rel=0.05)


def test_weights_stay_finite_over_a_long_life() -> None:
    quantiles = DecayedQuantiles()
    for number in range(30_000):
        quantiles.add(200 if number % 2 else 400)
    assert quantiles.quantile(0.95) == pytest.approx(400, rel=0.05)


def test_a_line_is_found_again_and_neither_part_is_negative() -> None:
    rng, line = random.Random(5), DecayedLine()
    for _ in range(400):
        tokens = rng.randrange(10, 4_000)
        line.add(tokens, 80 + 0.05 * tokens + rng.uniform(-5, 5))
    at_zero, slope = line.fit()
    assert at_zero == pytest.approx(80, abs=5)
    assert slope == pytest.approx(0.05, rel=0.05)
    steep, falling = DecayedLine(), DecayedLine()
    for x in range(1, 50):
        steep.add(x, x * x)
        falling.add(x, 100 - x)
    assert steep.fit()[0] == 0.0
    assert falling.fit()[1] == 0.0


def test_equal_inputs_tell_no_slope() -> None:
    line = DecayedLine()
    assert line.fit() == (0.0, 0.0)
    for y in (10.0, 20.0):
        line.add(100, y)
    assert line.fit() == (pytest.approx(15, abs=0.2), 0.0)


def test_a_book_learns_prompt_length_and_company() -> None:
    rng, book = random.Random(7), PaceBook()
    for _ in range(300):
        n, beside = rng.randrange(50, 3_000), rng.randrange(4)
        book.add(Timing("m", n, beside, 100 + 0.2 * n, 20_000 + 5_000 * beside))
    (pace,) = book.paces()
    assert pace.samples == 300
    assert pace.base_ms == pytest.approx(100, abs=3)
    assert pace.prefill_ns == pytest.approx(200_000, rel=0.02)
    assert pace.token_us == pytest.approx(20_000, rel=0.02)
    assert pace.crowd_us == pytest.approx(5_000, rel=0.05)
    assert pace.first_token_p50_ms <= pace.first_token_p95_ms
    assert pace.token_p50_us <= pace.token_p95_us <= 40_000


def test_one_answer_of_an_hour_does_not_spoil_what_is_known() -> None:
    book = PaceBook()
    for _ in range(20):
        book.add(Timing("m", 100, 0, 200, 10_000))
    book.add(Timing("m", 100, 0, 3_600_000, 10_000))
    (pace,) = book.paces()
    assert pace.base_ms < 300


def test_a_book_holds_the_models_that_answered_last() -> None:
    book = PaceBook()
    for number in range(PACES_MAX + 3):
        book.add(Timing(f"m{number}", 1, 0, 1, None))
    book.add(Timing("m3", 1, 0, 1, None))
    names = [pace.model for pace in book.paces()]
    assert len(names) == PACES_MAX
    assert names[:2] == ["m3", f"m{PACES_MAX + 2}"]
    assert "m0" not in names
