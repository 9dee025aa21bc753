"""The only way to an engine: a request waits for a place, holds it, and what its answer took is measured."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

from islandrun.load import Load
from islandrun.vocabulary import AnswerPiece, ModelOffer, Prompt, Sampling
from islandrun_node.backends.backend import Backend
from islandrun_node.backends.load_meter import LoadMeter, Turn
from islandrun_node.backends.places import OWN, WAIT_SECONDS_MAX, WAITING_MAX, Asker, Places

__all__ = ["OWN", "Asker", "Turnstile"]

CACHE_UNKNOWN: Final[Callable[[], int | None]] = lambda: None  # noqa: E731 - a default that says nothing


class Turnstile:
    """One engine with its places. Used from one event loop.

    `cache_ppm` tells how full the engine's own cache is, where the engine says so.
    """

    def __init__(
        self,
        backend: Backend,
        requests_max: int,
        waiting_max: int = WAITING_MAX,
        wait_seconds_max: float = WAIT_SECONDS_MAX,
        cache_ppm: Callable[[], int | None] = CACHE_UNKNOWN,
    ) -> None:
        self._backend = backend
        self.requests_max = requests_max
        self.places = Places(requests_max, waiting_max, wait_seconds_max)
        self._cache_ppm = cache_ppm
        self._meter = LoadMeter()
        self._freed: Callable[[], None] = lambda: None

    @property
    def turned_away(self) -> int:
        """How many requests got no place."""
        return self.places.turned_away

    def offers(self) -> tuple[ModelOffer, ...]:
        """Return the models that the engine serves."""
        return self._backend.offers()

    def open(self, places: int, takes_others: bool) -> None:
        """Set how many requests run from now on, and whether those of others do; who runs goes on."""
        self.places.open(places, takes_others)

    def is_open(self) -> bool:
        """Whether requests of other islands run here now."""
        return self.places.opened.takes_others and self.places.opened.places > 0

    def when_freed(self, freed: Callable[[], None]) -> None:
        """Set what is called after a request has left its place."""
        self._freed = freed

    def load(self, is_for_others: bool = False) -> Load:
        """Return the state of this moment, with the places as own requests or those of others find them."""
        opened = self.places.opened
        return Load(
            running=self.places.running,
            waiting=self.places.waiting,
            requests_max=opened.places if opened.takes_others or not is_for_others else 0,
            first_token_ms=self._meter.first_token_ms,
            token_us=self._meter.token_us,
            cache_ppm=self._cache_ppm(),
            models=self._meter.paces(),
        )

    async def generate(
        self,
        model: str,
        prompt: Prompt,
        sampling: Sampling,
        data_sets: tuple[str, ...],
        asker: Asker = OWN,
    ) -> AsyncGenerator[AnswerPiece, None]:
        """Wait for a place, then answer; see `Backend.generate`.

        Raises `Overloaded` when no place is to be had in time; it says when to come again.
        """
        try:
            async with self.places.held(asker):
                turn = Turn(model, max(self.places.running - 1, 0))
                try:
                    async with aclosing(self._backend.generate(model, prompt, sampling, data_sets)) as pieces:
                        async for piece in pieces:
                            turn.piece(piece)
                            yield piece
                finally:
                    self._meter.ended(turn)
        finally:
            self._freed()

    async def close(self) -> None:
        """Close the engine; it is spent."""
        self.places.close()
        await self._backend.close()
