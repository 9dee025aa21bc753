"""What is left of a document when its format is gone: sentences, each with the headings above it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from islandrun_node.backends.sentences import sentences

SECTION_CHARS_MAX: Final = 200
LINES_PER_FILE_MAX: Final = 20_000

_HEADING: Final = re.compile(r"(#{1,6})[ \t]+(.*)")
_FENCE: Final = ("```", "~~~")


class LeftOut(StrEnum):
    """Why a file is not in the index; words for the operator."""

    FORMAT = "its format is not read"
    LINK = "it is a link, and links are not followed"
    DEVICE = "it is no plain file"
    TOO_LARGE = "it is too large"
    NOT_TEXT = "it is not text"
    UNREADABLE = "it cannot be opened"
    DAMAGED = "it is damaged"
    LOCKED = "it is locked by a password"
    TOO_MANY_PAGES = "it has too many pages"
    TOO_LONG = "it holds too much text"
    TOO_SLOW = "reading it took too long or too much memory"
    NO_READER = "no program to read it could be started"
    SET_FULL = "the data set is full"


class CannotRead(Exception):
    """A file that is left out; `reason` says why."""

    def __init__(self, reason: LeftOut) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence, a row of a table or a piece of code; `section` is the path of headings above it."""

    section: str = field(repr=False)
    text: str = field(repr=False)


def lines_of_text(text: str, above: str = "") -> Iterator[Line]:
    """Yield the sentences of plain text or Markdown; `above` stands before the headings of the text."""
    headings: list[tuple[int, str]] = []
    block: list[str] = []
    is_fenced = False
    for line in text.splitlines():
        if line.lstrip().startswith(_FENCE):
            is_fenced = not is_fenced
        heading = None if is_fenced else _HEADING.match(line)
        if heading is None:
            block.append(line)
            continue
        yield from _sentences(block, above, headings)
        block = []
        level = len(heading[1])
        headings = [one for one in headings if one[0] < level]
        headings.append((level, heading[2].strip(" \t#")))
    yield from _sentences(block, above, headings)


def _sentences(block: list[str], above: str, headings: list[tuple[int, str]]) -> Iterator[Line]:
    section = " > ".join(part for part in (above, *(title for _, title in headings)) if part)
    for text in sentences("\n".join(block)):
        yield Line(section[:SECTION_CHARS_MAX], text)
