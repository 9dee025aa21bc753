"""One shape for four opinions: an agent judges an island for a question and returns a verdict.

A verdict holds vetoes (any one of them rules the island out) and scores (lower is better). The
detail of a veto names figures, so that a person sees why; it never holds text of a request, not
even a model name, because clients choose that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, Protocol

from islandrun.agents.policy import RoutingPolicy
from islandrun.privacy.sensitivity import Assessment
from islandrun.vocabulary import Hints, Instant, IslandId, IslandView, Sampling

OUTPUT_TOKENS_DEFAULT: Final = 300
"""How long an answer is expected to be when the client sets no limit."""


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
    UNREACHABLE = "UNREACHABLE"
    FAILED_BEFORE = "FAILED_BEFORE"


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


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one agent says of one island. Scores may be missing only where there is a veto.

    `model` names the model that would run there, from the agent that judges models.
    """

    agent: str
    island: IslandId
    vetoes: tuple[Veto, ...]
    scores: tuple[tuple[Objective, int], ...]
    model: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One request as the agents see it: its assessment, wishes and sizes, but no text.

    `failed` lists islands that already failed this request; `my_group` is the group of the asking
    node; `receipt_id` names the record that the decision will be part of.
    """

    request_id: str
    assessment: Assessment
    model: str
    hints: Hints
    input_tokens: int
    output_tokens: int
    policy: RoutingPolicy
    now: Instant
    needs_tools: bool = False
    failed: tuple[IslandId, ...] = ()
    my_group: str = ""
    receipt_id: str = ""

    @property
    def needs_documents(self) -> bool:
        """Whether the request names data sets."""
        return bool(self.hints.data_sets)


class Agent(Protocol):
    """An opinion about one island; a pure function of its two arguments."""

    name: str

    def judge(self, question: Question, island: IslandView) -> Verdict:
        """Judge an island for a question; report all reasons against it, not only the first."""
        ...


def output_estimate(sampling: Sampling) -> int:
    """Estimate the tokens of an answer: the client's limit, else `OUTPUT_TOKENS_DEFAULT`."""
    return OUTPUT_TOKENS_DEFAULT if sampling.tokens_max is None else sampling.tokens_max


def share(ppm: int) -> str:
    """Write parts per million as an exact share with at least two decimals: 400,000 is 0.40."""
    digits = f"{ppm % 1_000_000:06d}"
    return f"{ppm // 1_000_000}.{digits[:2]}{digits[2:].rstrip('0')}"
