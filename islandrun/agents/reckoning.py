"""What a request would cost with every model of a fleet, and which of them are over a limit or a budget.

A limit is held against what is expected, a budget against the worst case; an unknown price is over both.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from islandrun.agents.columns import Figures, Mask
from islandrun.agents.fleet import Fleet
from islandrun.agents.offers import Offers
from islandrun.agents.policy import cost_limit
from islandrun.agents.prices import HOUR_MS, MILLION, PriceColumns
from islandrun.agents.question import Question

TOKENS_EXACT_MAX: Final = 4_000_000
"""Prices of longer requests are reckoned in thousands of tokens, rounded up, so that no column overflows."""

COST_MICROUSD_MAX: Final = 8 * 10**12
"""No bill is above this: a million times it, and some electricity, still fits into a column."""

WORK_MS_MAX: Final = 86_400_000
WORK_TOKENS_MAX: Final = 10**8
"""No work is reckoned longer than a day: longer answers say nothing and would wrap round."""


class Costs(NamedTuple):
    """One entry for each model, in micro-dollars. `expected` is what islands are compared by.

    `bill` is the part of it that somebody charges, `worst` the most that they may, None without a budget.
    `is_dear` (over a limit, expected), `is_risky` (over the budget, at worst) and `is_unknown` are None
    where nothing is limited, or no model is so.
    """

    expected: Figures
    bill: Figures
    worst: Figures | None = None
    is_dear: Mask | None = None
    is_risky: Mask | None = None
    is_unknown: Mask | None = None

    @property
    def is_over(self) -> Mask | None:
        """Which models are too dear for any reason; None where none is."""
        over = None
        for mask in (self.is_dear, self.is_risky, self.is_unknown):
            if mask is not None:
                over = mask if over is None else over | mask
        return over


def costs_of(question: Question, offers: Offers, fleet: Fleet) -> Costs:
    """Reckon what a request costs with each model, and hold it against what may be spent."""
    prices, purse = offers.prices, question.purse
    bill = bills(prices, question.input_tokens, question.output_tokens)
    expected = bill + _power(question, offers, fleet) if prices.has_work else bill
    limit = cost_limit(question.policy, question.hints.cost_max_microusd)
    left = purse.left_microusd
    if limit is None and left is None:
        return Costs(expected, bill)
    worst = None if left is None else bills(prices, purse.input_tokens_max, purse.output_tokens_max)
    return Costs(
        expected,
        bill,
        worst,
        None if limit is None else _those_over(prices, bill, limit),
        None if left is None or worst is None else _those_over(prices, worst, left),
        prices.is_unknown if prices.has_unknown else None,
    )


def _those_over(prices: PriceColumns, bill: Figures, most: int) -> Mask | None:
    """Return the models that are charged more than that, by a price that is known; None: no model is."""
    is_over: Mask = prices.is_priced & (bill > most)
    return is_over if np.count_nonzero(is_over) else None


def bills(prices: PriceColumns, input_tokens: int, output_tokens: int) -> Figures:
    """Return what so many tokens are charged with each model, in micro-dollars, rounded up."""
    per = MILLION
    if input_tokens + output_tokens > TOKENS_EXACT_MAX:
        input_tokens, output_tokens, per = -(-input_tokens // 1_000), -(-output_tokens // 1_000), 1_000
    cost: Figures = prices.input_microusd * min(input_tokens, TOKENS_EXACT_MAX)
    cost += prices.output_microusd * min(output_tokens, TOKENS_EXACT_MAX)
    cost += per - 1
    cost //= per
    cost += prices.request_microusd
    return cost if per == MILLION else np.minimum(cost, COST_MICROUSD_MAX, out=cost)


def _power(question: Question, offers: Offers, fleet: Fleet) -> Figures:
    """Return the electricity of an answer with each model, in micro-dollars, rounded up."""
    work_ms: Figures = fleet.token_us * min(question.output_tokens, WORK_TOKENS_MAX)
    work_ms //= 1_000
    work_ms += fleet.base_ms
    np.minimum(work_ms, WORK_MS_MAX, out=work_ms)
    power: Figures = work_ms[offers.island] * offers.prices.work_hour_microusd
    power += HOUR_MS - 1
    power //= HOUR_MS
    return power
