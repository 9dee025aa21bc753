"""The time of one request on one island, as one would write it first."""

from __future__ import annotations

from islandrun.agents.question import Question
from islandrun.vocabulary import IslandView, Load, ModelOffer, Reachability, Tier

TIER_LOADS = {Tier.PERSONAL: (400, 30_000), Tier.EDGE: (300, 20_000), Tier.CLOUD: (700, 12_000)}


def expected_ms(question: Question, island: IslandView, offer: ModelOffer | None, room: int) -> int:
    load = island.load or Load(0, 0, island.requests_max, 0, 0)
    first_ms, slope_ns, each_us = pace_of(island, offer, load, room)
    first_ms += question.input_tokens * slope_ns // 1_000_000
    service = first_ms + question.output_tokens * each_us // 1_000
    transfer = 0 if island.is_local else question.input_tokens * 4 // 1_000
    ahead = max(load.running + load.waiting + 1 - room, 0)
    doubt = 2_000 if island.reachability is Reachability.SUSPECT else 0
    queue = service * ahead // max(room, 1)
    whole = min(queue + service + doubt + transfer + island.round_trip_ms, 86_400_000)
    warm = question.warm
    if offer is None or (warm.island, warm.model) != (island.id, offer.name):
        return whole
    return max(0, whole - min(warm.tokens, question.input_tokens) * slope_ns // 1_000_000)


def pace_of(island: IslandView, offer: ModelOffer | None, load: Load, room: int) -> tuple[int, int, int]:
    """Return the time to a first token, per token of a prompt, and per further token."""
    usual_first, usual_each = TIER_LOADS[island.tier]
    for told in load.models:
        if offer is not None and told.model == offer.name:
            known, beside = min(told.samples, 8), min(load.running, max(room - 1, 0))
            each = (known * (told.token_us + beside * told.crowd_us) + (8 - known) * usual_each) // 8
            return (
                (known * told.base_ms + (8 - known) * usual_first) // 8,
                known * told.prefill_ns // 8,
                each if told.token_p50_us else usual_each,
            )
    return load.first_token_ms or usual_first, 0, load.token_us or usual_each
