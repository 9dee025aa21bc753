"""What a rule is, and how a table of rules runs over a text in linear time.

A pattern has bounded repeats and starts at a boundary, so that a hostile text costs a constant for
each character. A trigger is a plain word without which the pattern cannot match: looking for it
first is what keeps the whole table fast.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from islandrun.privacy.detect.reading import Reading
from islandrun.privacy.floors import DEFAULT_FLOORS
from islandrun.vocabulary import Finding, FindingType, Ppm

CHECKED: Final = Ppm(990_000)
"""A checksum holds."""
FORMAT: Final = Ppm(950_000)
"""The shape alone says what it is."""
CONTEXT: Final = Ppm(800_000)
"""Words beside it say what it is."""
PROPAGATED: Final = Ppm(750_000)
"""It was found elsewhere."""

CONTEXT_CHARACTERS: Final = 40

Fit = Callable[[str], int]
"""Says how many characters of a match belong to the value; 0 refuses it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern. The value is the group `value` if there is one, else the whole match.

    `lower` rules read the text in lower case. `triggers` are in lower case; one of them must occur.
    `context` must match within 40 characters before the match, or after it.
    """

    name: str
    type: FindingType
    pattern: re.Pattern[str]
    confidence: Ppm = FORMAT
    triggers: tuple[str, ...] = ()
    fit: Fit | None = None
    context: re.Pattern[str] | None = None
    lower: bool = False


def apply(rules: tuple[Rule, ...], reading: Reading) -> list[Finding]:
    """Return what a table of rules finds, overlaps and all."""
    return [finding for rule in rules for finding in _apply_one(rule, reading)]


def _apply_one(rule: Rule, reading: Reading) -> Iterator[Finding]:
    if rule.triggers and not any(trigger in reading.lower for trigger in rule.triggers):
        return
    text = reading.lower if rule.lower else reading.text
    group = "value" if "value" in rule.pattern.groupindex else 0
    position = 0
    while (found := rule.pattern.search(text, position)) is not None:
        start, end = found.span(group)
        length = end - start
        if length and rule.fit is not None:
            length = rule.fit(reading.text[start:end])
        if length and rule.context is not None and not _has_context(rule.context, reading.lower, start, end):
            length = 0
        if length:
            first, last = reading.span(start, start + length)
            floor = DEFAULT_FLOORS.of(rule.type)
            yield Finding(first, last, rule.type, rule.confidence, floor, rule.name)
            position = max(start + length, found.start() + 1)
        else:
            position = found.start() + 1


def _has_context(context: re.Pattern[str], lower: str, start: int, end: int) -> bool:
    before = lower[max(0, start - CONTEXT_CHARACTERS) : start]
    after = lower[end : end + CONTEXT_CHARACTERS]
    return context.search(before) is not None or context.search(after) is not None


def accept_if(check: Callable[[str], object]) -> Fit:
    """Turn a yes-or-no check into a fit. A check that raises is a bug, and is not hidden."""

    def fit(value: str) -> int:
        return len(value) if check(value) else 0

    return fit
