"""The opinion on price: what would it cost, and do owner and client allow it."""

from __future__ import annotations

from islandrun.agents.agent import Case, Objection, Objective, Opinion, VetoReason
from islandrun.agents.policy import cost_limit


class CostAgent:
    """Objects to islands that are too dear; scores the expected price of the model that would run."""

    name = "cost"

    def judge(self, case: Case) -> Opinion:
        """Compare the price with the lower limit of owner and client."""
        question, price = case.question, case.picks.cost_microusd
        limit = cost_limit(question.policy, question.hints.cost_max_microusd)
        scores = ((Objective.COST_MICROUSD, price),)
        if limit is None:
            return Opinion(self.name, (), scores)
        too_dear = Objection(
            VetoReason.OVER_BUDGET,
            (price > limit) & case.picks.is_able,
            lambda place: f"{price[place]} micro-dollars expected > {limit} allowed",
        )
        return Opinion(self.name, (too_dear,), scores)
