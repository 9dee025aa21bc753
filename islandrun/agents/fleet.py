"""All islands of one moment as columns, so that an agent judges them all at once.

A fleet is made when what is known of islands changes, and not for each question. What changes by time alone,
such as the end of a statement, is a column that is compared with `now`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar, TypeVarTuple, cast

import numpy as np

from islandrun.agents.columns import FIGURE_MAX, Figures, Mask, sealed
from islandrun.agents.latency import delay_ms, means_of, places
from islandrun.agents.register import Register, is_registered_alike, register_of
from islandrun.vocabulary import IslandId, IslandView, Reachability, Standing, Tier

LOAD_MAX: Final = 10**9
"""The most of any figure of a load: requests, milliseconds or microseconds; as on the wire."""

UNKNOWN: Final = -1
KEPT_MAX: Final = 64
"""So many things that were made of a fleet are kept."""

Made = TypeVar("Made")
About = TypeVarTuple("About")
_ROWS: Final = 16


class Fleet:
    """Islands, sorted by id, and their figures: entry i of every column belongs to `islands[i]`.

    `places_max` is how many requests an island runs at one time; `busy` how many it has, or `UNKNOWN`;
    `ahead` how many have to end before the next one begins; `delay_ms` what the way there takes. `base_ms`
    and `token_us` are the pace of what an island does not tell by model. `nearness` orders islands by tier,
    and those of one tier: this island, what this node runs, all others.
    """

    def __init__(self, islands: tuple[IslandView, ...], register: Register, rows: Figures) -> None:
        self.islands = islands
        self.register = register
        self._rows = sealed(rows)
        self._kept: dict[object, object] = {}
        (
            self.trust_ppm,
            self.tier,
            self.nearness,
            self.attested_until_ms,
            self.admitted_until_ms,
            self.places_max,
            self.busy,
            self.ahead,
            self.base_ms,
            self.token_us,
            self.delay_ms,
            standing,
            reachability,
            itself,
            local,
            tells_paces,
        ) = self._rows
        self.is_revoked = _equal(standing, Standing.REVOKED)
        self.is_unknown = _equal(standing, Standing.UNKNOWN)
        self.is_expired = _equal(standing, Standing.EXPIRED)
        self.is_unreachable = _equal(reachability, Reachability.UNREACHABLE)
        self.is_away = _equal(reachability, Reachability.AWAY)
        self.is_cloud = _equal(self.tier, Tier.CLOUD)
        self.is_self = _equal(itself, True)
        self.is_local = _equal(local, True)
        self.tells_paces = _equal(tells_paces, True)

    def once(self, make: Callable[[Fleet, *About], Made], *about: *About) -> Made:
        """Return what a pure function makes of this fleet, about something; it is kept for the next time.

        `make` is a function of a module, `about` can be hashed. The fleet forgets when it keeps too much.
        """
        key = (make, about)
        if key not in self._kept:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            self._kept[key] = make(self, *about)
        return cast("Made", self._kept[key])

    def __len__(self) -> int:
        return len(self.islands)

    def with_changes(self, changed: Mapping[IslandId, IslandView]) -> Fleet:
        """Return the fleet with other views of islands that it has. Raises `KeyError` for another island."""
        islands, rows = list(self.islands), self._rows.copy()
        is_alike = True
        for island, view in changed.items():
            place = self.register.place(island)
            if place is None:
                raise KeyError(island)
            is_alike = is_alike and is_registered_alike(islands[place], view)
            islands[place] = view
            rows[:, place] = _row(view)
        return Fleet(tuple(islands), self.register if is_alike else register_of(islands), rows)


def fleet_of(islands: Iterable[IslandView]) -> Fleet:
    """Lay out islands, given in any order."""
    ordered = tuple(sorted(islands, key=lambda island: island.id))
    rows = np.array([_row(island) for island in ordered], dtype=np.int64).reshape(-1, _ROWS)
    return Fleet(ordered, register_of(ordered), rows.T.copy())


def _row(island: IslandView) -> tuple[int, ...]:
    load, line = island.load, means_of(island)
    room = min(places(island), LOAD_MAX)
    busy = min(load.running + load.waiting, LOAD_MAX) if load else 0
    return (
        island.trust.ppm,
        island.tier,
        _nearness(island),
        min(island.attested_until_ms, FIGURE_MAX),
        min(island.admitted_until_ms, FIGURE_MAX),
        room,
        UNKNOWN if load is None else busy,
        max(busy + 1 - room, 0),
        min(line.base_ms, LOAD_MAX),
        min(line.token_us, LOAD_MAX),
        min(delay_ms(island), LOAD_MAX),
        island.standing,
        island.reachability,
        island.is_self,
        island.is_local,
        load is not None and bool(load.models),
    )


def _nearness(island: IslandView) -> int:
    return 4 * island.tier + 2 * (not island.is_self) + (not island.is_local)


def _equal(column: Figures, value: int) -> Mask:
    mask: Mask = sealed(column == value)
    return mask
