"""An island as a router sees it, for tests that change a few things of it."""

from __future__ import annotations

from islandrun.load import Load
from islandrun.vocabulary import (
    IslandId,
    IslandView,
    ModelOffer,
    Ppm,
    PublicKey,
    Reachability,
    Standing,
    Tier,
    TrustScore,
)

MODEL = ModelOffer("m", 8_000, Ppm(700_000))


def island_seen(
    number: int = 0,
    *,
    load: Load | None = None,
    tier: Tier = Tier.EDGE,
    places: int = 4,
    models: tuple[ModelOffer, ...] = (MODEL,),
) -> IslandView:
    """Return an admitted island that answers, is fully trusted and takes `places` requests."""
    return IslandView(
        id=IslandId(f"{number:08d}" + "a" * 44),
        key=PublicKey(number.to_bytes(32, "big")),
        name=f"island-{number}",
        tier=tier,
        group="family",
        jurisdictions=("DE",),
        standing=Standing.ADMITTED,
        reachability=Reachability.ALIVE,
        trust=TrustScore(Ppm(1_000_000)),
        models=models,
        data_sets=(),
        endpoints=("127.0.0.1:1",),
        requests_max=places,
        load=load,
        round_trip_ms=5,
        attested_until_ms=10**15,
        admitted_until_ms=10**15,
    )
