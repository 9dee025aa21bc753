"""The money of one try over a real ledger: how answers end, and what each end costs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from types import SimpleNamespace

import pytest

from islandrun.agents.budget import Account, Limits, Scope, Span, Spender, day_of, input_tokens_max
from islandrun.agents.policy import RoutingPolicy
from islandrun.agents.question import Question
from islandrun.errors import Interrupted, Overloaded, PurseEmpty, Refused, TooSlow, Unreachable
from islandrun.privacy.sensitivity import Assessment
from islandrun.vocabulary import (
    AnswerPiece,
    ChatRequest,
    Finished,
    Hints,
    IslandId,
    IslandView,
    Load,
    Message,
    ModelOffer,
    Ppm,
    Prompt,
    PublicKey,
    Reachability,
    Sampling,
    Standing,
    TextDelta,
    Tier,
    TrustScore,
    Usage,
)
from islandrun_node import world_clock
from islandrun_node.spending import Order, Rules, Spending
from islandrun_node.stores.database import Database
from islandrun_node.stores.lengths import LengthStore
from islandrun_node.stores.schema import COSTS
from islandrun_node.stores.spending import SpendingStore

PAID = ModelOffer("large", 8_000, Ppm(900_000), 1_000_000, 2_000_000)
FREE = ModelOffer("small", 8_000, Ppm(400_000), work_hour_microusd=3_600_000)
BASELINE = ModelOffer("base", 1, Ppm(0), 10_000_000, 10_000_000)
CLOUD = IslandView(
    IslandId("c" * 52), PublicKey(b"c" * 32), "cloud", Tier.CLOUD, "", (), Standing.ADMITTED,
    Reachability.ALIVE, TrustScore(Ppm(400_000)), (PAID, FREE), (), (), 2, Load(0, 0, 2, 500, 10_000), 0, 2,
    2, is_local=True,
)  # fmt: skip
PROMPT = Prompt((Message("user", "how are you?"),))
READ = input_tokens_max(PROMPT)
LOCAL = Spender("local")
SAMPLING = Sampling(tokens_max=100)
WORST = READ + 2 * 100
RICH = Limits({Span.DAY: 10_000})


def made(path, limits: Limits = RICH) -> tuple[Spending, Database]:
    database = Database.open(path / "costs.db", COSTS)
    rules = Rules(limits, answer_tokens_max=1_000)
    return Spending(SpendingStore(database), LengthStore(database), rules, lambda: BASELINE), database


@pytest.fixture
async def bank(tmp_path) -> AsyncIterator[SimpleNamespace]:
    spending, database = made(tmp_path)
    yield SimpleNamespace(spending=spending, database=database, path=tmp_path)
    database.close()


def day(spending: Spending) -> Account:
    scope = Scope(Span.DAY, day_of(world_clock.now().wall_ms))
    return spending.store.accounts([scope])[scope]


def order(**changes: object) -> Order:
    return replace(Order(CLOUD, "large", PROMPT, SAMPLING, LOCAL), **changes)


async def answer(*script: AnswerPiece | BaseException) -> AsyncGenerator[AnswerPiece]:
    for item in script:
        if isinstance(item, BaseException):
            raise item
        yield item


async def bought(spending: Spending, asked: Order, *script: AnswerPiece | BaseException):
    with spending.purchase(asked) as purchase:
        async with aclosing(purchase.metered(answer(*script))) as pieces:
            async for _ in pieces:
                assert day(spending).reserved_microusd == (WORST if asked.model == "large" else 0)
    return purchase


HI, END = TextDelta("hi"), Finished("stop", Usage(20, 10), "large")


async def test_a_whole_answer_costs_its_bill_and_saves_against_the_baseline(bank) -> None:
    purchase = await bought(bank.spending, order(), HI, END)
    assert (purchase.cost_microusd, purchase.saved_microusd) == (40, 300 - 40)
    assert day(bank.spending) == Account(40, 0)
    bank.spending.keep()
    tally = bank.spending.store.tally(day_of(world_clock.now().wall_ms)[:7])
    assert (tally.answers, tally.billed_microusd, tally.baseline_microusd) == (1, 40, 300)


async def test_an_answer_at_home_costs_its_electricity_and_nothing_of_the_budget(bank) -> None:
    purchase = await bought(bank.spending, order(model="small"), HI, END)
    assert purchase.cost_microusd == 600 == round(3_600_000 * (0.5 + 10 * 0.010) / 3_600)
    assert purchase.saved_microusd == 300 - 600
    assert day(bank.spending) == Account()


async def test_what_was_refused_or_reached_nobody_is_given_back(bank) -> None:
    for error in (Refused("key"), Overloaded("429"), Unreachable("refused")):
        with pytest.raises(type(error)):
            await bought(bank.spending, order(), error)
        assert day(bank.spending) == Account()


@pytest.mark.parametrize(
    "script",
    [
        (TooSlow("no answer"),),
        (HI, Interrupted("cut")),
        (HI, Unreachable("cut")),
        (RuntimeError("ours"),),
        (HI,),
        (asyncio.CancelledError(),),
    ],
)
async def test_an_end_that_leaves_the_bill_unknown_costs_the_worst_case(bank, script) -> None:
    try:
        purchase = await bought(bank.spending, order(), *script)
    except (Exception, asyncio.CancelledError):
        pass
    else:
        assert purchase.cost_microusd == WORST
    assert day(bank.spending) == Account(WORST, 0)


async def test_a_reader_that_goes_away_pays_the_worst_case_and_one_that_never_began_nothing(bank) -> None:
    with bank.spending.purchase(order()) as purchase:
        pieces = purchase.metered(answer(HI, END))
        await anext(pieces)
        await pieces.aclose()
    assert day(bank.spending) == Account(WORST, 0)
    with bank.spending.purchase(order()):
        pass
    assert day(bank.spending) == Account(WORST, 0)


async def test_an_estimated_count_is_charged_as_the_most_that_it_can_be(bank) -> None:
    guess = Finished("stop", Usage(3, 10, is_estimated=True), "large")
    purchase = await bought(bank.spending, order(), HI, guess)
    assert purchase.cost_microusd == READ + 2 * 44
    assert day(bank.spending).spent_microusd == READ + 2 * 44


async def test_another_islands_word_costs_no_more_than_the_worst_case(bank, caplog) -> None:
    liar = Finished("stop", Usage(10**7, 10**7), "large")
    theirs = order(island=replace(CLOUD, is_local=False))
    assert (await bought(bank.spending, theirs, HI, liar)).cost_microusd == WORST
    assert "worst case" not in caplog.text
    assert (await bought(bank.spending, order(), HI, liar)).cost_microusd == 3 * 10**7
    assert "charged above its worst case" in caplog.text


async def test_the_bound_of_a_reservation_travels_with_a_paid_request_alone(bank, tmp_path) -> None:
    endless = Sampling()
    with bank.spending.purchase(order(sampling=endless)) as purchase:
        assert purchase.capped(endless).tokens_max == 1_000
        assert purchase.capped(SAMPLING).tokens_max == 1_000
        assert day(bank.spending).reserved_microusd == READ + 2_000
    with bank.spending.purchase(order(model="small", sampling=endless)) as purchase:
        assert purchase.capped(endless) is endless
    (tmp_path / "other").mkdir()
    spending, database = made(tmp_path / "other", Limits())
    with spending.purchase(order(sampling=endless)) as purchase:
        assert purchase.capped(endless) is endless
    database.close()


async def test_no_more_is_set_aside_than_there_is(bank) -> None:
    bank.spending.rules = Rules(Limits({Span.DAY: 2 * WORST}))
    with bank.spending.purchase(order()), bank.spending.purchase(order()):
        with pytest.raises(PurseEmpty), bank.spending.purchase(order()):
            raise AssertionError("it must not begin")
        with bank.spending.purchase(order(model="small")):
            assert day(bank.spending).reserved_microusd == 2 * WORST
    assert day(bank.spending) == Account()


async def test_an_unknown_price_runs_only_where_nothing_is_limited(bank, tmp_path) -> None:
    island = replace(CLOUD, models=(replace(PAID, is_price_known=False),))
    for asked in (order(island=island), order(model="gone")):
        with pytest.raises(PurseEmpty), bank.spending.purchase(asked):
            raise AssertionError("it must not begin")
    bank.spending.rules = Rules()
    purchase = await unpriced(bank.spending, order(island=island))
    assert purchase.cost_microusd == 0
    bank.spending.keep()
    assert bank.spending.store.tally("").unpriced == 1


async def unpriced(spending: Spending, asked: Order):
    with spending.purchase(asked) as purchase:
        async for _ in purchase.metered(answer(HI, END)):
            pass
    return purchase


def question(now_ms: int) -> Question:
    empty = Assessment((), (), Ppm(0), ())
    return Question(
        "r", empty, "large", Hints(), 20, 300, RoutingPolicy(), replace(world_clock.now(), wall_ms=now_ms)
    )


REQUEST = ChatRequest("large", PROMPT, SAMPLING)


async def test_a_ledger_that_fails_lets_nothing_paid_run_and_all_else(bank, caplog) -> None:
    bank.database.read("DROP TABLE accounts")
    bank.database.read("DROP TABLE tallies")
    with pytest.raises(PurseEmpty), bank.spending.purchase(order()):
        raise AssertionError("it must not begin")
    assert (await bought_at_home(bank.spending)).cost_microusd == 600
    weighed = bank.spending.weighed(question(world_clock.now().wall_ms), REQUEST, LOCAL)
    assert weighed.purse.left_microusd == 0
    assert "no paid island runs" in bank.spending.degraded()[0]
    bank.spending.keep()
    assert "could not be kept" in caplog.text
    bank.spending.rules = Rules()
    assert bank.spending.degraded() == ()
    assert (await unpriced(bank.spending, order())).cost_microusd == 40, "nothing is limited: it goes on"


async def bought_at_home(spending: Spending):
    with spending.purchase(order(model="small")) as purchase:
        async for _ in purchase.metered(answer(HI, END)):
            pass
    return purchase


async def test_a_ledger_that_fails_at_the_end_keeps_the_worst_case(bank, tmp_path, caplog) -> None:
    with bank.spending.purchase(order()) as purchase:
        async for _ in purchase.metered(answer(HI, END)):
            pass
        bank.database.read("PRAGMA query_only = ON")
    assert purchase.cost_microusd == 40
    with caplog.at_level(logging.WARNING):
        spending, database = made(tmp_path)
    assert f"1 paid requests ran; {WORST} micro-dollars count as spent" in caplog.text
    assert day(spending) == Account(WORST, 0)
    database.close()


async def test_a_question_is_told_what_is_left_and_how_long_answers_are(bank, tmp_path) -> None:
    bank.spending.rules = Rules(Limits({Span.DAY: 10_000, Span.CONVERSATION: 500, Span.CLIENT_MONTH: 900}))
    now_ms = world_clock.now().wall_ms
    talker = Spender("phone", "talk")
    await bought(bank.spending, order(spender=talker), HI, END)
    weighed = bank.spending.weighed(question(now_ms), REQUEST, talker)
    assert (weighed.purse.left_microusd, weighed.purse.span) == (460, Span.CONVERSATION)
    assert (weighed.purse.input_tokens_max, weighed.purse.output_tokens_max) == (READ, 100)
    other = bank.spending.weighed(question(now_ms), REQUEST, Spender("phone", "another"))
    assert (other.purse.left_microusd, other.purse.span) == (500, Span.CONVERSATION)
    fresh = bank.spending.weighed(question(now_ms), REQUEST, Spender("desk"))
    assert (fresh.purse.left_microusd, fresh.purse.span) == (900, Span.CLIENT_MONTH)
    assert weighed.output_tokens == 100
    for _ in range(3):
        bank.spending.learn(weighed, REQUEST, Usage(20, 10))
    assert bank.spending.weighed(question(now_ms), REQUEST, talker).output_tokens == 12
    bank.spending.keep()
    again = Spending(bank.spending.store, LengthStore(bank.database), Rules(), lambda: None)
    assert again.weighed(question(now_ms), REQUEST, talker).output_tokens == 12
    assert again.weighed(question(now_ms), REQUEST, talker).purse.left_microusd is None


async def test_a_new_day_and_a_new_month_have_money_again(bank) -> None:
    bank.spending.rules = Rules(Limits({Span.DAY: WORST, Span.MONTH: 2 * WORST}))
    start = 1_793_404_800_000  # 2026-10-31, 00:00 UTC
    for hour, left in ((0, WORST), (23, 0), (24, WORST)):
        at_ms = start + hour * 3_600_000
        found = bank.spending.weighed(question(at_ms), REQUEST, LOCAL).purse.left_microusd
        assert found == left, hour
        if left:
            booked = [Scope(Span.DAY, day_of(at_ms)), Scope(Span.MONTH, day_of(at_ms)[:7])]
            assert bank.spending.store.reserve(f"m-{hour}", booked, WORST, bank.spending.rules.limits, at_ms)
