"""What readers see of one request, by how far they are trusted: a function with few steps.

It changes only where a value, or its general form, becomes visible, and where trust reaches the sensitivity
of the whole. So it is worked out once, when the request is assessed, and then read for any number of islands.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from islandrun.privacy.forms import Form, floor_in, form_for
from islandrun.privacy.topics import Topic
from islandrun.vocabulary import PPM_MAX, Finding, FindingType, Ppm

MASKED_WEIGHT_PPM: Final = 170_000
"""What a masked value still gives away (its kind and its place), as a share of its floor."""

Counts = tuple[tuple[FindingType, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """The steps: entry i of each holds for trust from `from_ppm[i]` up to below `from_ppm[i + 1]`.

    `figures` has a row for how sensitive what they see still is, and one for how much leaves with it (0 to
    1,000,000); `replaced` counts the values that they do not see as they are. `from_ppm` rises from 0, and
    `ends_ppm` is where each step but the last ends.
    """

    from_ppm: tuple[int, ...]
    figures: npt.NDArray[np.int64]
    ends_ppm: npt.NDArray[np.int64]
    replaced: tuple[Counts, ...]

    def step(self, trust_ppm: Ppm) -> int:
        """Return the number of the step for a reader of this trust; below 0 counts as 0."""
        return max(bisect_right(self.from_ppm, trust_ppm) - 1, 0)

    def visible_ppm(self, step: int) -> Ppm:
        """Return how sensitive what a reader on this step sees still is."""
        return Ppm(int(self.figures[0, step]))

    def exposure_ppm(self, step: int) -> Ppm:
        """Return how much leaves with the request to a reader on this step."""
        return Ppm(int(self.figures[1, step]))


def sight(findings: Iterable[Finding], topics: Iterable[Topic], sensitivity_ppm: Ppm) -> Sight:
    """Work out the steps of a request. Findings that differ in their place alone are looked at once."""
    kinds = _kinds(findings)
    masked_floors = [topic.masked_floor_ppm for topic in topics]
    general = [one.general.floor_ppm for one, _ in kinds if one.general is not None]
    froms = sorted({0, sensitivity_ppm, *(one.floor_ppm for one, _ in kinds), *general})
    forms = [[form_for(one, Ppm(trust)) for one, _ in kinds] for trust in froms]
    seen = [[floor_in(form, one) for form, (one, _) in zip(seen, kinds, strict=True)] for seen in forms]
    visible = [
        max([0, *masked_floors, *values]) if trust < sensitivity_ppm else sensitivity_ppm
        for trust, values in zip(froms, seen, strict=True)
    ]
    exposure = [_exposure_ppm(kinds, values, masked_floors) for values in seen]
    return Sight(
        from_ppm=tuple(froms),
        figures=_sealed((visible, exposure)),
        ends_ppm=_sealed(froms[1:]),
        replaced=tuple(_replaced(kinds, one) for one in forms),
    )


Kinds = list[tuple[Finding, int]]
"""One finding of each type and floors, and how many there are."""


def _kinds(findings: Iterable[Finding]) -> Kinds:
    counts: dict[tuple[str, int, int], int] = {}
    examples: dict[tuple[str, int, int], Finding] = {}
    for one in findings:
        kind = one.type, one.floor_ppm, -1 if one.general is None else one.general.floor_ppm
        counts[kind] = counts.get(kind, 0) + 1
        examples.setdefault(kind, one)
    return [(examples[kind], count) for kind, count in counts.items()]


def _replaced(kinds: Kinds, forms: Iterable[Form]) -> Counts:
    counts: dict[FindingType, int] = {}
    for (one, count), form in zip(kinds, forms, strict=True):
        if form is not Form.KEEP:
            counts[one.type] = counts.get(one.type, 0) + count
    return tuple(sorted(counts.items()))


def _exposure_ppm(kinds: Kinds, seen: Iterable[Ppm], masked_floors: Iterable[Ppm]) -> Ppm:
    """Add up shares like chances: two findings expose more than one, and never more than the whole."""
    shares = [
        (max(value // 2, one.floor_ppm * MASKED_WEIGHT_PPM // PPM_MAX), count)
        for (one, count), value in zip(kinds, seen, strict=True)
    ]
    shares += [(floor_ppm // 2, 1) for floor_ppm in masked_floors]
    kept: int = PPM_MAX
    for share, count in sorted(shares):  # so that the order of what was found rounds nothing differently
        for _ in range(count if share else 0):
            kept = kept * (PPM_MAX - share) // PPM_MAX
            if not kept:
                return PPM_MAX
    return Ppm(PPM_MAX - kept)


def _sealed(values: Sequence[int] | Sequence[Sequence[int]]) -> npt.NDArray[np.int64]:
    table = np.array(values, dtype=np.int64)
    table.flags.writeable = False
    return table
