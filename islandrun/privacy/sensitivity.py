"""How sensitive a request is, and how sensitive what is left of it would be after masking.

The maximum over findings and topics. A doubt raises it: free text in which nobody looked for names is at
least internal, and confidential when somebody is named in it. Whatever goes wrong gives `WITHHELD`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from islandrun.privacy.detect import RULES, Detector, detect
from islandrun.privacy.fields import texts
from islandrun.vocabulary import PPM_MAX, Finding, FindingType, Ppm, Prompt, sensitivity_class

CHARACTERS_MAX: Final = 2_000_000
_PEOPLE: Final = (FindingType.PERSON, FindingType.EMAIL, FindingType.PHONE, FindingType.NATIONAL_ID)


@dataclass(frozen=True, slots=True)
class Topic:
    """What a text is about. Masking hides a name, not a diagnosis: `masked_floor_ppm` stays."""

    name: str
    floor_ppm: Ppm
    masked_floor_ppm: Ppm


FREE_TEXT: Final = Topic("free text without a names detector", Ppm(300_000), Ppm(300_000))
POSSIBLE_NAMES: Final = Topic("possible names", Ppm(600_000), Ppm(600_000))
_ABOUT_ME: Final = r"\b(?:my|our|i|his|her|their|patient)\b"
_TOPICS: Final = (
    (
        Topic("health of a person", Ppm(900_000), Ppm(700_000)),
        r"\b(?:diagnos\w{0,6}|diabetes|cancer|hiv|depression|pregnan\w{1,4}|medication|therapy|blood test"
        r"|hba1c|symptoms?)\b",
    ),
    (
        Topic("law, pay or work of a person", Ppm(600_000), Ppm(500_000)),
        r"\b(?:salary|lawsuit|divorce|custody|debt|loan|dismissal|performance review|lawyer)\b",
    ),
)
_SECRET_WORDS: Final = re.compile(r"(?i)\b(?:strictly confidential|internal only|trade secret|under nda)\b")
_TRADE_SECRET: Final = Topic("marked as confidential", Ppm(700_000), Ppm(600_000))
_COMMON: Final = re.compile(
    r"\b(?:I|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|January|February|March|April|May|June"
    r"|July|August|September|October|November|December|English|German|French|Spanish|Python|Linux|Java)\b"
)
_POSSIBLE_NAME: Final = re.compile(r"(?<=[\w,;:)\"'] )[A-ZÀ-Þ][a-zà-ÿ]{2,30}\b(?![(_.\[]\w)")
_RELATION: Final = re.compile(
    r"(?i)\b(?:my|our) (?:wife|husband|son|daughter|friend|boss|colleague|mother|father|client|patient)\b"
)
_NOT_LATIN: Final = re.compile(r"[^\W\d_\u0000-\u024f\u1e00-\u1eff]")


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is in a request: findings for each text of `fields.texts`, topics, and the whole in one figure."""

    findings: tuple[tuple[Finding, ...], ...]
    topics: tuple[Topic, ...]
    sensitivity_ppm: Ppm
    reasons: tuple[str, ...]
    floor_ppm: Ppm = Ppm(0)

    def visible_ppm(self, trust_ppm: Ppm) -> Ppm:
        """Return how sensitive what an island of this trust would see still is."""
        if trust_ppm >= self.sensitivity_ppm:
            return self.sensitivity_ppm
        seen = [one.floor_ppm for found in self.findings for one in found if one.floor_ppm <= trust_ppm]
        return Ppm(max([self.floor_ppm, *seen, *(topic.masked_floor_ppm for topic in self.topics)]))

    def masked(self, trust_ppm: Ppm) -> tuple[tuple[FindingType, int], ...]:
        """Count what would be masked for an island of this trust, by type."""
        if trust_ppm >= self.sensitivity_ppm:
            return ()
        kinds = Counter(one.type for found in self.findings for one in found if one.floor_ppm > trust_ppm)
        return tuple(sorted(kinds.items()))

    def exposure_ppm(self, trust_ppm: Ppm) -> Ppm:
        """Return how much leaves with the request: what stays visible, and a share for each masked value."""
        hidden = sum(count for _, count in self.masked(trust_ppm))
        return Ppm(min(PPM_MAX, self.visible_ppm(trust_ppm) + 100_000 * hidden))


WITHHELD: Final = Assessment((), (), PPM_MAX, ("privacy check failed",), PPM_MAX)
"""Nothing is known, so only an island of full trust may see it."""


def assess(
    prompt: Prompt, detectors: Sequence[Detector] = (RULES,), sensitivity_min_ppm: Ppm = Ppm(0)
) -> Assessment:
    """Judge a prompt. Never raises: a fault gives `WITHHELD`."""
    try:
        return _assess(prompt, detectors, sensitivity_min_ppm)
    except Exception:
        return WITHHELD


def _assess(prompt: Prompt, detectors: Sequence[Detector], sensitivity_min_ppm: Ppm) -> Assessment:
    pieces = texts(prompt)
    if sum(map(len, pieces)) > CHARACTERS_MAX:
        return WITHHELD
    for piece in pieces:
        piece.encode()  # a lone surrogate cannot be sent, so it is not judged either
    findings = tuple(detect(piece, detectors) for piece in pieces)
    names_found = any(detector.finds_names for detector in detectors)
    topics = tuple(_topics(pieces, findings, names_found))
    floors = [one.floor_ppm for found in findings for one in found]
    sensitivity = Ppm(max([sensitivity_min_ppm, *floors, *(topic.floor_ppm for topic in topics)]))
    return Assessment(findings, topics, sensitivity, _reasons(findings, topics), sensitivity_min_ppm)


def _topics(pieces: Sequence[str], findings: Sequence[Sequence[Finding]], names_found: bool) -> list[Topic]:
    whole = "\n".join(pieces)
    people = any(one.type in _PEOPLE for found in findings for one in found)
    personal = people or re.search(_ABOUT_ME, whole, re.IGNORECASE) is not None
    topics = [topic for topic, words in _TOPICS if personal and re.search(words, whole, re.IGNORECASE)]
    if _SECRET_WORDS.search(whole):
        topics.append(_TRADE_SECRET)
    if not names_found and whole.strip():
        topics.append(FREE_TEXT)
        rest = "\n".join(_without(piece, found) for piece, found in zip(pieces, findings, strict=True))
        doubts = (
            _POSSIBLE_NAME.search(_COMMON.sub("", rest)),
            _RELATION.search(rest),
            _NOT_LATIN.search(rest),
        )
        if people or any(doubts):
            topics.append(POSSIBLE_NAMES)
    return topics


def _without(text: str, findings: Sequence[Finding]) -> str:
    for finding in reversed(findings):
        text = text[: finding.start] + text[finding.end :]
    return text


def _reasons(findings: Sequence[Sequence[Finding]], topics: Sequence[Topic]) -> tuple[str, ...]:
    kinds = Counter((one.type, one.floor_ppm) for found in findings for one in found)
    return (
        *(
            f"{kind} x{count} ({sensitivity_class(floor).name.lower()})"
            for (kind, floor), count in sorted(kinds.items())
        ),
        *(f"topic: {topic.name}" for topic in topics),
    )
