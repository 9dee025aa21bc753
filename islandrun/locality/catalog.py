"""Which islands hold which data sets, and how far a holder must be trusted.

Documents never travel: a request that needs a data set can only run on an island that holds all
the data sets it names. Such an island reads its own documents, so it must be trusted at least as
far as the most sensitive of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from islandrun.vocabulary import DataSetOffer, IslandId, IslandView, Ppm

AUTO: Final = "auto"
"""In the place of a data set's name: those that fit the request."""


def holders(islands: Sequence[IslandView], data_set: str) -> tuple[IslandId, ...]:
    """Name the islands that hold a data set, sorted by id; empty when nobody does."""
    return tuple(
        sorted(island.id for island in islands if any(offer.name == data_set for offer in island.data_sets))
    )


def held(island: IslandView, data_sets: Collection[str]) -> tuple[DataSetOffer, ...]:
    """Return the offers of an island among the named data sets, one for each name that it holds.

    An island that states one name twice is taken at its stricter word.
    """
    strictest: dict[str, DataSetOffer] = {}
    for offer in island.data_sets:
        known = strictest.get(offer.name)
        if offer.name in data_sets and (known is None or offer.sensitivity_ppm > known.sensitivity_ppm):
            strictest[offer.name] = offer
    return tuple(strictest[name] for name in sorted(strictest))


def is_holder(island: IslandView, data_sets: Collection[str]) -> bool:
    """Say whether all named data sets lie on one island; always true when none is named."""
    names = {offer.name for offer in island.data_sets}
    return all(name in names for name in data_sets)


def lies_within(jurisdictions: Collection[str], place: str) -> bool:
    """Say whether an island may hold what is bound to a place (empty: to none): it must lie wholly there."""
    return not place or set(jurisdictions) == {place}


def sensitivity_ppm(island: IslandView, data_sets: Sequence[str]) -> Ppm:
    """Say how sensitive the named data sets on an island are: the highest; 0 when it holds none."""
    return max((offer.sensitivity_ppm for offer in held(island, data_sets)), default=Ppm(0))
