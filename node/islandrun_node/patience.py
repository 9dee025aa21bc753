"""Requests that wait for a place anywhere in the mesh: so many, each so long at most, first come first.

A place that becomes free here wakes the first of them; the loads of other islands are looked at every second.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from islandrun.agents.fleet import Fleet
from islandrun.routing.decision import Decision
from islandrun.routing.patience import WaitRules, is_only_full
from islandrun.routing.route import Route
from islandrun_node import world_clock
from islandrun_node.config import wait_rules
from islandrun_node.config_tables import Resources
from islandrun_node.outlook import Outlook

LOOK_SECONDS: Final = 1.0


class Patience:
    """The waiting room of one node's own requests. On one event loop; `fleet` gives a fresh snapshot."""

    def __init__(self, rules: WaitRules, fleet: Callable[[], Fleet], waiting_max: int) -> None:
        self._rules = rules
        self._fleet = fleet
        self._waiting_max = waiting_max
        self._sleepers: deque[asyncio.Future[None]] = deque()
        self.waiting = 0

    def freed(self) -> None:
        """Take in that a place is free: the first that waits looks again at once."""
        while self._sleepers:
            sleeper = self._sleepers.popleft()
            if not sleeper.done():
                sleeper.set_result(None)
                return

    async def settled(self, route: Route, decision: Decision) -> Decision:
        """Return a decision as it is, or, where only a place is missing, what is decided after a wait."""
        if not is_only_full(decision, route.overloaded) or self.waiting >= self._waiting_max:
            return decision
        until = route.started_seconds + self._rules.limit_ms(decision.profile, route.hints) / 1_000
        self.waiting += 1
        try:
            while is_only_full(decision, route.overloaded):
                left_seconds = until - world_clock.now().seconds
                if left_seconds <= 0:
                    break
                await self._pause(min(left_seconds, LOOK_SECONDS))
                decision = route.again(self._fleet(), world_clock.now())
        finally:
            self.waiting -= 1
        return decision

    async def _pause(self, seconds_max: float) -> None:
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append(sleeper)
        try:
            await asyncio.wait({sleeper}, timeout=seconds_max)
        finally:
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)


def waiting_room(resources: Resources, outlook: Outlook) -> Patience:
    """Return the waiting room of a node by its settings; a place that is free at an engine of it wakes it."""
    patience = Patience(wait_rules(resources), outlook.fleet, resources.waiting_max)
    outlook.upkeep.when_freed(patience.freed)
    return patience
