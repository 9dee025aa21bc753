"""A value once found is found in every other place.

`Known` looks for many values at once, word by word. A name is looked for in any case and in its
parts ("Smith" after "John Smith"), all else exactly; a long value with a checksum or a format is found
even where it is glued to other characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from islandrun.privacy.detect.merge import merge
from islandrun.privacy.detect.rule import PROPAGATED
from islandrun.privacy.detect.words import AMBIGUOUS, ORDINARY
from islandrun.vocabulary import Finding, FindingType, Ppm

_TOKEN: Final = re.compile(r"[^\W_]+")
_PART: Final = re.compile(r"[^\W\d_][^\W\d_'\u2019-]*")
_PART_LENGTH_MIN: Final = 3
_GLUED_LENGTH: Final = 8
_GLUED: Final = frozenset(
    {
        FindingType.SECRET,
        FindingType.CARD,
        FindingType.IBAN,
        FindingType.NATIONAL_ID,
        FindingType.CRYPTO,
        FindingType.EMAIL,
        FindingType.PHONE,
    }
)
_FEW: Final = 16
_WORDS: Final = AMBIGUOUS | ORDINARY


@dataclass(frozen=True, slots=True)
class Value:
    """What to look for. `any_case` values are held casefolded."""

    text: str = field(repr=False)
    type: FindingType
    floor_ppm: Ppm
    any_case: bool = False
    confidence_ppm: Ppm = PROPAGATED


class Known:
    """An index over values; `find` costs time in the length of the text, not in the number of values."""

    def __init__(self, values: Iterable[Value]) -> None:
        self._words: dict[str, list[tuple[int, Value]]] = {}
        self._glued: dict[str, list[Value]] = {}
        for value in sorted(set(values), key=lambda one: (-len(one.text), one.text, one.type)):
            self._add(value)
        self._head_lengths = sorted({len(head) for head in self._glued})

    def _add(self, value: Value) -> None:
        word = _TOKEN.search(value.text)
        if word is not None:
            self._words.setdefault(word[0].casefold(), []).append((word.start(), value))
        if word is None or (value.type in _GLUED and len(value.text) >= _GLUED_LENGTH):
            self._glued.setdefault(value.text[:_GLUED_LENGTH], []).append(value)

    def find(self, text: str) -> Iterator[Finding]:
        """Yield every place of a value, overlaps and all."""
        if self._words:
            for word in _TOKEN.finditer(text):
                for offset, value in self._words.get(word[0].casefold(), ()):
                    start = word.start() - offset
                    if start >= 0 and _stands_at(text, start, value):
                        yield _finding(value, start)
        yield from self._find_glued(text)

    def _find_glued(self, text: str) -> Iterator[Finding]:
        """Look for values inside longer words: one by one when they are few, else by their heads."""
        if len(self._glued) > _FEW:
            for start in range(len(text)):
                for size in self._head_lengths:
                    for value in self._glued.get(text[start : start + size], ()):
                        if text.startswith(value.text, start):
                            yield _finding(value, start)
            return
        for value in (value for bucket in self._glued.values() for value in bucket):
            start = text.find(value.text)
            while start >= 0:
                yield _finding(value, start)
                start = text.find(value.text, start + len(value.text))


def _stands_at(text: str, start: int, value: Value) -> bool:
    end = start + len(value.text)
    there = text[start:end]
    if (there.casefold() if value.any_case else there) != value.text:
        return False
    begins_word = start > 0 and value.text[0].isalnum() and text[start - 1].isalnum()
    ends_word = end < len(text) and value.text[-1].isalnum() and text[end].isalnum()
    return not begins_word and not ends_word


def _finding(value: Value, start: int) -> Finding:
    end = start + len(value.text)
    return Finding(start, end, value.type, value.confidence_ppm, value.floor_ppm, "propagated")


def values_of(text: str, finding: Finding) -> Iterator[Value]:
    """Yield what to look for elsewhere because of one finding."""
    original = text[finding.start : finding.end]
    yield Value(original, finding.type, finding.floor_ppm)
    if finding.type is not FindingType.PERSON:
        return
    folded = original.casefold()
    if len(original) >= _PART_LENGTH_MIN and len(folded) == len(original) and folded not in _WORDS:
        yield Value(folded, finding.type, finding.floor_ppm, any_case=True)
    for part in _PART.findall(original):
        yield from _part_values(part, finding)


def _part_values(part: str, finding: Finding) -> Iterator[Value]:
    folded = part.casefold()
    if len(part) < _PART_LENGTH_MIN or len(folded) != len(part):
        return
    if folded not in _WORDS:
        yield Value(folded, finding.type, finding.floor_ppm, any_case=True)
    elif part[:1].isupper() and folded in AMBIGUOUS:
        yield Value(part, finding.type, finding.floor_ppm)


def propagate(texts: Sequence[str], findings: Sequence[Sequence[Finding]]) -> tuple[tuple[Finding, ...], ...]:
    """Find every found value in all the texts; one value has one floor wherever it stands."""
    values = [
        value
        for text, found in zip(texts, findings, strict=True)
        for finding in found
        if finding.type is not FindingType.LITERAL
        for value in values_of(text, finding)
    ]
    if not values:
        return tuple(merge(found) for found in findings)
    known = Known(_highest(values))
    return tuple(merge([*found, *known.find(text)]) for text, found in zip(texts, findings, strict=True))


def _highest(values: Iterable[Value]) -> list[Value]:
    """Keep one value for each text: the one with the highest floor."""
    best: dict[tuple[str, bool], Value] = {}
    for value in values:
        key = (value.text, value.any_case)
        if key not in best or value.floor_ppm > best[key].floor_ppm:
            best[key] = value
    return list(best.values())
