"""The opinion on means: can an island run the request, how soon, and how well.

Expected latency is the wait for a free place, then the first token, then the rest of the answer,
plus the round trip. While places are free the load does not count at all, so that small changes
of load do not move requests to and fro.
"""

from __future__ import annotations

from typing import Final

from islandrun.agents.agent import Objective, Question, Verdict, Veto, VetoReason
from islandrun.agents.models import model_vetoes, pick_model, quality_ppm
from islandrun.locality.catalog import held, is_holder
from islandrun.vocabulary import PPM_MAX, IslandView, Load, Reachability, Tier

WAITING_MAX: Final = 8
"""So many requests may wait at an island before it counts as full."""

SUSPECT_PENALTY_MS: Final = 2_000
"""What the doubt whether an island is still there costs."""

LATENCY_MS_MAX: Final = 86_400_000
"""No estimate is above a day: beyond it figures say nothing."""

FIRST_TOKEN_MS_DEFAULTS: Final[dict[Tier, int]] = {Tier.PERSONAL: 400, Tier.EDGE: 300, Tier.CLOUD: 700}
"""The time to the first token where no measure of an island is at hand."""

TOKEN_US_DEFAULTS: Final[dict[Tier, int]] = {Tier.PERSONAL: 30_000, Tier.EDGE: 20_000, Tier.CLOUD: 12_000}
"""The time per token where no measure of an island is at hand."""


class ResourceAgent:
    """Vetoes islands that cannot run a request now; scores latency and the loss of quality."""

    name = "resources"

    def judge(self, question: Question, island: IslandView) -> Verdict:
        """Judge models, documents, reach and room; scores are missing when no model can run it."""
        offer = pick_model(question, island)
        vetoes = [*_documents(question, island), *_reach(question, island), *_room(island)]
        if offer is None:
            return Verdict(self.name, island.id, (*model_vetoes(question, island), *vetoes), ())
        latency = latency_ms(question, island)
        deadline = question.hints.deadline_ms
        if deadline is not None and latency > deadline:
            vetoes.append(Veto(VetoReason.DEADLINE, f"{latency} ms expected > {deadline} ms allowed"))
        loss = PPM_MAX - quality_ppm(offer, question.needs_documents)
        return Verdict(
            self.name,
            island.id,
            tuple(vetoes),
            ((Objective.LATENCY_MS, latency), (Objective.QUALITY_LOSS_PPM, loss)),
            offer.name,
        )


def latency_ms(question: Question, island: IslandView) -> int:
    """Estimate the milliseconds until the answer is complete."""
    load = island.load or _assumed_load(island)
    service = load.first_token_ms + question.output_tokens * load.token_us // 1_000
    room = places(island)
    ahead = load.running + load.waiting + 1 - room
    queue = service * ahead // max(room, 1) if ahead > 0 else 0
    doubt = SUSPECT_PENALTY_MS if island.reachability is Reachability.SUSPECT else 0
    return min(queue + service + doubt + island.round_trip_ms, LATENCY_MS_MAX)


def places(island: IslandView) -> int:
    """Say how many requests an island runs at one time: the lower of what it stated and what it measured."""
    if island.load is None:
        return island.requests_max
    return min(island.requests_max, island.load.requests_max)


def _assumed_load(island: IslandView) -> Load:
    tier = island.tier
    return Load(0, 0, island.requests_max, FIRST_TOKEN_MS_DEFAULTS[tier], TOKEN_US_DEFAULTS[tier])


def _documents(question: Question, island: IslandView) -> list[Veto]:
    asked = set(question.hints.data_sets)
    if is_holder(island, asked):
        return []
    count = len(held(island, asked))
    return [Veto(VetoReason.DATA_ELSEWHERE, f"holds {count} of {len(asked)} data sets asked for")]


def _reach(question: Question, island: IslandView) -> list[Veto]:
    vetoes = []
    if island.reachability is Reachability.UNREACHABLE:
        vetoes.append(Veto(VetoReason.UNREACHABLE, "it does not answer"))
    if island.reachability is Reachability.AWAY:
        vetoes.append(Veto(VetoReason.UNREACHABLE, "it said that it is away"))
    if island.id in question.failed:
        vetoes.append(Veto(VetoReason.FAILED_BEFORE, "it failed this request before"))
    return vetoes


def _room(island: IslandView) -> list[Veto]:
    room = places(island)
    if room <= 0:
        return [Veto(VetoReason.NO_CAPACITY, "it takes no requests")]
    if island.load is None:
        return []
    busy = island.load.running + island.load.waiting
    if busy < room + WAITING_MAX:
        return []
    return [Veto(VetoReason.NO_CAPACITY, f"{busy} requests at {room} places and {WAITING_MAX} to wait")]
