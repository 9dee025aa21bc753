"""Choose who runs a request: vetoes first, then four objectives, then the nearest within a band.

The best by score is on the Pareto front (see `scoring`). A dominated island is chosen in one case
only: it is within the band of the best and nearer to the owner than every island that dominates
it. The same snapshot gives the same decision, in whatever order the islands come.
"""

from __future__ import annotations

from collections.abc import Sequence

from islandrun.agents import AGENTS
from islandrun.agents.agent import Agent, VetoReason, case_of
from islandrun.agents.fleet import Fleet
from islandrun.agents.question import Question
from islandrun.agents.resources import warm_place
from islandrun.routing.decision import CandidateReport, Decision
from islandrun.routing.policy import profile_name, weights_for
from islandrun.routing.ranking import Ranking
from islandrun.routing.reports import Reports
from islandrun.routing.summary import ISLANDS_NAMED_MAX, chosen_line, refusal_line
from islandrun.vocabulary import FindingType


def choose(question: Question, fleet: Fleet, agents: Sequence[Agent] = AGENTS, attempt: int = 1) -> Decision:
    """Decide who runs a request; `chosen` is None when every island has a veto.

    Raises `BadRequest` when the client names a profile that the owner has not defined.
    """
    ranking = Ranking(case_of(question, fleet), agents, weights_for(question))
    reports = Reports(ranking)
    if ranking.chosen is None:
        may_nobody_see = ranking.is_out_everywhere_for(VetoReason.TRUST_BELOW_SENSITIVITY)
        named = reports[:ISLANDS_NAMED_MAX]
        summary = refusal_line(named, len(reports), may_nobody_see=may_nobody_see)
        return _decision(question, attempt, reports, summary)
    chosen = reports[0]
    masked = question.assessment.masked(chosen.trust_ppm) if chosen.masked else ()
    why = why_not_best(ranking)
    summary = chosen_line(chosen, masked, len(ranking.candidates), len(reports), why)
    return _decision(question, attempt, reports, summary, chosen, masked)


def why_not_best(ranking: Ranking) -> str:
    """Say why somebody else than the best by score is chosen, or what the best has read; else empty."""
    if ranking.chosen is None:
        return ""
    if ranking.chosen == ranking.best:
        is_warm = ranking.chosen == warm_place(ranking.case)
        return f"it has read {ranking.case.question.warm.tokens} tokens of it already" if is_warm else ""
    nearness = ranking.case.fleet.nearness
    is_nearer = nearness[ranking.chosen] < nearness[ranking.best]
    return "nearer than the best by score" if is_nearer else "it ran the last one, and is hardly worse"


def _decision(
    question: Question,
    attempt: int,
    reports: Sequence[CandidateReport],
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
        task=question.task,
        rules=question.limits.rules,
    )
