"""A decision in many lines for people: a table of candidates, the vetoes, what was masked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from islandrun.agents.agent import Objective, share
from islandrun.routing.decision import CandidateReport, Decision
from islandrun.vocabulary import sensitivity_class

ROWS_MAX: Final = 40
"""A table shows so many islands and counts the rest."""

_HEADINGS: Final = (
    "rank", "island", "tier", "model", "trust", "visible", "masked",
    "usd", "ms", "cost", "latency", "exposure", "loss", "total",
)  # fmt: skip


def explain_decision(decision: Decision) -> tuple[str, ...]:
    """Tell one decision in lines: the request, who could run it at what score, who could not and why."""
    words = sensitivity_class(decision.sensitivity_ppm).name.lower()
    ranked = [report for report in decision.reports if report.rank]
    vetoed = [report for report in decision.reports if not report.rank]
    guess = decision.task
    lines = [
        f"Attempt {decision.attempt}, profile {decision.profile}: {decision.summary}",
        f"  sensitivity {share(decision.sensitivity_ppm)} ({words})"
        + (f": {'; '.join(decision.reasons)}" if decision.reasons else ""),
        f"  task: {guess.counted} (guessed {guess.task}, {share(guess.confidence_ppm)})",
        f"  rules: {', '.join(decision.rules) or 'none applied'}",
        f"  masked: {', '.join(f'{kind} x{count}' for kind, count in decision.masked) or 'nothing'}",
    ]
    if ranked:
        lines.append("  could run it (scores are shares of 1; lower is better):")
        lines.extend(f"    {line}" for line in _table(ranked[:ROWS_MAX]))
        lines.extend(_rest(len(ranked)))
    if vetoed:
        lines.append("  ruled out:")
        for report in vetoed[:ROWS_MAX]:
            lines.append(f"    {_name(report)} ({report.tier.name.lower()}, trust {share(report.trust_ppm)})")
            lines.extend(f"      {veto.reason}: {veto.detail}" for veto in report.vetoes)
        lines.extend(_rest(len(vetoed)))
    return tuple(lines)


def _rest(count: int) -> list[str]:
    return [f"    and {count - ROWS_MAX} more"] if count > ROWS_MAX else []


def _name(report: CandidateReport) -> str:
    return report.name or report.island[:8]


def _table(reports: Sequence[CandidateReport]) -> list[str]:
    rows = [_HEADINGS, *(_row(report) for report in reports)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _row(report: CandidateReport) -> tuple[str, ...]:
    scores = dict(report.normalised)
    return (
        str(report.rank),
        _name(report),
        report.tier.name.lower(),
        report.model,
        share(report.trust_ppm),
        share(report.visible_ppm),
        "yes" if report.masked else "no",
        share(report.cost_microusd),
        str(report.latency_ms),
        *(share(scores.get(objective, 0)) for objective in Objective),
        share(report.total_ppm),
    )
