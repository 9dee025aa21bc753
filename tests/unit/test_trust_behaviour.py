"""Observed behaviour: the incomplete beta function against exact values, and how counts grow and decay."""

import math
from fractions import Fraction

import pytest

from islandrun.trust.behaviour import (
    BAD_HALF_LIFE_MS,
    BAD_MAX,
    GOOD_HALF_LIFE_MS,
    GOOD_MAX,
    PRIOR_GOOD,
    SLOW_BAD_MAX,
    Behaviour,
    Event,
    behaviour_ppm,
    beta_cdf,
    beta_quantile,
    observe,
)
from islandrun.vocabulary import CLASS_FLOORS, SensitivityClass

DAY = 24 * 3600 * 1000
SHARES = (0.001, 0.05, 0.3, 0.5, 0.7, 0.95, 0.999)


def binomial_tail(x: Fraction, a: int, b: int) -> Fraction:
    """Return I_x(a, b) for whole a and b exactly: P(at least a successes in a + b - 1 trials)."""
    trials = a + b - 1
    return sum(
        (math.comb(trials, wins) * x**wins * (1 - x) ** (trials - wins) for wins in range(a, trials + 1)),
        Fraction(0),
    )


@pytest.mark.parametrize(("a", "b"), [(1, 1), (2, 3), (21, 1), (21, 20), (5, 90), (221, 3), (40, 200)])
def test_the_function_is_exact_for_whole_numbers(a: int, b: int) -> None:
    for numerator in (1, 3, 10, 25, 32, 45, 60, 63):
        x = Fraction(numerator, 64)
        assert beta_cdf(float(x), a, b) == pytest.approx(float(binomial_tail(x, a, b)), rel=1e-10, abs=1e-15)


def test_the_function_is_exact_where_it_has_a_closed_form() -> None:
    for x in SHARES:
        assert beta_cdf(x, 7.5, 1.0) == pytest.approx(x**7.5, rel=1e-12)
        assert beta_cdf(x, 1.0, 0.25) == pytest.approx(1 - (1 - x) ** 0.25, rel=1e-12)
        assert beta_cdf(x, 0.5, 0.5) == pytest.approx(2 / math.pi * math.asin(math.sqrt(x)), rel=1e-12)
        assert beta_cdf(x, 3.3, 8.1) == pytest.approx(1 - beta_cdf(1 - x, 8.1, 3.3), abs=1e-12)
    assert (beta_cdf(0.0, 2, 3), beta_cdf(1.0, 2, 3)) == (0.0, 1.0)


@pytest.mark.parametrize(("a", "b"), [(21, 1), (21, 20), (1.5, 0.3), (221, 10_000), (221, 0.001), (1, 1)])
def test_the_quantile_inverts_the_function(a: float, b: float) -> None:
    for share in SHARES[:-1]:
        found = beta_quantile(share, a, b)
        assert beta_cdf(found - 1e-8, a, b) <= share <= beta_cdf(found + 1e-8, a, b)
    assert beta_quantile(0.05, 21, 1) == pytest.approx(0.05 ** (1 / 21), abs=1e-8)


def test_nobody_without_a_bad_observation_is_held_back() -> None:
    assert behaviour_ppm(Behaviour(), 0) == 1_000_000
    assert behaviour_ppm(observe(Behaviour(), Event.ANSWERED, DAY), DAY) == 1_000_000


def test_worse_events_weigh_more() -> None:
    after = [behaviour_ppm(observe(Behaviour(), event, 0), 0) for event in Event]
    assert after == sorted(after, reverse=True)
    assert after[0] == after[1] == 1_000_000
    assert after[-1] == math.floor(beta_quantile(0.05, 1 + PRIOR_GOOD, 19.0) * 1_000_000) < 410_000


def test_slow_answers_alone_keep_the_trust_that_restricted_requests_need() -> None:
    slow = Behaviour()
    for hour in range(1000):
        slow = observe(slow, Event.TIMED_OUT, hour * 3_600_000)
    assert slow.bad <= SLOW_BAD_MAX
    lowest = behaviour_ppm(slow, slow.at_ms)
    assert lowest == math.floor(beta_quantile(0.05, 1 + PRIOR_GOOD, 1.0) * 1_000_000) == 867_054
    assert lowest > CLASS_FLOORS[SensitivityClass.RESTRICTED]
    assert observe(Behaviour(bad=30.0), Event.TIMED_OUT, 0).bad == 30.0
    assert observe(slow, Event.VIOLATED_PROTOCOL, slow.at_ms).bad == slow.bad + 20


def test_good_decays_within_a_week_and_bad_within_a_month() -> None:
    seen = Behaviour(100.0, 100.0, 0)
    week = observe(seen, Event.LIED_ABOUT_CAPABILITY, GOOD_HALF_LIFE_MS)
    assert week.good == pytest.approx(50.0)
    month = observe(seen, Event.ANSWERED, BAD_HALF_LIFE_MS)
    assert month.bad == pytest.approx(50.0)
    assert month.good < 1 + 100 * 0.5**4


def test_counts_are_bounded_and_a_clock_that_runs_backwards_decays_nothing() -> None:
    seen = Behaviour(at_ms=DAY)
    for _ in range(2 * int(GOOD_MAX)):
        seen = observe(seen, Event.ANSWERED, DAY)
    assert seen.good == GOOD_MAX
    assert observe(seen, Event.ANSWERED, 0) == seen
    assert observe(Behaviour(bad=BAD_MAX), Event.VIOLATED_PROTOCOL, 0).bad == BAD_MAX
    assert behaviour_ppm(Behaviour(GOOD_MAX, BAD_MAX, 0), 0) < 30_000


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0])
def test_counts_that_cannot_be_give_no_trust(bad: float) -> None:
    assert behaviour_ppm(Behaviour(0.0, bad, 0), 0) == 0
    assert behaviour_ppm(Behaviour(bad, 0.0, 0), 0) == 0
