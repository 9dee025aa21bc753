"""One request's path over tries: who is first, who is next, and when to give up.

Every try judges a fresh snapshot with the same vetoes; what failed once is out for good, time
already spent shortens the deadline, and nothing is ever widened. After the first token there is
no next try.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from islandrun.agents import AGENTS
from islandrun.agents.agent import Agent
from islandrun.agents.fleet import Fleet
from islandrun.agents.question import Question
from islandrun.errors import ForwardFailed, Interrupted, Overloaded
from islandrun.routing.choose import choose
from islandrun.routing.decision import Decision
from islandrun.vocabulary import Hints, Instant, IslandId

ATTEMPTS_MAX: Final = 4


class Route:
    """The path of one request; it lives as long as the request and belongs to one task.

    `start` once, then `failed` after each try that did not bring a token, `again` after a wait
    for a place, and `first_token` when one came. `decisions` keeps them all for the receipt.
    """

    def __init__(
        self, question: Question, agents: Sequence[Agent] = AGENTS, attempts_max: int = ATTEMPTS_MAX
    ) -> None:
        assert attempts_max >= 1
        self._question = question
        self._agents = tuple(agents)
        self._attempts_max = attempts_max
        self._started_seconds = 0.0
        self._has_token = False
        self._decisions: list[Decision] = []
        self._overloaded: set[IslandId] = set()

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """All decisions so far, oldest first; the last one counts."""
        return tuple(self._decisions)

    @property
    def overloaded(self) -> frozenset[IslandId]:
        """The islands that failed this request because they had no place for it."""
        return frozenset(self._overloaded)

    @property
    def started_seconds(self) -> float:
        """When the first decision was made."""
        return self._started_seconds

    @property
    def hints(self) -> Hints:
        """The wishes of the request, as it came."""
        return self._question.hints

    @property
    def failed_islands(self) -> tuple[IslandId, ...]:
        """The islands that failed this request, in that order."""
        return self._question.failed

    def start(self, fleet: Fleet, now: Instant) -> Decision:
        """Decide the first try; `chosen` is None when nobody may or can run it."""
        assert not self._decisions, "a route starts once"
        self._started_seconds = now.seconds
        return self._decide(fleet, now)

    def failed(self, island: IslandId, error: ForwardFailed, fleet: Fleet, now: Instant) -> Decision | None:
        """Decide the next try after `island` failed, on a fresh snapshot.

        None: give up, because a token came already or the tries are used up. A decision without
        a `chosen` island means that nobody is left; it says why for each.
        """
        chosen = self._decisions[-1].chosen if self._decisions else None
        assert chosen is not None, "a route without a chosen island cannot fail"
        assert chosen.island == island, "only the island of the last decision can fail"
        if self._has_token or isinstance(error, Interrupted) or len(self._decisions) >= self._attempts_max:
            return None
        if isinstance(error, Overloaded):
            self._overloaded.add(island)
        self._question = replace(self._question, failed=(*self._question.failed, island))
        return self._decide(fleet, now)

    def again(self, fleet: Fleet, now: Instant) -> Decision:
        """Decide once more after nobody was chosen, on a fresh snapshot; it takes the place of that decision.

        What failed for want of a place may have one now. Everything else that failed stays out.
        """
        assert self._decisions, "a route starts before it decides again"
        assert self._decisions[-1].chosen is None, "who was chosen is tried first"
        failed = tuple(island for island in self._question.failed if island not in self._overloaded)
        self._question = replace(self._question, failed=failed)
        self._decisions.pop()
        return self._decide(fleet, now)

    def first_token(self) -> None:
        """Note that the answer has begun: from here on nothing is tried again."""
        self._has_token = True

    def _decide(self, fleet: Fleet, now: Instant) -> Decision:
        hints = self._question.hints
        if hints.deadline_ms is not None:
            spent_ms = int((now.seconds - self._started_seconds) * 1_000)
            hints = replace(hints, deadline_ms=max(hints.deadline_ms - spent_ms, 0))
        question = replace(self._question, hints=hints, now=now)
        decision = choose(question, fleet, self._agents, attempt=len(self._decisions) + 1)
        self._decisions.append(decision)
        return decision
