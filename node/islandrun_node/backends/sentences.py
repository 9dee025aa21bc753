"""Text into sentences, without a model: short enough to quote, long enough to mean something.

A line break ends a sentence only where it ends a paragraph, a list item or a heading, since mails
and notes wrap their lines. Placeholders such as `[PERSON_1]` never fall apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

SENTENCE_CHARS_MAX = 500

_ABBREVIATIONS = frozenset(
    "dr mr mrs ms prof st vs etc e.g i.e approx no fig inc ltd jr sr dept u.s u.k a.m p.m".split()
)
_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)|[。！？]")
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+")
_HEADING = re.compile(r"#{1,6}[ \t]+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence and the heading that it stands under (empty when there is none)."""

    text: str = field(repr=False)
    heading: str = field(default="", repr=False)


def sentences(text: str) -> Iterator[Sentence]:
    """Yield the sentences of a text in order, each at most 500 characters long.

    Markdown headings are not sentences; they become the `heading` of what follows.
    """
    heading = ""
    for block in _blocks(text):
        mark = _HEADING.match(block)
        if mark:
            heading = block[mark.end() :].strip(" #")[:SENTENCE_CHARS_MAX]
            continue
        for sentence in _split(block):
            yield Sentence(sentence, heading)


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
        if not _is_abbreviation(block[start : end.end()], block[end.end() :]):
            yield from _bounded(block[start : end.end()])
            start = end.end()
    yield from _bounded(block[start:])


def _is_abbreviation(before: str, after: str) -> bool:
    """Say whether the full stop belongs to a short form or an initial, not to a sentence."""
    if not before.endswith("."):
        return False
    word = before.rsplit(None, 1)[-1].rstrip(".").lstrip("([\"'").lower() if before.strip(" .") else ""
    follows = after.lstrip()[:1]
    return word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word != "i") or follows.islower()


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
