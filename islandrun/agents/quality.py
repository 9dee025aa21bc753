"""What quality to expect of a model for a task: the owner's figure, else what its island states, shifted.

The shifts are coarse priors by size and kind, read from a model's name, and no measurements: small models
lose most in mathematics and facts, a model made for code gains there and loses elsewhere. An owner who knows
better says so. What learns from answers would be another `QualitySource`.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from islandrun.agents.tasks import Task
from islandrun.vocabulary import PPM_MAX, ModelOffer, Ppm

_CACHED_MAX: Final = 4_096


class QualitySource(Protocol):
    """Tells the quality of models by task. It can be hashed; equal ones say the same."""

    def differs(self, task: Task) -> bool:
        """Say whether anything but what islands state may count for this task."""
        ...

    def quality_ppm(self, offer: ModelOffer, task: Task) -> Ppm:
        """Return the quality to expect of an offered model for a task."""
        ...

    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Override:
    """The owner's figures for the models whose name fits a pattern with * and ?, in any case of letters."""

    pattern: str
    figures: tuple[tuple[Task, Ppm], ...]

    def figure(self, name: str, task: Task) -> Ppm | None:
        """Return the owner's figure for a model and task, or None."""
        if not fnmatch.fnmatchcase(name.lower(), self.pattern.lower()):
            return None
        return next((ppm for own, ppm in self.figures if own is task), None)


@dataclass(frozen=True, slots=True)
class QualityTable:
    """The owner's overrides, first come first served, over coarse priors."""

    overrides: tuple[Override, ...] = ()

    def differs(self, task: Task) -> bool:
        """Say whether anything but what islands state may count: for chat only where the owner says so."""
        return task is not Task.CHAT or any(
            own is task for override in self.overrides for own, _ in override.figures
        )

    def quality_ppm(self, offer: ModelOffer, task: Task) -> Ppm:
        """Return the owner's figure, else the stated quality shifted by the prior; 0 to 1,000,000."""
        for override in self.overrides:
            figure = override.figure(offer.name, task)
            if figure is not None:
                return figure
        shifted = offer.quality_ppm + prior_shift_ppm(offer.name, task, offer.is_extractive)
        return Ppm(min(max(shifted, 0), PPM_MAX))


STATED_AND_PRIORS: Final = QualityTable()

_BILLIONS: Final = re.compile(r"(?<![\w.])(?:\d{1,2}x)?(\d{1,4}(?:\.\d{1,2})?)b(?![a-z0-9])", re.IGNORECASE)
_NO_SHIFTS: Final[Mapping[Task, int]] = {}

_TINY_BILLIONS: Final = 4.0
_SMALL_BILLIONS: Final = 15.0
_TINY: Final = {
    Task.MATH: -150_000, Task.KNOWLEDGE: -150_000, Task.CODE: -100_000, Task.TRANSLATE: -80_000,
    Task.WRITE: -50_000, Task.EXTRACT: -50_000, Task.SUMMARISE: -30_000,
}  # fmt: skip
_SMALL: Final = {Task.MATH: -60_000, Task.KNOWLEDGE: -60_000, Task.CODE: -40_000}

_KINDS: Final[tuple[tuple[re.Pattern[str], Mapping[Task, int]], ...]] = (
    (
        re.compile(r"code|coder|starcoder|devstral"),
        {Task.CODE: 80_000, Task.MATH: 20_000, Task.WRITE: -80_000, Task.TRANSLATE: -80_000,
         Task.KNOWLEDGE: -50_000},
    ),
    (
        re.compile(r"(?<![a-z0-9])(r1|o1|o3|o4|qwq|math)(?![a-z0-9])|reason|think"),
        {Task.MATH: 100_000, Task.CODE: 50_000},
    ),
    (
        re.compile(r"nllb|madlad|translat|opus-mt"),
        {Task.TRANSLATE: 150_000, Task.CODE: -400_000, Task.MATH: -400_000, Task.WRITE: -300_000,
         Task.KNOWLEDGE: -300_000, Task.SUMMARISE: -300_000, Task.EXTRACT: -300_000},
    ),
)  # fmt: skip
"""Words in names by which families are known, and what they are made for."""

_QUOTING: Final = {
    Task.CODE: -400_000, Task.MATH: -400_000, Task.WRITE: -400_000, Task.TRANSLATE: -400_000
}  # fmt: skip
"""A model that can only quote writes nothing of its own."""


@lru_cache(_CACHED_MAX)
def prior_shift_ppm(name: str, task: Task, is_extractive: bool) -> int:
    """Return how far the quality of a model of this name is expected to differ for a task from in general."""
    if is_extractive:
        return _QUOTING.get(task, 0)
    plain = name.lower()
    kinds = (shifts for words, shifts in _KINDS if words.search(plain))
    return _by_size(plain).get(task, 0) + next(kinds, _NO_SHIFTS).get(task, 0)


def _by_size(name: str) -> Mapping[Task, int]:
    """Return the shifts of a model that names its size, such as "llama-3.1-8b"; else none."""
    sizes = [float(size) for size in _BILLIONS.findall(name)]
    if not sizes or max(sizes) >= _SMALL_BILLIONS:
        return _NO_SHIFTS
    return _TINY if max(sizes) < _TINY_BILLIONS else _SMALL
