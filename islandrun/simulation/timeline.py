"""What is still to happen in a simulated mesh: the earliest first, of equal times what came up first."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Final

from islandrun.mesh.machine import Envelope
from islandrun.simulation.islands import Island
from islandrun.simulation.requests import Request
from islandrun.vocabulary import IslandId

NEVER: Final = float("inf")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message on its way. It is shared by all that get it: nobody may change it."""

    source: Island
    target: Island
    envelope: Envelope
    carried: bytes


@dataclass(frozen=True, slots=True)
class Alarm:
    """An island wants to act at this time."""

    target: Island


Event = Arrival | Alarm | Request


class Timeline:
    """Messages on their way, and for each island the one moment at which it wants to act next."""

    def __init__(self) -> None:
        self._events: list[tuple[float, int, Event]] = []
        self._numbers = 0
        self._alarms: dict[IslandId, float] = {}

    def next_at(self) -> float:
        """Return when something happens next; `NEVER` when nothing will."""
        return self._events[0][0] if self._events else NEVER

    def add(self, at: float, event: Event) -> None:
        """Let something happen at this time."""
        self._numbers += 1
        heapq.heappush(self._events, (at, self._numbers, event))

    def arm(self, island: Island, at: float) -> None:
        """Wake an island at this time, unless it is woken earlier."""
        if at < self._alarms.get(island.id, NEVER):
            self._alarms[island.id] = at
            self.add(at, Alarm(island))

    def disarm(self, island: Island) -> None:
        """Let an island sleep: alarms that are under way ring in vain."""
        self._alarms.pop(island.id, None)

    def take(self) -> Event | None:
        """Return what happens next and forget it; None for an alarm that nobody waits for any more."""
        at, _, event = heapq.heappop(self._events)
        if isinstance(event, Alarm):
            if self._alarms.get(event.target.id) != at:
                return None
            del self._alarms[event.target.id]
        return event
