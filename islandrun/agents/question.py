"""One request as the agents see it: figures and wishes, and no text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from islandrun.agents.policy import RoutingPolicy
from islandrun.privacy.sensitivity import Assessment
from islandrun.vocabulary import Hints, Instant, IslandId, Sampling

OUTPUT_TOKENS_DEFAULT: Final = 300
"""How long an answer is expected to be when the client sets no limit."""


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


def output_estimate(sampling: Sampling) -> int:
    """Estimate the tokens of an answer: the client's limit, else `OUTPUT_TOKENS_DEFAULT`."""
    return OUTPUT_TOKENS_DEFAULT if sampling.tokens_max is None else sampling.tokens_max
