"""One request of one caller, from entry to end: the policy that counted as it began, and what it uses up.

The policy is taken at the entry, so a change of the settings counts for requests that begin later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from islandrun.agents.policy import cost_limit
from islandrun.agents.question import Question
from islandrun.routing.quotas import NO_QUOTA, Quota, Quotas, quota_of
from islandrun.routing.rules import KEY_CALLER, facts_of, limits_for
from islandrun.vocabulary import AnswerPiece, ChatRequest, Finished
from islandrun_node import world_clock
from islandrun_node.policy import OwnerPolicy

READ: Final = "read"


@dataclass(slots=True)
class Visit:
    """A request that was let in. `caller` is "local", "key:" and a key's name, or the id of an island."""

    caller: str
    use: str
    policy: OwnerPolicy
    data_sets: tuple[str, ...] = ()
    tokens: int = 0

    def limited(self, question: Question) -> Question:
        """Return a question under the owner's limits; again after its assessment changed."""
        data_sets = (*question.hints.data_sets, *self.data_sets)
        facts = facts_of(question.assessment, data_sets, self.caller, self.use)
        limits = limits_for(self.policy.rules, facts, question.now)
        if self.use == READ:
            limits = limits.for_reading
        routing = self.policy.routing
        cost = cost_limit(routing, limits.cost_max_microusd)
        return replace(question, policy=replace(routing, cost_max_microusd=cost), limits=limits)

    def used(self, piece: AnswerPiece) -> None:
        """Count what an answer took; only its last piece says so."""
        if isinstance(piece, Finished):
            self.tokens = piece.usage.input_tokens + piece.usage.output_tokens


class Visits:
    """Lets requests in; `policy` returns what counts now."""

    def __init__(self, policy: Callable[[], OwnerPolicy]) -> None:
        self._policy = policy
        self._quotas = Quotas()

    @contextmanager
    def admitted(self, caller: str, use: str, data_sets: tuple[str, ...] = ()) -> Iterator[Visit]:
        """Let a request in while the block runs. Raises `QuotaSpent` when its key has asked enough."""
        policy = self._policy()
        quota = _quota(policy, caller)
        if quota == NO_QUOTA:
            yield Visit(caller, use, policy, data_sets)
            return
        self._quotas.enter(caller, quota, world_clock.now())
        visit = Visit(caller, use, policy, data_sets)
        try:
            yield visit
        finally:
            self._quotas.leave(caller, visit.tokens, world_clock.now())


def use_of(request: ChatRequest) -> str:
    """Say what a request to a model does, in the words of rules."""
    return "tools" if request.prompt.tools else "chat"


def _quota(policy: OwnerPolicy, caller: str) -> Quota:
    if not caller.startswith(KEY_CALLER):
        return NO_QUOTA
    return quota_of(policy.quotas, caller.removeprefix(KEY_CALLER))
