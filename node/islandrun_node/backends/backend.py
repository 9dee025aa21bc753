"""The one shape of an engine: say what you offer, and answer. `turnstile` bounds and measures it.

Each engine turns the faults of its own world into `ForwardFailed` and its children, once, here:

* no connection, a broken one before the first piece, an error status of the server: `Unreachable`;
* no room, too many requests: `Overloaded`;
* unknown key, unknown model, something the engine cannot do: `Refused`;
* an error that the server reports inside its answer, before the first piece: `ForwardFailed`;
* any of these after the first piece, or an end without a reason: `Interrupted`.

No error text holds a part of a prompt, an answer or a key.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from islandrun.vocabulary import AnswerPiece, ModelOffer, Prompt, Sampling


class Backend(Protocol):
    """An engine behind an island. Used from one event loop."""

    def offers(self) -> tuple[ModelOffer, ...]:
        """Return the models that it serves."""
        ...

    def generate(
        self, model: str, prompt: Prompt, sampling: Sampling, data_sets: tuple[str, ...]
    ) -> AsyncGenerator[AnswerPiece, None]:
        """Answer a prompt piece by piece; the last piece is `Finished`.

        `data_sets` names documents of this island that the answer must rest on. Closing the generator,
        or cancelling the task that reads it, stops the work. Raises the family of `ForwardFailed`.
        """
        ...

    async def close(self) -> None:
        """Free connections and threads; the engine is spent."""
        ...
