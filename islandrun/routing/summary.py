"""A decision in one line for people: who runs it and what they see, or why nobody may."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from islandrun.agents.agent import share
from islandrun.routing.decision import CandidateReport
from islandrun.vocabulary import FindingType

ISLANDS_NAMED_MAX: Final = 8
"""A refusal names so many islands with their reasons and counts the rest."""


def chosen_line(
    chosen: CandidateReport,
    masked: Sequence[tuple[FindingType, int]],
    ranked: int,
    judged: int,
    why_not_best: str,
) -> str:
    """Say who runs a request, how far it is trusted, and what it does not see."""
    hidden = sum(count for _, count in masked)
    seen = f"sees {share(chosen.visible_ppm)} with {hidden} masked" if hidden else "sees it as it is"
    why = f"; {why_not_best}" if why_not_best else ""
    return (
        f"{chosen.name} ({chosen.tier.name.lower()}) runs it with {chosen.model}: "
        f"trust {share(chosen.trust_ppm)}, {seen}; {ranked} of {judged} islands could{why}"
    )


def refusal_line(named: Sequence[CandidateReport], judged: int, *, may_nobody_see: bool) -> str:
    """Say for each island why it does not run a request; `named` are the first of those that were judged."""
    if not judged:
        return "nobody can run this: the mesh has no islands"
    parts = [
        f"{report.name or report.island[:8]}: {', '.join(veto.detail for veto in report.vetoes)}"
        for report in named
    ]
    if judged > len(named):
        parts.append(f"and {judged - len(named)} more islands")
    return f"nobody {'may see' if may_nobody_see else 'can run'} this: {'; '.join(parts)}"
