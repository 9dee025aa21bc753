"""Where this node is, and whether: told at its start and end, every hour, after sleep, on a new network.

A machine that sleeps stops its monotonic clock and not its boot clock; that the two part is how it learns of
it. Who goes says so, so that nobody waits for its answers or counts its silence as a fault.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from islandrun.errors import RejectedMessage, StateError
from islandrun.mesh.clocks import ClockState
from islandrun.trust.claims import IslandState
from islandrun.trust.ledger import Ledger
from islandrun.trust.naming import island_id
from islandrun.trust.signing import SignedAttestation
from islandrun_node import world_clock
from islandrun_node.catching_up import hear_others, is_overtaken
from islandrun_node.mesh_driver import MeshDriver
from islandrun_node.statements import Doors, SelfDescription, attest
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database
from islandrun_node.stores.marks import forget_restored, is_restored

TELL_SECONDS: Final = 3600.0
LOOK_SECONDS: Final = 5.0
"""How often the addresses of this machine are looked at."""

CLOCK_SECONDS: Final = 1.0
SLEPT_SECONDS_MIN: Final = 5.0
FAREWELL_SECONDS_MAX: Final = 1.5

_log = logging.getLogger(__name__)


class Presence:
    """Speaks for the islands of one node. Lives on the event loop.

    `doors` tells where the node can be reached now; `moved` is called with its addresses when they changed.
    """

    def __init__(
        self,
        islands: Sequence[SelfDescription],
        ledger: Ledger,
        database: Database,
        driver: MeshDriver,
        doors: Callable[[], Doors],
        moved: Callable[[tuple[str, ...]], None],
    ) -> None:
        self._islands = tuple(islands)
        self._ledger = ledger
        self._database = database
        self._store = AttestationStore(database)
        self._driver = driver
        self._doors = doors
        self._moved = moved
        self._endpoints = doors().endpoints

    def tell(self, state: IslandState = IslandState.READY) -> tuple[SignedAttestation, ...]:
        """Sign and publish what the islands are now, and return what was taken.

        Nothing is said while our clock is wrong, nor by a restored node that has not caught up.
        """
        if is_restored(self._database):
            return ()
        if self._driver.clock is ClockState.WRONG:
            _log.error("nothing is signed while the clock of this machine is wrong; set it (timedatectl)")
            return ()
        told = (self._tell_of(island, state) for island in self._islands)
        return tuple(signed for signed in told if signed is not None)

    def _tell_of(self, island: SelfDescription, state: IslandState) -> SignedAttestation | None:
        held = self._ledger.self_claims(island_id(island.key))
        above = held.header.sequence if held else 0
        now_ms = world_clock.now().wall_ms
        try:
            signed = attest(island, self._ledger.genesis, self._store, self._doors(), now_ms, state, above)
            self._driver.publish(signed)
        except StateError as error:
            _log.error("nothing new is told of the island %s: %s", island.name, error)
        except RejectedMessage as error:
            _log.error("the island %s is not part of the mesh now: %s", island.name, error)
        else:
            return signed
        return None

    async def run(self) -> None:
        """Tell, look at the addresses and watch the clocks, until cancelled."""
        await asyncio.gather(self._tell_regularly(), self._look_around(), self._watch_sleep())

    async def say_goodbye(self) -> None:
        """Tell all who answer that this node goes; it waits for nobody for long."""
        try:
            told = self.tell(IslandState.AWAY)
            async with asyncio.timeout(FAREWELL_SECONDS_MAX):
                await self._driver.tell_all(told)
        except TimeoutError:
            _log.info("not everybody heard that this node goes; they will notice")
        except StateError as error:
            _log.error("nobody is told that this node goes: %s", error)

    async def _tell_regularly(self) -> None:
        """Tell each hour, after a restore, and when the mesh holds something newer than we said."""
        if is_restored(self._database):
            await hear_others(self._driver)
            forget_restored(self._database)
            self.tell()
        due = world_clock.now().seconds + TELL_SECONDS
        while True:
            await asyncio.sleep(CLOCK_SECONDS)
            now = world_clock.now().seconds
            if now >= due or is_overtaken(self._islands, self._ledger, self._store):
                due = now + TELL_SECONDS
                self.tell()

    async def _look_around(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            endpoints = self._doors().endpoints
            if endpoints != self._endpoints:
                _log.info("this machine is reached at %s now", ", ".join(endpoints) or "no address")
                self._endpoints = endpoints
                self._moved(endpoints)
                self.tell()

    async def _watch_sleep(self) -> None:
        ahead = _asleep_seconds()
        while True:
            await asyncio.sleep(CLOCK_SECONDS)
            before, ahead = ahead, _asleep_seconds()
            if ahead - before > SLEPT_SECONDS_MIN:
                self._driver.woke(ahead - before)


def _asleep_seconds() -> float:
    """Return for how long this machine has slept since it started; 0 where it does not say."""
    boot = world_clock.boot_seconds()
    return 0.0 if boot is None else boot - world_clock.now().seconds
