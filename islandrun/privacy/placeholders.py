r"""The grammar of placeholders: how they are written, and every way in which they may come back.

Written: `[PERSON_1]`, or `[PERSON_1b]` for another form of the same value. Read, because models and
formats rewrite them: any case, spaces or a hyphen for the underscore, other brackets (`<..>`, `{..}`,
full-width ones), escaped ones (`\[PERSON\_1\]`, `&#91;PERSON_1&#93;`, `%5BPERSON_1%5D`), bold or code marks
and a possessive within, and `PERSON_1` bare. A written placeholder never grows by what stands around it.
"""

from __future__ import annotations

import re
from typing import Final

from islandrun.vocabulary import FindingType

LENGTH_MAX: Final = 54
"""No way of reading spans more characters."""

_TYPES: Final = sorted((kind.value for kind in FindingType), key=lambda word: (-len(word), word))
_SEPARATOR: Final = r"[ ]?\\{0,2}[_ -][ ]?"
_TYPE: Final = "|".join(word.replace("_", _SEPARATOR) for word in _TYPES)
_BARE_TYPE: Final = "|".join(word.replace("_", r"\\{0,2}_") for word in _TYPES)
_NUMBER: Final = r"[1-9][0-9]{0,4}"
_VARIANT: Final = "[a-z]{0,2}"
_MARKS: Final = "(?:[*]{1,3}|`)?"
_TAIL: Final = "(?:['\u2019]s)?"
_INNER: Final = rf"[ ]?{_MARKS}[ ]?(?i:(?:{_TYPE}){_SEPARATOR}{_NUMBER}{_VARIANT}){_TAIL}{_MARKS}[ ]?"
_BARE: Final = rf"(?:{_BARE_TYPE})\\{{0,2}}_{_NUMBER}{_VARIANT}"
_BRACKETS: Final = (
    (r"\\{1,2}\[", r"\\{1,2}\]"),
    (r"\[", r"\]"),
    ("<", ">"),
    (r"\{", r"\}"),
    ("&(?i:#91|#x5b|lbrack|lsqb);", "&(?i:#93|#x5d|rbrack|rsqb);"),
    ("&(?i:lt|#60|#x3c);", "&(?i:gt|#62|#x3e);"),
    ("%5[Bb]", "%5[Dd]"),
    ("\uff3b", "\uff3d"),
    ("\u3010", "\u3011"),
    ("\uff5b", "\uff5d"),
    ("\uff1c", "\uff1e"),
)
"""What may stand around a placeholder; an opening is closed by its own kind only."""
_BRACKETED: Final = "|".join(f"{opening}{_INNER}{closing}" for opening, closing in _BRACKETS)
_NO_WORD_BEFORE: Final = "(?<![A-Za-z0-9_])"
_NO_WORD_AFTER: Final = "(?![A-Za-z0-9_])"

PLACEHOLDER: Final = re.compile(f"{_BRACKETED}|{_NO_WORD_BEFORE}{_BARE}{_NO_WORD_AFTER}", re.ASCII)
"""What restoring reads as a placeholder."""

LITERAL: Final = re.compile(f"{_BRACKETED}|{_BARE}", re.ASCII)
"""What a user's own text must not hold when it leaves: `PLACEHOLDER` whatever stands beside it."""

_PARTS: Final = re.compile(
    rf"({_TYPE}){_SEPARATOR}({_NUMBER})({_VARIANT})({_TAIL})", re.ASCII | re.IGNORECASE
)


def write(kind: FindingType, number: int, variant: int) -> str:
    """Return the placeholder of a value; variant 0 is the first form of it."""
    return f"[{kind.value}_{number}{_letters(variant)}]"


def canonical(found: str) -> str:
    """Return the written form of a match of `PLACEHOLDER`."""
    return read(found)[0]


def read(found: str) -> tuple[str, str]:
    """Return the written form of a match of `PLACEHOLDER`, and a possessive that stood within it."""
    parts = _PARTS.search(found)
    assert parts is not None, "only matches of the pattern come here"
    kind = re.sub(r"[\\_ -]+", "_", parts[1]).upper()
    return f"[{kind}_{parts[2]}{parts[3].lower()}]", parts[4]


VARIANTS_MAX: Final = 26 + 26 * 26
"""How many forms of one value can share its number."""


def _letters(variant: int) -> str:
    if variant == 0:
        return ""
    if variant < 26:
        return chr(ord("a") + variant)
    high, low = divmod(variant - 26, 26)
    return chr(ord("a") + high) + chr(ord("a") + low)


# ---------------------------------------------------------------- the start of a placeholder


def _start_of(elements: list[str]) -> str:
    """Return a pattern for every beginning of a sequence of elements, the whole of it included."""
    pattern = ""
    for element in reversed(elements):
        pattern = f"(?:{element}{pattern})?"
    return pattern


def _spelled(separator: list[str], closing: list[str]) -> str:
    """Return a pattern for every beginning of a type, a number and a closing, up to the end of the text."""
    tail = [*separator, "[1-9]", "[0-9]{0,4}", "[a-z]{0,2}", *closing]
    starts = []
    for word in _TYPES:
        letters: list[str] = []
        for letter in word:
            letters += separator if letter == "_" else [letter]
        starts.append(_start_of([*letters, *tail]) + r"\Z")
    return "(?:" + "|".join(starts) + ")"


def _unfinished() -> re.Pattern[str]:
    """Build the pattern. It lets any closing follow any opening: what waits in vain only comes later."""
    space, marks, escapes = "[ ]?", "(?:[*]{0,3}|`)", r"\\{0,2}"
    opening = "(?:" + "|".join(opening for opening, _ in _BRACKETS) + ")"
    closing = ["['\u2019]?", "s?", marks, space, r"(?:\\{1,2}|%5?|&[#a-z0-9]{0,7})"]
    loose = _spelled([space, escapes, "[_ -]", space], closing)
    bracketed = rf"{opening}{space}{marks}{space}{loose}"
    cut = r"(?:\\{1,2}|%5?|&[#a-z0-9]{0,7})\Z"
    bare = f"{_NO_WORD_BEFORE}(?=[A-Z])" + _spelled([escapes, "_"], [])
    return re.compile(f"(?i:{bracketed}|{cut})|{bare}", re.ASCII)


UNFINISHED: Final = _unfinished()
"""The end of a text that may still become a placeholder, or a longer one."""
