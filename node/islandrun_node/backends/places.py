"""Places that are held for as long as work lasts, and the fair queue for them, on the clock of this machine.

`islandrun.routing.admission` decides who is next. This gives it the time and wakes whom it answers.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from islandrun.errors import Overloaded
from islandrun.routing.admission import AdmissionQueue, Arrived, Granted, Left, Message, Opened
from islandrun_node import world_clock

WAITING_MAX: Final = 64
WAIT_SECONDS_MAX: Final = 120.0


@dataclass(frozen=True, slots=True)
class Asker:
    """For whom work is done: a program of this node, or another island; and how long that may wait."""

    caller: str = "local"
    is_own: bool = True
    seconds_max: float = WAIT_SECONDS_MAX


OWN: Final = Asker()


class Places:
    """So many places, and so many who wait for one. Used from one event loop."""

    def __init__(
        self, places: int, waiting_max: int = WAITING_MAX, wait_seconds_max: float = WAIT_SECONDS_MAX
    ) -> None:
        self._queue = AdmissionQueue(places, waiting_max)
        self._wait_seconds_max = wait_seconds_max
        self._tickets = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self.turned_away = 0

    @property
    def running(self) -> int:
        """How many places are held."""
        return self._queue.running

    @property
    def waiting(self) -> int:
        """How many wait for one."""
        return self._queue.waiting

    @property
    def opened(self) -> Opened:
        """The places as they were set last."""
        return self._queue.opened

    def open(self, places: int, takes_others: bool) -> None:
        """Set how many there are from now on, and whether others get one; who holds one goes on."""
        if self._queue.opened != (opened := Opened(places, takes_others)):
            self.tell(opened)

    @asynccontextmanager
    async def held(self, asker: Asker = OWN) -> AsyncGenerator[None]:
        """Wait for a place, and hold it while the block runs; whoever is cancelled leaves at once.

        Raises `Overloaded` when none is to be had in time; it says when to come again.
        """
        ticket = next(self._tickets)
        try:
            await self._place(ticket, asker)
            yield
        finally:
            self.tell(Left(ticket))

    def close(self) -> None:
        """Wake nobody any more."""
        if self._alarm is not None:
            self._alarm.cancel()

    async def _place(self, ticket: int, asker: Asker) -> None:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[ticket] = answer
        until = world_clock.now().seconds + min(asker.seconds_max, self._wait_seconds_max)
        try:
            self.tell(Arrived(ticket, asker.caller, until, asker.is_own))
            await answer
        finally:
            self._waiting.pop(ticket, None)

    def tell(self, message: Message | None) -> None:
        """Tell the queue what happened, or just the time; wake whom it answers; see to the next deadline."""
        now = world_clock.now().seconds
        if message is None:
            self._queue.tick(now)
        else:
            self._queue.receive(message, now)
        for answer in self._queue.take_outbox():
            future = self._waiting.get(answer.ticket)
            if future is None or future.done():
                continue
            if isinstance(answer, Granted):
                future.set_result(None)
            else:
                self.turned_away += 1
                words = f"{answer.words}; try again in {answer.retry_seconds} s"
                future.set_exception(Overloaded(words, answer.retry_seconds))
        self._set_alarm(now)

    def _set_alarm(self, now: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        deadline = self._queue.next_deadline()
        if deadline is not None:
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_later(max(deadline - now, 0.0), self.tell, None)
