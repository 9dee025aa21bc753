"""Which data sets a question is about, by how near their names and descriptions are to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from islandrun.vocabulary import DataSetOffer, IslandView, Standing

COSINE_MIN: Final = 0.3
"""Between the nearest question off the topic (0.22) and most right ones (0.35) of those measured."""

NEAR_BEST: Final = 0.08
MATCHED_MAX: Final = 3
CATALOGUE_MAX: Final = 1_024
"""So many data sets of a mesh are looked at."""


def catalogue(islands: Iterable[IslandView]) -> dict[str, str]:
    """Return what there is to match: text by the name of a data set, of islands that are trusted at all.

    Where two islands describe one name differently, the first by id counts.
    """
    found: dict[str, str] = {}
    for island in sorted(islands, key=lambda one: one.id):
        if island.standing is not Standing.ADMITTED or island.trust.ppm == 0:
            continue
        for offer in island.data_sets:
            if len(found) < CATALOGUE_MAX:
                found.setdefault(offer.name, described(offer))
    return found


def described(offer: DataSetOffer) -> str:
    """Return a data set in words."""
    name = " ".join(offer.name.replace("-", " ").replace("_", " ").split())
    return f"{name}: {offer.description}" if offer.description else name


def matching(cosines: Mapping[str, float]) -> tuple[str, ...]:
    """Return the data sets that a question is about: near enough, and not much farther than the nearest."""
    best = max(cosines.values(), default=0.0)
    floor = max(COSINE_MIN, best - NEAR_BEST)
    near = sorted((-cosine, name) for name, cosine in cosines.items() if cosine >= floor)
    return tuple(sorted(name for _, name in near[:MATCHED_MAX]))
