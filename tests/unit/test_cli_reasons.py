"""`islands --why`: every factor with its value and reason, and which of them decides."""

from islandrun.v1 import status_pb2
from islandrun_node.cli.reasons import is_meant, reasons, reasons_text

FACTORS = (
    ("standing", 1_000_000, "admitted"),
    ("tier_base", 800_000, "edge"),
    ("freshness", 0, "the owner's view is 26 h old"),
    ("group", 0, "home to far"),
)
ISLAND = status_pb2.Island(
    id="o" * 52,
    name="office",
    trust_ppm=0,
    trust_factors=[
        status_pb2.TrustFactor(name=name, ppm=ppm, detail=detail) for name, ppm, detail in FACTORS
    ],
)


def test_the_lowest_factors_are_marked_and_each_has_its_reason() -> None:
    assert reasons_text(ISLAND).splitlines() == [
        "office: trust 0.00",
        "   standing   1.00  admitted",
        "   tier base  0.80  edge",
        "-> freshness  0.00  the owner's view is 26 h old",
        "-> group      0.00  home to far",
    ]
    made = reasons(ISLAND)
    assert (made["id"], made["name"], made["trust"]) == ("o" * 52, "office", 0.0)
    assert made["factors"][2] == {  # type: ignore[index]
        "name": "freshness", "value": 0.0, "reason": "the owner's view is 26 h old", "is_lowest": True,
    }  # fmt: skip


def test_an_island_is_meant_by_its_name_or_enough_of_its_id() -> None:
    assert is_meant(ISLAND, "office")
    assert is_meant(ISLAND, "Office ")
    assert is_meant(ISLAND, "o" * 8)
    assert not is_meant(ISLAND, "o" * 7)
    assert not is_meant(ISLAND, "offic")
