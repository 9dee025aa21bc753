"""Keep, generalise or mask: what becomes of a finding for one reader, decided in one place.

The assessment says once which findings have a general form and who may see it; `form_for` answers for a
reader, and everything that counts, scores or replaces asks it, so that they agree by construction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import Final

from islandrun.privacy.floors import GENERAL_BELOW, Floors
from islandrun.privacy.general import generalise
from islandrun.privacy.purpose import Purpose, purposes, speaks_of_birth, speaks_of_home
from islandrun.vocabulary import Finding, FindingType, General, Grain, Ppm, Prompt

Findings = tuple[tuple[Finding, ...], ...]
"""The findings of each text."""

_NEEDED_FOR: Final = {
    FindingType.DATE: frozenset({Purpose.TIME, Purpose.AGE, Purpose.JOURNEY}),
    FindingType.DEMOGRAPHIC: frozenset({Purpose.AGE}),
    FindingType.QUANTITY: frozenset({Purpose.AMOUNT, Purpose.JOURNEY}),
}
_NOT_SOMEBODY: Final = frozenset(
    {FindingType.LOCATION, FindingType.DATE, FindingType.QUANTITY, FindingType.LITERAL}
)
"""Types that, with a place, do not say whose journey it is."""


class Form(Enum):
    """What a reader sees of a value: itself, a coarser form of it, or a placeholder."""

    KEEP = "keep"
    GENERALISE = "generalise"
    MASK = "mask"


def form_for(finding: Finding, trust_ppm: Ppm) -> Form:
    """Say what a reader of this trust sees of a finding; what reads as a placeholder is always masked."""
    if finding.type is FindingType.LITERAL:
        return Form.MASK
    if finding.floor_ppm <= trust_ppm:
        return Form.KEEP
    if finding.general is not None and finding.general.floor_ppm <= trust_ppm:
        return Form.GENERALISE
    return Form.MASK


def seen_ppm(finding: Finding, trust_ppm: Ppm) -> Ppm:
    """Return the trust that is needed for what a reader of this trust sees of a finding; masked, none."""
    return floor_in(form_for(finding, trust_ppm), finding)


def floor_in(form: Form, finding: Finding) -> Ppm:
    """Return the trust that is needed to see a finding in a form."""
    if form is Form.KEEP:
        return finding.floor_ppm
    return finding.general.floor_ppm if form is Form.GENERALISE and finding.general is not None else Ppm(0)


def general_texts(
    texts: Sequence[str], findings: Sequence[Sequence[Finding]], trust_ppm: Ppm
) -> dict[str, tuple[Finding, str]]:
    """Return value -> a finding of it and its general form, for what a reader of this trust sees so."""
    found: dict[str, tuple[Finding, str]] = {}
    refused: set[str] = set()
    for value, one in (
        (text[one.start : one.end], one) for text, ones in zip(texts, findings, strict=True) for one in ones
    ):
        form = form_for(one, trust_ppm)
        general = generalise(value, one.general.grain) if form is Form.GENERALISE and one.general else None
        if general is not None:
            found[value] = one, general
        elif form is not Form.KEEP:
            refused.add(value)
    return {value: item for value, item in found.items() if value not in refused}


def with_forms(
    prompt: Prompt, texts: Sequence[str], findings: Findings, floors: Floors, *, has_topic: bool
) -> Findings:
    """Return the findings with the forms that this prompt needs: general ones, and places of a journey.

    A value has one form wherever it stands: if one place of it has none, no place has.
    """
    aims = purposes(prompt)
    if not aims or not any(findings):
        return findings
    if Purpose.JOURNEY in aims and not has_topic and _is_nobodys(texts, findings):
        findings = tuple(tuple(_planned(one, floors) for one in found) for found in findings)
    coarse = Grain.YEAR if speaks_of_birth(texts) else Grain.MONTH
    chosen: dict[str, General | None] = {}
    for text, found in zip(texts, findings, strict=True):
        for one in found:
            value = text[one.start : one.end]
            general = _general(one, value, aims, coarse, floors)
            chosen[value] = general if chosen.get(value, general) == general else None
    return tuple(
        tuple(_formed(one, text[one.start : one.end], chosen) for one in found)
        for text, found in zip(texts, findings, strict=True)
    )


def _general(
    finding: Finding, value: str, aims: frozenset[Purpose], coarse: Grain, floors: Floors
) -> General | None:
    if not aims & _NEEDED_FOR.get(finding.type, frozenset()) or finding.floor_ppm >= GENERAL_BELOW:
        return None
    grain = {FindingType.DATE: coarse, FindingType.DEMOGRAPHIC: Grain.DECADE}.get(
        finding.type, Grain.MAGNITUDE
    )
    floor = floors.of_general(grain)
    if floor >= finding.floor_ppm or finding.floor_ppm > floors.of(finding.type):
        return None  # of no use, or a detector asks for more than its type does
    return General(grain, floor) if generalise(value, grain) is not None else None


def _formed(finding: Finding, value: str, chosen: Mapping[str, General | None]) -> Finding:
    """Give a finding its general form; one that is general already ("March 2024") has the floor of that."""
    general = chosen[value]
    if general is not None and generalise(value, general.grain) == value:
        return replace(finding, floor_ppm=general.floor_ppm)
    return replace(finding, general=general)


def _is_nobodys(texts: Sequence[str], findings: Findings) -> bool:
    """Say whether nothing tells whose the places are: nobody is found, and no word speaks of a home."""
    return all(one.type in _NOT_SOMEBODY for found in findings for one in found) and not speaks_of_home(texts)


def _planned(finding: Finding, floors: Floors) -> Finding:
    if finding.type is not FindingType.LOCATION or finding.floor_ppm > floors.location:
        return finding
    return replace(finding, floor_ppm=min(finding.floor_ppm, floors.planned_location))
