"""Texts of our own with their private parts marked, as they lie in `texts/` and `heldout/`.

A record begins with a line `%% CLASS TOPICS`. In its text `<<TYPE:value>>` is private, `<<TYPE!:value>>`
has that type and is public, and `<<slot>>` or `<<slot#2>>` is filled with another value each time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from islandrun.privacy.detect.tagger import TYPES

CLASSES = ("public", "internal", "confidential", "restricted")

_MARK = re.compile(r"<<(?:([a-z]+)(?:#([1-9]))?|([A-Z]+)(!?):(.+?))>>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text; the empty type may be any."""

    start: int
    end: int
    type: str
    is_private: bool = True


@dataclass(frozen=True, slots=True)
class Example:
    """One text to learn from.

    `complete` types: what of them is not marked is not there; of other types nothing is known. In a `plain`
    text nothing is private, and nothing is said of what its capitalised words and numbers are. Where topics
    are unknown, `sensitivity` only says whether the text is somebody's matter at all.
    """

    text: str
    spans: tuple[Span, ...]
    complete: frozenset[str]
    plain: bool = False
    knows_private: bool = True
    sensitivity: int | None = None
    topics: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A text with its marks, and the language whose values fit into it."""

    name: str
    language: str
    sensitivity: int
    topics: tuple[str, ...]
    body: str


Fill = Callable[[str, int], tuple[str, str]]
"""Takes a slot and the number of its owner; returns the type and the value."""


def read(folder: Path) -> tuple[Record, ...]:
    """Return all records of a folder in a fixed order. Raises `ValueError` for a bad head line."""
    return tuple(record for path in sorted(folder.glob("*.txt")) for record in _read_file(path))


def _read_file(path: Path) -> Iterator[Record]:
    parts = path.stem.split("_")
    language = parts[1] if parts[0] == "tongues" else "en"
    pieces = re.split(r"^%% ?(.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for number, (head, body) in enumerate(zip(pieces[1::2], pieces[2::2], strict=True), 1):
        words = head.split()
        if len(words) != 2 or words[0] not in CLASSES:
            raise ValueError(f"{path.name}, record {number}: bad head line")
        topics = tuple(topic for topic in words[1].split(",") if topic != "-")
        yield Record(f"{path.stem}#{number}", language, CLASSES.index(words[0]), topics, body.strip())


def fill(record: Record, value_of: Fill) -> Example:
    """Put values into the slots of a record."""
    pieces: list[str] = []
    spans: list[Span] = []
    at, size = 0, 0
    for mark in _MARK.finditer(record.body):
        before = record.body[at : mark.start()]
        slot, owner, kind, public, value = mark.groups()
        if slot:
            kind, value = value_of(slot, int(owner or 1))
        start = size + len(before)
        pieces += [before, value]
        size = start + len(value)
        spans.append(Span(start, size, kind, not public))
        at = mark.end()
    pieces.append(record.body[at:])
    plain = record.sensitivity == 0 and not any(span.is_private for span in spans)
    return Example(
        "".join(pieces), tuple(spans), frozenset(TYPES), plain, True, record.sensitivity, record.topics
    )
