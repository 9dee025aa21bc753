"""Which model of an island a request means: concrete names, `model@island` and the three aliases.

`islandrun/auto` takes any model, `islandrun/local` only what this node runs without a cloud,
`islandrun/private` only personal and edge islands. Each may carry `@island`, with the name of an
island or the first 8 or more characters of its id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from islandrun.agents.agent import Question, Veto, VetoReason
from islandrun.agents.policy import cost_limit
from islandrun.vocabulary import IslandView, ModelOffer, Ppm, Tier

AUTO: Final = "islandrun/auto"
LOCAL: Final = "islandrun/local"
PRIVATE: Final = "islandrun/private"
ALIASES: Final = (AUTO, LOCAL, PRIVATE)

ID_PREFIX_MIN: Final = 8
EXTRACTIVE_DIVISOR: Final = 4
"""A model that can only quote is worth this much less where no documents are asked for."""

COST_MICROUSD_MAX: Final = 10**15


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model name taken apart for one island. `is_here` is false when it names another island."""

    model: str
    is_here: bool


def is_called(island: IslandView, word: str) -> bool:
    """Say whether a client means this island: by its name, its id, or 8 or more characters of the id."""
    return word == island.name or (len(word) >= ID_PREFIX_MIN and island.id.startswith(word.lower()))


def wanted(model: str, island: IslandView) -> Wanted:
    """Take a model name apart for one island; an empty name means `islandrun/auto`."""
    if "@" not in model:
        return Wanted(model or AUTO, is_here=True)
    if any(offer.name == model for offer in island.models):
        return Wanted(model, is_here=True)
    name, _, target = model.rpartition("@")
    return Wanted(name or AUTO, is_here=is_called(island, target))


def is_model_known(islands: Sequence[IslandView], model: str) -> bool:
    """Say whether a model name means anything in this mesh; aliases do, also where nobody is there yet."""
    if not model or model in ALIASES:
        return True
    return any(
        meant.is_here
        and (meant.model in ALIASES or any(offer.name == meant.model for offer in island.models))
        for island in islands
        for meant in (wanted(model, island),)
    )


def quality_ppm(offer: ModelOffer, needs_documents: bool) -> Ppm:
    """Say what quality to expect of a model for a request with or without documents."""
    if offer.is_extractive and not needs_documents:
        return Ppm(offer.quality_ppm // EXTRACTIVE_DIVISOR)
    return offer.quality_ppm


def cost_microusd(offer: ModelOffer, input_tokens: int, output_tokens: int) -> int:
    """Estimate the price of a request in micro-dollars, rounded up."""
    price = input_tokens * offer.input_price_microusd + output_tokens * offer.output_price_microusd
    return min(-(-price // 1_000_000), COST_MICROUSD_MAX)


def pick_model(question: Question, island: IslandView) -> ModelOffer | None:
    """Pick the model of an island that would run a request; None when no model of it can.

    The best expected quality wins among the models that fit the context (and have tools where
    they are needed) and the budget; ties go to the lower name. When none is within budget, the
    best beyond it is returned, so that the cost agent can say by how much.
    """
    able = _able(question, _matching(question, island))
    if len(able) <= 1:
        return able[0] if able else None
    limit = cost_limit(question.policy, question.hints.cost_max_microusd)
    has_documents = question.needs_documents

    def order(offer: ModelOffer) -> tuple[bool, int, str]:
        is_over = limit is not None and limit < cost_microusd(
            offer, question.input_tokens, question.output_tokens
        )
        return is_over, -quality_ppm(offer, has_documents), offer.name

    return min(able, key=order)


def model_vetoes(question: Question, island: IslandView) -> tuple[Veto, ...]:
    """Say why no model of an island can run a request; empty when one can."""
    offers = _matching(question, island)
    if not offers:
        return (
            Veto(VetoReason.MODEL_MISSING, f"none of its {len(island.models)} models is the one asked for"),
        )
    if _able(question, offers):
        return ()
    return tuple(_disabilities(question, offers))


def scope_vetoes(question: Question, island: IslandView) -> tuple[Veto, ...]:
    """Say why a model name keeps a request away from an island; empty when it does not."""
    meant = wanted(question.model, island)
    vetoes = []
    if not meant.is_here:
        vetoes.append(Veto(VetoReason.CLIENT_HINT, "the model name asks for another island"))
    if meant.model == LOCAL and not island.is_local:
        vetoes.append(Veto(VetoReason.CLIENT_HINT, f"{LOCAL} stays on this node"))
    if meant.model in (LOCAL, PRIVATE) and island.tier is Tier.CLOUD:
        vetoes.append(Veto(VetoReason.TIER_EXCLUDED, f"{meant.model} excludes the cloud tier"))
    return tuple(vetoes)


def _matching(question: Question, island: IslandView) -> tuple[ModelOffer, ...]:
    name = wanted(question.model, island).model
    if name in ALIASES:
        return island.models
    return tuple(offer for offer in island.models if offer.name == name)


def _able(question: Question, offers: Sequence[ModelOffer]) -> list[ModelOffer]:
    """Return the offers whose context holds prompt and answer, and that have tools where they are needed."""
    needed = question.input_tokens + question.output_tokens
    needs_tools = question.needs_tools
    return [
        offer
        for offer in offers
        if needed <= offer.context_tokens_max and (offer.supports_tools or not needs_tools)
    ]


def _disabilities(question: Question, offers: Sequence[ModelOffer]) -> list[Veto]:
    """Say what is lacking where no model is able: room, tools, or both in one model."""
    needed = question.input_tokens + question.output_tokens
    longest = max(offer.context_tokens_max for offer in offers)
    vetoes = []
    if needed > longest:
        vetoes.append(Veto(VetoReason.CONTEXT_TOO_LONG, f"{needed} tokens > {longest} of context"))
    if question.needs_tools and not any(offer.supports_tools for offer in offers):
        vetoes.append(Veto(VetoReason.MODALITY, "the request has tools; the model does not support them"))
    if not vetoes:
        vetoes.append(Veto(VetoReason.MODALITY, f"no model has both tools and room for {needed} tokens"))
    return vetoes
