"""Which data sets a question is about, from cosines; and what there is to match in a mesh."""

from __future__ import annotations

from dataclasses import replace

from islandrun.locality.matching import CATALOGUE_MAX, COSINE_MIN, MATCHED_MAX, catalogue, matching
from islandrun.vocabulary import DataSetOffer, IslandId, Ppm, Standing, TrustScore
from tests.unit.test_locality_catalog import island


def offer(name: str, description: str = "") -> DataSetOffer:
    return DataSetOffer(name, 1, 1, Ppm(0), description=description)


def test_only_what_is_near_and_nearly_the_nearest_matches() -> None:
    assert matching({"a": 0.61, "b": 0.55, "c": 0.4, "d": 0.1}) == ("a", "b")
    assert matching({"a": COSINE_MIN - 0.01}) == ()
    assert matching({}) == ()
    assert len(matching(dict.fromkeys("abcdef", 0.5))) == MATCHED_MAX


def test_the_catalogue_is_of_islands_that_are_trusted_and_is_bounded() -> None:
    known = replace(island(1), data_sets=(offer("lab-results", "of patients"), offer("rest")))
    twin = replace(island(2), id=IslandId("z" * 52), data_sets=(offer("rest", "another word"),))
    revoked = replace(known, id=IslandId("r" * 52), standing=Standing.REVOKED, data_sets=(offer("gone"),))
    untrusted = replace(known, id=IslandId("u" * 52), trust=TrustScore(Ppm(0)), data_sets=(offer("unknown"),))
    found = catalogue([twin, untrusted, revoked, known])
    assert found == {"lab-results": "lab results: of patients", "rest": "rest"}
    many = replace(known, data_sets=tuple(offer(f"n{number}") for number in range(CATALOGUE_MAX + 9)))
    assert len(catalogue([many])) == CATALOGUE_MAX
