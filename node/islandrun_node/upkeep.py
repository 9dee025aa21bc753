"""What this machine gives to requests now: probes, then the owner's rules, then its turnstiles.

Others hear it twice: at once in the answers to their probes, and in the signed statement of each island, made
anew when it changed, once a minute at most.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from islandrun.load import Load, Machine
from islandrun.routing.hosting import Hosting, HostingRules, Whose, hosting
from islandrun.vocabulary import IslandId
from islandrun_node import world_clock
from islandrun_node.backends.turnstile import Turnstile
from islandrun_node.config import hosting_rules
from islandrun_node.config_tables import Resources
from islandrun_node.probes.network import is_metered
from islandrun_node.probes.watch import LOOK_SECONDS, Probes, Watch

TELL_SECONDS_MIN: Final = 60.0

_log = logging.getLogger(__name__)


class Upkeep:
    """Opens and closes the engines of one node; `minute` tells the local time of day."""

    def __init__(
        self,
        watch: Watch,
        rules: HostingRules,
        backends: Mapping[IslandId, Turnstile],
        minute: Callable[[], int],
    ) -> None:
        self._watch = watch
        self._rules = rules
        self._backends = backends
        self._minute = minute
        self._told_whose = Whose.ALL
        self._told_at = -TELL_SECONDS_MIN
        self.hosting = Hosting()

    @property
    def islands(self) -> tuple[IslandId, ...]:
        """The islands of this node."""
        return tuple(self._backends)

    @property
    def machine(self) -> Machine:
        """What the probes saw last."""
        return self._watch.machine

    @property
    def turned_away(self) -> int:
        """How many requests got no place at an engine here."""
        return sum(backend.turned_away for backend in self._backends.values())

    def load(self, island: IslandId, is_for_others: bool = False) -> Load:
        """Return how busy an island of this node is, and how its machine fares."""
        machine = self.machine
        return replace(
            self._backends[island].load(is_for_others),
            headroom_ppm=machine.headroom_ppm,
            is_on_battery=machine.is_on_battery,
            is_metered=machine.is_metered,
            is_throttled=machine.is_throttled,
        )

    async def run(self, tell: Callable[[], object], pause_seconds: float = LOOK_SECONDS) -> None:
        """Look at the machine and act on it, until cancelled; `tell` makes the islands' statements anew."""

        def looked() -> None:
            self.apply()
            self._tell_changed(tell)

        await self._watch.run(looked, pause_seconds)

    def apply(self) -> None:
        """Open and close the engines by what is known now; what runs goes on."""
        before = self.hosting
        self.hosting = hosting(self.machine, self._rules, self._minute(), before)
        for backend in self._backends.values():
            places = 0 if self.hosting.whose is Whose.NONE else backend.requests_max
            backend.open(places, takes_others=self.hosting.whose is Whose.ALL)
        if self.hosting.holds != before.holds:
            _log.info("%s", self.words() or "this machine takes requests of others again")

    def when_freed(self, freed: Callable[[], None]) -> None:
        """Set what is called when a request has left its place at any of the engines."""
        for backend in self._backends.values():
            backend.when_freed(freed)

    def words(self) -> str:
        """Say what holds requests back; empty when nothing does."""
        if self.hosting.whose is Whose.ALL:
            return ""
        who = "no request" if self.hosting.whose is Whose.NONE else "only its own programs' requests"
        return f"this machine runs {who}: {'; '.join(self.hosting.holds)}"

    def _tell_changed(self, tell: Callable[[], object]) -> None:
        now = world_clock.now().seconds
        was_open, is_open = (whose is Whose.ALL for whose in (self._told_whose, self.hosting.whose))
        if was_open is not is_open and now - self._told_at >= TELL_SECONDS_MIN:
            self._told_whose, self._told_at = self.hosting.whose, now
            tell()


@asynccontextmanager
async def kept_up(resources: Resources, backends: Mapping[IslandId, Turnstile]) -> AsyncGenerator[Upkeep]:
    """Give the upkeep of a node by its settings; close it and all engines after."""
    told = None if resources.metered == "auto" else resources.metered == "yes"
    probes = Probes(is_metered if told is None else lambda: told)
    watch = Watch(probes.read)
    try:
        yield Upkeep(watch, hosting_rules(resources), backends, minute_of_day)
    finally:
        watch.close()
        for backend in backends.values():
            await backend.close()


def minute_of_day() -> int:
    """Return the local time as minutes since midnight."""
    local = time.localtime(world_clock.now().wall_ms / 1_000)
    return local.tm_hour * 60 + local.tm_min
