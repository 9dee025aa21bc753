"""Texts as detectors read them: a message by itself, the leaves of JSON many on a page, each under its key.

A leaf alone says little, and thousands of them one by one would take long. On a page they stand line by
line with their keys, and what is found there is led back to the leaves that it covers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from islandrun.privacy.detect.reading import is_small_word
from islandrun.privacy.fields import Field
from islandrun.vocabulary import Finding

PAGE_CHARACTERS_MAX: Final = 2_000


@dataclass(frozen=True, slots=True)
class Page:
    """A text to read, and where the fields stand in it: number, first code point and length of each."""

    text: str = field(repr=False)
    parts: tuple[tuple[int, int, int], ...]

    def led_back(self, findings: Iterable[Finding]) -> Iterator[tuple[int, Finding]]:
        """Yield each finding with the number of its field and the places in that; once for each field."""
        starts = [start for _, start, _ in self.parts]
        for one in findings:
            for number, start, size in self.parts[max(0, bisect_right(starts, one.start) - 1) :]:
                if start >= one.end:
                    break
                first, last = max(0, one.start - start), min(size, one.end - start)
                if first < last:
                    yield number, replace(one, start=first, end=last)


def pages(places: Sequence[Field]) -> Iterator[Page]:
    """Lay out all fields that hold something to read, in order."""
    lines: list[str] = []
    parts: list[tuple[int, int, int]] = []
    size = 0
    for number, place in enumerate(places):
        if not place.text or (place.is_leaf and not place.context and is_small_word(place.text)):
            continue
        line = place.context + place.text
        if lines and (not place.is_leaf or size + len(line) > PAGE_CHARACTERS_MAX):
            yield Page("\n".join(lines), tuple(parts))
            lines, parts, size = [], [], 0
        parts.append((number, size + len(place.context), len(place.text)))
        lines.append(line)
        size += len(line) + 1
        if not place.is_leaf:
            yield Page("\n".join(lines), tuple(parts))
            lines, parts, size = [], [], 0
    if lines:
        yield Page("\n".join(lines), tuple(parts))
