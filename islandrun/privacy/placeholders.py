r"""The grammar of placeholders: how they are written, and every way in which they may come back.

Written: `[PERSON_1]`, or `[PERSON_1b]` for another form of the same value. Read, because models
rewrite them: any case, space or hyphen for the underscore, `<..>`, `{..}`, `\[PERSON\_1\]` inside a
bracket pair, and `PERSON_1` bare. A written placeholder can never grow by what stands around it: no
way of reading reaches past its own brackets.
"""

from __future__ import annotations

import re
from typing import Final

from islandrun.vocabulary import FindingType

LENGTH_MAX: Final = 31
"""No way of reading spans more characters."""

_TYPES: Final = sorted((kind.value for kind in FindingType), key=lambda word: (-len(word), word))
_SEPARATOR: Final = r"\\{0,2}[_ -]"
_TYPE: Final = "|".join(word.replace("_", _SEPARATOR) for word in _TYPES)
_BARE_TYPE: Final = "|".join(word.replace("_", r"\\{0,2}_") for word in _TYPES)
_NUMBER: Final = r"[1-9][0-9]{0,4}"
_VARIANT: Final = "[a-z]{0,2}"
_INNER: Final = rf"[ ]?(?i:(?:{_TYPE}){_SEPARATOR}{_NUMBER}{_VARIANT})[ ]?"
_BARE: Final = rf"(?:{_BARE_TYPE})\\{{0,2}}_{_NUMBER}{_VARIANT}"
_BRACKETED: Final = rf"\\{{1,2}}\[{_INNER}\\{{1,2}}\]|\[{_INNER}\]|<{_INNER}>|\{{{_INNER}\}}"
_NO_WORD_BEFORE: Final = "(?<![A-Za-z0-9_])"
_NO_WORD_AFTER: Final = "(?![A-Za-z0-9_])"

PLACEHOLDER: Final = re.compile(f"{_BRACKETED}|{_NO_WORD_BEFORE}{_BARE}{_NO_WORD_AFTER}", re.ASCII)
"""What restoring reads as a placeholder."""

LITERAL: Final = re.compile(f"{_BRACKETED}|{_BARE}", re.ASCII)
"""What a user's own text must not hold when it leaves: `PLACEHOLDER` whatever stands beside it."""

_PARTS: Final = re.compile(rf"({_TYPE}){_SEPARATOR}({_NUMBER})({_VARIANT})", re.ASCII | re.IGNORECASE)


def write(kind: FindingType, number: int, variant: int) -> str:
    """Return the placeholder of a value; variant 0 is the first form of it."""
    return f"[{kind.value}_{number}{_letters(variant)}]"


def canonical(found: str) -> str:
    """Return the written form of a match of `PLACEHOLDER`."""
    parts = _PARTS.search(found)
    assert parts is not None, "only matches of the pattern come here"
    kind = re.sub(r"[\\_ -]+", "_", parts[1]).upper()
    return f"[{kind}_{parts[2]}{parts[3].lower()}]"


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


def _spelled(separator: str, closing: list[str]) -> str:
    """Return a pattern for every beginning of a type, a number and a closing, up to the end of the text."""
    tail = [r"\\{0,2}", separator, "[1-9]", "[0-9]{0,4}", "[a-z]{0,2}", *closing]
    starts = []
    for word in _TYPES:
        letters: list[str] = []
        for letter in word:
            letters += [r"\\{0,2}", separator] if letter == "_" else [letter]
        starts.append(_start_of([*letters, *tail]) + r"\Z")
    return "(?:" + "|".join(starts) + ")"


def _unfinished() -> re.Pattern[str]:
    loose, space = "[_ -]", "[ ]?"
    bracketed = [
        rf"{opening}{space}" + _spelled(loose, [space, closing])
        for opening, closing in ((r"\[", r"\]"), ("<", ">"), (r"\{", r"\}"))
    ]
    escaped = r"\\{1,2}(?:\Z|\[[ ]?" + _spelled(loose, [space, r"\\{1,2}", r"\]"]) + ")"
    bare = f"{_NO_WORD_BEFORE}(?=[A-Z])" + _spelled("_", [])
    return re.compile(f"(?i:{'|'.join([*bracketed, escaped])})|{bare}", re.ASCII)


UNFINISHED: Final = _unfinished()
"""The end of a text that may still become a placeholder, or a longer one."""
