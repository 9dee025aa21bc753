"""A value once found is found in every other place.

`Known` looks for many values at once, word by word: a value exactly, a name in all of its forms. A long
value with a checksum or a format is found even where it is glued to other characters, and so is one in a
script that puts no space between words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from islandrun.privacy.detect.merge import merge
from islandrun.privacy.detect.name_forms import (
    ORDINARY_WORDS,
    SPACELESS,
    WORD,
    NameForm,
    end_of_form,
    forms_of,
    humps,
    is_hump,
    plain,
    spaceless_forms_of,
    stands_as_name,
)
from islandrun.privacy.detect.rule import PROPAGATED
from islandrun.vocabulary import Finding, FindingType, Ppm

_TOKEN: Final = re.compile(rf"[^\W_{SPACELESS}]+")
_GLUED_LENGTH: Final = 8
GLUED: Final = frozenset(
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
"""Types whose values are looked for inside longer words too."""
_FEW: Final = 16
_SPACELESS_LENGTH_MIN: Final = 2
"""One character of such a script is part of many words."""
_OPEN_SIDE: Final = re.compile(rf"[{SPACELESS}]")
_KATAKANA: Final = re.compile("[\u30a1-\u30fa\u30fc-\u30ff]")
_HANGUL: Final = re.compile("[\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Value:
    """What to look for: a text as it is, or `in_all_forms` in which a name may stand."""

    text: str = field(repr=False)
    type: FindingType
    floor_ppm: Ppm
    in_all_forms: bool = False


class Known:
    """An index over values; `find` costs time in the length of the text, not in the number of values."""

    def __init__(self, values: Iterable[Value]) -> None:
        self._words: dict[str, list[tuple[int, Value]]] = {}
        self._names: dict[str, list[tuple[NameForm, Value]]] = {}
        self._glued: dict[str, list[Value]] = {}
        for value in sorted(dict.fromkeys(values), key=lambda one: (-len(one.text), one.text, one.type)):
            self._add(value)
        self._head_lengths = sorted({len(head) for head in self._glued})

    def _add(self, value: Value) -> None:
        if value.in_all_forms:
            for form in forms_of(value.text):
                self._names.setdefault(form.words[0], []).append((form, value))
            for part in spaceless_forms_of(value.text):
                self._add(Value(part, value.type, value.floor_ppm))
        if len(value.text) < _SPACELESS_LENGTH_MIN and _OPEN_SIDE.match(value.text):
            return
        word = _TOKEN.search(value.text)
        if word is not None:
            self._words.setdefault(word[0].casefold(), []).append((word.start(), value))
        if word is None or (value.type in GLUED and len(value.text) >= _GLUED_LENGTH):
            self._glued.setdefault(value.text[:_GLUED_LENGTH], []).append(value)

    def find(self, text: str) -> Iterator[Finding]:
        """Yield every place of a value, overlaps and all."""
        if self._words:
            for word in _TOKEN.finditer(text):
                for offset, value in self._words.get(word[0].casefold(), ()):
                    start = word.start() - offset
                    if start >= 0 and _stands_at(text, start, value):
                        yield _finding(value, start, start + len(value.text))
        if self._names:
            yield from self._find_names(text)
        yield from self._find_glued(text)

    def _find_names(self, text: str) -> Iterator[Finding]:
        """Look for forms of names; of those that overlap, the first and longest stands for all."""
        found = list(WORD.finditer(text))
        covered, floor = 0, -1
        for index, word in enumerate(found):
            places = [
                _finding(value, word.start(), end)
                for form, value in self._names.get(plain(word[0]), ())
                if (end := end_of_form(text, found, index, form)) is not None
            ]
            for one in sorted(places, key=lambda one: (-one.end, -one.floor_ppm)):
                if one.start >= covered or one.floor_ppm > floor:
                    yield one
                    covered, floor = max(covered, one.end), one.floor_ppm
            if word.end() > covered:
                yield from self._find_humps(word)

    def _find_humps(self, word: re.Match[str]) -> Iterator[Finding]:
        for left, right in humps(word[0]):
            hump = word[0][left:right]
            for form, value in self._names.get(plain(hump), ()):
                if is_hump(hump, form):
                    yield _finding(value, word.start() + left, word.start() + right)

    def _find_glued(self, text: str) -> Iterator[Finding]:
        for value, start in self._glued_places(text):
            if _parts_words(text, start, value):
                yield _finding(value, start, start + len(value.text))

    def _glued_places(self, text: str) -> Iterator[tuple[Value, int]]:
        """Look for values inside longer words: one by one when they are few, else by their heads."""
        if len(self._glued) > _FEW:
            for start in range(len(text)):
                for size in self._head_lengths:
                    for value in self._glued.get(text[start : start + size], ()):
                        if text.startswith(value.text, start):
                            yield value, start
            return
        for value in (value for bucket in self._glued.values() for value in bucket):
            start = text.find(value.text)
            while start >= 0:
                yield value, start
                start = text.find(value.text, start + len(value.text))


def _stands_at(text: str, start: int, value: Value) -> bool:
    end = start + len(value.text)
    if text[start:end] != value.text:
        return False
    if _is_inside_word(text, start) or _is_inside_word(text, end):
        return False
    careful = value.type is FindingType.PERSON and value.text.lower() in ORDINARY_WORDS
    return not careful or stands_as_name(text, start, end)


def _is_inside_word(text: str, at: int) -> bool:
    """Say whether letters or digits of one script stand on both sides of a place."""
    if not 0 < at < len(text) or not (text[at - 1].isalnum() and text[at].isalnum()):
        return False
    return not (_OPEN_SIDE.match(text, at - 1) or _OPEN_SIDE.match(text, at))


def _parts_words(text: str, start: int, value: Value) -> bool:
    """Say whether a value in a script without spaces may begin and end here."""
    end = start + len(value.text)
    if _KATAKANA.match(value.text[0]) and (_KATAKANA.match(text, start - 1) if start else None):
        return False
    if _KATAKANA.match(value.text[-1]) and _KATAKANA.match(text, end):
        return False
    return not (start and _HANGUL.match(value.text[0]) and _HANGUL.match(text, start - 1))


def _finding(value: Value, start: int, end: int) -> Finding:
    return Finding(start, end, value.type, PROPAGATED, value.floor_ppm, "propagated")


def values_of(text: str, finding: Finding) -> Iterator[Value]:
    """Yield what to look for elsewhere because of one finding."""
    yield value_of(text[finding.start : finding.end], finding.type, finding.floor_ppm)


def value_of(original: str, kind: FindingType, floor_ppm: Ppm) -> Value:
    """Return what to look for because a text is a value of this type: a name in all of its forms."""
    return Value(original, kind, floor_ppm, in_all_forms=kind is FindingType.PERSON)


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
        key = (value.text, value.in_all_forms)
        if key not in best or value.floor_ppm > best[key].floor_ppm:
            best[key] = value
    return list(best.values())
