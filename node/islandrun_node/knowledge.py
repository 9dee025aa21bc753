"""What programs may ask of this island's documents and sentence model, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from islandrun.vocabulary import Ppm
from islandrun_node.backends.embedder import Embedder
from islandrun_node.engines import Library
from islandrun_node.stores.documents import Passage


@dataclass(frozen=True, slots=True)
class LocalKnowledge:
    """The `Knowledge` of `services.chat` over the data sets of the settings."""

    library: Library
    embedder: Embedder

    async def embed(self, texts: Sequence[str]) -> tuple[str, Iterable[Iterable[float]]]:
        """Return the name of the sentence model and one vector a text."""
        vectors = await asyncio.to_thread(self.embedder.embed, texts)
        return self.embedder.name, vectors.tolist()

    def sensitivity_ppm(self, data_set: str) -> Ppm | None:
        """Return the trust a reader of a data set needs, or None when it is not on this island."""
        return next((offer.sensitivity_ppm for offer in self.library.offers if offer.name == data_set), None)

    async def retrieve(self, data_set: str, query: str, passages_max: int) -> Sequence[Passage]:
        """Return the best passages of a data set of this island, best first."""
        return await asyncio.to_thread(self.library.index.search, data_set, query, passages_max)
