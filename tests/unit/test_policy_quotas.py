"""How much each key may ask: evenly through the minute, by the day, and at one time."""

from __future__ import annotations

import pytest

from islandrun.errors import QuotaSpent
from islandrun.routing.quotas import CALLERS_MAX, DAY_MS, Quota, Quotas, quota_of
from islandrun.vocabulary import Instant


def at(seconds: float, day: int = 100) -> Instant:
    return Instant(seconds, day * DAY_MS + int(seconds * 1000))


def refused(quotas: Quotas, quota: Quota, now: Instant) -> int:
    with pytest.raises(QuotaSpent) as caught:
        quotas.enter("key:a", quota, now)
    return caught.value.retry_after_seconds


def test_a_minute_holds_so_many_requests_and_fills_evenly() -> None:
    quotas, quota = Quotas(), Quota(requests_per_minute=6)
    for _ in range(6):
        quotas.enter("key:a", quota, at(1_000.0))
    assert refused(quotas, quota, at(1_000.0)) == 10
    assert refused(quotas, quota, at(1_009.0)) == 1
    quotas.enter("key:a", quota, at(1_010.0))
    assert refused(quotas, quota, at(1_010.0)) == 10
    quotas.enter("key:b", quota, at(1_010.0))


def test_nobody_saves_up_more_than_one_minute() -> None:
    quotas, quota = Quotas(), Quota(requests_per_minute=2)
    quotas.enter("key:a", quota, at(0.0))
    for _ in range(2):
        quotas.enter("key:a", quota, at(50_000.0))
    refused(quotas, quota, at(50_000.0))


def test_what_was_refused_counts_nothing() -> None:
    quotas, quota = Quotas(), Quota(requests_per_minute=1, running_max=1)
    quotas.enter("key:a", quota, at(1_000.0))
    for second in range(60):
        refused(quotas, quota, at(1_000.0 + second))
    quotas.leave("key:a", 0, at(1_060.0))
    quotas.enter("key:a", quota, at(1_060.0))


def test_the_tokens_of_a_day_end_with_it() -> None:
    quotas, quota = Quotas(), Quota(tokens_per_day=100)
    quotas.enter("key:a", quota, at(10.0))
    quotas.leave("key:a", 100, at(20.0))
    assert refused(quotas, quota, at(86_000.0)) == 400
    quotas.enter("key:a", quota, at(0.0, day=101))


def test_so_many_run_at_one_time() -> None:
    quotas, quota = Quotas(), Quota(running_max=2)
    quotas.enter("key:a", quota, at(0.0))
    quotas.enter("key:a", quota, at(0.0))
    assert refused(quotas, quota, at(0.0)) == 1
    quotas.leave("key:a", 1, at(1.0))
    quotas.enter("key:a", quota, at(1.0))


def test_a_bound_that_was_lowered_counts_at_once() -> None:
    quotas = Quotas()
    quotas.enter("key:a", Quota(requests_per_minute=100), at(0.0))
    quotas.enter("key:a", Quota(requests_per_minute=1), at(0.0))
    refused(quotas, Quota(requests_per_minute=1), at(0.0))


def test_the_stricter_of_a_keys_own_bounds_and_everybodys_counts() -> None:
    quotas = {"*": Quota(10, 1_000, None), "a": Quota(20, None, 2)}
    assert quota_of(quotas, "a") == Quota(10, 1_000, 2)
    assert quota_of(quotas, "b") == Quota(10, 1_000, None)
    assert quota_of({}, "b") == Quota()


def test_the_table_of_callers_is_bounded_and_forgets_who_is_idle() -> None:
    quotas, quota = Quotas(), Quota(running_max=1)
    for number in range(CALLERS_MAX):
        quotas.enter(f"key:{number}", quota, at(0.0))
    refused(quotas, quota, at(0.0))
    quotas.leave("key:7", 0, at(0.0))
    quotas.enter("key:a", quota, at(0.0))
    assert len(quotas._uses) == CALLERS_MAX
