"""Islands and a question for tests of the owner's rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from islandrun.agents.policy import RoutingPolicy
from islandrun.agents.question import Question
from islandrun.privacy.sensitivity import Assessment
from islandrun.trust.naming import island_id
from islandrun.vocabulary import (
    Hints,
    Instant,
    IslandView,
    ModelOffer,
    Ppm,
    PublicKey,
    Tier,
    TrustScore,
)
from tests.islands_seen import island_seen

PUBLIC: Final = Assessment(((),), (), Ppm(0), ())
SMALL: Final = ModelOffer("small", 8192, Ppm(500_000))
LARGE: Final = ModelOffer("large", 8192, Ppm(900_000))


def island(number: int, name: str, tier: Tier = Tier.EDGE, **changes: object) -> IslandView:
    key = PublicKey(bytes([number]) * 32)
    plain = island_seen(number, tier=tier, models=(SMALL,))
    named = replace(plain, id=island_id(key), key=key, name=name, trust=TrustScore(Ppm(900_000)))
    return replace(named, **changes)


HOME: Final = island(1, "home", Tier.PERSONAL, is_self=True, is_local=True)
CLOUD: Final = island(2, "cloud", Tier.CLOUD, jurisdictions=("DE", "US"), certifications=("iso27001", "soc2"))


def question(model: str = "") -> Question:
    return Question(
        request_id="r-1",
        assessment=PUBLIC,
        model=model,
        hints=Hints(),
        input_tokens=10,
        output_tokens=10,
        policy=RoutingPolicy(),
        now=Instant(0.0, 1_000),
        my_group="family",
    )
