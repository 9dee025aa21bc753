"""Requests that are alike stay where the last one ran, unless somewhere else is clearly better.

Measures of load tremble; without this two islands that are as good as each other would take turns at random,
and neither would keep the prompts of a conversation in its cache. The margin is hysteresis: who has the
habit may be worse by so much more than who has not. A nearer island, a veto and a real queue break a habit.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from islandrun.vocabulary import ChatRequest, IslandId

MARGIN_PPM: Final = 150_000
"""By how much more of the total whoever ran the last request may be worse than the best."""

HABITS_MAX: Final = 1_024

_NOBODY: Final = IslandId("")


class Habits:
    """Where the last request of each conversation, or of each model, ran; those used last are kept."""

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[str, str], IslandId] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Habits of {len(self._last)}>"

    def last(self, request: ChatRequest) -> IslandId:
        """Return where the last request like this one ran; empty when there was none."""
        return self._last.get(_key(request), _NOBODY)

    def ran(self, request: ChatRequest, island: IslandId) -> None:
        """Note where a request ran."""
        key = _key(request)
        self._last[key] = island
        self._last.move_to_end(key)
        if len(self._last) > HABITS_MAX:
            self._last.popitem(last=False)


def _key(request: ChatRequest) -> tuple[str, str]:
    return ("conversation", request.conversation) if request.conversation else ("model", request.model)
