"""Hints of a client: read strictly, combined so that both hold, never ignored."""

import msgspec
import pytest

from islandrun.errors import BadRequest
from islandrun.vocabulary import Hints, Tier
from islandrun_node.http.hints import HintsBody, read_hints, tighter


def read(body: dict[str, object] | None = None, **headers: str) -> Hints:
    """Return the hints of a body object and of headers such as `max_cost="1"`."""
    shape = None if body is None else msgspec.convert(body, HintsBody)
    named = [(f"x-islandrun-{name.replace('_', '-')}", value) for name, value in headers.items()]
    return read_hints(shape, [("host", "localhost"), *named])[0]


def test_nothing_given_is_no_wish() -> None:
    assert read() == Hints()


def test_every_wish_of_the_body_is_read() -> None:
    hints = read(
        {
            "sensitivity_min": "confidential",
            "jurisdictions": ["de", "CH-ZH"],
            "only": "office, laptop",
            "ignore": ["old"],
            "tiers": ["personal", "EDGE"],
            "max_cost": 0.0000019,
            "deadline_ms": 2000,
            "datasets": ["handbook"],
            "profile": "private",
            "wait_ms": 500,
        }
    )
    assert hints == Hints(
        500_000, ("DE", "CH-ZH"), ("office", "laptop"), ("old",), (Tier.PERSONAL, Tier.EDGE), 1, 2000,
        ("handbook",), "private", 500,
    )  # fmt: skip


def test_every_header_says_the_same_as_its_field() -> None:
    in_headers = read(
        sensitivity="0.5", jurisdiction="DE", only="office", ignore="old", tier="edge", max_cost="1.5",
        deadline_ms="2000", datasets="a,b", profile="fast", wait="0",
    )  # fmt: skip
    assert in_headers == read(
        {
            "sensitivity_min": 0.5, "jurisdictions": "DE", "only": "office", "ignore": "old", "tiers": "edge",
            "max_cost": 1.5, "deadline_ms": 2000, "datasets": ["a", "b"], "profile": "fast",
            "wait_ms": 0,
        }
    )  # fmt: skip


def test_the_tighter_of_body_and_header_counts() -> None:
    hints = read(
        {
            "sensitivity_min": 0.3, "jurisdictions": ["DE", "CH"], "only": ["a", "b"], "ignore": ["x"],
            "tiers": ["personal", "edge"], "max_cost": 2, "deadline_ms": 9000, "datasets": ["one"],
            "wait_ms": 7000,
        },
        sensitivity="restricted", jurisdiction="CH,AT", only="b,c", ignore="y", tier="edge,cloud",
        max_cost="0.5", deadline_ms="100", datasets="two", wait="800",
    )  # fmt: skip
    assert hints == Hints(
        850_000, ("CH",), ("b",), ("x", "y"), (Tier.EDGE,), 500_000, 100, ("one", "two"), "", 800,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("field", "first", "second"),
    [
        ("jurisdictions", ("DE",), ("CH",)),
        ("only", ("a",), ("b",)),
        ("tiers", (Tier.EDGE,), (Tier.CLOUD,)),
        ("profile", "fast", "cheap"),
    ],
)
def test_wishes_that_exclude_each_other_are_an_error(field, first, second) -> None:
    with pytest.raises(BadRequest) as caught:
        tighter(Hints(**{field: first}), Hints(**{field: second}))
    assert caught.value.field == f"islandrun.{field}"


def test_a_fraction_is_rounded_to_the_tighter_side() -> None:
    assert read({"sensitivity_min": 0.1234561}).sensitivity_min_ppm == 123_457
    assert read({"sensitivity_min": 0.3}).sensitivity_min_ppm == 300_000
    assert read({"max_cost": 0.0000029}).cost_max_microusd == 2
    assert read({"max_cost": 0.000007}).cost_max_microusd == 7
    assert read({"max_cost": 0}).cost_max_microusd == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"sensitivity_min": 1.01}, "islandrun.sensitivity_min"),
        ({"sensitivity_min": "secret"}, "islandrun.sensitivity_min"),
        ({"jurisdictions": []}, "islandrun.jurisdictions"),
        ({"jurisdictions": "Germany"}, "islandrun.jurisdictions"),
        ({"only": ""}, "islandrun.only"),
        ({"only": ["x" * 65]}, "islandrun.only"),
        ({"only": ["a\nb"]}, "islandrun.only"),
        ({"ignore": ["a"] * 257}, "islandrun.ignore"),
        ({"tiers": ["home"]}, "islandrun.tiers"),
        ({"profile": ""}, "islandrun.profile"),
        ({"conversation": "c" * 257}, "islandrun.conversation"),
    ],
)
def test_a_wish_of_the_body_that_cannot_be_read_names_its_field(body, field) -> None:
    with pytest.raises(BadRequest) as caught:
        read(body)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("jurisdictions", "DE"),
        ("max_cost", "cheap"),
        ("max_cost", "nan"),
        ("max_cost", "-1"),
        ("max_cost", "1e9"),
        ("deadline_ms", "0"),
        ("wait", "-1"),
        ("wait", "soon"),
        ("deadline_ms", "1.5"),
        ("sensitivity", "-1"),
        ("sensitivity", "2"),
        ("tier", ","),
    ],
)
def test_a_header_that_cannot_be_read_is_named(header, value) -> None:
    with pytest.raises(BadRequest) as caught:
        read(**{header: value})
    assert caught.value.field == f"x-islandrun-{header.replace('_', '-')}"


def test_a_header_given_twice_counts_as_one_list() -> None:
    twice = [("x-islandrun-ignore", "a"), ("x-islandrun-ignore", "b")]
    assert read_hints(None, twice)[0].ignore == ("a", "b")


def test_the_conversation_may_come_from_either_side() -> None:
    assert read_hints(HintsBody(conversation="c"), [])[1] == "c"
    assert read_hints(None, [("x-islandrun-session", "s")])[1] == "s"
    with pytest.raises(BadRequest):
        read_hints(HintsBody(conversation="c"), [("x-islandrun-session", "s")])
