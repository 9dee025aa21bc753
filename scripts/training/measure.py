"""Measure a detector on texts with marks: what private it misses, and what it hides needlessly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from records import Example

Detect = Callable[[str], Sequence[tuple[int, int, str]]]
"""Takes a text; returns spans as start, end and type."""


@dataclass(slots=True)
class Counts:
    """What was counted over some texts."""

    values: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    characters: int = 0
    found_characters: int = 0
    masked_characters: int = 0
    right_characters: int = 0
    plain_texts: int = 0
    touched_texts: int = 0
    missed: list[tuple[str, str]] = field(default_factory=list)
    touched: list[tuple[str, str]] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Share of private values that are hidden whole."""
        return sum(self.found.values()) / max(1, sum(self.values.values()))

    @property
    def character_recall(self) -> float:
        """Share of the characters of private values that are hidden."""
        return self.found_characters / max(1, self.characters)

    @property
    def precision(self) -> float:
        """Share of the hidden characters that belong to private values."""
        return self.right_characters / max(1, self.masked_characters)

    @property
    def touched_share(self) -> float:
        """Share of the texts without anything private in which something is hidden."""
        return self.touched_texts / max(1, self.plain_texts)

    def table(self) -> str:
        """Return the figures as lines of text."""
        head = (
            f"values {self.recall:.3f} of {sum(self.values.values())}, "
            f"characters {self.character_recall:.3f}, "
            f"precision {self.precision:.3f}, "
            f"plain texts touched {self.touched_share:.3f} of {self.plain_texts}"
        )
        kinds = (
            f"{kind} {self.found[kind] / count:.3f} of {count}" for kind, count in sorted(self.values.items())
        )
        return head + "\n  " + ", ".join(kinds)


def measure(examples: Sequence[Example], detect: Detect) -> Counts:
    """Run a detector over examples."""
    counts = Counts()
    for example in examples:
        _one(example, detect(example.text), counts)
    return counts


def _one(example: Example, spans: Sequence[tuple[int, int, str]], counts: Counts) -> None:
    text = example.text
    hidden = _covered(text, [(start, end) for start, end, _ in spans])
    private = [span for span in example.spans if span.is_private]
    wanted = _covered(text, [(span.start, span.end) for span in private])
    for span in private:
        places = [place for place in range(span.start, span.end) if text[place].isalnum()]
        counts.values[span.type] += 1
        if all(place in hidden for place in places):
            counts.found[span.type] += 1
        elif len(counts.missed) < 5000:
            counts.missed.append(
                (span.type, text[max(0, span.start - 30) : span.end + 30].replace("\n", "|"))
            )
        counts.characters += len(places)
        counts.found_characters += sum(place in hidden for place in places)
    counts.masked_characters += len(hidden)
    counts.right_characters += len(hidden & wanted)
    if not private:
        counts.plain_texts += 1
        if hidden:
            counts.touched_texts += 1
            shown = "; ".join(f"{kind}:{text[a:b]}" for a, b, kind in spans)
            counts.touched.append((shown, text[:80].replace("\n", "|")))


def _covered(text: str, spans: Sequence[tuple[int, int]]) -> set[int]:
    return {place for start, end in spans for place in range(start, end) if text[place].isalnum()}


def social_f1(examples: Sequence[Example], detect: Detect) -> tuple[float, float]:
    """Return the F1 of exact spans with their types (PERSON, LOCATION, ORG), and that of PERSON alone."""
    kinds = ("PERSON", "LOCATION", "ORG")
    hits: Counter[str] = Counter()
    gold: Counter[str] = Counter()
    said: Counter[str] = Counter()
    for example in examples:
        truth = {(span.start, span.end, span.type) for span in example.spans if span.type in kinds}
        found = {one for one in detect(example.text) if one[2] in kinds}
        hits.update(kind for _, _, kind in truth & found)
        gold.update(kind for _, _, kind in truth)
        said.update(kind for _, _, kind in found)
    return (
        _f1(sum(hits.values()), sum(said.values()), sum(gold.values())),
        _f1(hits["PERSON"], said["PERSON"], gold["PERSON"]),
    )


def _f1(hits: int, said: int, gold: int) -> float:
    return 2 * hits / max(1, said + gold)


def entity_recall(documents: Sequence[Mapping[str, Any]], detect: Detect) -> dict[str, float]:
    """Return the shares of entities of which every mention is hidden whole, and the precision of characters.

    The measure of the Text Anonymization Benchmark (Pilán et al. 2022) for direct and quasi identifiers.
    """
    whole: dict[tuple[str, str, str], bool] = {}
    hidden_count = right_count = 0
    for document in documents:
        text = document["text"]
        hidden = _covered(text, [(start, end) for start, end, _ in detect(text)])
        wanted: set[int] = set()
        for mention in document["entities"]:
            if mention["identifier_type"] != "NO_MASK":
                places = _covered(text, [(mention["start_offset"], mention["end_offset"])])
                key = (mention["identifier_type"], document["metadata"]["data_id"], mention["entity_id"])
                whole[key] = whole.get(key, True) and places <= hidden
                wanted |= places
        hidden_count, right_count = hidden_count + len(hidden), right_count + len(hidden & wanted)
    shares = {
        kind: sum(ok for key, ok in whole.items() if key[0] == kind)
        / max(1, sum(key[0] == kind for key in whole))
        for kind in ("DIRECT", "QUASI")
    }
    return {**shares, "precision": right_count / max(1, hidden_count)}
