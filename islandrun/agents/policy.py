"""What the owner allows and prefers, as one frozen value that agents and routing read.

Limits (jurisdictions, tiers, cost) veto; profiles and the local band only order what is left.
A client's hints are combined with the limits so that the stricter of the two counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from islandrun.agents.quality import STATED_AND_PRIORS, QualitySource
from islandrun.errors import ConfigError
from islandrun.vocabulary import PPM_MAX, Ppm, Tier


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each objective counts, each 0 to 1,000,000; at least one is above 0."""

    cost: int
    latency: int
    exposure: int
    quality: int

    def __post_init__(self) -> None:
        parts = (self.cost, self.latency, self.exposure, self.quality)
        if not all(0 <= part <= PPM_MAX for part in parts) or not any(parts):
            raise ConfigError(
                "weights of a profile must be 0 to 1,000,000 and not all 0: correct the profile"
            )


PROFILES: Final[Mapping[str, Weights]] = MappingProxyType(
    {
        "balanced": Weights(cost=500_000, latency=500_000, exposure=700_000, quality=800_000),
        "private": Weights(cost=100_000, latency=100_000, exposure=1_000_000, quality=300_000),
        "fast": Weights(cost=200_000, latency=1_000_000, exposure=400_000, quality=400_000),
        "cheap": Weights(cost=1_000_000, latency=200_000, exposure=400_000, quality=300_000),
    }
)
"""The profiles every node knows; an owner may replace them and add own ones."""

PROFILES_MAX: Final = 64
LOCAL_BAND_DEFAULT: Final = Ppm(100_000)


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """The owner's limits and preferences for routing.

    `jurisdictions` and `tiers` empty: any. `cost_max_microusd` None: no limit for one request.
    Among candidates whose total is within `local_band_ppm` of the best, the nearest island wins.
    """

    profiles: Mapping[str, Weights] = field(default_factory=lambda: dict(PROFILES))
    default_profile: str = "balanced"
    local_band_ppm: Ppm = LOCAL_BAND_DEFAULT
    jurisdictions: tuple[str, ...] = ()
    tiers: tuple[Tier, ...] = ()
    cost_max_microusd: int | None = None
    quality: QualitySource = STATED_AND_PRIORS

    def __post_init__(self) -> None:
        if self.default_profile not in self.profiles:
            raise ConfigError(
                f"default profile {self.default_profile!r} is not defined: use one of {sorted(self.profiles)}"
            )
        if len(self.profiles) > PROFILES_MAX:
            raise ConfigError(f"{len(self.profiles)} profiles are more than {PROFILES_MAX}: remove some")
        if not 0 <= self.local_band_ppm <= PPM_MAX:
            raise ConfigError("local_band_ppm must be 0 to 1,000,000: correct the routing settings")
        if self.cost_max_microusd is not None and self.cost_max_microusd < 0:
            raise ConfigError("cost_max_microusd must not be negative: correct the routing settings")


def cost_limit(policy: RoutingPolicy, cost_max_microusd: int | None) -> int | None:
    """Combine the owner's and the client's limit for one request: the lower, or None when neither is set."""
    own = policy.cost_max_microusd
    if own is None or cost_max_microusd is None:
        return cost_max_microusd if own is None else own
    return min(own, cost_max_microusd)
