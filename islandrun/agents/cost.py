"""The opinion on price: what would it cost, and do owner, client and budget allow it."""

from __future__ import annotations

from islandrun.agents.agent import Case, Objection, Objective, Opinion, VetoReason
from islandrun.agents.columns import Figures, Mask
from islandrun.agents.policy import cost_limit

UNKNOWN = "its price is unknown and what may be spent is limited: give the model a price"


class CostAgent:
    """Objects to islands that are too dear; scores the expected price of the model that would run."""

    name = "cost"

    def judge(self, case: Case) -> Opinion:
        """Compare the price with the lower limit of owner and client, and the worst case with the budget."""
        picks = case.picks
        scores = ((Objective.COST_MICROUSD, picks.costs.expected[picks.rows]),)
        return Opinion(self.name, (*_dear(case), *_risky(case), *_unknown(case)), scores)


def _dear(case: Case) -> tuple[Objection, ...]:
    question, bill = case.question, case.picks.costs.bill
    limit = cost_limit(question.policy, question.hints.cost_max_microusd)
    words = "{} micro-dollars expected > {} allowed"
    return _objections(case, case.picks.costs.is_dear, bill, words, limit)


def _risky(case: Case) -> tuple[Objection, ...]:
    purse = case.question.purse
    words = f"{{}} micro-dollars at worst > {{}} left of the budget{purse.of_what}"
    costs = case.picks.costs
    return _objections(case, costs.is_risky, costs.worst, words, purse.left_microusd)


def _unknown(case: Case) -> tuple[Objection, ...]:
    is_unknown, picks = case.picks.costs.is_unknown, case.picks
    if is_unknown is None:
        return ()
    return (Objection(VetoReason.OVER_BUDGET, is_unknown[picks.rows] & picks.is_able, UNKNOWN),)


def _objections(
    case: Case, is_over: Mask | None, prices: Figures | None, words: str, most: int | None
) -> tuple[Objection, ...]:
    """Object where the model that would run is over; `words` takes its price and the most there may be."""
    picks = case.picks
    if is_over is None or prices is None:
        return ()
    rows = picks.rows
    return (
        Objection(
            VetoReason.OVER_BUDGET,
            is_over[rows] & picks.is_able,
            lambda place: words.format(prices[rows[place]], most),
        ),
    )
