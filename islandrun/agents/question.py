"""One request as the agents see it: figures and wishes, and no text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from islandrun.agents.budget import NO_LIMIT, Purse
from islandrun.agents.limits import NO_LIMITS, Limits
from islandrun.agents.policy import RoutingPolicy
from islandrun.agents.tasks import UNKNOWN_TASK, TaskGuess
from islandrun.privacy.sensitivity import Assessment
from islandrun.vocabulary import Hints, Instant, IslandId

NOBODY: Final = IslandId("")


@dataclass(frozen=True, slots=True)
class Warm:
    """What a model of an island has read of a conversation a moment ago: the tokens of its last prompt."""

    island: IslandId
    model: str
    tokens: int


COLD: Final = Warm(NOBODY, "", 0)


@dataclass(frozen=True, slots=True)
class Question:
    """One request as the agents see it: its assessment, wishes and sizes, but no text.

    `failed` lists islands that already failed this request; `my_group` is the group of the asking
    node; `receipt_id` names the record that the decision will be part of. `output_tokens` is how long
    the answer is expected to be, `answer_tokens_max` how long the client lets it be, 0 for no limit.
    `places` are the jurisdictions to which passages of documents in the request are bound, `limits` is what
    the owner's rules leave for it, `task` a guess.
    `last` is where the last request like this one ran, if there was one; `warm` is who has its beginning.
    `open_circuits` are models of islands that fail again and again, and why they are left alone.
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
    places: tuple[str, ...] = ()
    answer_tokens_max: int = 0
    purse: Purse = NO_LIMIT
    task: TaskGuess = UNKNOWN_TASK
    limits: Limits = NO_LIMITS
    last: IslandId = NOBODY
    open_circuits: Mapping[tuple[IslandId, str], str] = field(default_factory=dict)
    warm: Warm = COLD

    @property
    def context_tokens(self) -> int:
        """The tokens that a model must have room for: the prompt, and the longest answer."""
        return self.input_tokens + max(self.output_tokens, self.answer_tokens_max)

    @property
    def needs_documents(self) -> bool:
        """Whether the request names data sets."""
        return bool(self.hints.data_sets)
