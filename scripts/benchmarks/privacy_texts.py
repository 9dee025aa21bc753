"""Texts with marked spans, from the formats that corpora come in: JSON lines, TAB, CoNLL, and our own marks.

Offsets count code points. Types are mapped to the words of this project where they mean the same.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
HELD_OUT: Final = ROOT / "scripts" / "training" / "heldout"

_ALIASES: Final = {
    "PERSON": "PER NAME PERSON_NAME FIRSTNAME LASTNAME FIRST_NAME LAST_NAME FULL_NAME",
    "LOCATION": "LOC GPE CITY STATE COUNTRY REGION PLACE",
    "ADDRESS": "STREET_ADDRESS STREET ZIPCODE POSTCODE POSTAL_CODE",
    "ORG": "ORGANIZATION ORGANISATION COMPANY COMPANY_NAME GROUP CORPORATION",
    "DATE": "DATE_TIME DATETIME DATE_OF_BIRTH DOB TIME",
    "EMAIL": "EMAIL_ADDRESS",
    "PHONE": "PHONE_NUMBER TELEPHONE",
    "CARD": "CREDIT_CARD CREDIT_CARD_NUMBER",
    "IBAN": "IBAN_CODE",
    "IP": "IP_ADDRESS IPV4 IPV6",
    "MAC": "MAC_ADDRESS",
    "DEMOGRAPHIC": "DEM NRP NATIONALITY AGE OCCUPATION JOB_TITLE",
    "USERNAME": "USER_NAME",
    "SECRET": "PASSWORD API_KEY",
    "NATIONAL_ID": "SSN US_SSN UK_NHS UK_NINO ES_NIF IT_FISCAL_CODE PASSPORT US_PASSPORT US_ITIN "
    "DRIVER_LICENSE",
    "CODE": "ID MEDICAL_LICENSE US_BANK_NUMBER ACCOUNT_NUMBER MEDICAL_RECORD_NUMBER",
}
_TYPE_OF: Final = {alias: kind for kind, names in _ALIASES.items() for alias in names.split()}
_TITLE: Final = re.compile(r"(?:(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.?\s+)+")


@dataclass(frozen=True, slots=True)
class Span:
    """A marked stretch of a text. `entity` joins mentions of one entity; `role` is DIRECT, QUASI or empty."""

    start: int
    end: int
    type: str
    entity: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """A text with what must be hidden in it; `ignored` spans count neither as right nor as wrong."""

    text: str = field(repr=False)
    spans: tuple[Span, ...]
    units: tuple[str, ...] = field(default=(), repr=False)
    ignored: tuple[Span, ...] = ()


def canonical(kind: str) -> str:
    """Return the type in this project's words; a type that it does not know stays, in capitals."""
    name = kind.upper().replace("-", "_").replace(" ", "_")
    return _TYPE_OF.get(name, name)


def read(path: Path | None, form: str, split: str = "") -> tuple[Sample, ...]:
    """Return the samples of a file; None: the marked texts of this repository. `split`: a part of TAB.

    Raises `ValueError`, which names the file and the line, for what is not in the format.
    """
    if path is None:
        return tuple(_marked(HELD_OUT))
    if form == "conll":
        return tuple(_conll(path.read_text(encoding="utf-8-sig")))
    entries = ((number, entry) for number, entry in _entries(path) if not split or _split_of(entry) == split)
    return tuple(sample for number, entry in entries for sample in _samples(path, number, entry, form))


def only(samples: Iterable[Sample], types: frozenset[str]) -> tuple[Sample, ...]:
    """Keep the spans of some types; those of others are then neither right nor wrong."""
    return tuple(
        replace(
            sample,
            spans=tuple(span for span in sample.spans if span.type in types),
            ignored=(*sample.ignored, *(span for span in sample.spans if span.type not in types)),
        )
        for sample in samples
    )


# ---------------------------------------------------------------- JSON: ours and TAB's


def _entries(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a file of JSON lines, or of one JSON array."""
    text = path.read_text(encoding="utf-8-sig")
    if text.lstrip().startswith("["):
        yield from enumerate(json.loads(text), 1)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, json.loads(line)


def _split_of(entry: dict[str, Any]) -> object:
    provenance = entry.get("metadata", entry).get("provenance", entry)
    return provenance.get("dataset_type")


def _samples(path: Path, number: int, entry: dict[str, Any], form: str) -> Iterator[Sample]:
    try:
        text = entry["text"]
        if not isinstance(text, str):
            raise TypeError("the text is no string")
        lists = _annotations(entry) if form == "tab" else [_first_list(entry)]
        for spans in lists:
            read_spans = [_span(one) for one in spans]
            if any(not 0 <= span.start < span.end <= len(text) for span in read_spans):
                raise ValueError("a span is empty or lies outside its text")
            yield (
                _tab_sample(text, read_spans)
                if form == "tab"
                else Sample(text, tuple(read_spans), tuple(entry.get("units") or ()))
            )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}, entry {number}: {error!r}; see scripts/bench privacy --help") from error


def _first_list(entry: dict[str, Any]) -> list[dict[str, Any]]:
    return next((entry[key] for key in ("spans", "entities", "findings") if entry.get(key)), [])


def _annotations(entry: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Return the mentions by annotator: each annotator's view of a document counts as a document."""
    if "annotations" in entry:
        return [one["entity_mentions"] for _, one in sorted(entry["annotations"].items())]
    return [entry["entities"]]


def _span(one: dict[str, Any]) -> Span:
    start = one["start"] if "start" in one else one["start_offset"]
    end = one["end"] if "end" in one else one["end_offset"]
    kind = next((one[key] for key in ("type", "label", "entity_type") if one.get(key)), "")
    return Span(
        start, end, canonical(kind), str(one.get("entity_id", "")), str(one.get("identifier_type", ""))
    )


def _tab_sample(text: str, spans: list[Span]) -> Sample:
    """Return a court case: what is DIRECT or QUASI is to be hidden, a title before a name aside."""
    wanted, ignored = [], []
    for span in spans:
        title = _TITLE.match(text, span.start, span.end)
        start = title.end() if title and title.end() < span.end else span.start
        if start > span.start:
            ignored.append(replace(span, end=start))
        (wanted if span.role in ("DIRECT", "QUASI") else ignored).append(replace(span, start=start))
    return Sample(
        text, tuple(wanted), ignored=tuple(one for one in ignored if one.role in ("DIRECT", "QUASI"))
    )


# ---------------------------------------------------------------- CoNLL: one token a line, its tag last


def _conll(text: str) -> Iterator[Sample]:
    """Yield documents where `-DOCSTART-` lines part them, else sentences."""
    has_documents = "-DOCSTART-" in text
    sentences: list[list[tuple[str, str]]] = [[]]
    for line in text.replace("\r", "").split("\n"):
        words = line.split()
        if words and not words[0].startswith("-DOCSTART-"):
            sentences[-1].append((words[0], words[-1]))
        elif words and (made := _joined(sentences)) is not None:
            yield made
            sentences = [[]]
        elif not words and has_documents:
            sentences.append([])
        elif not words and (made := _joined(sentences)) is not None:
            yield made
            sentences = [[]]
    if (made := _joined(sentences)) is not None:
        yield made


def _joined(sentences: list[list[tuple[str, str]]]) -> Sample | None:
    """Write sentences as text, one a line; None when there is no token."""
    text, spans = "", []
    for sentence in filter(None, sentences):
        text += "\n" if text else ""
        text, found = _written(text, sentence)
        spans += found
    return Sample(text, tuple(spans)) if text else None


def _written(text: str, tokens: list[tuple[str, str]]) -> tuple[str, list[Span]]:
    """Add the tokens of one sentence. Tags are IO, IOB1, IOB2 or IOBES."""
    spans: list[Span] = []
    before, is_first = "O", True
    for word, tag in tokens:
        if not is_first and not _stick_together(text, word):
            text += " "
        place, _, kind = tag.partition("-")
        starts = tag != "O" and (place in ("B", "S") or before != kind)
        if starts:
            spans.append(Span(len(text), len(text) + len(word), canonical(kind)))
        elif tag != "O":
            spans[-1] = replace(spans[-1], end=len(text) + len(word))
        text += word
        before = "O" if place in ("E", "S") or tag == "O" else kind
        is_first = False
    return text, spans


def _stick_together(text: str, word: str) -> bool:
    return word[0] in ".,;:!?)]}%\u2019'" or text[-1] in "([{#@$"


# ---------------------------------------------------------------- our own marks


def _marked(folder: Path) -> Iterator[Sample]:
    """Yield the texts that were kept from training, see `scripts/training/records.py`."""
    sys.path.append(str(ROOT / "scripts" / "training"))
    import records

    def no_slots(slot: str, owner: int) -> tuple[str, str]:
        raise ValueError(f"{folder}: the slot {slot} has no value; these texts are written out")

    found = records.read(folder)
    if not found:
        raise ValueError(f"{folder} holds no marked texts; name a file")
    for record in found:
        example = records.fill(record, no_slots)
        spans = tuple(Span(s.start, s.end, canonical(s.type)) for s in example.spans if s.is_private)
        yield Sample(example.text, spans)
