"""Work off the event loop, one piece after another, in a thread that may be given up.

Python cannot stop a thread. A piece of work that runs past its time is left behind in its thread and a new
thread takes the next piece. The number of threads left behind is bounded; when it is reached, work is
refused until one of them ends. No exception of the work crosses over: only the name of its type does, since
its text and the variables of its frames may quote a user.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

LEFT_BEHIND_MAX: Final = 4
WAITING_MAX: Final = 64

T = TypeVar("T")


class WorkFailed(Exception):
    """The work did not end well; the text says why, with a type's name, a number or a limit at most."""


class QueueFull(Exception):
    """Too many wait already. The work was not taken."""


@dataclass(slots=True, eq=False)
class Pending(Generic[T]):
    """Work that was taken; await its `result` once."""

    _results: list[T] = field(repr=False)
    _done: asyncio.Future[str] = field(repr=False)
    _seconds_max: float

    async def result(self) -> T:
        """Return what the work returned. Raises `WorkFailed`; nothing that the work itself raises."""
        try:
            async with asyncio.timeout(self._seconds_max):
                fault = await self._done
        except TimeoutError:
            fault = "it waited too long for its turn"
        if fault or not self._results:
            raise WorkFailed(fault)
        return self._results[0]


@dataclass(slots=True, eq=False)
class _Job:
    """One piece of work. `holds` is what nobody else may use while the work runs."""

    work: Callable[[], None] = field(repr=False)
    seconds_max: float
    size: int
    holds: object = field(repr=False)
    done: asyncio.Future[str] = field(repr=False)


@dataclass(slots=True, eq=False)
class _Lane:
    """One thread and what it is given; `None` ends it."""

    given: queue.SimpleQueue[tuple[Callable[[], None], asyncio.Future[str]] | None]

    def serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do what is given until the end; the result of each piece is the name of its fault, or empty."""
        while (item := self.given.get()) is not None:
            work, ended = item
            fault = _fault(work)
            del work, item
            try:
                loop.call_soon_threadsafe(_tell, ended, fault)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return


def _fault(work: Callable[[], None]) -> str:
    try:
        work()
    except BaseException as error:  # also SystemExit and its like: a detector may raise anything
        return type(error).__name__
    return ""


def _tell(ended: asyncio.Future[str], fault: str) -> None:
    if not ended.done():
        ended.set_result(fault)


class ExpendableThread:
    """Runs work in order. Used from one event loop; `waiting_max` pieces wait, of `size_max` together."""

    def __init__(
        self,
        name: str,
        size_max: int,
        waiting_max: int = WAITING_MAX,
        left_behind_max: int = LEFT_BEHIND_MAX,
    ) -> None:
        self._name = name
        self._size_max = size_max
        self._waiting_max = waiting_max
        self._left_behind_max = left_behind_max
        self._waiting: deque[_Job] = deque()
        self._size = 0
        self._left: list[_Job] = []
        self._lane: _Lane | None = None
        self._server: asyncio.Task[None] | None = None

    @property
    def left_behind(self) -> int:
        """How many threads still run work that was given up."""
        return len(self._left)

    @property
    def is_stuck(self) -> bool:
        """Whether no further thread is started until one that was left behind ends."""
        return len(self._left) >= self._left_behind_max

    def submit(
        self,
        work: Callable[[], T],
        seconds_max: float,
        wait_seconds_max: float,
        size: int = 0,
        holds: object = None,
    ) -> Pending[T]:
        """Queue work at once, behind what waits already.

        It may wait `wait_seconds_max` and then run `seconds_max`. `size` counts against what may wait at
        once. `holds` is an object that work left behind may still use: then this work is refused.
        Raises `QueueFull`.
        """
        if len(self._waiting) >= self._waiting_max or self._size + size > self._size_max:
            raise QueueFull(f"{len(self._waiting)} wait already")
        results: list[T] = []
        done = asyncio.get_running_loop().create_future()
        self._take(_Job(lambda: results.append(work()), seconds_max, size, holds, done))
        return Pending(results, done, wait_seconds_max + seconds_max)

    def close(self) -> None:
        """Take no more work. Threads are daemons: one that hangs does not hold up the end of the process."""
        if self._server is not None:
            self._server.cancel()
        for job in self._waiting:
            job.done.cancel()
        self._waiting.clear()
        self._end_lane()

    def _take(self, job: _Job) -> None:
        self._waiting.append(job)
        self._size += job.size
        job.done.add_done_callback(lambda _: self._release(job))
        if self._server is None or self._server.done():
            self._server = asyncio.get_running_loop().create_task(self._serve())

    def _release(self, job: _Job) -> None:
        self._size -= job.size
        if job in self._waiting:
            self._waiting.remove(job)

    async def _serve(self) -> None:
        while self._waiting:
            job = self._waiting.popleft()
            if job.done.done():
                continue
            fault = await self._serve_one(job)
            if not job.done.done():
                job.done.set_result(fault)

    async def _serve_one(self, job: _Job) -> str:
        if self.is_stuck:
            return f"{len(self._left)} earlier checks hang and no further thread is started"
        if job.holds is not None and any(left.holds is job.holds for left in self._left):
            return "earlier work on the same conversation hangs"
        lane = self._open_lane()
        ended = asyncio.get_running_loop().create_future()
        lane.given.put((job.work, ended))
        await asyncio.wait({ended}, timeout=job.seconds_max)
        if ended.done():
            return str(ended.result())
        self._left.append(job)
        ended.add_done_callback(lambda _: self._left.remove(job))
        self._end_lane()
        return f"it took longer than {job.seconds_max:g} s"

    def _open_lane(self) -> _Lane:
        if self._lane is None:
            self._lane = _Lane(queue.SimpleQueue())
            loop = asyncio.get_running_loop()
            threading.Thread(target=self._lane.serve, args=(loop,), name=self._name, daemon=True).start()
        return self._lane

    def _end_lane(self) -> None:
        if self._lane is not None:
            self._lane.given.put(None)
            self._lane = None
