"""Puts data sets in the place of `auto`: those whose name and description fit the question.

All of it happens here, with what islands told the mesh of their documents; nothing is asked of anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from islandrun.locality.catalog import AUTO
from islandrun.locality.matching import CATALOGUE_MAX, catalogue, matching
from islandrun.vocabulary import ChatRequest
from islandrun_node.backends.embedder import Embedder, Vector
from islandrun_node.backends.grounded import question_of
from islandrun_node.outlook import Outlook

LOCAL: Final = "local"


@dataclass(frozen=True, slots=True)
class Matcher:
    """Finds data sets for the owner's own programs; `is_always` also where they do not ask for it."""

    outlook: Outlook
    embedder: Embedder
    is_always: bool = False
    _vectors: dict[str, Vector] = field(default_factory=dict, repr=False)

    async def named(self, request: ChatRequest, caller: str) -> ChatRequest:
        """Return a request with the names of data sets in the place of `auto`; perhaps with none."""
        asked = request.hints.data_sets
        is_wanted = AUTO in asked or (self.is_always and not asked)
        if not is_wanted or caller != LOCAL:
            return request
        texts = catalogue(self.outlook.islands())
        cosines = await asyncio.to_thread(self._cosines, question_of(request.prompt), texts)
        names = {name for name in asked if name != AUTO} | set(matching(cosines))
        return replace(request, hints=replace(request.hints, data_sets=tuple(sorted(names))))

    def _cosines(self, question: str, texts: Mapping[str, str]) -> dict[str, float]:
        if not question.strip() or not texts:
            return {}
        vector = self.embedder.embed([question])[0]
        return {name: float(self._vector(text) @ vector) for name, text in texts.items()}

    def _vector(self, text: str) -> Vector:
        """Return the vector of a description; each is made once."""
        known = self._vectors.get(text)
        if known is None:
            known = self.embedder.embed([text])[0]
            if len(self._vectors) >= 2 * CATALOGUE_MAX:
                self._vectors.clear()
            self._vectors[text] = known
        return known
