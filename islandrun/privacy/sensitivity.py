"""How sensitive a request is, and how sensitive what is left of it would be after masking.

The maximum over findings and topics, never a mean. Whatever goes wrong, and whatever cannot be known,
gives `WITHHELD`: nobody but an island of full trust may see the request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from islandrun.privacy.detect import RULES, Detector, TopicDetector
from islandrun.privacy.detect.merge import merge
from islandrun.privacy.detect.owner import NO_OWNER_RULES, OwnerRules
from islandrun.privacy.detect.propagate import Known, propagate, values_of
from islandrun.privacy.detect.sound import sound
from islandrun.privacy.fields import Field, fields, fixed_texts
from islandrun.privacy.floors import DEFAULT_FLOORS, Floors
from islandrun.privacy.forms import Form, form_for, with_forms
from islandrun.privacy.pages import Page, pages
from islandrun.privacy.sight import Sight, sight
from islandrun.privacy.topics import LEARNED, Topic, topics
from islandrun.vocabulary import PPM_MAX, Finding, FindingType, Ppm, Prompt, sensitivity_class

CHARACTERS_MAX: Final = 2_000_000
TEXTS_MAX: Final = 50_000

ASKED_FOR: Final = "asked for by the client"
"""The name of the topic that stands for the least sensitivity that was asked for."""

_USUAL_IN_IDS: Final = frozenset(
    {FindingType.CODE, FindingType.DATE, FindingType.PHONE, FindingType.USERNAME, FindingType.LITERAL}
)
"""Types that an id of a machine looks like; they count in a tool name only if a text holds the same value."""

__all__ = ["WITHHELD", "Assessment", "Floors", "Topic", "assess"]


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is in a request. It holds no text: places, types, topics and figures.

    `findings` has one tuple for each text of `fields.texts`; `reasons` are words for people; `floors` are
    those by which it was judged; `sight` is what readers of any trust see.
    """

    findings: tuple[tuple[Finding, ...], ...]
    topics: tuple[Topic, ...]
    sensitivity_ppm: Ppm
    reasons: tuple[str, ...]
    floors: Floors = DEFAULT_FLOORS

    sight: Sight = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sight", sight(self._all(), self.topics, self.sensitivity_ppm))

    def visible_ppm(self, trust_ppm: Ppm) -> Ppm:
        """Say how sensitive what a reader of this trust would see still is, after masking for it."""
        return self.sight.visible_ppm(self.sight.step(trust_ppm))

    def masked(self, trust_ppm: Ppm) -> tuple[tuple[FindingType, int], ...]:
        """Count the findings that a reader of this trust does not see as they are, by type."""
        return self.sight.replaced[self.sight.step(trust_ppm)]

    def generalised(self, trust_ppm: Ppm) -> tuple[tuple[FindingType, int], ...]:
        """Count those of `masked` that are made general; the others become placeholders."""
        general = [one.type for one in self._all() if form_for(one, trust_ppm) is Form.GENERALISE]
        return tuple(sorted(Counter(general).items()))

    def exposure_ppm(self, trust_ppm: Ppm) -> Ppm:
        """Say how much leaves with a request: what is seen of its values and topics, and a little a mask."""
        return self.sight.exposure_ppm(self.sight.step(trust_ppm))

    def _all(self) -> Iterable[Finding]:
        return (one for found in self.findings for one in found)


WITHHELD: Final = Assessment(
    (), (Topic("privacy check failed", PPM_MAX, PPM_MAX),), PPM_MAX, ("privacy check failed",)
)
"""Nothing is known of the request, so only an island of full trust may see it."""


def assess(
    prompt: Prompt,
    detectors: Sequence[Detector] = (RULES,),
    floors: Floors = DEFAULT_FLOORS,
    sensitivity_min_ppm: Ppm = Ppm(0),
    owner: OwnerRules = NO_OWNER_RULES,
) -> Assessment:
    """Judge a prompt. Never raises: a fault, or a text too long or not encodable, gives `WITHHELD`.

    `floors` and `owner` are the owner's; to be looked for, `owner` must also stand among the detectors.
    """
    try:
        return _assess(prompt, _Watch(tuple(detectors), floors, owner), sensitivity_min_ppm)
    except Exception:  # a detector of somebody else may raise anything
        return WITHHELD


@dataclass(frozen=True, slots=True)
class _Watch:
    """Who looks, and the owner's table and rules."""

    detectors: tuple[Detector, ...]
    floors: Floors
    owner: OwnerRules


def _assess(prompt: Prompt, watch: _Watch, sensitivity_min_ppm: Ppm) -> Assessment:
    places, fixed = fields(prompt), fixed_texts(prompt)
    pieces = tuple(place.text for place in places)
    if len(places) > TEXTS_MAX or sum(map(len, (*pieces, *fixed))) > CHARACTERS_MAX or not watch.detectors:
        return WITHHELD
    for piece in (*pieces, *fixed):
        piece.encode()  # a lone surrogate cannot be sent, so it is not judged either
    laid_out = tuple(pages(places))
    spread = propagate(pieces, _detect_all(places, laid_out, watch))
    findings = tuple(map(watch.owner.without_allowed, pieces, spread))
    finds_names = any(detector.finds_names for detector in watch.detectors)
    found = topics(pieces, findings, finds_names=finds_names)
    found += _learned(laid_out, watch.detectors, found)
    found += _of_fixed_texts(pieces, findings, fixed, watch)
    if sensitivity_min_ppm:
        found.append(Topic(ASKED_FOR, sensitivity_min_ppm, sensitivity_min_ppm))
    findings = with_forms(prompt, pieces, findings, watch.floors, has_topic=bool(found))
    seen = [one.floor_ppm for spans in findings for one in spans] + [topic.floor_ppm for topic in found]
    sensitivity = Ppm(max([0, *seen]))
    return Assessment(findings, tuple(found), sensitivity, _reasons(findings, found), watch.floors)


def _learned(laid_out: Sequence[Page], detectors: Sequence[Detector], found: Sequence[Topic]) -> list[Topic]:
    """Return the topics that detectors know of and that were not found by words."""
    texts = dict.fromkeys(page.text for page in laid_out)
    readers = [detector for detector in detectors if isinstance(detector, TopicDetector)]
    names = dict.fromkeys(name for reader in readers for text in texts for name in reader.topics(text))
    return [LEARNED[name] for name in names if LEARNED[name] not in found]


def _detect_all(
    places: Sequence[Field], laid_out: Sequence[Page], watch: _Watch
) -> tuple[tuple[Finding, ...], ...]:
    """Run every detector on every page, and return what is found by field."""
    known: dict[str, list[Finding]] = {}
    found: list[list[Finding]] = [[] for _ in places]
    for page in laid_out:
        if page.text not in known:
            known[page.text] = _detect(page.text, watch)
        for number, one in page.led_back(known[page.text]):
            found[number].append(one)
    return tuple(
        watch.owner.without_allowed(place.text, merge(spans))
        for place, spans in zip(places, found, strict=True)
    )


def _detect(text: str, watch: _Watch) -> list[Finding]:
    return [
        replace(one, floor_ppm=_floor(one, watch.floors), general=None)
        for detector in watch.detectors
        for one in sound(detector(text), text)
    ]


def _floor(finding: Finding, floors: Floors) -> Ppm:
    """Apply the owner's table; a detector may ask for more than the table, not for less."""
    asked = finding.floor_ppm
    return (
        floors.of(finding.type)
        if asked <= DEFAULT_FLOORS.of(finding.type)
        else max(asked, floors.of(finding.type))
    )


def _of_fixed_texts(
    pieces: Sequence[str],
    findings: Sequence[Sequence[Finding]],
    fixed: Sequence[str],
    watch: _Watch,
) -> list[Topic]:
    """Judge tool names and ids. They cannot be masked, so what they hold stays visible to everybody."""
    distinct = tuple(dict.fromkeys(form for text in fixed for form in (text, _spaced(text))))
    places = [Field(text) for text in distinct]
    single = _detect_all(places, tuple(pages(places)), watch)
    known = Known(
        value
        for text, spans in zip(pieces, findings, strict=True)
        for one in spans
        if one.type is not FindingType.LITERAL
        for value in values_of(text, one)
    )
    found = [one for spans in single for one in spans if one.type not in _USUAL_IN_IDS]
    found += [one for text in distinct for one in known.find(text)]
    highest: dict[FindingType, Ppm] = {}
    for one in found:
        highest[one.type] = max(one.floor_ppm, highest.get(one.type, Ppm(0)))
    return [
        Topic(f"{kind} in a tool name or id", floor, floor)
        for kind, floor in sorted(highest.items())
        if kind is not FindingType.LITERAL
    ]


def _spaced(text: str) -> str:
    """Return an identifier as words: `pay_anna-kern` hides nothing by its joints."""
    return text.replace("_", " ").replace("-", " ")


def _reasons(findings: Sequence[Sequence[Finding]], found: Sequence[Topic]) -> tuple[str, ...]:
    counts = Counter((one.type, one.floor_ppm) for spans in findings for one in spans)
    return (
        *(
            f"{kind} x{count} ({sensitivity_class(floor).name.lower()})"
            for (kind, floor), count in sorted(counts.items())
        ),
        *map(reason_of, found),
    )


def reason_of(topic: Topic) -> str:
    """Return a topic as a reason for people."""
    return f"topic {topic.name} ({sensitivity_class(topic.floor_ppm).name.lower()})"
