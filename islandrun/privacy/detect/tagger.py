"""The trained detector: a network reads a text token by token and says what is a name, a place, a date.

For each token it gives the chances of each type and the chance that the value is private here: "Apple"
in "I work at Apple" is, in "Apple's share price" it is not; and for the window the chance that it is
somebody's matter at all. Chance of type times chance of private is compared with one table of thresholds.
The network itself is handed in; this module plans the windows and reads the answer.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from islandrun.privacy.detect.reading import Reading, is_small_word, read
from islandrun.privacy.detect.tokens import Encoding, Tokens, Window, tokens, windows
from islandrun.privacy.floors import DEFAULT_FLOORS
from islandrun.vocabulary import Finding, FindingType, Ppm

Floats = npt.NDArray[np.float32]

TYPES: Final = (
    "PERSON",
    "LOCATION",
    "ADDRESS",
    "ORG",
    "DATE",
    "CODE",
    "CONTACT",
    "USERNAME",
    "DEMOGRAPHIC",
    "QUANTITY",
    "SECRET",
)
"""The network's types in the order of its outputs: 0 is "outside", 1 + 2n begins type n, 2 + 2n goes on."""
LABELS: Final = 1 + 2 * len(TYPES)
TOPICS: Final = ("health", "law", "finance", "hr", "credentials", "code", "minors", "trade")
CLASS_STEPS: Final = 3
"""Chances that a text is at least internal, confidential, restricted; they stand before the topics."""
TOPIC_CHANCE_MIN: Final = 0.5
CLASSES: Final = ("private matter", "sensitive matter")
"""What a text is by its whole tone, where no topic says more: the steps to confidential and restricted."""
CLASS_CHANCE_MIN: Final[Mapping[str, float]] = {"private matter": 0.9, "sensitive matter": 0.5}
_NOTHING: Final = (0.0,) * (CLASS_STEPS + len(TOPICS))

HIGH_RECALL_SHARE: Final = 0.4
"""What is left of each threshold for an owner who would rather hide too much."""
THRESHOLDS: Final[Mapping[str, float]] = {
    **dict.fromkeys(TYPES, 0.1),
    "ORG": 0.15,
    "DATE": 0.05,
    "ADDRESS": 0.05,
    "USERNAME": 0.05,
    "DEMOGRAPHIC": 0.03,
    "QUANTITY": 0.02,
}
"""The least product of both chances at which a token counts, by type."""
_AROUND_FROM: Final = 0.85
_AROUND_TO: Final = 0.97
"""The chance that a window is somebody's matter. Where it is low, a value needs the more chance of its own to
count as private; from 0.85 on all values count more and more, and above 0.97 each does."""
FOLLOW_SHARE: Final = 0.4
"""A token that goes on with a value counts at this share of the threshold already."""
ROWS_MAX: Final = 8
"""Windows that run together."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What the network says of some windows: log-odds by token and label, of being private, and by text."""

    labels: Floats
    private: Floats
    texts: Floats


class Network(Protocol):
    """Runs the network on windows of equal length."""

    def encode(self, text: str) -> Encoding:
        """Return the word pieces of a text, without marks at the ends."""

    def score(self, ids: npt.NDArray[np.int64], shapes: npt.NDArray[np.int64]) -> Scores:
        """Score (rows, tokens) of ids, where 0 is padding."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """What one text holds: findings, chances of its classes and topics, and of each token to be private."""

    findings: tuple[Finding, ...]
    chances: tuple[float, ...]
    places: tuple[tuple[int, int], ...] = ()
    private: tuple[float, ...] = ()

    def private_chance(self, start: int, end: int) -> float:
        """Return the chance of the token within a span that is likeliest private; 0 where there is none."""
        first = bisect_right(self.places, start, key=_end_of)
        last = bisect_left(self.places, end, key=_start_of)
        return max(self.private[first:last], default=0.0)


class Tagger:
    """The network as a detector. It finds names that nothing around them gives away."""

    name = "tagger"
    finds_names = True

    def __init__(self, network: Network, thresholds: Mapping[str, float] = THRESHOLDS) -> None:
        self._network = network
        self._thresholds = np.array([thresholds[kind] for kind in TYPES], dtype=np.float32)
        self._latest: tuple[str, Tagged] = ("", Tagged((), _NOTHING))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __call__(self, text: str) -> tuple[Finding, ...]:
        """Return the findings of one text."""
        return self.read(text).findings

    def topics(self, text: str) -> tuple[str, ...]:
        """Return which of `TOPICS` a text is about, as somebody's own matter, and of `CLASSES`."""
        chances = self.read(text).chances
        named = zip(TOPICS, chances[CLASS_STEPS:], strict=True)
        classes = zip(CLASSES, chances[1:CLASS_STEPS], strict=True)
        return (
            *(name for name, chance in named if chance >= TOPIC_CHANCE_MIN),
            *(name for name, chance in classes if chance >= CLASS_CHANCE_MIN[name]),
        )

    def read(self, text: str) -> Tagged:
        """Read one text of any length; the latest one is remembered."""
        latest_text, latest = self._latest
        if text != latest_text:
            latest = self._read(read(text))
            self._latest = (text, latest)
        return latest

    def _read(self, reading: Reading) -> Tagged:
        if is_small_word(reading.text):
            return Tagged((), _NOTHING)
        pieces = tokens(reading.text, self._network.encode(reading.text))
        if not len(pieces):
            return Tagged((), _NOTHING)
        labels, private, chances = chances_of(pieces, self._network)
        found = spans(reading.text, pieces, labels * private[:, None], self._thresholds)
        return Tagged(
            tuple(_placed(one, reading) for one in found),
            chances,
            tuple(reading.span(*place) if place[0] < place[1] else place for place in pieces.offsets),
            tuple(map(float, private)),
        )


def _start_of(place: tuple[int, int]) -> int:
    return place[0]


def _end_of(place: tuple[int, int]) -> int:
    return place[1]


def _placed(finding: Finding, reading: Reading) -> Finding:
    start, end = reading.span(finding.start, finding.end)
    return replace(finding, start=start, end=end)


def chances_of(pieces: Tokens, network: Network) -> tuple[Floats, Floats, tuple[float, ...]]:
    """Return by token the chances of all labels but "outside" and of being private; and those of the text."""
    plan = list(windows(len(pieces)))
    labels = np.empty((len(pieces), LABELS), dtype=np.float32)
    private = np.empty(len(pieces), dtype=np.float32)
    texts = np.empty((len(plan), CLASS_STEPS + len(TOPICS)), dtype=np.float32)
    for first in range(0, len(plan), ROWS_MAX):
        rows = plan[first : first + ROWS_MAX]
        scores = network.score(*_inputs(rows, pieces))
        texts[first : first + len(rows)] = scores.texts
        for number, row in enumerate(rows):
            here = slice(1 + row.keep_start - row.start, 1 + row.keep_end - row.start)
            labels[row.keep_start : row.keep_end] = scores.labels[number, here]
            private[row.keep_start : row.keep_end] = scores.private[number, here]
    labels = np.exp(labels - labels.max(axis=1, keepdims=True))
    labels /= labels.sum(axis=1, keepdims=True)
    private = _chance(private)
    for row, matter in zip(plan, _somebodys_matter(_chance(texts[:, 0])), strict=True):
        kept = slice(row.keep_start, row.keep_end)
        sure = (matter - _AROUND_FROM) / (_AROUND_TO - _AROUND_FROM)
        private[kept] = np.clip(np.maximum(private[kept] * matter / _AROUND_TO, sure), 0, 1)
    return labels[:, 1:], private, tuple(map(float, _chance(texts.max(axis=0))))


def _inputs(rows: Sequence[Window], pieces: Tokens) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return ids and shapes of some windows, padded to one length."""
    size = max(row.end - row.start for row in rows) + 2
    ids, shapes = np.zeros((len(rows), size), np.int64), np.zeros((len(rows), size), np.int64)
    for number, row in enumerate(rows):
        count = row.end - row.start
        ids[number, : count + 2] = [101, *pieces.ids[row.start : row.end], 102]
        shapes[number, 1 : count + 1] = pieces.shapes[row.start : row.end]
    return ids, shapes


def _somebodys_matter(chances: Floats) -> Floats:
    """Return for each window the chance that it is somebody's matter: its own, or that of a neighbour."""
    sides = np.maximum(np.append(chances[1:], 0), np.append(0, chances[:-1]))
    return np.asarray(np.maximum(chances, sides), dtype=np.float32)


def _chance(log_odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-log_odds)), dtype=np.float32)


# ---------------------------------------------------------------- from tokens to spans


@dataclass(slots=True)
class _Open:
    """A span that may still grow."""

    start: int
    end: int
    kind: int
    score: float


_JOINT: Final = re.compile(r"[ \t\u00a0]*|[-\u2010-\u2015/.:'\u2019@_&+#*\u00b7]{1,4}|(?<=[0-9]),")
_WIDE_JOINT: Final = re.compile(r"[ \t\u00a0,./\u2013-]{0,3}\n?[ \t]{0,3}")
_WIDE: Final = frozenset({TYPES.index("ADDRESS")})
_LETTER_PAIR: Final = re.compile(r"(?:(?![\u0e00-\u0eff\u3040-\u9fff])[^\W_]){2}")
"""Two letters of one word; scripts that put no space between words are left out."""
_AHEAD: Final[Mapping[str, re.Pattern[str]]] = {
    "USERNAME": re.compile("@"),
    "CODE": re.compile("[#*]{1,8}"),
    "DATE": re.compile("['\u2019]"),
    "QUANTITY": re.compile("[-+\u2212]?[$\u00a3\u00a5\u20a0-\u20cf]?"),
}
_BEHIND: Final[Mapping[str, re.Pattern[str]]] = {
    "PERSON": re.compile(r"(?<![^\W_]{2})(?<=[A-Z])\."),
    "QUANTITY": re.compile("[ \u00a0]?[%\u2030$\u00a3\u00a5\u20a0-\u20cf]|,-"),
    "CODE": re.compile("[*]{1,8}"),
}
"""Signs that belong to a value of a type: `@akern`, `J.`, `415,-`."""
_LETTERS: Final = re.compile(r"[^\W_]")
_NAMES: Final = frozenset({"PERSON", "LOCATION", "ORG", "DEMOGRAPHIC"})
_BEFORE_NAME: Final = re.compile(r"[#\W_]*")
_AFTER_NAME: Final = re.compile(r"[\W_]*\Z")
_ENDS_IN_STOP: Final = re.compile(r"(?<![^\W_])(?:[^\W_]{1,2}|Inc|Ltd|Corp|Bros)\.\Z")
"""Words with a stop of their own: `J.`, `Jr.`, `Corp.`"""


def spans(text: str, pieces: Tokens, chances: Floats, thresholds: Floats) -> Iterator[Finding]:
    """Yield the spans of one text, from the product of both chances by token and label."""
    by_type = chances[:, 0::2] + chances[:, 1::2]
    whole = chances.sum(axis=1)
    kinds = by_type.argmax(axis=1)
    limits = thresholds[kinds]
    current: _Open | None = None
    for index in np.flatnonzero(whole >= limits * FOLLOW_SHARE):
        start, end = pieces.offsets[int(index)]
        kind, score = int(kinds[index]), float(whole[index])
        begins = bool(chances[index, 2 * kind] > chances[index, 2 * kind + 1])
        if current is not None and _goes_on(text, current, start, kind, begins=begins):
            current.end, current.score = end, max(current.score, score)
            continue
        if current is not None and current.score >= thresholds[current.kind]:
            yield from _finding(text, current)
        current = _Open(start, end, kind, score)
    if current is not None and current.score >= thresholds[current.kind]:
        yield from _finding(text, current)


def _goes_on(text: str, current: _Open, start: int, kind: int, *, begins: bool) -> bool:
    between = text[current.end : start]
    if not between and _LETTER_PAIR.match(text, start - 1):
        return True  # the same word
    if kind != current.kind:
        return False
    joint = _WIDE_JOINT if kind in _WIDE else _JOINT
    if joint.fullmatch(text, current.end, start) is None or (begins and any(map(str.isspace, between))):
        return False
    return between != "," or text[start].isdigit()


def _finding(text: str, found: _Open) -> Iterator[Finding]:
    start, end = _whole_words(text, found.start, found.end)
    if not _LETTERS.search(text, start, end):
        return
    if TYPES[found.kind] in _NAMES:
        start, end = _bare_name(text, start, end)
    start, end = _with_signs(text, start, end, TYPES[found.kind])
    value = text[start:end]
    kind = finding_type(TYPES[found.kind], value)
    confidence = Ppm(min(999_999, round(found.score * 1_000_000)))
    yield Finding(start, end, kind, confidence, DEFAULT_FLOORS.of(kind), "tagger")


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a span to whole words, and take off signs at its ends."""
    while start > 0 and _LETTER_PAIR.match(text, start - 1):
        start -= 1
    while end < len(text) and _LETTER_PAIR.match(text, end - 1):
        end += 1
    while start < end and not (text[start].isalnum() or text[start] in "#+@(/~$\u20ac\u00a3"):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] in ",;:\"'([{<|"):
        end -= 1
    if text[end - 1 : end] == ")" and "(" not in text[start:end]:
        end -= 1
    if text[start : start + 1] == "(" and ")" not in text[start:end]:
        start += 1
    return start, end


def _bare_name(text: str, start: int, end: int) -> tuple[int, int]:
    """Take off a name what the sentence put around it: a stop, a hash, an emoji. `Jr.` keeps its stop."""
    value = text[start:end]
    ahead, behind = _BEFORE_NAME.match(value), _AFTER_NAME.search(value)
    assert ahead is not None, "the pattern matches nothing, too"
    assert behind is not None, "the pattern matches nothing, too"
    belongs = (value.endswith(")") and "(" in value) or _ENDS_IN_STOP.search(value) is not None
    return start + ahead.end(), end if belongs else start + behind.start()


def _with_signs(text: str, start: int, end: int, kind: str) -> tuple[int, int]:
    """Take in the signs before and behind a value that belong to it."""
    if kind in _AHEAD:
        first = max(0, start - 8)
        ahead = [one.start() for one in _AHEAD[kind].finditer(text, first, start) if one.end() == start]
        start = min([start, *ahead])
    if kind in _BEHIND and (behind := _BEHIND[kind].match(text, end)) is not None:
        end = behind.end()
    return start, end


def finding_type(kind: str, value: str) -> FindingType:
    """Return the type of a finding; a contact is a mail address, a number or a link by its look."""
    if kind != "CONTACT":
        return FindingType(kind)
    if "@" in value and not value.startswith("@"):
        return FindingType.EMAIL
    digits = sum(map(str.isdigit, value))
    if 2 * digits >= sum(map(str.isalnum, value)):
        return FindingType.PHONE
    return FindingType.URL if "." in value or "/" in value else FindingType.USERNAME
