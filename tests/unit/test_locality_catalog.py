"""Where data sets lie and how sensitive they are."""

from __future__ import annotations

from islandrun.locality.catalog import held, holders, is_holder, sensitivity_ppm
from islandrun.vocabulary import (
    DataSetOffer,
    IslandId,
    IslandView,
    Ppm,
    PublicKey,
    Reachability,
    Standing,
    Tier,
    TrustScore,
)


def island(number: int, *data_sets: tuple[str, int]) -> IslandView:
    return IslandView(
        id=IslandId(f"{number:052d}"),
        key=PublicKey(bytes([number]) * 32),
        name=f"island-{number}",
        tier=Tier.EDGE,
        group="family",
        jurisdictions=(),
        standing=Standing.ADMITTED,
        reachability=Reachability.ALIVE,
        trust=TrustScore(Ppm(800_000)),
        models=(),
        data_sets=tuple(DataSetOffer(name, 1, 10, Ppm(ppm)) for name, ppm in data_sets),
        endpoints=(),
        requests_max=1,
        load=None,
        round_trip_ms=1,
        attested_until_ms=1,
        admitted_until_ms=1,
    )


FIRST = island(1, ("contracts", 700_000), ("recipes", 0))
SECOND = island(2, ("contracts", 500_000), ("contracts", 900_000))


def test_holders_are_sorted_by_id_whatever_the_order():
    assert holders((SECOND, FIRST), "contracts") == (FIRST.id, SECOND.id)
    assert holders((SECOND, FIRST), "recipes") == (FIRST.id,)
    assert holders((SECOND, FIRST), "unheard-of") == ()


def test_a_holder_has_all_named_sets():
    assert is_holder(FIRST, ("contracts", "recipes"))
    assert not is_holder(SECOND, ("contracts", "recipes"))
    assert is_holder(SECOND, ())


def test_held_lists_each_name_once_and_only_what_was_asked_for():
    assert [offer.name for offer in held(FIRST, ("recipes", "contracts", "other"))] == [
        "contracts",
        "recipes",
    ]
    assert [offer.name for offer in held(FIRST, ("recipes",))] == ["recipes"]


def test_a_name_stated_twice_counts_at_its_stricter_word():
    assert [offer.sensitivity_ppm for offer in held(SECOND, ("contracts",))] == [900_000]


def test_sensitivity_is_the_highest_of_what_is_named():
    assert sensitivity_ppm(FIRST, ("contracts", "recipes")) == 700_000
    assert sensitivity_ppm(FIRST, ("recipes",)) == 0
    assert sensitivity_ppm(FIRST, ()) == 0
    assert sensitivity_ppm(SECOND, ("contracts",)) == 900_000
