"""One shape for four opinions: an agent judges all islands for a question at once.

An opinion holds objections (any one of them rules an island out) and scores (lower is better), both as
columns. The detail of a veto names figures, so that a person sees why; it is made when somebody reads it,
from the columns that decided. It never holds text of a request, not even a model name: clients choose that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple, Protocol

from islandrun.agents.columns import Figures, Mask
from islandrun.agents.fleet import Fleet
from islandrun.agents.models import Picks, pick
from islandrun.agents.question import Question


class VetoReason(StrEnum):
    """Why an island is out of the question; the words are part of the protocol."""

    TRUST_BELOW_SENSITIVITY = "TRUST_BELOW_SENSITIVITY"
    RESIDENCY = "RESIDENCY"
    NOT_ADMITTED = "NOT_ADMITTED"
    REVOKED = "REVOKED"
    STALE_ATTESTATION = "STALE_ATTESTATION"
    MODEL_MISSING = "MODEL_MISSING"
    CONTEXT_TOO_LONG = "CONTEXT_TOO_LONG"
    MODALITY = "MODALITY"
    DATA_ELSEWHERE = "DATA_ELSEWHERE"
    NO_CAPACITY = "NO_CAPACITY"
    OVER_BUDGET = "OVER_BUDGET"
    DEADLINE = "DEADLINE"
    TIER_EXCLUDED = "TIER_EXCLUDED"
    CLIENT_HINT = "CLIENT_HINT"
    POLICY = "POLICY"
    UNREACHABLE = "UNREACHABLE"
    FAILED_BEFORE = "FAILED_BEFORE"
    CIRCUIT_OPEN = "CIRCUIT_OPEN"


@dataclass(frozen=True, slots=True)
class Veto:
    """One reason that rules an island out, with its figures in words."""

    reason: VetoReason
    detail: str


class Objective(IntEnum):
    """What is minimised; the value is its place in every vector of scores."""

    COST_MICROUSD = 0
    LATENCY_MS = 1
    EXPOSURE_PPM = 2
    QUALITY_LOSS_PPM = 3


OBJECTIVES: Final = tuple(Objective)
"""All objectives in the order of a vector of scores."""


class Case(NamedTuple):
    """A question before a fleet, with the model that each island would run. One agent sees what all see."""

    question: Question
    fleet: Fleet
    picks: Picks


def case_of(question: Question, fleet: Fleet) -> Case:
    """Bring a question before a fleet."""
    return Case(question, fleet, pick(question, fleet))


class Objection(NamedTuple):
    """One reason against some islands. `detail` is the words for all of them, or tells them by place."""

    reason: VetoReason
    islands: Mask
    detail: str | Callable[[int], str]

    def veto(self, place: int) -> Veto:
        """Put it in words for the island at this place."""
        return Veto(self.reason, self.detail if isinstance(self.detail, str) else self.detail(place))


class Opinion(NamedTuple):
    """What one agent says of a fleet. A score means nothing where there is a veto of any agent."""

    agent: str
    objections: tuple[Objection, ...]
    scores: tuple[tuple[Objective, Figures], ...] = ()

    def vetoes(self, place: int) -> tuple[Veto, ...]:
        """Return the reasons against the island at this place, in words."""
        return tuple(objection.veto(place) for objection in self.objections if objection.islands[place])


def those_that_count(objections: Iterable[Objection]) -> tuple[Objection, ...]:
    """Drop objections against nobody."""
    return tuple(objection for objection in objections if objection.islands.any())


class Agent(Protocol):
    """An opinion about a fleet; a pure function of its argument."""

    name: str

    def judge(self, case: Case) -> Opinion:
        """Judge every island; object for all reasons there are, not only the first."""
        ...


def share(ppm: int) -> str:
    """Write parts per million as an exact share with at least two decimals: 400,000 is 0.40."""
    digits = f"{ppm % 1_000_000:06d}"
    return f"{ppm // 1_000_000}.{digits[:2]}{digits[2:].rstrip('0')}"
