"""Which model of an island a request means: concrete names, `model@island` and the three aliases.

`islandrun/auto` takes any model, `islandrun/local` only what this node runs without a cloud,
`islandrun/private` only personal and edge islands. Each may carry `@island`, with the name of an
island or the first 8 or more characters of its id.
"""

from __future__ import annotations

from functools import partial
from typing import Final, NamedTuple

import numpy as np

from islandrun.agents.columns import Figures, Mask, marked
from islandrun.agents.fleet import Fleet
from islandrun.agents.offers import Offers, offers_of
from islandrun.agents.question import Question
from islandrun.agents.reckoning import Costs, costs_of

AUTO: Final = "islandrun/auto"
LOCAL: Final = "islandrun/local"
PRIVATE: Final = "islandrun/private"
ALIASES: Final = (AUTO, LOCAL, PRIVATE)

OFFERS_KEPT_MAX: Final = 32
"""For so many tasks, with or without documents, a fleet keeps what its models are worth."""


class Meant(NamedTuple):
    """What a model name means in a fleet. `offers` None: every model; the others None: no island.

    `elsewhere` are the islands that it keeps a request away from, `exact` those with a model of just that
    name, "@" and all.
    """

    model: str
    offers: Mask | None = None
    elsewhere: Mask | None = None
    exact: Mask | None = None


class Picks(NamedTuple):
    """The model that each island would run: its row among the offers, where `is_able`; what models cost."""

    meant: Meant
    offers: Offers
    rows: Figures
    is_able: Mask
    costs: Costs

    def model(self, place: int) -> str:
        """Name the model that the island at this place would run; empty when it can run none."""
        return self.offers.names[self.rows[place]] if self.is_able[place] else ""


def meant_by(model: str, fleet: Fleet, offers: Offers) -> Meant:
    """Find out what a model name means; an empty one means `islandrun/auto`."""
    if "@" not in model:
        return _ALL.get(model) or Meant(model, _named(model, offers))
    name, _, target = model.rpartition("@")
    exact_rows = offers.rows_of.get(model, _NO_ROWS)
    exact = marked(len(fleet), offers.island[exact_rows])
    elsewhere = ~(marked(len(fleet), fleet.register.called(target)) | exact)
    matching = _named(name or AUTO, offers)
    matching = np.ones(len(offers), dtype=np.bool_) if matching is None else matching
    matching &= ~exact[offers.island]
    matching[exact_rows] = True
    return Meant(name or AUTO, matching, elsewhere, exact)


def is_model_known(fleet: Fleet, model: str) -> bool:
    """Say whether a model name means anything in this mesh; aliases do, also where nobody is there yet."""
    if not model or model in ALIASES:
        return True
    offers = fleet.register.general_offers
    meant = meant_by(model, fleet, offers)
    if meant.offers is None or meant.elsewhere is None:
        return meant.offers is None or bool(meant.offers.any())
    if meant.model in ALIASES:
        return not meant.elsewhere.all()
    return bool((meant.offers & ~meant.elsewhere[offers.island]).any())


def offers_for(question: Question, fleet: Fleet) -> Offers:
    """Return all models as they are worth to the task of a question; made once for each task."""
    source, task, needs_documents = question.policy.quality, question.task.counted, question.needs_documents
    if not source.differs(task):
        return fleet.register.offers(needs_documents)
    kept = fleet.register.offers_by_task
    key = (needs_documents, source, task)
    if key not in kept:
        if len(kept) >= OFFERS_KEPT_MAX:
            kept.clear()
        kept[key] = offers_of(fleet.islands, needs_documents, partial(source.quality_ppm, task=task))
    return kept[key]


def pick(question: Question, fleet: Fleet) -> Picks:
    """Pick for each island the model that would run a request.

    The best expected quality wins among the models that fit the context (and have tools where
    they are needed) and the budget; ties go to the lower name. When none is within budget, the
    best beyond it is picked, so that the cost agent can say by how much.
    """
    offers = offers_for(question, fleet)
    meant = meant_by(question.model, fleet, offers)
    is_able = offers.context_tokens_max >= question.context_tokens
    if question.needs_tools:
        is_able &= offers.supports_tools
    if meant.offers is not None:
        is_able &= meant.offers
    if question.limits.models is not None:
        is_able &= allowed(offers, question.limits.models)
    costs = costs_of(question, offers, fleet)
    turn = offers.preference * is_able
    if costs.is_over is not None:
        turn += (~costs.is_over & is_able) * np.int64(len(offers))
    first = np.maximum.reduceat(turn, offers.first_row) if len(fleet) else turn
    rows = offers.row_of_turn[first]
    return Picks(meant, offers, rows, first > 0, costs)


def allowed(offers: Offers, models: frozenset[str]) -> Mask:
    """Say which offers the owner's rules leave: those of these models."""
    return marked(len(offers), [row for name in models for row in offers.rows_of.get(name, _NO_ROWS)])


_NO_ROWS: Final[Figures] = np.zeros(0, dtype=np.int64)


_ALL: Final = {"": Meant(AUTO), **{alias: Meant(alias) for alias in ALIASES}}
"""What a name means that takes every model."""


def _named(name: str, offers: Offers) -> Mask | None:
    return None if name in ALIASES else marked(len(offers), offers.rows_of.get(name, _NO_ROWS))
