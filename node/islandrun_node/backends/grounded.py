"""An engine that answers from the documents of its island: it is shown their best passages as sources.

This happens on the island where the documents lie. The end of an answer tells which document each source was.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

from islandrun.errors import Refused
from islandrun.locality.passages import (
    PASSAGES_DEFAULT,
    SOURCES_TOKENS_MAX,
    Cited,
    citations_of,
    fitted,
    with_sources,
)
from islandrun.vocabulary import AnswerPiece, ModelOffer, Prompt, Sampling
from islandrun_node.backends.backend import Backend
from islandrun_node.backends.quoting import comparable, read_task
from islandrun_node.stores.documents import DocumentIndex
from islandrun_node.stores.retrieval import find

ANSWER_TOKENS: Final = 1_000
"""What is left free for an answer without a limit of its own."""

QUESTION_CHARS_MAX: Final = 2_000


class GroundedBackend:
    """Another engine, with the documents of its island; `is_here` says which data sets may be read."""

    def __init__(self, engine: Backend, documents: DocumentIndex, is_here: Callable[[str], bool]) -> None:
        self._engine = engine
        self._documents = documents
        self._is_here = is_here

    def offers(self) -> tuple[ModelOffer, ...]:
        """Return the models of the engine."""
        return self._engine.offers()

    async def generate(
        self, model: str, prompt: Prompt, sampling: Sampling, data_sets: tuple[str, ...]
    ) -> AsyncGenerator[AnswerPiece, None]:
        """Answer from passages of the data sets; see `Backend.generate`. Raises as that does."""
        cited = Cited(())
        if data_sets:
            refuse_unknown(data_sets, self._is_here)
            prompt, cited = await asyncio.to_thread(self._grounded, model, prompt, sampling, data_sets)
        async with aclosing(self._engine.generate(model, prompt, sampling, ())) as pieces:
            async for piece in pieces:
                yield cited.feed(piece)

    async def close(self) -> None:
        """Close the engine; the index belongs to whoever opened it."""
        await self._engine.close()

    def _grounded(
        self, model: str, prompt: Prompt, sampling: Sampling, data_sets: tuple[str, ...]
    ) -> tuple[Prompt, Cited]:
        found = find(self._documents, data_sets, question_of(prompt), PASSAGES_DEFAULT)
        passages = fitted(found, self._room(model, prompt, sampling))
        return with_sources(prompt, passages), Cited(citations_of(passages))

    def _room(self, model: str, prompt: Prompt, sampling: Sampling) -> int:
        """Return how many tokens of the model's context are left for sources."""
        context = next((one.context_tokens_max for one in self._engine.offers() if one.name == model), 0)
        texts = "\n".join(message.text for message in prompt.messages)
        asked = self._documents.embedder.count_tokens(texts)
        answer = ANSWER_TOKENS if sampling.tokens_max is None else sampling.tokens_max
        return max(0, min(SOURCES_TOKENS_MAX, context - asked - min(answer, context // 2)))


def refuse_unknown(data_sets: tuple[str, ...], is_here: Callable[[str], bool]) -> None:
    """Raise `Refused` unless all data sets are on this island."""
    missing = sorted(name for name in set(data_sets) if not is_here(name))
    if missing:
        raise Refused(f"this island has no data set {missing[0][:64]!r}; add it first")


def question_of(prompt: Prompt) -> str:
    """Return what a prompt asks, without the text that it asks about where the two can be told apart."""
    question = read_task(prompt).question
    if not question:
        said = (message.text for message in reversed(prompt.messages) if message.role == "user")
        question = next(said, "")
    return comparable(question[:QUESTION_CHARS_MAX])
