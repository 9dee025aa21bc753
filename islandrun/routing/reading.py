"""Whether documents must be read for another island, and who is asked for them.

A request goes to its documents while an island that holds them all can write the answer. Otherwise the
passages that fit it, and never the documents, come to the origin, become part of the prompt, and are judged
and masked like all other text. Where the documents can only be quoted, the owner's profile says what counts
more: that the passages stay, or that a model writes the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from islandrun.agents.fleet import Fleet, fleet_of
from islandrun.agents.models import ALIASES
from islandrun.agents.question import Question
from islandrun.locality.catalog import is_holder
from islandrun.routing.choose import choose
from islandrun.routing.decision import Decision
from islandrun.routing.policy import weights_for
from islandrun.vocabulary import IslandId, ModelOffer, Ppm
from islandrun.wire import limits

READING: Final = ModelOffer("documents", limits.CONTEXT_TOKENS_MAX, Ppm(500_000), is_extractive=True)
"""What an island does that only reads its documents: it costs nothing and writes nothing."""


def needs_passages(question: Question, decision: Decision, fleet: Fleet) -> bool:
    """Say whether passages are to be brought to another island than the holder of the documents.

    `decision` is the one among the holders. Nobody is asked in vain: without the documents, which only make a
    request more sensitive, somebody must be able to run it, and better than by quoting. Raises `BadRequest`
    as `choose` does.
    """
    if not question.needs_documents or not _may_be_better(question, decision, fleet):
        return False
    elsewhere = choose(without_documents(question), fleet)
    if elsewhere.chosen is None:
        return False
    return decision.chosen is None or not is_quoted(elsewhere, fleet)


def _may_be_better(question: Question, decision: Decision, fleet: Fleet) -> bool:
    """Say whether the holders cannot run a request, or only quote where the owner wants it written."""
    if decision.chosen is None:
        return True
    if (question.model or ALIASES[0]) not in ALIASES or not is_quoted(decision, fleet):
        return False
    weights = weights_for(question)
    return weights.quality >= weights.exposure


def without_documents(question: Question) -> Question:
    """Return a question as if it named no data sets."""
    return replace(question, hints=replace(question.hints, data_sets=()))


def is_quoted(decision: Decision, fleet: Fleet) -> bool:
    """Say whether the chosen model can only quote."""
    offer = _offer(decision, fleet)
    return offer is not None and offer.is_extractive


def portions(fleet: Fleet, data_sets: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return which data sets are asked for together: all where one island holds them, else each by itself."""
    names = tuple(sorted(set(data_sets)))
    if any(is_holder(island, names) for island in fleet.islands):
        return (names,)
    return tuple((name,) for name in names)


def reading_question(
    question: Question, data_sets: tuple[str, ...], failed: tuple[IslandId, ...]
) -> Question:
    """Return the question who reads data sets for a request: any model will do, since none writes."""
    hints = replace(question.hints, data_sets=data_sets, cost_max_microusd=None)
    return replace(
        question,
        model="",
        hints=hints,
        output_tokens=0,
        needs_tools=False,
        failed=(*question.failed, *failed),
        limits=question.limits.for_reading,
    )


def readers(fleet: Fleet) -> Fleet:
    """Return the islands as they look to a request that only reads documents."""
    return fleet.once(_readers)


def _readers(fleet: Fleet) -> Fleet:
    return fleet_of(
        replace(island, models=(READING,)) if island.data_sets else island for island in fleet.islands
    )


def told_as_reading(decision: Decision) -> Decision:
    """Return the decision who reads documents in the words of a receipt."""
    return replace(decision, summary=f"reading documents: {decision.summary}")


def context_of(decision: Decision, fleet: Fleet) -> int | None:
    """Return how many tokens the chosen model takes, or None when none is chosen."""
    offer = _offer(decision, fleet)
    return None if offer is None else offer.context_tokens_max


def _offer(decision: Decision, fleet: Fleet) -> ModelOffer | None:
    """Return the model that was chosen."""
    chosen = decision.chosen
    place = None if chosen is None else fleet.register.place(chosen.island)
    if chosen is None or place is None:
        return None
    return next((offer for offer in fleet.islands[place].models if offer.name == chosen.model), None)
