"""What a system hides of what it should, and needlessly: figures from texts, their spans and what was found.

Characters are letters and digits: a bracket or a stop that stays tells nobody anything. An entity counts as
hidden when all of its characters are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from privacy_texts import Sample, Span, canonical

THRESHOLDS: Final = tuple(tenth / 10 for tenth in range(1, 10))

_CONTACT: Final = frozenset({"CONTACT", "EMAIL", "PHONE", "URL", "USERNAME", "IP"})
_CODE: Final = frozenset({"CODE", "NATIONAL_ID", "CARD", "IBAN", "CRYPTO", "MAC"})
_ACCEPTED: Final = {"CONTACT": _CONTACT, "CODE": _CODE, "NATIONAL_ID": frozenset({"NATIONAL_ID", "CODE"})}
"""What a found type may be called where a corpus has a wider word for it, or parts it otherwise."""
_WORD: Final = re.compile(r"\w+")
_WORD_LENGTH_MIN: Final = 3
_SMALL_WORDS: Final = frozenset(
    _WORD.findall(
        "the and for with from this that was were are has have had his her its our your their not but"
    )
)
_HIDDEN: Final = "\x00"


@dataclass(frozen=True, slots=True)
class Found:
    """A stretch that a system hides; `confidence` is 0 to 1."""

    start: int
    end: int
    type: str
    confidence: float


def quality(samples: Sequence[Sample], found: Sequence[Sequence[Found]]) -> dict[str, object]:
    """Return all figures that these samples allow: each list of `found` belongs to one sample."""
    pairs = list(zip(samples, found, strict=True))
    figures: dict[str, object] = {
        "texts": len(samples),
        "characters": _characters(pairs),
        "entities": _entities(pairs),
        "typed_f1": typed_f1(pairs),
        "over_masking": _over_masking(pairs),
        "curve": [_at(pairs, threshold) for threshold in THRESHOLDS],
    }
    if any(span.role for sample in samples for span in sample.spans):
        figures["identifiers"] = _identifiers(pairs)
    if any(sample.units for sample in samples):
        figures["units"] = _units(pairs)
    return figures


Pairs = Sequence[tuple[Sample, Sequence[Found]]]


def _places(text: str, spans: Iterable[Span | Found]) -> set[int]:
    return {place for span in spans for place in range(span.start, span.end) if text[place].isalnum()}


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None


def _characters(pairs: Pairs) -> dict[str, object]:
    """Count characters: recall of what is marked, precision of what is hidden, and the share hidden."""
    wanted = hidden = both = whole = 0
    for sample, found in pairs:
        gold = _places(sample.text, sample.spans)
        masked = _places(sample.text, found)
        wanted += len(gold)
        both += len(gold & masked)
        hidden += len(masked - (_places(sample.text, sample.ignored) - gold))
        whole += sum(map(str.isalnum, sample.text))
    return {
        "marked": wanted,
        "recall": _share(both, wanted),
        "precision": _share(both, hidden),
        "hidden_share": _share(hidden, whole),
    }


def _entities(pairs: Pairs) -> dict[str, object]:
    """Count the spans that are hidden whole, by type."""
    marked: Counter[str] = Counter()
    hidden: Counter[str] = Counter()
    for sample, found in pairs:
        masked = _places(sample.text, found)
        for span in sample.spans:
            kind = span.type or "(no type)"
            marked[kind] += 1
            hidden[kind] += _places(sample.text, [span]) <= masked
    return {
        "marked": marked.total(),
        "recall": _share(hidden.total(), marked.total()),
        "by_type": {
            kind: {"marked": count, "recall": _share(hidden[kind], count)}
            for kind, count in sorted(marked.items())
        },
    }


def typed_f1(pairs: Pairs) -> dict[str, object] | None:
    """Compare exact spans with their types, as CoNLL does; None when the spans have no types.

    Only types that the texts mark somewhere are looked at: of others nobody knows whether they are right.
    """
    kinds = sorted({span.type for sample, _ in pairs for span in sample.spans if span.type})
    if not kinds:
        return None
    by_type = {kind: _counts_of(pairs, kind) for kind in kinds}
    words = frozenset().union(*(_accepted(kind) for kind in kinds))
    said = sum(canonical(one.type) in words for _, found in pairs for one in found)
    hits = sum(right for right, _, _ in by_type.values())
    marked = sum(gold for _, gold, _ in by_type.values())
    return {
        **_f1(hits, marked, said),
        "by_type": {kind: _f1(right, gold, heard) for kind, (right, gold, heard) in by_type.items()},
    }


def _counts_of(pairs: Pairs, kind: str) -> tuple[int, int, int]:
    """Return for one type how many are right, marked, and found."""
    right = gold = heard = 0
    for sample, found in pairs:
        marked = {(span.start, span.end) for span in sample.spans if span.type == kind}
        said = {(one.start, one.end) for one in found if canonical(one.type) in _accepted(kind)}
        right += len(marked & said)
        gold += len(marked)
        heard += len(said)
    return right, gold, heard


def _accepted(kind: str) -> frozenset[str]:
    return _ACCEPTED.get(kind, frozenset({kind}))


def _f1(right: int, marked: int, said: int) -> dict[str, object]:
    return {
        "marked": marked,
        "precision": _share(right, said),
        "recall": _share(right, marked),
        "f1": _share(2 * right, marked + said),
    }


def _over_masking(pairs: Pairs) -> dict[str, object]:
    """Count what is hidden in texts in which nothing is to be hidden."""
    texts = touched = characters = hidden = 0
    for sample, found in pairs:
        if sample.spans or sample.ignored or sample.units:
            continue
        masked = _places(sample.text, found)
        texts += 1
        touched += bool(masked)
        hidden += len(masked)
        characters += sum(map(str.isalnum, sample.text))
    return {
        "texts_without_spans": texts,
        "touched_share": _share(touched, texts),
        "hidden_share": _share(hidden, characters),
    }


def _at(pairs: Pairs, threshold: float) -> dict[str, object]:
    """Return recall against what is hidden when less certain findings are left out."""
    kept = [(sample, [one for one in found if one.confidence >= threshold]) for sample, found in pairs]
    characters, over = _characters(kept), _over_masking(kept)
    return {
        "threshold": threshold,
        "character_recall": characters["recall"],
        "entity_recall": _entities(kept)["recall"],
        "precision": characters["precision"],
        "hidden_share": characters["hidden_share"],
        "touched_share": over["touched_share"],
    }


def _identifiers(pairs: Pairs) -> dict[str, object]:
    """Count entities as the Text Anonymization Benchmark does: all mentions hidden whole, or it is not.

    Pilan et al., "The Text Anonymization Benchmark", Computational Linguistics 48 (2022).
    """
    marked: Counter[str] = Counter()
    hidden: Counter[str] = Counter()
    for sample, found in pairs:
        masked = _places(sample.text, found)
        mentions: dict[str, list[Span]] = {}
        for span in sample.spans:
            mentions.setdefault(span.entity or f"{span.start}", []).append(span)
        for spans in mentions.values():
            role = "DIRECT" if any(span.role == "DIRECT" for span in spans) else "QUASI"
            marked[role] += 1
            hidden[role] += _places(sample.text, spans) <= masked
    return {
        role.lower(): {"entities": marked[role], "recall": _share(hidden[role], marked[role])}
        for role in ("DIRECT", "QUASI")
    }


def _units(pairs: Pairs) -> dict[str, object]:
    """Count listed pieces of private text that can still be read, as a whole and by some of their words."""
    units = whole = part = words = words_left = 0
    for sample, found in pairs:
        visible = _visible(sample.text, found)
        seen = set(_WORD.findall(visible))
        for unit in sample.units:
            own = [word for word in _WORD.findall(unit.casefold()) if _says_something(word)]
            left = sum(word in seen for word in own)
            units += 1
            whole += _stands_in(unit, visible)
            part += bool(left) or _stands_in(unit, visible)
            words += len(own)
            words_left += left
    return {
        "units": units,
        "visible_whole_share": _share(whole, units),
        "visible_in_part_share": _share(part, units),
        "visible_words_share": _share(words_left, words),
    }


def _visible(text: str, found: Sequence[Found]) -> str:
    hidden = {place for one in found for place in range(one.start, one.end)}
    return "".join(_HIDDEN if place in hidden else sign for place, sign in enumerate(text)).casefold()


def _says_something(word: str) -> bool:
    return len(word) >= _WORD_LENGTH_MIN and word not in _SMALL_WORDS


def _stands_in(unit: str, visible: str) -> bool:
    """Say whether a unit stands in a text as whole words, whatever white space parts them."""
    parts = r"\s+".join(map(re.escape, unit.casefold().split()))
    return bool(parts) and re.search(rf"(?<!\w){parts}(?!\w)", visible) is not None
