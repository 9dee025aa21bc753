"""Requests that are alike stay where the last one ran, unless somewhere else is clearly better.

Measures of load tremble; without this two islands that are as good as each other would take turns at random,
and neither would keep the prompts of a conversation in its cache. The margin is hysteresis: who has the
habit may be worse by so much more than who has not. A nearer island, a veto and a real queue break a habit.
A model that answered a conversation a moment ago still has its beginning: it need not read that again.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from islandrun.agents.question import COLD, NOBODY, Warm
from islandrun.vocabulary import Instant, IslandId

MARGIN_PPM: Final = 150_000
"""By how much more of the total whoever ran the last request may be worse than the best."""

HABITS_MAX: Final = 1_024

WARM_SECONDS_MAX: Final = 600.0
"""So long an engine is taken to keep the beginning of a conversation: after it others have pushed it out."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A request that was answered: where, by which model, when, and how many tokens its prompt had."""

    island: IslandId
    model: str
    input_tokens: int
    at: Instant


class Habits:
    """Where the last request of each conversation, and of each model, ran; those used last are kept.

    A conversation is named by any text that differs from client to client.
    """

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[str, str], Ran] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Habits of {len(self._last)}>"

    def last(self, conversation: str, model: str) -> IslandId:
        """Return where the conversation was last, else the last request for the model; empty: nowhere."""
        ran = self._last.get(("conversation", conversation)) or self._last.get(("model", model))
        return ran.island if ran is not None else NOBODY

    def warm(self, conversation: str, now: Instant) -> Warm:
        """Return what the model that answered a conversation last need not read again."""
        ran = self._last.get(("conversation", conversation))
        if ran is None or now.seconds - ran.at.seconds > WARM_SECONDS_MAX:
            return COLD
        return Warm(ran.island, ran.model, ran.input_tokens)

    def ran(self, conversation: str, model: str, ran: Ran) -> None:
        """Note where a request ran; `model` is the name that it asked for."""
        for key in (("model", model), ("conversation", conversation)):
            self._last[key] = ran
            self._last.move_to_end(key)
        while len(self._last) > HABITS_MAX:
            self._last.popitem(last=False)
