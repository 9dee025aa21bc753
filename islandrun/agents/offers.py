"""All models that the islands of a fleet offer, as columns: one row a model, the best of each island first.

An island that offers nothing has one row that can run nothing, so that every island has a first row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from islandrun.agents.columns import Figures, Mask, figures
from islandrun.agents.prices import PriceColumns, price_columns
from islandrun.vocabulary import PPM_MAX, IslandView, ModelOffer, Ppm

EXTRACTIVE_DIVISOR: Final = 4
"""A model that can only quote is worth this much less where no documents are asked for."""

_NOTHING: Final = ModelOffer(name="", context_tokens_max=-1, quality_ppm=Ppm(0))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Offers:
    """Rows of models, by island, and among those of one island by quality, then name.

    `island` is the place of the island of a row, `first_row` the first row of each island, and `preference`
    a figure that falls from row to row, above 0. A row's turn is its preference, or that and the number
    of all rows: `row_of_turn` finds it again, and 0 is nobody's. `rows_of` tells in which rows a name stands.
    """

    names: tuple[str, ...]
    rows_of: dict[str, Figures]
    island: Figures
    first_row: Figures
    preference: Figures
    row_of_turn: Figures
    context_tokens_max: Figures
    prices: PriceColumns
    quality_loss_ppm: Figures
    supports_tools: Mask
    is_offered: Mask

    def __len__(self) -> int:
        return len(self.names)


def stated_ppm(offer: ModelOffer) -> Ppm:
    """Return what an island states of a model's quality."""
    return offer.quality_ppm


def offers_of(
    islands: Sequence[IslandView],
    needs_documents: bool,
    quality: Callable[[ModelOffer], Ppm] = stated_ppm,
) -> Offers:
    """Lay out the models of islands, as they are worth to requests with or without documents."""
    rows: list[tuple[int, ModelOffer, Ppm]] = []
    first_row: list[int] = []
    for place, island in enumerate(islands):
        first_row.append(len(rows))
        worth = [quality_ppm(offer, needs_documents, quality) for offer in island.models]
        rows.extend(_ordered(place, island.models, worth))
    names = tuple(offer.name for _, offer, _ in rows)
    return Offers(
        names=names,
        rows_of=_rows_of(names),
        island=figures([place for place, _, _ in rows]),
        first_row=figures(first_row),
        preference=figures(range(len(rows), 0, -1)),
        row_of_turn=figures([0, *range(len(rows) - 1, -1, -1), *range(len(rows) - 1, -1, -1)]),
        context_tokens_max=figures([offer.context_tokens_max for _, offer, _ in rows]),
        prices=price_columns([offer for _, offer, _ in rows]),
        quality_loss_ppm=figures([PPM_MAX - quality for _, _, quality in rows]),
        supports_tools=np.array([offer.supports_tools for _, offer, _ in rows], dtype=np.bool_),
        is_offered=np.array([offer is not _NOTHING for _, offer, _ in rows], dtype=np.bool_),
    )


def quality_ppm(
    offer: ModelOffer, needs_documents: bool, quality: Callable[[ModelOffer], Ppm] = stated_ppm
) -> Ppm:
    """Say what quality to expect of a model for a request with or without documents."""
    if offer.is_extractive and not needs_documents:
        return Ppm(quality(offer) // EXTRACTIVE_DIVISOR)
    return quality(offer)


def _ordered(
    place: int, models: Sequence[ModelOffer], worth: Sequence[Ppm]
) -> list[tuple[int, ModelOffer, Ppm]]:
    best_first = sorted(range(len(models)), key=lambda at: (-worth[at], models[at].name))
    rows = [(place, models[at], worth[at]) for at in best_first]
    return rows or [(place, _NOTHING, Ppm(0))]


def _rows_of(names: Iterable[str]) -> dict[str, Figures]:
    found: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if name:
            found.setdefault(name, []).append(row)
    return {name: figures(rows) for name, rows in found.items()}
