"""A text as the tagger reads it: word pieces, the shape of the word of each, and windows of both.

The vocabulary knows small letters only; the shape gives back what that loses. A long text is read in
windows that overlap, and each piece counts in the window where it stands farthest from an edge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

WINDOW_TOKENS: Final = 128
"""Tokens of one window, the two marks at its ends included."""
OVERLAP_TOKENS: Final = 16
SHAPES: Final = 9

_BODY: Final = WINDOW_TOKENS - 2
_WORD: Final = re.compile(r"[^\W_]+")


class Encoding(Protocol):
    """What the tokenizer returns for one text, without marks at the ends."""

    @property
    def ids(self) -> list[int]:
        """Numbers in the vocabulary."""

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """First and last code point of each token, the last excluded."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The word pieces of one text: id, shape and place of each."""

    ids: Sequence[int] = field(repr=False)
    shapes: Sequence[int] = field(repr=False)
    offsets: Sequence[tuple[int, int]] = field(repr=False)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens `start` to `end` are read together; those from `keep_start` to `keep_end` count."""

    start: int
    end: int
    keep_start: int
    keep_end: int


def tokens(text: str, encoding: Encoding) -> Tokens:
    """Join what the tokenizer says with the shapes of the words in the text."""
    word_shapes = [(found.start(), found.end(), shape(found[0])) for found in _WORD.finditer(text)]
    offsets = encoding.offsets
    shapes, at = [], 0
    for start, _ in offsets:
        while at < len(word_shapes) and word_shapes[at][1] <= start:
            at += 1
        inside = at < len(word_shapes) and word_shapes[at][0] <= start
        shapes.append(word_shapes[at][2] if inside else 7)
    return Tokens(encoding.ids, shapes, offsets)


def shape(word: str) -> int:
    """Return 1 small, 2 capitalised, 3 capitals, 4 mixed, 5 digits, 6 letters and digits, 8 without case."""
    if word.isdigit():
        return 5
    if not word.isalpha():
        return 6
    if word.islower():
        return 1
    if word.isupper():
        return 3 if len(word) > 1 else 2
    if word[0].isupper() and word[1:].islower():
        return 2
    return 8 if word.lower() == word.upper() else 4


def windows(size: int) -> Iterator[Window]:
    """Yield windows that cover `size` tokens, none of them twice."""
    start = kept = 0
    while True:
        end = min(size, start + _BODY)
        keep_end = size if end == size else end - OVERLAP_TOKENS // 2
        yield Window(start, end, kept, keep_end)
        if end == size:
            return
        kept, start = keep_end, end - OVERLAP_TOKENS
