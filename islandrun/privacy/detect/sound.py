"""Whether what a detector returned can be findings of a text at all.

A detector is a program that may be wrong in any way. A figure that is no figure must not slip into a
maximum: `max(0, nan)` is 0, and a request would count as public.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

from islandrun.vocabulary import PPM_MAX, Finding, FindingType

FINDINGS_MAX: Final = 200_000
"""So many findings of one text are taken; more is a fault."""
SOURCE_CHARACTERS_MAX: Final = 64


def sound(found: Iterable[object], text: str) -> tuple[Finding, ...]:
    """Return the findings as they are.

    Raises `ValueError` when one is no finding, lies outside the text, holds a figure outside its range or
    has a source too long for a name, and when there are too many. The message names the fault and no text.
    """
    findings = tuple(islice(found, FINDINGS_MAX + 1))
    if len(findings) > FINDINGS_MAX:
        raise ValueError(f"a detector returned more than {FINDINGS_MAX} findings of one text")
    return tuple(_sound(one, len(text)) for one in findings)


def _sound(one: object, size: int) -> Finding:
    if type(one) is not Finding or not isinstance(one.type, FindingType):
        raise ValueError("a detector returned something that is no finding")
    figures: tuple[object, ...] = (one.start, one.end, one.confidence_ppm, one.floor_ppm)
    if any(type(figure) is not int for figure in figures):
        raise ValueError("a detector returned a figure that is no whole number")
    if not 0 <= one.start < one.end <= size:
        raise ValueError("a detector found something outside its text")
    if not (0 <= one.confidence_ppm <= PPM_MAX and 0 <= one.floor_ppm <= PPM_MAX):
        raise ValueError("a detector returned a confidence or a floor outside 0 to 1,000,000 ppm")
    if type(one.source) is not str or len(one.source) > SOURCE_CHARACTERS_MAX:
        raise ValueError("a detector returned a source that is no name")
    return one
