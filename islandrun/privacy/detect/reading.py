"""A text as the rules read it: compatibility forms folded, invisible characters gone, offsets kept.

Full-width digits, zero-width spaces inside a number, typographic dashes and quotes, and a Cyrillic letter
in a Latin word must not hide a value. Rules match on the folded copy; a map leads each match back to
code points of the original.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

_FOREIGN: Final = re.compile(r"[^\x00-\x7f]")
_SAME: Final = {
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"),
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u00b4`\u2032", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys("\x85\u2028\u2029", "\n"),
}
_LOOKALIKE: Final = str.maketrans(
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0430\u0435\u043e\u0440\u0441\u0443\u0445"
    "\u0405\u0406\u0408\u0455\u0456\u0458\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf",
    "ABEKMHOPCTYXaeopcyxSIJsijABEZHIKMNOPTYXo",
)
"""Cyrillic and Greek letters that cannot be told from Latin ones by eye."""
_WITH_LOOKALIKE: Final = re.compile(f"[{''.join(map(chr, _LOOKALIKE))}]")
_WORD: Final = re.compile(r"\w+")
_LATIN: Final = re.compile(r"[A-Za-z0-9]")

_SMALL_WORD: Final = re.compile(r"[a-z_]{0,32}")


@dataclass(frozen=True, slots=True)
class Reading:
    """`text` is the folded copy, `lower` the same in lower case and of the same length."""

    text: str = field(repr=False)
    lower: str = field(repr=False)
    starts: Sequence[int] = field(repr=False)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the code points of the original under a non-empty span of the copy."""
        return self.starts[start], self.starts[end - 1] + 1


def read(text: str) -> Reading:
    """Fold a text. Any string will do, lone surrogates included."""
    if text.isascii():
        return Reading(text, text.lower(), range(len(text)))
    pieces: list[str] = []
    starts: list[int] = []
    position = 0
    for found in _FOREIGN.finditer(text):
        place = found.start()
        pieces.append(text[position:place])
        starts.extend(range(position, place))
        folded = _fold(found[0])
        pieces.append(folded)
        starts.extend([place] * len(folded))
        position = place + 1
    pieces.append(text[position:])
    starts.extend(range(position, len(text)))
    copy = "".join(pieces)
    if _WITH_LOOKALIKE.search(copy):
        copy = _WORD.sub(_unmixed, copy)
    lower = copy.lower()
    if len(lower) != len(copy):
        lower = "".join(character.lower()[:1] for character in copy)
    return Reading(copy, lower, starts)


def _unmixed(word: re.Match[str]) -> str:
    """Write a word in Latin letters if it has any; a word of another script stays."""
    return word[0].translate(_LOOKALIKE) if _LATIN.search(word[0]) else word[0]


def is_small_word(text: str) -> bool:
    """Say whether a text is one small word, such as those of a schema: alone it says nothing."""
    return _SMALL_WORD.fullmatch(text) is not None


@lru_cache(maxsize=8192)
def _fold(character: str) -> str:
    if character in _SAME:
        return _SAME[character]
    if unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f":
        return ""
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    folded = unicodedata.normalize("NFKC", character)
    # A fold to several characters is taken only where it is letters and digits: "½" stays what it is.
    return folded if len(folded) == 1 or folded.isalnum() else character
