"""Turns at an engine: at most so many run, a bounded number wait, and what each took is remembered.

The two times are decayed means over the answers so far, so they follow a slow afternoon within a
few requests and forget a single slow one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from islandrun.errors import Overloaded
from islandrun.vocabulary import Load

WAITING_MAX = 64
NEWEST_SHARE = 0.2


class Turn:
    """One request at the engine, from its start; the engine says when pieces came."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._first: float | None = None
        self._last = self._started
        self._tokens = 0

    def piece(self) -> None:
        """Say that a piece of the answer is there."""
        self._last = time.monotonic()
        if self._first is None:
            self._first = self._last

    def tokens(self, count: int) -> None:
        """Say how many tokens the whole answer has."""
        self._tokens = count

    def first_token_ms(self) -> float | None:
        """Return the time to the first piece, or `None` when none came."""
        return None if self._first is None else (self._first - self._started) * 1000

    def token_us(self) -> float | None:
        """Return the time for each token after the first, or `None` when it cannot be known."""
        if self._first is None or self._tokens < 2:
            return None
        return (self._last - self._first) * 1_000_000 / (self._tokens - 1)


class LoadMeter:
    """Counts the turns of one engine. Used from one event loop."""

    def __init__(self, requests_max: int, waiting_max: int = WAITING_MAX) -> None:
        assert requests_max >= 1
        self._requests_max = requests_max
        self._waiting_max = waiting_max
        self._slots = asyncio.Semaphore(requests_max)
        self._running = 0
        self._waiting = 0
        self._first_token_ms: float | None = None
        self._token_us: float | None = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """Wait for a free place, then hold it. Raises `Overloaded` when too many wait already."""
        if self._waiting >= self._waiting_max:
            raise Overloaded(f"{self._waiting} requests wait for this engine already; try again later")
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        self._running += 1
        turn = Turn()
        try:
            yield turn
        finally:
            self._running -= 1
            self._slots.release()
            self._first_token_ms = _blend(self._first_token_ms, turn.first_token_ms())
            self._token_us = _blend(self._token_us, turn.token_us())

    def load(self) -> Load:
        """Return the state of this moment; times are 0 before the first answer."""
        return Load(
            running=self._running,
            waiting=self._waiting,
            requests_max=self._requests_max,
            first_token_ms=round(self._first_token_ms or 0),
            token_us=round(self._token_us or 0),
        )


def _blend(before: float | None, newest: float | None) -> float | None:
    if newest is None:
        return before
    return newest if before is None else before + NEWEST_SHARE * (newest - before)
