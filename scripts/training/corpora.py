"""The public corpora that the tagger learns from, as examples. Their licences are named in its model card."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

from records import Example, Span

from islandrun.privacy.detect.tagger import TYPES

_COURT = {
    "PERSON": "PERSON",
    "CODE": "CODE",
    "LOC": "LOCATION",
    "ORG": "ORG",
    "DEM": "DEMOGRAPHIC",
    "DATETIME": "DATE",
    "QUANTITY": "QUANTITY",
    "MISC": "",
}
_SOCIAL = {
    "person": "PERSON",
    "location": "LOCATION",
    "group": "ORG",
    "corporation": "ORG",
    "PER": "PERSON",
    "LOC": "LOCATION",
    "ORG": "ORG",
}
_NAMED = frozenset({"PERSON", "LOCATION", "ORG"})


def court_cases(path: Path, split: str) -> list[Example]:
    """Return the documents of one split of the Text Anonymization Benchmark; `MISC` may be any type."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        document = json.loads(line)
        if document["metadata"]["provenance"]["dataset_type"] != split:
            continue
        spans = [
            Span(
                one["start_offset"],
                one["end_offset"],
                _COURT[one["entity_type"]],
                one["identifier_type"] != "NO_MASK",
            )
            for one in document["entities"]
        ]
        spans.sort(key=lambda span: (span.start, -span.end))
        found.append(Example(document["text"], tuple(_apart(spans)), frozenset(TYPES), sensitivity=1))
    return found


def _apart(spans: list[Span]) -> Iterator[Span]:
    end = 0
    for span in spans:
        if span.start >= end:
            yield span
            end = span.end


def social(path: Path, *, private: bool = True) -> list[Example]:
    """Return the sentences of a BIO or IO file of tokens with their persons, places and organisations."""
    found = []
    for block in path.read_text(encoding="utf-8").replace("\r", "").split("\n\n"):
        rows = [line.split() for line in block.split("\n") if len(line.split()) >= 2]
        if rows:
            found.append(_sentence([(row[0], row[-1]) for row in rows], private))
    return found


def _sentence(rows: list[tuple[str, str]], private: bool) -> Example:
    text, spans, kind, start = "", [], "", 0
    for word, tag in (*rows, ("", "O")):
        here = tag[2:] if tag != "O" else ""
        if kind and (here != kind or tag.startswith("B")):
            if kind in _SOCIAL or kind == "MISC":
                spans.append(Span(start, len(text), _SOCIAL.get(kind, ""), private))
            kind = ""
        if word:
            text += " " if text and _needs_space(text, word) else ""
            if here and not kind:
                kind, start = here, len(text)
            text += word
    matter = 0 if not private else 1 if any(span.type == "PERSON" for span in spans) else None
    return Example(text, tuple(spans), _NAMED, knows_private=not private, sensitivity=matter)


def _needs_space(text: str, word: str) -> bool:
    return not (word in ".,!?:;)'\u2019%" or word.startswith(("'", "n't")) or text.endswith(("(", "#", "$")))


def joined(sentences: list[Example], chance: random.Random, parts_max: int = 4) -> Iterator[Example]:
    """Yield short runs of neighbouring sentences as one text."""
    at = 0
    while at < len(sentences):
        count = chance.randint(1, parts_max)
        text, spans = "", []
        for one in sentences[at : at + count]:
            text += ("\n" if chance.random() < 0.5 else " ") if text else ""
            spans += [Span(len(text) + s.start, len(text) + s.end, s.type, s.is_private) for s in one.spans]
            text += one.text
        first = sentences[at]
        matter = max(
            (one.sensitivity for one in sentences[at : at + count] if one.sensitivity is not None),
            default=None,
        )
        yield Example(
            text, tuple(spans), first.complete, knows_private=first.knows_private, sensitivity=matter
        )
        at += count
