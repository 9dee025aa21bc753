"""Choose who runs a request: vetoes first, then four objectives, then the nearest within a band.

The best by score is on the Pareto front (see `scoring`). A dominated island is chosen in one case
only: it is within the band of the best and nearer to the owner than every island that dominates
it. The same snapshot gives the same decision, in whatever order the islands come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from islandrun.agents import AGENTS
from islandrun.agents.agent import OBJECTIVES, Agent, Objective, Question, Veto
from islandrun.agents.models import is_called
from islandrun.agents.privacy import visible_ppm
from islandrun.routing.decision import CandidateReport, Decision
from islandrun.routing.policy import profile_name, weights_for
from islandrun.routing.scoring import Vector, normalise, total_ppm
from islandrun.routing.summary import chosen_line, refusal_line
from islandrun.vocabulary import FindingType, IslandId, IslandView


@dataclass(frozen=True, slots=True)
class Judged:
    """One island with all that the agents said of it; `vector` counts only without a veto."""

    island: IslandView
    vetoes: tuple[Veto, ...]
    vector: Vector
    model: str


@dataclass(frozen=True, slots=True)
class Scored:
    """One candidate with its figures among the others."""

    judged: Judged
    normalised: Vector
    total: int

    @property
    def score_order(self) -> tuple[int, Vector, IslandId]:
        """Order by total; equal totals by the figures themselves, so that a dominated one comes later."""
        return self.total, self.judged.vector, self.judged.island.id

    @property
    def near_order(self) -> tuple[int, bool, bool, int, Vector, IslandId]:
        """Order by nearness first: tier, this island, this node; then as by score."""
        island = self.judged.island
        return (island.tier, not island.is_self, not island.is_local, *self.score_order)


def choose(
    question: Question, islands: Sequence[IslandView], agents: Sequence[Agent] = AGENTS, attempt: int = 1
) -> Decision:
    """Decide who runs a request; `chosen` is None when every island has a veto.

    Raises `BadRequest` when the client names a profile that the owner has not defined.
    """
    weights = weights_for(question)
    question = _with_ids_to_ignore(question, islands)
    judged = [_judge(question, island, agents) for island in sorted(islands, key=lambda island: island.id)]
    candidates = [item for item in judged if not item.vetoes]
    vetoed = tuple(_vetoed_report(question, item) for item in judged if item.vetoes)
    if not candidates:
        return _decision(question, attempt, vetoed, refusal_line(vetoed))
    scaled_vectors = normalise([item.vector for item in candidates])
    scored = sorted(
        (
            Scored(item, scaled, total_ppm(scaled, weights))
            for item, scaled in zip(candidates, scaled_vectors, strict=True)
        ),
        key=lambda item: item.score_order,
    )
    best = scored[0]
    band = [item for item in scored if item.total <= best.total + question.policy.local_band_ppm]
    winner = min(band, key=lambda item: item.near_order)
    ranking = [winner, *(item for item in scored if item is not winner)]
    ranked = tuple(_ranked_report(question, item, rank) for rank, item in enumerate(ranking, start=1))
    chosen = ranked[0]
    masked = question.assessment.masked(chosen.trust_ppm) if chosen.masked else ()
    summary = chosen_line(chosen, masked, len(ranked), len(judged), is_nearer=winner is not best)
    return _decision(question, attempt, ranked + vetoed, summary, chosen, masked)


def _with_ids_to_ignore(question: Question, islands: Sequence[IslandView]) -> Question:
    """Add the ids of ignored islands, so that what they front for others is left out as well."""
    words = question.hints.ignore
    if not words:
        return question
    ids = sorted(island.id for island in islands if any(is_called(island, word) for word in words))
    return replace(question, hints=replace(question.hints, ignore=(*words, *ids)))


def _judge(question: Question, island: IslandView, agents: Sequence[Agent]) -> Judged:
    vetoes: list[Veto] = []
    values = [0] * len(OBJECTIVES)
    model = ""
    for agent in agents:
        verdict = agent.judge(question, island)
        vetoes.extend(verdict.vetoes)
        for objective, value in verdict.scores:
            values[objective] = value
        model = verdict.model or model
    a, b, c, d = values
    return Judged(island, tuple(vetoes), (a, b, c, d), model)


def _ranked_report(question: Question, scored: Scored, rank: int) -> CandidateReport:
    normalised = tuple(zip(OBJECTIVES, scored.normalised, strict=True))
    return _report(question, scored.judged, normalised, scored.total, rank)


def _vetoed_report(question: Question, judged: Judged) -> CandidateReport:
    return _report(question, judged, (), 0, 0)


def _report(
    question: Question,
    judged: Judged,
    normalised: tuple[tuple[Objective, int], ...],
    total: int,
    rank: int,
) -> CandidateReport:
    island = judged.island
    return CandidateReport(
        island=island.id,
        key=island.key,
        name=island.name,
        tier=island.tier,
        trust_ppm=island.trust.ppm,
        visible_ppm=visible_ppm(question, island),
        masked=_is_masked(question, island),
        model=judged.model,
        vetoes=judged.vetoes,
        cost_microusd=judged.vector[Objective.COST_MICROUSD],
        latency_ms=judged.vector[Objective.LATENCY_MS],
        normalised=normalised,
        total_ppm=total,
        rank=rank,
    )


def _is_masked(question: Question, island: IslandView) -> bool:
    """Say whether an island would see placeholders; trust at or above the sensitivity sees all."""
    trust = island.trust.ppm
    return trust < question.assessment.sensitivity_ppm and bool(question.assessment.masked(trust))


def _decision(
    question: Question,
    attempt: int,
    reports: tuple[CandidateReport, ...],
    summary: str,
    chosen: CandidateReport | None = None,
    masked: tuple[tuple[FindingType, int], ...] = (),
) -> Decision:
    return Decision(
        request_id=question.request_id,
        receipt_id=question.receipt_id,
        attempt=attempt,
        profile=profile_name(question),
        sensitivity_ppm=question.assessment.sensitivity_ppm,
        reasons=question.assessment.reasons,
        reports=reports,
        chosen=chosen,
        masked=masked,
        summary=summary,
    )
