"""All probes together, read off the event loop: one that hangs makes things unknown, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil

from islandrun.load import Machine
from islandrun_node import world_clock
from islandrun_node.expendable_thread import ExpendableThread, QueueFull, WorkFailed
from islandrun_node.probes.graphics import GpuProbe, installed
from islandrun_node.probes.heat import SYSTEM, Heat
from islandrun_node.probes.network import is_metered
from islandrun_node.probes.power import FOLDER, power

LOOK_SECONDS: Final = 5.0
READ_SECONDS_MAX: Final = 4.0
NETWORK_SECONDS: Final = 30.0
"""How often NetworkManager is asked, which starts a process."""

UNKNOWN: Final = Machine()


class Probes:
    """The hardware as it can be read here. `read` blocks; call it from one thread at a time."""

    def __init__(
        self,
        ask_metered: Callable[[], bool | None] = is_metered,
        supplies: Path = FOLDER,
        system: Path = SYSTEM,
        gpus: GpuProbe | None = None,
    ) -> None:
        self._ask_metered = ask_metered
        self._supplies = supplies
        self._heat = Heat(system)
        self._gpus = gpus or GpuProbe(installed())
        self._is_metered: bool | None = None
        self._ask_at = 0.0
        psutil.cpu_percent()  # the first call has nothing to compare with

    def read(self) -> Machine:
        """Read everything once; it takes a few milliseconds, and more when NetworkManager is asked."""
        now = world_clock.now().seconds
        if now >= self._ask_at:
            self._is_metered, self._ask_at = self._ask_metered(), now + NETWORK_SECONDS
        fed, graphics, is_hot = power(self._supplies), self._gpus.read(), self._heat.is_throttled()
        answers = [answer for answer in (is_hot, graphics.is_throttled) if answer is not None]
        return Machine(
            cpu_ppm=_ppm(psutil.cpu_percent()),
            memory_ppm=_ppm(psutil.virtual_memory().percent),
            gpu_ppm=graphics.gpu_ppm,
            gpu_memory_ppm=graphics.memory_ppm,
            battery_ppm=fed.battery_ppm,
            is_on_battery=fed.is_on_battery,
            is_metered=self._is_metered,
            is_throttled=any(answers) if answers else None,
        )


class Watch:
    """Keeps the newest reading. What was not read in time is unknown; one that hangs stays the only one."""

    def __init__(self, read: Callable[[], Machine], seconds_max: float = READ_SECONDS_MAX) -> None:
        self._read = read
        self._seconds_max = seconds_max
        self._thread = ExpendableThread("probes", size_max=1, waiting_max=1, left_behind_max=1)
        self.machine = UNKNOWN

    async def run(self, looked: Callable[[], None], pause_seconds: float = LOOK_SECONDS) -> None:
        """Read, call `looked`, and pause, until cancelled."""
        while True:
            await self.look()
            looked()
            await asyncio.sleep(pause_seconds)

    async def look(self) -> None:
        """Read once."""
        try:
            self.machine = await self._thread.submit(
                self._read, self._seconds_max, self._seconds_max
            ).result()
        except (WorkFailed, QueueFull):
            self.machine = UNKNOWN

    def close(self) -> None:
        """Read no more."""
        self._thread.close()


def _ppm(percent: float) -> int:
    return max(0, min(round(percent * 10_000), 1_000_000))
