"""Who could run a request, by this router and by the simple rules that it is measured against.

Each simple rule has two forms. The one that respects privacy picks among the islands that the library's
vetoes leave; the naive one among all that answer and are not full, whoever they are.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from islandrun.agents import AGENTS
from islandrun.agents.agent import case_of
from islandrun.agents.fleet import Fleet
from islandrun.agents.question import Question
from islandrun.agents.resources import WAITING_MAX
from islandrun.routing.choose import choose
from islandrun.routing.policy import weights_for
from islandrun.routing.ranking import Ranking
from islandrun.vocabulary import IslandId, Reachability, Tier

OURS = "islandrun"
Rule = Callable[[Question, Fleet, Sequence[int], "Memory"], int]
ALL_TIERS = tuple(Tier)


@dataclass(slots=True)
class Memory:
    """What a rule remembers from one request to the next."""

    dice: random.Random
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """One way to choose. `rule` None is this router's own way."""

    name: str
    rule: Rule | None = None
    tiers: tuple[Tier, ...] = ALL_TIERS
    is_naive: bool = False

    def pick(self, question: Question, fleet: Fleet, memory: Memory) -> IslandId | None:
        """Return who runs a request; None when nobody can."""
        if self.rule is None:
            chosen = choose(question, fleet).chosen
            return chosen.island if chosen else None
        among = _anybody(question, fleet) if self.is_naive else _eligible(question, fleet)
        left = [place for place in among if fleet.islands[place].tier in self.tiers]
        return fleet.islands[self.rule(question, fleet, left, memory)].id if left else None


def _eligible(question: Question, fleet: Fleet) -> list[int]:
    found: list[int] = Ranking(case_of(question, fleet), AGENTS, weights_for(question)).candidates.tolist()
    return found


def _anybody(question: Question, fleet: Fleet) -> list[int]:
    return [
        place
        for place, island in enumerate(fleet.islands)
        if island.reachability is Reachability.ALIVE
        and island.id not in question.failed
        and any(offer.context_tokens_max >= question.context_tokens for offer in island.models)
        and fleet.busy[place] < fleet.places_max[place] + WAITING_MAX
    ]


def least_busy(question: Question, fleet: Fleet, places: Sequence[int], memory: Memory) -> int:
    """Pick the island of whose places the least share is taken."""
    return min(places, key=lambda place: (max(fleet.busy[place], 0) / max(fleet.places_max[place], 1), place))


def cheapest(question: Question, fleet: Fleet, places: Sequence[int], memory: Memory) -> int:
    """Pick the island with the lowest price; of equals the least busy."""

    def price(place: int) -> tuple[int, float, int]:
        offer = fleet.islands[place].models[0]
        cost = question.input_tokens * offer.input_price_microusd
        cost += question.output_tokens * offer.output_price_microusd
        return cost, max(fleet.busy[place], 0) / max(fleet.places_max[place], 1), place

    return min(places, key=price)


def in_turn(question: Question, fleet: Fleet, places: Sequence[int], memory: Memory) -> int:
    """Pick one after the other."""
    memory.turn += 1
    return places[memory.turn % len(places)]


def at_random(question: Question, fleet: Fleet, places: Sequence[int], memory: Memory) -> int:
    """Pick any."""
    return memory.dice.choice(places)


_RULES: tuple[tuple[str, Rule, tuple[Tier, ...]], ...] = (
    ("cloud only", least_busy, (Tier.CLOUD,)),
    ("local only", least_busy, (Tier.PERSONAL,)),
    ("round robin", in_turn, ALL_TIERS),
    ("least busy", least_busy, ALL_TIERS),
    ("cheapest", cheapest, ALL_TIERS),
    ("random", at_random, ALL_TIERS),
)


def policies() -> list[Policy]:
    """Return this router, and each simple rule in both forms."""
    simple = [Policy(name, rule, tiers) for name, rule, tiers in _RULES]
    naive = [Policy(f"{name}, naive", rule, tiers, is_naive=True) for name, rule, tiers in _RULES]
    return [Policy(OURS), *simple, *naive]
