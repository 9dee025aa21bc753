"""What a rule is, and how a table of rules runs over a text in linear time.

A pattern has bounded repeats and starts at a boundary, so that a hostile text costs a constant for
each character. A trigger is a plain word without which the pattern cannot match, and a need is a
shape shared by many rules: each is looked for once a text, which is what keeps the whole table fast.
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
AROUND_CHARACTERS: Final = 80

DIGIT: Final = re.compile(r"[0-9]")
"""A need: any digit at all."""
NUMBER: Final = re.compile(r"[0-9](?:[ ./()-]{0,3}[0-9]){4}")
"""A need: five digits, written together or in groups."""
LONG_WORD: Final = re.compile(r"[A-Za-z0-9_-]{14}")
"""A need: a run of characters longer than most words."""

Fit = Callable[[str], int]
"""Says how many characters of a match belong to the value; 0 refuses it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern. The value is the group `value` if there is one, else the whole match.

    `lower` rules read the text in lower case. `triggers` are in lower case; one of them must occur,
    and `needs` must match somewhere in the text. `context` must match within 40 characters before the
    match, or after it; `unless` judges the text within 80 characters around it, and refuses the match.
    """

    name: str
    type: FindingType
    pattern: re.Pattern[str]
    confidence: Ppm = FORMAT
    triggers: tuple[str, ...] = ()
    fit: Fit | None = None
    context: re.Pattern[str] | None = None
    lower: bool = False
    needs: re.Pattern[str] | None = None
    unless: Callable[[str], bool] | None = None


def apply(rules: tuple[Rule, ...], reading: Reading) -> list[Finding]:
    """Return what a table of rules finds, overlaps and all."""
    worth_it = _Prefilter(reading)
    return [finding for rule in rules if worth_it(rule) for finding in _apply_one(rule, reading)]


class _Prefilter:
    """Says whether a rule can match at all; remembers what one text holds."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._triggers: dict[str, bool] = {}
        self._needs: dict[re.Pattern[str], bool] = {}

    def __call__(self, rule: Rule) -> bool:
        if rule.needs is not None and not self._is_met(rule.needs):
            return False
        return not rule.triggers or self._has_one(rule.triggers)

    def _is_met(self, need: re.Pattern[str]) -> bool:
        met = self._needs.get(need)
        if met is None:
            met = self._needs[need] = need.search(self._reading.text) is not None
        return met

    def _has_one(self, triggers: tuple[str, ...]) -> bool:
        known, lower = self._triggers, self._reading.lower
        for trigger in triggers:
            found = known.get(trigger)
            if found is None:
                found = known[trigger] = trigger in lower
            if found:
                return True
        return False


def _apply_one(rule: Rule, reading: Reading) -> Iterator[Finding]:
    text = reading.lower if rule.lower else reading.text
    group = "value" if "value" in rule.pattern.groupindex else 0
    position = 0
    while (found := rule.pattern.search(text, position)) is not None:
        start, end = found.span(group)
        length = _length(rule, reading, start, end)
        if length:
            first, last = reading.span(start, start + length)
            floor = DEFAULT_FLOORS.of(rule.type)
            yield Finding(first, last, rule.type, rule.confidence, floor, rule.name)
            position = max(start + length, found.start() + 1)
        else:
            position = found.start() + 1


def _length(rule: Rule, reading: Reading, start: int, end: int) -> int:
    """Return how many characters of a match are the value; 0 when something speaks against it."""
    length = end - start
    if length and rule.fit is not None:
        length = rule.fit(reading.text[start:end])
    if length and rule.context is not None and not _has_context(rule.context, reading.lower, start, end):
        return 0
    if length and rule.unless is not None and rule.unless(_around(reading.lower, start, end)):
        return 0
    return length


def _has_context(context: re.Pattern[str], lower: str, start: int, end: int) -> bool:
    before = lower[max(0, start - CONTEXT_CHARACTERS) : start]
    after = lower[end : end + CONTEXT_CHARACTERS]
    return context.search(before) is not None or context.search(after) is not None


def _around(lower: str, start: int, end: int) -> str:
    return f"{lower[max(0, start - AROUND_CHARACTERS) : start]} {lower[end : end + AROUND_CHARACTERS]}"


def accept_if(check: Callable[[str], object]) -> Fit:
    """Turn a yes-or-no check into a fit. A check that raises is a bug, and is not hidden."""

    def fit(value: str) -> int:
        return len(value) if check(value) else 0

    return fit
