"""The opinion on price: what would it cost, and do owner and client allow it."""

from __future__ import annotations

from islandrun.agents.agent import Objective, Question, Verdict, Veto, VetoReason
from islandrun.agents.models import cost_microusd, pick_model
from islandrun.agents.policy import cost_limit
from islandrun.vocabulary import IslandView


class CostAgent:
    """Vetoes islands that are too dear; scores the expected price."""

    name = "cost"

    def judge(self, question: Question, island: IslandView) -> Verdict:
        """Estimate the price of the model that would run; no score when none can."""
        offer = pick_model(question, island)
        if offer is None:
            return Verdict(self.name, island.id, (), ())
        price = cost_microusd(offer, question.input_tokens, question.output_tokens)
        limit = cost_limit(question.policy, question.hints.cost_max_microusd)
        vetoes: tuple[Veto, ...] = ()
        if limit is not None and price > limit:
            vetoes = (Veto(VetoReason.OVER_BUDGET, f"{price} micro-dollars expected > {limit} allowed"),)
        return Verdict(self.name, island.id, vetoes, ((Objective.COST_MICROUSD, price),))
