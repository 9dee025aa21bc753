"""Several processes that answer JSON lines together; what comes out is in the order of what went in.

Each process has one chunk of lines at a time and a pipe of its own, so nobody waits for two things at
once. What is read ahead is bounded. A process ends when its pipe does, also when we are killed.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, Final, TypeAlias

from islandrun.errors import IslandRunError
from islandrun.vocabulary import Ppm
from islandrun_node.cli.examine import watch_for
from islandrun_node.cli.json_lines import Answer, Line, Lines, answers
from islandrun_node.cli.output import CommandFailed
from islandrun_node.config_tables import Config

CHUNK_LINES_MAX: Final = 16
CHUNK_BYTES_MAX: Final = 32 * 1024
CHUNKS_PER_PROCESS_MAX: Final = 4
"""So many chunks for each process may be under way or wait for an earlier one."""

Pipe: TypeAlias = "Connection[Any, Any]"


def answer_together(first: Sequence[Line], lines: Lines, crew: Crew) -> Iterator[Answer]:
    """Answer some lines that were read already, and all that follow."""
    chunks = deque(cut(first))
    is_open = True
    while chunks or is_open or crew.is_busy:
        while chunks and crew.has_room:
            crew.give(chunks.popleft())
        if crew.wait_for_some(lines.source, is_reading=is_open and not chunks):
            more = lines.read()
            is_open = more is not None
            chunks.extend(cut(more or ()))
        yield from crew.take()


def cut(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Yield the lines in chunks of bounded size; a line alone may be larger."""
    chunk: list[Line] = []
    size = 0
    for line in lines:
        chunk.append(line)
        size += len(line.data or b"")
        if len(chunk) >= CHUNK_LINES_MAX or size >= CHUNK_BYTES_MAX:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


class Crew:
    """The processes. Use it as a context manager: they are gone when the block ends."""

    def __init__(self, processes: int, trust_ppm: Ppm, config: Config | None) -> None:
        context = get_context("spawn")
        self._processes = []
        self._free: deque[Pipe] = deque()
        self._running: dict[Pipe, int] = {}
        self._done: dict[int, list[Answer]] = {}
        self._given = self._taken = 0
        self._chunks_max = CHUNKS_PER_PROCESS_MAX * processes
        try:
            with _interrupts_held():
                for _ in range(processes):
                    here, there = context.Pipe()
                    process = context.Process(target=_serve, args=(there, trust_ppm, config), daemon=True)
                    process.start()
                    there.close()
                    self._processes.append(process)
                    self._free.append(here)
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.join()

    @property
    def is_busy(self) -> bool:
        """Whether some chunk was given and its answers were not taken."""
        return self._taken < self._given

    @property
    def has_room(self) -> bool:
        """Whether a chunk can be given now."""
        return bool(self._free) and self._given - self._taken < self._chunks_max

    def give(self, chunk: list[Line]) -> None:
        """Hand out the next chunk."""
        pipe = self._free.popleft()
        try:
            pipe.send(chunk)
        except OSError:
            raise _ended() from None
        self._running[pipe] = self._given
        self._given += 1

    def wait_for_some(self, source: int | None, *, is_reading: bool) -> bool:
        """Wait until some chunk is done, or while reading until there are bytes; say whether there are.

        A `source` of None cannot be waited for: it counts as having bytes.
        """
        watched: list[Pipe | int] = [*self._running]
        if is_reading and source is not None:
            watched.append(source)
        ready = wait(watched, timeout=0 if is_reading and source is None else None)
        for pipe in [pipe for pipe in self._running if pipe in ready]:
            self._receive(pipe)
        return is_reading and (source is None or source in ready)

    def take(self) -> Iterator[Answer]:
        """Yield the answers that are next in order."""
        while self._taken in self._done:
            yield from self._done.pop(self._taken)
            self._taken += 1

    def _receive(self, pipe: Pipe) -> None:
        try:
            result: list[Answer] | IslandRunError = pipe.recv()
        except (EOFError, OSError):
            raise _ended() from None
        if isinstance(result, IslandRunError):
            raise result
        self._done[self._running.pop(pipe)] = result
        self._free.append(pipe)


def _ended() -> CommandFailed:
    return CommandFailed(
        "a process that masks lines has ended; the output is cut short", "free memory, or use --jobs 1"
    )


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Start processes that leave ^C to us: they inherit that the signal is held back.

    The mask is that of this thread; a thread of the detector may still take the signal, and Python would
    raise it here, with a process half started. So it is noted, and raised when all have begun.
    """
    if not hasattr(signal, "pthread_sigmask"):  # not on Windows
        yield
        return
    resource_tracker.ensure_running()  # it would let the signal through to what is started after it
    noted: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: noted.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGINT, handler)
    if noted:
        raise KeyboardInterrupt


def _serve(pipe: Pipe, trust_ppm: Ppm, config: Config | None) -> None:
    """Answer chunks until the other end of the pipe is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        chunk: list[Line] = pipe.recv()
        watch = watch_for(config, threads=1)  # there is a process for each core
        while True:
            pipe.send(list(answers(chunk, trust_ppm, watch)))
            chunk = pipe.recv()
    except IslandRunError as error:
        pipe.send(error)
    except (EOFError, OSError):
        pass
