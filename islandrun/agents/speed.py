"""How much an island runs at one time, and how fast: as it measured, else as its tier usually is."""

from __future__ import annotations

from typing import Final

from islandrun.vocabulary import IslandView, Load, Reachability, Tier

FIRST_TOKEN_MS_DEFAULTS: Final[dict[Tier, int]] = {Tier.PERSONAL: 400, Tier.EDGE: 300, Tier.CLOUD: 700}
"""The time to the first token where no measure of an island is at hand."""

TOKEN_US_DEFAULTS: Final[dict[Tier, int]] = {Tier.PERSONAL: 30_000, Tier.EDGE: 20_000, Tier.CLOUD: 12_000}
"""The time per token where no measure of an island is at hand."""


SUSPECT_PENALTY_MS: Final = 2_000
"""What the doubt whether an island is still there costs."""


def places(island: IslandView) -> int:
    """Say how many requests an island runs at one time: the lower of what it stated and what it measured."""
    if island.load is None:
        return island.requests_max
    return min(island.requests_max, island.load.requests_max)


def load_of(island: IslandView) -> Load:
    """Return the load of an island, or what is assumed of an idle one of its tier."""
    if island.load is not None:
        return island.load
    tier = island.tier
    return Load(0, 0, island.requests_max, FIRST_TOKEN_MS_DEFAULTS[tier], TOKEN_US_DEFAULTS[tier])


def delay_ms(island: IslandView) -> int:
    """Say what is lost on the way to an island and back."""
    doubt = SUSPECT_PENALTY_MS if island.reachability is Reachability.SUSPECT else 0
    return island.round_trip_ms + doubt
