"""Run a masked prompt on one island: a backend of this node, or a peer over mTLS. Nothing else sends text.

It takes only `Sanitized`, which only `islandrun.privacy.sanitize` can make.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from islandrun.errors import (
    BrokenAnswer,
    ForwardFailed,
    Interrupted,
    IslandRunError,
    Refused,
    TooSlow,
    Unreachable,
)
from islandrun.locality.passages import Found
from islandrun.privacy.sanitize import Sanitized
from islandrun.routing.breaker import Breakers, is_fault
from islandrun.routing.decision import CandidateReport
from islandrun.vocabulary import PPM_MAX, AnswerPiece, ChatRequest, Finished, IslandId, Sampling
from islandrun_node import world_clock
from islandrun_node.backends.turnstile import Asker, Turnstile
from islandrun_node.observations import Observations
from islandrun_node.peers import Peers

SEEDS: Final = 2**16

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """What an island is asked to run. `text` holds the only prompt that leaves the origin."""

    request_id: str
    model: str
    text: Sanitized
    sampling: Sampling
    data_sets: tuple[str, ...]
    seconds_max: float


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What an island is asked to read for a request. Of `text` only the question travels."""

    request_id: str
    text: Sanitized
    data_sets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Runner:
    """Knows who runs what: `backends` are the islands of this node, `peers` all others."""

    backends: Mapping[IslandId, Turnstile]
    peers: Peers
    is_admitted: Callable[[IslandId], bool]
    answer_seconds_max: float
    observations: Observations
    breakers: Breakers

    async def run(
        self,
        chosen: CandidateReport,
        text: Sanitized,
        request: ChatRequest,
        request_id: str,
        caller: str = "local",
    ) -> AsyncGenerator[AnswerPiece]:
        """Stream the answer of one island to a program of this node; it ends with `Finished`.

        Raises the `ForwardFailed` family: `Interrupted` after the first piece, the others before it.
        """
        seconds = self.answer_seconds_max
        if request.hints.deadline_ms is not None:
            seconds = min(seconds, request.hints.deadline_ms / 1000)
        sees_all = chosen.trust_ppm == PPM_MAX and not chosen.masked
        sampling = request.sampling if sees_all else without_text(request.sampling)
        work = Work(request_id, chosen.model, text, sampling, request.hints.data_sets, seconds)
        backend = self.backends.get(chosen.island)
        pieces = (
            self.peers.generate(chosen.island, work) if backend is None else _generate(backend, work, caller)
        )
        source = complete(self._while_admitted(pieces, chosen), chosen.name, seconds)
        had_full_time = seconds >= self.answer_seconds_max
        if backend is None:
            source = self.observations.watched(source, chosen.island, chosen.model, had_full_time)
        guarded = self._guarded(source, chosen, had_full_time)
        async with aclosing(guarded) as answer:
            async for piece in answer:
                yield piece

    async def _guarded(
        self, source: AsyncGenerator[AnswerPiece], chosen: CandidateReport, had_full_time: bool
    ) -> AsyncGenerator[AnswerPiece]:
        """Ask only where the circuit lets it, and tell the circuit how it ended.

        A circuit may have opened, or another request may have become its probe, since the decision.
        """
        island, model = chosen.island, chosen.model
        was_probe = self.breakers.begin(island, model, world_clock.now().seconds)
        has_failed: bool | None = None
        try:
            async with aclosing(source) as answer:
                async for piece in answer:
                    if isinstance(piece, Finished):
                        has_failed = False
                    yield piece
        except ForwardFailed as failure:
            has_failed = True if is_fault(failure, had_full_time) else None
            raise
        finally:
            self.breakers.end(island, model, world_clock.now().seconds, has_failed, was_probe)

    async def find(
        self, chosen: CandidateReport, text: Sanitized, data_sets: tuple[str, ...], request_id: str
    ) -> Found:
        """Have an island read its documents for a request. Raises the `ForwardFailed` family."""
        found = await self.peers.find_passages(chosen.island, Inquiry(request_id, text, data_sets))
        if not self.is_admitted(chosen.island):
            raise Refused(f"{chosen.name} is not admitted any more")
        return found

    async def _while_admitted(
        self, pieces: AsyncGenerator[AnswerPiece], chosen: CandidateReport
    ) -> AsyncGenerator[AnswerPiece]:
        """End an answer when its island loses its admission; `Peers` also cuts a call that stands still."""
        async with aclosing(pieces):
            async for piece in pieces:
                if not self.is_admitted(chosen.island):
                    raise Refused(f"{chosen.name} is not admitted any more")
                yield piece


def without_text(sampling: Sampling) -> Sampling:
    """Return the settings as an island may see them that may not see everything.

    Nobody judges a stop word, so it stays here and is applied to what comes back. A seed is folded to 16
    bits: the same seed stays the same, and a number of somebody's is not in it.
    """
    seed = None if sampling.seed is None else sampling.seed % SEEDS
    return replace(sampling, stop=(), seed=seed)


def _generate(backend: Turnstile, work: Work, caller: str) -> AsyncGenerator[AnswerPiece]:
    asker = Asker(caller, seconds_max=work.seconds_max)
    return backend.generate(work.model, work.text.prompt, work.sampling, work.data_sets, asker)


async def complete(
    pieces: AsyncGenerator[AnswerPiece], island: str, seconds_max: float
) -> AsyncGenerator[AnswerPiece]:
    """Hold a stream to its contract: a `Finished` at the end, in time, and an honest error otherwise."""
    started = False
    deadline = asyncio.get_running_loop().time() + seconds_max
    try:
        async with aclosing(pieces):
            while True:
                async with asyncio.timeout_at(deadline):
                    piece = await anext(pieces, None)
                if piece is None:
                    break
                started = True
                yield piece
                if isinstance(piece, Finished):
                    return
        failure: ForwardFailed = BrokenAnswer(f"{island} ended its answer without saying so")
    except Exception as error:
        failure = _failure(error, island, seconds_max)
    if started and not isinstance(failure, Interrupted):
        raise Interrupted(f"the answer of {island} broke off: {failure}") from failure
    raise failure


def _failure(error: Exception, island: str, seconds_max: float) -> ForwardFailed:
    """Return our error for whatever an engine raised: its fault is that island's failure, nothing more."""
    match error:
        case ForwardFailed():
            return error
        case TimeoutError():
            return TooSlow(f"{island} took longer than {seconds_max:g} s")
        case IslandRunError():
            return Refused(f"{island}: {error}")
        case _:
            # Its traceback is not logged: an exception's text may quote the prompt.
            _log.error("the engine of %s failed inside with %s", island, type(error).__name__)
            return Unreachable(f"{island} failed inside with {type(error).__name__}")
