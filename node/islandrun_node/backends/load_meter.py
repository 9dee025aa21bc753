"""What an engine's answers took: two decayed means, and what is learnt of each model."""

from __future__ import annotations

import time
from typing import Final

from islandrun.agents.pace import PaceBook, Timing
from islandrun.load import ModelPace
from islandrun.vocabulary import AnswerPiece, Finished

NEWEST_SHARE: Final = 0.2


class Turn:
    """One request at the engine, from the moment it has a place."""

    def __init__(self, model: str, beside: int) -> None:
        self._model = model
        self._beside = beside
        self._started = time.monotonic()
        self._first: float | None = None
        self._last = self._started
        self._end: Finished | None = None

    def piece(self, piece: AnswerPiece) -> None:
        """Take in that a piece of the answer is there."""
        if isinstance(piece, Finished):
            self._end = piece
            return
        self._last = time.monotonic()
        if self._first is None:
            self._first = self._last

    def timing(self) -> Timing | None:
        """Return what this answer took; None when nothing came."""
        if self._first is None:
            return None
        usage = self._end.usage if self._end is not None else None
        token_us = None
        if usage is not None and usage.output_tokens > 1:
            token_us = (self._last - self._first) * 1_000_000 / (usage.output_tokens - 1)
        return Timing(
            model=self._model,
            input_tokens=usage.input_tokens if usage is not None else 0,
            beside=self._beside,
            first_token_ms=(self._first - self._started) * 1_000,
            token_us=token_us,
        )


class LoadMeter:
    """Remembers the answers of one engine. The means follow a slow afternoon within a few answers."""

    def __init__(self) -> None:
        self._book = PaceBook()
        self._first_token_ms: float | None = None
        self._token_us: float | None = None

    def ended(self, turn: Turn) -> None:
        """Learn from an answer. One that was broken off tells only when it began."""
        timing = turn.timing()
        if timing is None:
            return
        self._first_token_ms = _blend(self._first_token_ms, timing.first_token_ms)
        if timing.token_us is not None:
            self._token_us = _blend(self._token_us, timing.token_us)
        if timing.input_tokens:
            self._book.add(timing)

    @property
    def first_token_ms(self) -> int:
        """The decayed mean of the times to the first piece; 0 before the first answer, else at least 1."""
        return 0 if self._first_token_ms is None else max(1, round(self._first_token_ms))

    @property
    def token_us(self) -> int:
        """The decayed mean of the times per further token; 0 while it is not known, else at least 1."""
        return 0 if self._token_us is None else max(1, round(self._token_us))

    def paces(self) -> tuple[ModelPace, ...]:
        """Return what is known of each model."""
        return self._book.paces()


def _blend(before: float | None, newest: float) -> float:
    return newest if before is None else before + NEWEST_SHARE * (newest - before)
