"""From many overlapping findings to a few that do not overlap.

Findings that touch the same characters become one, over all that they cover: a span that lost
against another must not leave a half of itself visible. The strongest says what it is: a secret
before all else, then checksum and format before context, then the longer one. A general form is not kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from islandrun.privacy.detect.rule import FORMAT
from islandrun.vocabulary import Finding, FindingType


def merge(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings sorted by place, without overlaps; each keeps the highest floor it covers."""
    merged: list[Finding] = []
    for finding in sorted(findings, key=lambda one: (one.start, one.end, one.type, one.source)):
        if merged and finding.start < merged[-1].end:
            merged[-1] = _join(merged[-1], finding)
        else:
            merged.append(finding)
    return tuple(merged)


def _join(left: Finding, right: Finding) -> Finding:
    winner = max(left, right, key=_strength)
    return replace(
        winner,
        start=min(left.start, right.start),
        end=max(left.end, right.end),
        floor_ppm=max(left.floor_ppm, right.floor_ppm),
        general=None,
    )


def _strength(finding: Finding) -> tuple[bool, bool, bool, int, int, int, int]:
    return (
        finding.type is FindingType.SECRET,
        finding.type is not FindingType.LITERAL,
        finding.confidence_ppm >= FORMAT,
        finding.end - finding.start,
        finding.floor_ppm,
        finding.confidence_ppm,
        -finding.start,
    )
