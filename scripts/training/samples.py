"""From examples to what the network learns from: noise, windows of tokens, and the labels each may have."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from records import CLASSES, Example, Span
from tokenizers import Tokenizer

from islandrun.privacy.detect.tagger import CLASS_STEPS, LABELS, TOPICS, TYPES
from islandrun.privacy.detect.tokens import WINDOW_TOKENS, tokens

UNKNOWN = -1.0
_KEYS = "qwertyuiop asdfghjkl zxcvbnm"


@dataclass(frozen=True, slots=True)
class Sample:
    """One window: `allowed` has LABELS booleans a token; `private` and `texts` are 0, 1 or UNKNOWN."""

    ids: list[int]
    shapes: list[int]
    allowed: npt.NDArray[np.bool_]
    private: npt.NDArray[np.float32]
    texts: npt.NDArray[np.float32]


def noisy(example: Example, chance: random.Random) -> Example:
    """Return an example as careless people write: other case, typing errors, no punctuation. Places stay."""
    text, draw = example.text, chance.random()
    if draw < 0.13:
        text = _each(text, str.lower)
    elif draw < 0.16:
        text = _each(text, str.upper)
    elif draw < 0.19:
        text = "".join(" " if sign in ".,;:!?" and chance.random() < 0.7 else sign for sign in text)
    if chance.random() < 0.06:
        text = "".join(_slip(sign, chance) if chance.random() < 0.02 else sign for sign in text)
    if chance.random() < 0.04:
        text = text.replace("\n", " ")
    return replace(example, text=text)


def _each(text: str, change: object) -> str:
    assert callable(change)
    return "".join(new if len(new := change(sign)) == 1 else sign for sign in text)


def _slip(sign: str, chance: random.Random) -> str:
    place = _KEYS.find(sign)
    return (
        sign
        if place < 0 or sign == " "
        else _KEYS[max(0, min(len(_KEYS) - 1, place + chance.choice((-1, 1))))]
    )


def beside(left: Example, right: Example, chance: random.Random) -> Example:
    """Return two examples as one text."""
    gap = chance.choice(("\n\n", "\n", " ", "\n---\n"))
    shift = len(left.text) + len(gap)
    moved = tuple(replace(span, start=span.start + shift, end=span.end + shift) for span in right.spans)
    known = left.sensitivity is not None and right.sensitivity is not None
    spans = (*left.spans, *moved)
    if left.plain or right.plain:
        spans = (*spans, *_plain_marks(left, 0), *_plain_marks(right, shift))
    return Example(
        left.text + gap + right.text,
        spans,
        left.complete & right.complete,
        plain=left.plain and right.plain,
        knows_private=left.knows_private and right.knows_private,
        sensitivity=max(left.sensitivity or 0, right.sensitivity or 0) if known else None,
        topics=tuple({*(left.topics or ()), *(right.topics or ())}) if known else None,
    )


def _plain_marks(example: Example, shift: int) -> tuple[Span, ...]:
    """Mark words of a plain text that may have any type: a span of the empty type that is not private."""
    if not example.plain:
        return ()
    return tuple(Span(shift + start, shift + end, "", False) for start, end in _loud_words(example.text))


def _loud_words(text: str) -> list[tuple[int, int]]:
    found, start = [], -1
    for index, sign in enumerate((*text, " ")):
        if sign.isspace():
            if start >= 0 and any(one.isupper() or one.isdigit() for one in text[start:index]):
                found.append((start, index))
            start = -1
        elif start < 0:
            start = index
    return found


def sample(example: Example, tokenizer: Tokenizer, chance: random.Random, loud: str = "") -> Sample:
    """Return one window of an example, drawn by chance when it is longer. `loud`: the text before noise."""
    pieces = tokens(example.text, tokenizer.encode(example.text, add_special_tokens=False))
    body = WINDOW_TOKENS - 2
    first = chance.randint(0, len(pieces) - body) if len(pieces) > body else 0
    last = min(len(pieces), first + body)
    spans = list(example.spans)
    if example.plain:
        spans += [Span(start, end, "", False) for start, end in _loud_words(loud or example.text)]
    spans.sort(key=lambda span: (span.start, not span.type))
    allowed = np.zeros((last - first + 2, LABELS), dtype=np.bool_)
    private = np.full(last - first + 2, UNKNOWN, dtype=np.float32)
    allowed[0, 0] = allowed[-1, 0] = True
    outside, at, previous = _outside(example.complete), 0, None
    for row, (start, end) in enumerate(pieces.offsets[first:last], 1):
        while at < len(spans) and spans[at].end <= start:
            at += 1
        span = spans[at] if at < len(spans) and spans[at].start < end else None
        if span is not None:
            allowed[row] = _inside(span, begins=span is not previous and span.start >= start)
            private[row] = float(bool(span.is_private))
            previous = span
        else:
            allowed[row] = outside
            private[row] = 0.0 if example.knows_private else UNKNOWN
    ids, shapes = [101, *pieces.ids[first:last], 102], [0, *pieces.shapes[first:last], 0]
    return Sample(ids, shapes, allowed, private, _texts(example))


def _outside(complete: frozenset[str]) -> npt.NDArray[np.bool_]:
    """Return which labels a token may have that is in no span: none but those of types not looked for."""
    kinds = [kind not in complete for kind in TYPES]
    return np.array([True, *(kind for kind in kinds for _ in range(2))], dtype=np.bool_)


def _inside(span: Span, *, begins: bool) -> npt.NDArray[np.bool_]:
    """Return which labels a token of a span may have; any, where the span has no type."""
    allowed = np.full(LABELS, not span.type, dtype=np.bool_)
    if span.type:
        allowed[1 + 2 * TYPES.index(span.type) + (not begins)] = True
    return allowed


def _texts(example: Example) -> npt.NDArray[np.float32]:
    found = np.full(CLASS_STEPS + len(TOPICS), UNKNOWN, dtype=np.float32)
    if example.sensitivity is None:
        return found
    found[0] = example.sensitivity > 0
    if example.topics is not None:
        found[:CLASS_STEPS] = [example.sensitivity > step for step in range(len(CLASSES) - 1)]
        found[CLASS_STEPS:] = [topic in example.topics for topic in TOPICS]
    return found
