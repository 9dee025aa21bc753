"""What readers see of one request, by how far they are trusted: a function with few steps.

It changes only where a value, or its general form, becomes visible, and where trust reaches the sensitivity
of the whole. So it is worked out once, when the request is assessed, and then read for any number of islands.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from islandrun.privacy.forms import Form, form_for, seen_ppm
from islandrun.privacy.topics import Topic
from islandrun.vocabulary import PPM_MAX, Finding, Ppm

MASKED_WEIGHT_PPM: Final = 170_000
"""What a masked value still gives away (its kind and its place), as a share of its floor."""


@dataclass(frozen=True, slots=True)
class Sight:
    """The steps: entry i of each holds for trust from `from_ppm[i]` up to below `from_ppm[i + 1]`.

    `visible_ppm` is how sensitive what they see still is, `exposure_ppm` how much leaves with it (0 to
    1,000,000), `is_masked` whether anything is replaced. `from_ppm` rises from 0.
    """

    from_ppm: tuple[int, ...]
    visible_ppm: tuple[int, ...]
    exposure_ppm: tuple[int, ...]
    is_masked: tuple[bool, ...]

    def step(self, trust_ppm: Ppm) -> int:
        """Return the number of the step for a reader of this trust; below 0 counts as 0."""
        return max(bisect_right(self.from_ppm, trust_ppm) - 1, 0)


def sight(findings: Iterable[Finding], topics: Iterable[Topic], sensitivity_ppm: Ppm) -> Sight:
    """Work out the steps of a request. Findings that differ in their place alone are looked at once."""
    kinds = _kinds(findings)
    masked_floors = [topic.masked_floor_ppm for topic in topics]
    general = [one.general.floor_ppm for one, _ in kinds if one.general is not None]
    froms = sorted({0, sensitivity_ppm, *(one.floor_ppm for one, _ in kinds), *general})
    below = [trust for trust in froms if trust < sensitivity_ppm]
    visible = [max([0, *masked_floors, *(seen_ppm(one, Ppm(trust)) for one, _ in kinds)]) for trust in below]
    masks = [any(form_for(one, Ppm(trust)) is not Form.KEEP for one, _ in kinds) for trust in below]
    rest = len(froms) - len(below)
    return Sight(
        from_ppm=tuple(froms),
        visible_ppm=(*visible, *[sensitivity_ppm] * rest),
        exposure_ppm=tuple(_exposure_ppm(kinds, masked_floors, Ppm(trust)) for trust in froms),
        is_masked=(*masks, *[False] * rest),
    )


Kinds = list[tuple[Finding, int]]
"""One finding of each kind, and how many there are."""


def _kinds(findings: Iterable[Finding]) -> Kinds:
    counts: dict[tuple[str, int, int], int] = {}
    examples: dict[tuple[str, int, int], Finding] = {}
    for one in findings:
        kind = one.type, one.floor_ppm, -1 if one.general is None else one.general.floor_ppm
        counts[kind] = counts.get(kind, 0) + 1
        examples.setdefault(kind, one)
    return [(examples[kind], count) for kind, count in counts.items()]


def _exposure_ppm(kinds: Kinds, masked_floors: Iterable[Ppm], trust_ppm: Ppm) -> Ppm:
    """Add up shares like chances: two findings expose more than one, and never more than the whole."""
    shares = [
        (max(seen_ppm(one, trust_ppm) // 2, one.floor_ppm * MASKED_WEIGHT_PPM // PPM_MAX), count)
        for one, count in kinds
    ]
    shares += [(floor_ppm // 2, 1) for floor_ppm in masked_floors]
    kept: int = PPM_MAX
    for share, count in sorted(shares):  # so that the order of what was found rounds nothing differently
        for _ in range(count if share else 0):
            kept = kept * (PPM_MAX - share) // PPM_MAX
            if not kept:
                return PPM_MAX
    return Ppm(PPM_MAX - kept)
