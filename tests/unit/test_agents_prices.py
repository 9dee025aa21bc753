"""What a request costs: bills, electricity, the worst case, prices that nobody knows, and the price table."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.agents import CostAgent, Objective
from islandrun.agents.agent import VetoReason, case_of
from islandrun.agents.budget import Purse, Span
from islandrun.agents.fleet import fleet_of
from islandrun.agents.policy import RoutingPolicy
from islandrun.agents.price_table import Price, PriceTable, find, priced
from islandrun.agents.prices import (
    bill_microusd,
    is_billed,
    power_microusd,
    work_hour_microusd,
    worst_bill_microusd,
)
from islandrun.agents.question import Question
from islandrun.agents.reckoning import TOKENS_EXACT_MAX, WORK_MS_MAX, WORK_TOKENS_MAX
from islandrun.privacy.sensitivity import Assessment
from islandrun.vocabulary import (
    Hints,
    Instant,
    IslandId,
    IslandView,
    Load,
    ModelOffer,
    Ppm,
    PublicKey,
    Reachability,
    Standing,
    Tier,
    TrustScore,
    Usage,
)

FREE = ModelOffer("small", 8_000, Ppm(400_000))
BIG = ModelOffer("big", 8_000, Ppm(700_000), 1_000_000, 2_000_000)
LOAD = Load(0, 0, 2, 500, 30_000)
CLOUD = IslandView(
    IslandId("c" * 52), PublicKey(b"c" * 32), "cloud", Tier.CLOUD, "", (), Standing.ADMITTED,
    Reachability.ALIVE, TrustScore(Ppm(400_000)), (BIG,), (), (), 2, LOAD, 0, 2_000, 2_000,
)  # fmt: skip


def asked(limit: int | None = None, hint: int | None = None, purse: Purse | None = None) -> Question:
    return Question(
        "r", Assessment((), (), Ppm(0), ()), "islandrun/auto", Hints(cost_max_microusd=hint), 100, 300,
        RoutingPolicy(cost_max_microusd=limit), Instant(0, 0), purse=purse or Purse(),
    )  # fmt: skip


def vetoes(question: Question, offer: ModelOffer = BIG) -> list[tuple[VetoReason, str]]:
    opinion = CostAgent().judge(case_of(question, fleet_of((replace(CLOUD, models=(offer,)),))))
    return [(veto.reason, veto.detail) for veto in opinion.vetoes(0)]


def price_of(question: Question, offer: ModelOffer, load: Load | None = LOAD) -> int:
    case = case_of(question, fleet_of((replace(CLOUD, models=(offer,), load=load),)))
    return int(dict(CostAgent().judge(case).scores)[Objective.COST_MICROUSD][0])


def picked(question: Question) -> str:
    island = replace(CLOUD, models=(BIG, FREE))
    return case_of(question, fleet_of((island,))).picks.model(0)


def test_a_bill_is_rounded_up_and_bounded() -> None:
    assert bill_microusd(BIG, Usage(100, 300)) == 700
    assert bill_microusd(replace(BIG, input_price_microusd=1), Usage(1, 0)) == 1
    assert bill_microusd(FREE, Usage(10**6, 10**6)) == 0
    assert bill_microusd(replace(BIG, input_price_microusd=2**63), Usage(2**40, 0)) == 10**15
    assert bill_microusd(replace(BIG, request_price_microusd=5), Usage(0, 0)) == 5


def test_what_the_provider_had_in_its_cache_has_its_own_price_where_there_is_one() -> None:
    usage = Usage(1_000, 0, cached_tokens=900)
    assert bill_microusd(BIG, usage) == 1_000
    assert bill_microusd(replace(BIG, cached_input_price_microusd=100_000), usage) == 100 + 90
    assert bill_microusd(replace(BIG, cached_input_price_microusd=0), usage) == 100


@given(
    st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**9),
    st.integers(0, 10**9), st.integers(0, 10**9) | st.none(),
)  # fmt: skip
@settings(deadline=None, max_examples=200)
def test_a_bill_is_exact_and_never_above_its_worst_case(
    tokens: int, out: int, cached: int, input_price: int, output_price: int, cached_price: int | None
) -> None:
    offer = ModelOffer(
        "m", 1, Ppm(0), input_price, output_price, cached_input_price_microusd=cached_price and
        min(cached_price, input_price),
    )  # fmt: skip
    hits = min(cached, tokens)
    price = offer.cached_input_price_microusd
    due = Fraction(tokens * input_price + out * output_price, 10**6)
    if price is not None:
        due -= Fraction(hits * (input_price - price), 10**6)
    bill = bill_microusd(offer, Usage(tokens, out, cached))
    assert due <= bill < due + 1
    assert bill <= worst_bill_microusd(offer, Purse(0, None, tokens, out))


def test_electricity_is_what_work_adds_for_as_long_as_it_takes() -> None:
    hour = work_hour_microusd(active_watts=250, idle_watts=50, kwh_usd=0.36)
    assert hour == 72_000
    at_home = replace(FREE, work_hour_microusd=hour)
    seconds = Fraction(500, 1_000) + 300 * Fraction(30_000, 10**6)
    assert power_microusd(at_home, LOAD, 300) == -(-(seconds * hour / 3_600) // 1) == 190
    assert power_microusd(FREE, LOAD, 300) == 0
    assert power_microusd(at_home, None, 300) == 0
    assert work_hour_microusd(50, 250, 0.36) == 0


def test_electricity_is_compared_and_never_vetoed() -> None:
    at_home = replace(FREE, work_hour_microusd=10**9)
    broke = asked(0, 0, Purse(0, Span.DAY, 10_000, 4_000))
    assert price_of(broke, at_home) > 0
    assert vetoes(broke, at_home) == []
    assert not is_billed(at_home)


def test_a_limit_is_held_against_what_is_expected_and_a_budget_against_the_worst_case() -> None:
    assert vetoes(asked(700)) == vetoes(asked(None, 700)) == []
    over = (VetoReason.OVER_BUDGET, "700 micro-dollars expected > 699 allowed")
    assert vetoes(asked(699, 900)) == vetoes(asked(900, 699)) == [over]
    purse = Purse(2_399, Span.DAY, 400, 1_000)
    worst = (VetoReason.OVER_BUDGET, "2400 micro-dollars at worst > 2399 left of the budget of this day")
    assert vetoes(asked(purse=purse)) == [worst]
    assert vetoes(asked(purse=replace(purse, left_microusd=2_400))) == []
    assert vetoes(asked(699, purse=purse)) == [over, worst]


def test_an_unknown_price_is_over_every_limit_and_under_none_at_all() -> None:
    unknown = replace(FREE, is_price_known=False)
    rich = Purse(10**12, Span.MONTH, 1, 1)
    for question in (asked(10**12), asked(None, 10**12), asked(purse=rich)):
        ((reason, detail),) = vetoes(question, unknown)
        assert reason is VetoReason.OVER_BUDGET
        assert "unknown" in detail
        assert "give the model a price" in detail
    assert vetoes(asked(), unknown) == []
    assert price_of(asked(), unknown) > price_of(asked(), BIG)
    assert is_billed(unknown)


def test_a_cheaper_model_is_taken_when_the_better_one_is_over_the_budget() -> None:
    assert picked(asked()) == "big"
    assert picked(asked(purse=Purse(10, Span.DAY, 100, 100))) == "small"
    assert picked(asked(purse=Purse(10**6, Span.DAY, 100, 100))) == "big"
    assert picked(asked(699)) == "small"
    unknown = replace(CLOUD, models=(replace(BIG, is_price_known=False), FREE))
    assert case_of(asked(10**9), fleet_of((unknown,))).picks.model(0) == "small"


@given(
    st.integers(0, TOKENS_EXACT_MAX // 2), st.integers(0, TOKENS_EXACT_MAX // 2), st.integers(0, 10**12),
    st.integers(0, 10**12), st.integers(0, 10**12), st.integers(1, 10**6), st.integers(1, 10**6),
    st.integers(0, 10**10),
)  # fmt: skip
@settings(deadline=None, max_examples=200)
def test_columns_reckon_as_one_offer_is_reckoned(
    tokens: int, out: int, input_price: int, output_price: int, request: int, first: int, each: int, hour: int
) -> None:
    roomy = replace(BIG, context_tokens_max=2**40, input_price_microusd=input_price)
    offer = replace(
        roomy, output_price_microusd=output_price, request_price_microusd=request, work_hour_microusd=hour
    )
    question = replace(asked(purse=Purse(0, Span.DAY, tokens, out)), input_tokens=tokens, output_tokens=out)
    load = Load(0, 0, 2, first, each)
    case = case_of(question, fleet_of((replace(CLOUD, models=(offer,), load=load),)))
    costs = case.picks.costs
    bill = tokens * input_price + out * output_price
    assert costs.bill[0] == -(-bill // 10**6) + request
    assert costs.worst is not None
    assert costs.worst[0] == costs.bill[0]
    if first + out * each // 1_000 < WORK_MS_MAX and out < WORK_TOKENS_MAX:
        power = int(costs.expected[0] - costs.bill[0])
        exact = power_microusd(offer, load, out)
        assert power <= exact <= power + hour // 3_600_000 + 1


def test_a_very_long_request_is_reckoned_in_thousands_and_never_below_what_it_costs() -> None:
    roomy = replace(BIG, context_tokens_max=2**40)
    question = replace(asked(), input_tokens=TOKENS_EXACT_MAX, output_tokens=300)
    assert price_of(question, roomy) == 4_000_000 + 2_000
    dearest = replace(roomy, input_price_microusd=2**63)
    assert price_of(replace(asked(), input_tokens=2**39), dearest) == 8 * 10**12


TABLE = PriceTable(
    (
        Price("m", "one", "2026-01-01", 10, 20),
        Price("m", "one", "2026-06-01", 5, 10, 1),
        Price("m", "two", "2026-01-01", 5, 15),
        Price("n", "one", "2027-01-01", 1, 1),
    ),
    "a test",
    "2026-11-24",
)  # fmt: skip


@pytest.mark.parametrize(
    ("model", "day", "provider", "due"),
    [
        ("m", "2026-05-31", "one", 20),
        ("m", "2026-06-01", "one", 10),
        ("m", "2026-05-31", "", 20),
        ("m", "2026-06-01", "", 15),
        ("m", "2025-12-31", "", None),
        ("m", "2026-06-01", "three", None),
        ("n", "2026-12-31", "one", None),
        ("o", "2026-12-31", "", None),
    ],
)
def test_the_newest_price_that_has_begun_counts_and_the_dearest_provider(
    model: str, day: str, provider: str, due: int | None
) -> None:
    price = TABLE.find(model, day, provider)
    assert (price.output_microusd if price else None) == due


def test_an_offer_takes_the_price_of_the_first_table_that_knows_it() -> None:
    own = PriceTable((Price("m", "one", "2026-01-01", 1, 2, 0, 3),))
    offer = priced(replace(FREE, is_price_known=False), find((own, TABLE), "m", "2026-11-24"))
    assert bill_microusd(offer, Usage(10**6, 10**6, 10**6)) == 0 + 2 + 3
    assert find((own, TABLE), "m", "2026-11-24", "two") == TABLE.find("m", "2026-11-24", "two")
    assert not priced(FREE, find((own, TABLE), "elsewhere", "2026-11-24")).is_price_known
