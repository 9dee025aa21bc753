"""Text into sentences, without a model: short enough to quote, long enough to mean something.

A line break ends a sentence only where it ends a paragraph, a list item or a heading, since mails
and notes wrap their lines. Placeholders such as `[PERSON_1]` never fall apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

SENTENCE_CHARS_MAX = 500

_SHORT_FORMS = (
    "dr. mr. mrs. ms. prof. st. vs. etc. e.g. i.e. approx. no. fig. inc. ltd. jr. sr. u.s. a.m. p.m."
)
_ABBREVIATIONS = frozenset(_SHORT_FORMS.split(" "))
_ABBREVIATION_CHARS_MAX = 8
# The look-behind and the possessive repeats keep the search linear on a text made of full stops.
_END = re.compile(r"(?<![.!?\u2026])[.!?\u2026]++[\"'\u201d\u2019)\]]*+(?=\s)|[\u3002\uff01\uff1f]")
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+")
_HEADING = re.compile(r"#{1,6}[ \t]+")


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text in order, each at most 500 characters long; headings are none."""
    for block in _blocks(text):
        if not _HEADING.match(block):
            yield from _split(block)


def _blocks(text: str) -> Iterator[str]:
    """Yield paragraphs, list items and heading lines, their wrapped lines joined."""
    block: list[str] = []
    for line in text.splitlines():
        item = _ITEM.match(line)
        is_heading = _HEADING.match(line) is not None
        if block and (not line.strip() or item or is_heading):
            yield " ".join(block)
            block = []
        if is_heading:
            yield line
        elif line.strip():
            block.append(line[item.end() :].strip() if item else line.strip())
    if block:
        yield " ".join(block)


def _split(block: str) -> Iterator[str]:
    start = 0
    for end in _END.finditer(block):
        before = block[max(start, end.end() - _ABBREVIATION_CHARS_MAX - 1) : end.end()]
        if not _is_abbreviation(before, block[end.end() : end.end() + 2]):
            yield from _bounded(block[start : end.end()])
            start = end.end()
    yield from _bounded(block[start:])


def _is_abbreviation(before: str, after: str) -> bool:
    """Say whether the mark belongs to a short form, an initial or an aside, not to a sentence's end."""
    word = before.rsplit(None, 1)[-1].lstrip("([\"'").lower()
    if word[-1] in "!?\u2026":
        return False
    is_initial = len(word) == 2 and word[0].isalpha() and word[0] != "i"
    return word in _ABBREVIATIONS or is_initial or after.lstrip()[:1].islower()


def _bounded(piece: str) -> Iterator[str]:
    """Yield a sentence, cut at spaces where it is too long."""
    piece = piece.strip()
    while len(piece) > SENTENCE_CHARS_MAX:
        space = piece.rfind(" ", 1, SENTENCE_CHARS_MAX + 1)
        edge = space if space > 0 else SENTENCE_CHARS_MAX
        yield piece[:edge].strip()
        piece = piece[edge:].strip()
    if any(character.isalnum() for character in piece):
        yield piece
