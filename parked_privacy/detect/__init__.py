"""Find what people would not want to leave. A detector takes a text and returns findings; rules are the first one.

A model that looks for names is another `Detector` with `finds_names` true; without one, free text is never public.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from islandrun.privacy.detect.rules import find_all
from islandrun.vocabulary import Finding


class Detector(Protocol):
    """Something that finds. `finds_names` says that it looks for names in free text."""

    name: str
    finds_names: bool

    def __call__(self, text: str) -> tuple[Finding, ...]:
        """Return findings with offsets in code points; raising makes the request restricted."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """Patterns with checksums and context; no model."""

    name: str = "rules"
    finds_names: bool = False

    def __call__(self, text: str) -> tuple[Finding, ...]:
        """Return what the rules find."""
        return find_all(text)


RULES: Final = Rules()


def detect(text: str, detectors: Sequence[Detector] = (RULES,)) -> tuple[Finding, ...]:
    """Return what all detectors find, merged: sorted, not overlapping."""
    return merge(finding for detector in detectors for finding in detector(text))


def merge(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Keep the finding that needs more trust where two overlap, then the longer one, then the surer one."""
    chosen: list[Finding] = []
    order = sorted(
        findings,
        key=lambda one: (-one.floor_ppm, one.start - one.end, -one.confidence_ppm, one.start, one.type.value),
    )
    for finding in order:
        if all(finding.end <= other.start or other.end <= finding.start for other in chosen):
            chosen.append(finding)
    return tuple(sorted(chosen, key=lambda one: one.start))
