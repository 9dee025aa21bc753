"""Guesses the task of each request, off the event loop and with little time: no guess is no harm.

It reads the instruction alone, on this node, with the sentence model that ships; nothing of it is kept.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from islandrun.agents.tasks import (
    UNKNOWN_TASK,
    LinearHead,
    Task,
    TaskGuess,
    guess_by_rules,
    instruction,
)
from islandrun.errors import StateError
from islandrun.vocabulary import Prompt
from islandrun_node.backends.embedder import DIMENSIONS, Embedder
from islandrun_node.expendable_thread import ExpendableThread, QueueFull, WorkFailed
from islandrun_node.released import read_released

HEAD_FILE: Final = Path(__file__).parent / "tasks" / "head.json"
SECONDS_MAX: Final = 0.25
LOAD_SECONDS_MAX: Final = 30.0
WAITING_MAX: Final = 64
HEAD_SHA256: Final = "e26758201d47300f581894875b6785ef15c5729cd854a485b4310c8e4ed53ebb"
_REMEDY: Final = "install islandrun again, or make the file with scripts/training/train_tasks.py"
_THOUSANDTHS: Final = 1_000

_log = logging.getLogger(__name__)


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tasks: tuple[Task, ...]
    weights: tuple[tuple[int, ...], ...]
    bias: tuple[int, ...]


def read_head() -> LinearHead:
    """Read the head that ships. Raises `StateError` when it is missing or is not the released one."""
    return head_of(read_released(HEAD_FILE, HEAD_SHA256, _REMEDY))


def head_of(content: bytes) -> LinearHead:
    """Read a head as the training writes it. Raises `StateError`."""
    try:
        raw = msgspec.json.decode(content, type=_Head)
    except msgspec.DecodeError as error:
        raise StateError(f"{HEAD_FILE} is no head: {error}; {_REMEDY}") from error
    rows = tuple(tuple(value / _THOUSANDTHS for value in row) for row in raw.weights)
    shape = [DIMENSIONS] * len(raw.tasks)
    if [len(row) for row in rows] != shape or len(raw.bias) != len(rows):
        raise StateError(f"{HEAD_FILE} has a wrong shape; {_REMEDY}")
    return LinearHead(raw.tasks, rows, tuple(value / _THOUSANDTHS for value in raw.bias))


class TaskReader:
    """Guesses tasks with the sentence model; by rules while that loads, is late or failed."""

    def __init__(self, embedder: Embedder, load: Callable[[], LinearHead] = read_head) -> None:
        self._embedder = embedder
        self._load = load
        self._head: LinearHead | None = None
        self._thread = ExpendableThread("task-reader", WAITING_MAX, WAITING_MAX)

    async def run(self) -> None:
        """Load the head and the sentence model, then wait to be cancelled. That it fails harms nothing."""
        try:
            await self._thread.submit(self._warm, LOAD_SECONDS_MAX, LOAD_SECONDS_MAX).result()
        except (WorkFailed, QueueFull) as error:
            _log.warning("tasks are guessed by plain rules: the sentence model did not load: %s", error)
        try:
            await asyncio.Event().wait()
        finally:
            self._thread.close()

    async def guess(self, prompt: Prompt) -> TaskGuess:
        """Guess what a prompt asks for, in `SECONDS_MAX` at most; never raises for what is in it."""
        text = instruction(prompt)
        if not text:
            return UNKNOWN_TASK
        head = self._head
        if head is None:
            return guess_by_rules(text)
        try:
            return await self._thread.submit(
                lambda: head.guess(self._vector(text)), SECONDS_MAX, SECONDS_MAX, 1
            ).result()
        except (WorkFailed, QueueFull):
            return guess_by_rules(text)

    def _warm(self) -> None:
        head = self._load()
        self._vector("hello")
        self._head = head

    def _vector(self, text: str) -> Sequence[float]:
        return [float(value) for value in self._embedder.embed([text])[0]]
