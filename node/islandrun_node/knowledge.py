"""What programs may ask of this island's documents and sentence model, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from islandrun.errors import BadRequest, NotOffered, RequestRefused
from islandrun.locality.catalog import lies_within
from islandrun.locality.passages import Found
from islandrun.privacy.sensitivity import CHARACTERS_MAX
from islandrun.vocabulary import ChatRequest, Hints, Message, ModelOffer, Passage, Ppm, Prompt, Sampling
from islandrun.wire import limits
from islandrun_node.backends.embedder import DIMENSIONS, TEXT_CHARS_MAX, TOKENS_MAX, Embedder
from islandrun_node.backends.grounded import question_of
from islandrun_node.backends.places import Places
from islandrun_node.library import Library
from islandrun_node.stores.retrieval import find

TEXTS_MAX: Final = 1024
TOKENS_READ_MAX: Final = TOKENS_MAX - 2
"""What is left of a text's tokens beside the two that the model adds."""

EMBEDDED_AT_ONCE: Final = 16
QUALITY_PPM: Final = Ppm(500_000)

READING_MAX: Final = 2
READING_WAITING_MAX: Final = 32
"""So many questions are looked up at once, and so many more wait."""

Vector = Sequence[float]
Bound = tuple[Ppm, str]
"""The trust that a reader needs, and the jurisdiction in which it must lie wholly; "": anywhere."""


@dataclass(frozen=True, slots=True)
class LocalKnowledge:
    """The `Knowledge` of the doors over the data sets of the settings."""

    library: Library
    embedder: Embedder
    _reading: Places = field(default_factory=lambda: Places(READING_MAX, READING_WAITING_MAX))

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

    def bound(self, data_set: str) -> Bound | None:
        """Return the trust a reader needs and where it must lie; None for a data set that is not here."""
        offer = self.library.offer(data_set)
        return None if offer is None else (offer.sensitivity_ppm, offer.jurisdiction)

    async def retrieve(self, data_set: str, query: str, passages_max: int) -> Sequence[Passage]:
        """Return the best passages of a data set of this island, best first."""
        return await asyncio.to_thread(self.library.index.search, data_set, query, passages_max)

    async def find(self, data_sets: Sequence[str], prompt: Prompt, passages_max: int) -> Found:
        """Return the passages of data sets of this island that fit a prompt, and who may see them.

        Raises `NotOffered` when one is not here, `Overloaded` when too many questions wait.
        """
        bounds = {name: bound for name in data_sets if (bound := self.bound(name)) is not None}
        if len(bounds) < len(data_sets):
            raise NotOffered("a data set is not on this island any more")
        index, names = self.library.index, tuple(bounds)
        async with self._reading.held():
            passages = await asyncio.to_thread(lambda: find(index, names, question_of(prompt), passages_max))
        return Found(passages, bounds)


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
    data_sets: Iterable[str],
    trust_ppm: Ppm,
    places: Sequence[str],
    bound_of: Callable[[str], Bound | None],
) -> None:
    """Refuse another island the data sets it may not read; what lies elsewhere it has to ask for there.

    Raises `RequestRefused`, in the same words for what is not here and for what is.
    """
    for data_set in data_sets:
        bound = bound_of(data_set)
        if bound is None or trust_ppm < bound[0] or not lies_within(places, bound[1]):
            raise RequestRefused("the calling island may not read a data set that the request names")
