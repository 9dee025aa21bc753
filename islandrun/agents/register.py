"""What the islands of a fleet are and have, as tables to look things up in: it changes seldom.

Islands are known by their place in the fleet, which is sorted by id.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from islandrun.agents.columns import Figures, figures
from islandrun.agents.offers import Offers, offers_of
from islandrun.agents.quality import QualitySource
from islandrun.agents.tasks import Task
from islandrun.vocabulary import IslandView, Tier

ID_PREFIX_MIN: Final = 8
_ID_END: Final = "\x7f"
"""Sorts after every character of an id."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Holding:
    """Who holds a data set, by place, and how sensitive it is there."""

    places: Figures
    sensitivity_ppm: Figures


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Register:
    """Tables over the islands of one fleet.

    `area_of` says in which entry of `areas` (the places of the world that islands lie in) an island is;
    `own_group_of` is the number of its group in `groups` where it is a personal device, else -1. What models
    are worth for a task is kept in `offers_by_task` once it was asked for.
    """

    ids: tuple[str, ...]
    named: dict[str, tuple[int, ...]]
    behind: dict[str, tuple[int, ...]]
    areas: tuple[tuple[str, ...], ...]
    area_of: Figures
    groups: dict[str, int]
    own_group_of: Figures
    holdings: dict[str, Holding]
    general_offers: Offers
    document_offers: Offers
    offers_by_task: dict[tuple[bool, QualitySource, Task], Offers] = field(default_factory=dict)

    def called(self, word: str) -> tuple[int, ...]:
        """Return the islands that a client means: by name, by id, or by 8 or more characters of the id."""
        named = self.named.get(word, ())
        if len(word) < ID_PREFIX_MIN:
            return named
        prefix = word.lower()
        first, end = bisect_left(self.ids, prefix), bisect_right(self.ids, prefix + _ID_END)
        return tuple(sorted({*named, *range(first, end)}))

    def place(self, island: str) -> int | None:
        """Return the place of an island by its whole id, or None."""
        place = bisect_left(self.ids, island)
        return place if place < len(self.ids) and self.ids[place] == island else None

    def offers(self, needs_documents: bool) -> Offers:
        """Return all models, as they are worth to requests with or without documents."""
        return self.document_offers if needs_documents else self.general_offers


def register_of(islands: Sequence[IslandView]) -> Register:
    """Make the tables of islands that are sorted by id."""
    areas: dict[tuple[str, ...], int] = {}
    groups: dict[str, int] = {}
    area_of = [areas.setdefault(island.jurisdictions, len(areas)) for island in islands]
    group_of = [groups.setdefault(island.group, len(groups)) for island in islands]
    personal = [island.tier is Tier.PERSONAL for island in islands]
    general = offers_of(islands, needs_documents=False)
    has_quoters = any(offer.is_extractive for island in islands for offer in island.models)
    return Register(
        ids=tuple(island.id for island in islands),
        named=_places_by((island.name, place) for place, island in enumerate(islands)),
        behind=_places_by((island.front, place) for place, island in enumerate(islands) if island.front),
        areas=tuple(areas),
        area_of=figures(area_of),
        groups=groups,
        own_group_of=figures([group if own else -1 for group, own in zip(group_of, personal, strict=True)]),
        holdings=_holdings(islands),
        general_offers=general,
        document_offers=offers_of(islands, needs_documents=True) if has_quoters else general,
    )


def is_registered_alike(one: IslandView, other: IslandView) -> bool:
    """Say whether two views of an island lead to the same entries of a register."""
    return (
        one.models == other.models
        and one.data_sets == other.data_sets
        and (one.id, one.name, one.front, one.tier, one.group, one.jurisdictions)
        == (other.id, other.name, other.front, other.tier, other.group, other.jurisdictions)
    )


def _places_by(pairs: Iterable[tuple[str, int]]) -> dict[str, tuple[int, ...]]:
    found: dict[str, list[int]] = {}
    for word, place in pairs:
        found.setdefault(word, []).append(place)
    return {word: tuple(places) for word, places in found.items()}


def _holdings(islands: Sequence[IslandView]) -> dict[str, Holding]:
    """Say who holds what; an island that states one name twice is taken at its stricter word."""
    found: dict[str, dict[int, int]] = {}
    for place, island in enumerate(islands):
        for offer in island.data_sets:
            held = found.setdefault(offer.name, {})
            held[place] = max(offer.sensitivity_ppm, held.get(place, 0))
    return {name: Holding(figures(list(held)), figures(list(held.values()))) for name, held in found.items()}
