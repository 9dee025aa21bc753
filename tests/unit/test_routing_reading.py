"""When passages are brought to another island, and whom a request asks to read documents for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from islandrun.agents.agent import VetoReason
from islandrun.agents.fleet import fleet_of
from islandrun.agents.policy import RoutingPolicy
from islandrun.agents.question import Question
from islandrun.privacy.sensitivity import Assessment, Topic
from islandrun.routing.choose import choose
from islandrun.routing.reading import (
    READING,
    context_of,
    is_quoted,
    needs_passages,
    portions,
    readers,
    reading_question,
    told_as_reading,
)
from islandrun.vocabulary import DataSetOffer, Hints, Instant, IslandView, ModelOffer, Ppm, Tier
from tests.unit.test_routing_route import view

PUBLIC = Assessment((), (), Ppm(0), ())
QUOTES = ModelOffer("extractive", 8_000, Ppm(400_000), is_extractive=True)
LARGE = ModelOffer("large", 4_000, Ppm(900_000), input_price_microusd=10**6)


def holder(number: int, model: ModelOffer, *data_sets: DataSetOffer) -> IslandView:
    return replace(view(number, Tier.EDGE, 800_000), models=(model,), data_sets=data_sets)


def offer(name: str, sensitivity: int = 0) -> DataSetOffer:
    return DataSetOffer(name, 1, 1, Ppm(sensitivity))


CLOUD = replace(view(9, Tier.CLOUD, 200_000), models=(LARGE,))
QUOTER = holder(1, QUOTES, offer("a"), offer("b", 700_000))
WRITER = holder(2, LARGE, offer("a"))


def question(*data_sets: str, model: str = "", profile: str = "", **changes: object) -> Question:
    plain = Question(
        request_id="r",
        assessment=PUBLIC,
        model=model,
        hints=Hints(data_sets=data_sets, profile=profile),
        input_tokens=100,
        output_tokens=100,
        policy=RoutingPolicy(),
        now=Instant(0, 0),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def needs(asked: Question, *islands: IslandView) -> bool:
    fleet = fleet_of(islands)
    return needs_passages(asked, choose(asked, fleet), fleet)


def test_a_holder_that_writes_runs_the_request_itself() -> None:
    assert not needs(question("a"), WRITER, CLOUD)
    assert not needs(question(), QUOTER, CLOUD)


@pytest.mark.parametrize(
    ("profile", "expected"), [("", True), ("fast", True), ("private", False), ("cheap", False)]
)
def test_where_documents_are_only_quoted_the_profile_decides(profile: str, expected: bool) -> None:
    assert needs(question("a", profile=profile), QUOTER, CLOUD) is expected


def test_a_client_that_names_the_quoting_model_gets_quotes() -> None:
    assert not needs(question("a", model="extractive"), QUOTER, CLOUD)
    assert needs(question("a", model="large"), QUOTER, CLOUD)
    assert not needs(question("a", model="islandrun/private"), QUOTER, CLOUD)
    assert needs(question("a", model="islandrun/private"), QUOTER, replace(WRITER, data_sets=()))


def test_nobody_is_asked_to_read_in_vain() -> None:
    assert not needs(question("a", model="unknown"), QUOTER, CLOUD)
    assert not needs(question("a"), QUOTER, replace(QUOTER, id=CLOUD.id, data_sets=()))
    health = Assessment((), (Topic("health", Ppm(700_000), Ppm(700_000)),), Ppm(700_000), ())
    assert not needs(question("a", model="large", assessment=health), QUOTER, CLOUD)


def test_data_sets_on_two_islands_need_passages_of_both() -> None:
    other = holder(3, LARGE, offer("c"))
    assert needs(question("a", "c"), QUOTER, other)
    assert portions(fleet_of((QUOTER, other)), ("c", "a")) == (("a",), ("c",))
    assert portions(fleet_of((QUOTER, other)), ("b", "a", "b")) == (("a", "b"),)


def test_whoever_reads_is_judged_but_for_its_model() -> None:
    asked = question("a", model="large", needs_tools=True, output_tokens=10**6)
    decision = choose(reading_question(asked, ("a",), ()), readers(fleet_of((QUOTER, CLOUD))))
    assert decision.chosen is not None
    assert (decision.chosen.island, decision.chosen.model) == (QUOTER.id, READING.name)
    assert decision.chosen.cost_microusd == 0
    assert told_as_reading(decision).summary.startswith("reading documents: ")
    nobody = choose(reading_question(asked, ("a",), (QUOTER.id,)), readers(fleet_of((QUOTER, CLOUD))))
    assert nobody.chosen is None
    sensitive = replace(
        asked, assessment=Assessment((), (Topic("t", Ppm(900_000), Ppm(900_000)),), Ppm(900_000), ())
    )
    assert choose(reading_question(sensitive, ("a",), ()), readers(fleet_of((QUOTER, CLOUD)))).chosen is None
    closed = choose(
        reading_question(asked, ("b",), ()), readers(fleet_of((replace(QUOTER, trust=CLOUD.trust),)))
    )
    assert {veto.reason for veto in closed.reports[0].vetoes} == {VetoReason.TRUST_BELOW_SENSITIVITY}


def test_passages_bound_to_a_place_go_to_islands_wholly_there() -> None:
    asked = question(places=("DE",))
    german = replace(WRITER, jurisdictions=("DE",))
    both = replace(WRITER, jurisdictions=("DE", "FR"))
    assert choose(asked, fleet_of((german,))).chosen is not None
    for island in (both, WRITER):
        (report,) = choose(asked, fleet_of((island,))).reports
        assert [veto.reason for veto in report.vetoes] == [VetoReason.RESIDENCY]
    assert choose(replace(asked, places=("DE", "FR")), fleet_of((german, both))).chosen is None
    assert choose(asked, fleet_of((replace(WRITER, is_self=True, is_local=True),))).chosen is not None


def test_the_context_of_who_was_chosen_is_known() -> None:
    cloud, both, quoter = fleet_of((CLOUD,)), fleet_of((CLOUD, QUOTER)), fleet_of((QUOTER,))
    assert context_of(choose(question(), cloud), cloud) == 4_000
    assert context_of(choose(question(model="none"), cloud), cloud) is None
    assert is_quoted(choose(question("a"), quoter), quoter)
    assert not is_quoted(choose(question(), cloud), both)
