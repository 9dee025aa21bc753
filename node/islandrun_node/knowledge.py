"""What programs may ask of this island's documents and sentence model, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from islandrun.errors import BadRequest, RequestRefused
from islandrun.privacy.sensitivity import CHARACTERS_MAX
from islandrun.vocabulary import ChatRequest, Hints, Message, ModelOffer, Ppm, Prompt, Sampling
from islandrun.wire import limits
from islandrun_node.backends.embedder import DIMENSIONS, TEXT_CHARS_MAX, TOKENS_MAX, Embedder
from islandrun_node.engines import Library
from islandrun_node.stores.documents import Passage

TEXTS_MAX: Final = 1024
TOKENS_READ_MAX: Final = TOKENS_MAX - 2
"""What is left of a text's tokens beside the two that the model adds."""

EMBEDDED_AT_ONCE: Final = 16
QUALITY_PPM: Final = Ppm(500_000)

Vector = Sequence[float]


@dataclass(frozen=True, slots=True)
class LocalKnowledge:
    """The `Knowledge` of the doors over the data sets of the settings."""

    library: Library
    embedder: Embedder

    def offer(self) -> ModelOffer:
        """Return the sentence model; each text is read by itself, so their number has no context to fit."""
        return ModelOffer(self.embedder.name, limits.CONTEXT_TOKENS_MAX, QUALITY_PPM)

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return DIMENSIONS

    async def embed(self, texts: Sequence[str], field: str) -> tuple[Sequence[Vector], int]:
        """Return one vector a text, and how many tokens were read; in portions, so that it can be cancelled.

        Raises `BadRequest` for a text that the model would read only in part; `field` holds the texts.
        """
        vectors: list[Vector] = []
        tokens = 0
        for start in range(0, len(texts), EMBEDDED_AT_ONCE):
            portion = texts[start : start + EMBEDDED_AT_ONCE]
            made, count = await asyncio.to_thread(self._portion, portion, field, start)
            vectors += made
            tokens += count
        return vectors, tokens

    def _portion(self, texts: Sequence[str], field: str, start: int) -> tuple[Sequence[Vector], int]:
        tokens = 0
        for place, text in enumerate(texts, start):
            count = self.embedder.count_tokens(text)
            if count > TOKENS_READ_MAX or len(text) > TEXT_CHARS_MAX:
                where = f"{field}[{place}]"
                raise BadRequest(f"{where}: {count} tokens; the model reads {TOKENS_READ_MAX}, cut it", where)
            tokens += count
        return self.embedder.embed(texts).tolist(), tokens

    def sensitivity_ppm(self, data_set: str) -> Ppm | None:
        """Return the trust a reader of a data set needs, or None when it is not on this island."""
        return next((offer.sensitivity_ppm for offer in self.library.offers if offer.name == data_set), None)

    async def retrieve(self, data_set: str, query: str, passages_max: int) -> Sequence[Passage]:
        """Return the best passages of a data set of this island, best first."""
        return await asyncio.to_thread(self.library.index.search, data_set, query, passages_max)


def check_texts(texts: Sequence[str], field: str) -> None:
    """Refuse what is too much to be judged at once. Raises `BadRequest`, which names `field`."""
    if not 0 < len(texts) <= TEXTS_MAX:
        raise BadRequest(f"{field}: give 1 to {TEXTS_MAX} texts", field)
    if not all(texts):
        raise BadRequest(f"{field}: holds an empty text; leave it out", field)
    if sum(map(len, texts)) > CHARACTERS_MAX:
        raise BadRequest(f"{field}: more than {CHARACTERS_MAX} characters at once; send fewer texts", field)


def read_here(texts: Iterable[str], model: str = "", hints: Hints = Hints()) -> ChatRequest:
    """Return texts that are read on this island in the form in which every request is judged."""
    prompt = Prompt(tuple(Message("user", text) for text in texts))
    return ChatRequest(model, prompt, Sampling(tokens_max=0), hints)


def check_reader(
    data_sets: Iterable[str], trust_ppm: Ppm, sensitivity_ppm: Callable[[str], Ppm | None]
) -> None:
    """Refuse another island the data sets it may not read; what lies elsewhere it has to ask for there.

    Raises `RequestRefused`, in the same words for what is not here and for what is.
    """
    for data_set in data_sets:
        needed = sensitivity_ppm(data_set)
        if needed is None or trust_ppm < needed:
            raise RequestRefused("the calling island may not read a data set that the request names")
