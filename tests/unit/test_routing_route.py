"""One request's path over failures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from islandrun.agents.agent import VetoReason
from islandrun.agents.fleet import fleet_of
from islandrun.agents.policy import RoutingPolicy
from islandrun.agents.question import Question
from islandrun.errors import Interrupted, Overloaded, Unreachable
from islandrun.privacy.sensitivity import Assessment
from islandrun.routing.route import ATTEMPTS_MAX, Route
from islandrun.vocabulary import (
    Finding,
    FindingType,
    Hints,
    Instant,
    IslandId,
    IslandView,
    Load,
    ModelOffer,
    Ppm,
    PublicKey,
    Reachability,
    Standing,
    Tier,
    TrustScore,
)

EMAIL = Finding(0, 5, FindingType.EMAIL, Ppm(990_000), Ppm(600_000), "rule")
WITH_EMAIL = Assessment(findings=((EMAIL,),), topics=(), sensitivity_ppm=Ppm(600_000), reasons=())
BROKEN = Unreachable("no connection")


def view(number: int, tier: Tier, trust: int) -> IslandView:
    return IslandView(
        id=IslandId(f"{number:052d}"),
        key=PublicKey(bytes([number]) * 32),
        name=f"island-{number}",
        tier=tier,
        group="family",
        jurisdictions=(),
        standing=Standing.ADMITTED,
        reachability=Reachability.ALIVE,
        trust=TrustScore(Ppm(trust)),
        models=(ModelOffer("m", 8_000, Ppm(600_000)),),
        data_sets=(),
        endpoints=(),
        requests_max=4,
        load=Load(0, 0, 4, 100, 1_000),
        round_trip_ms=10,
        attested_until_ms=10**15,
        admitted_until_ms=10**15,
    )


MESH = tuple(view(number, Tier.PERSONAL, 900_000) for number in range(1, 7))
CLOUD = view(9, Tier.CLOUD, 200_000)
START = Instant(100.0, 1_000)


NO_WISH = Hints()


def route(hints: Hints = NO_WISH) -> Route:
    return Route(
        Question(
            request_id="r",
            assessment=WITH_EMAIL,
            model="m",
            hints=hints,
            input_tokens=10,
            output_tokens=300,
            policy=RoutingPolicy(),
            now=START,
            my_group="family",
        )
    )


def test_each_failure_goes_on_to_an_island_not_tried_before():
    path = route()
    decision = path.start(fleet_of(MESH), START)
    tried = []
    while decision is not None:
        tried.append(decision.chosen.island)
        decision = path.failed(tried[-1], BROKEN, fleet_of(MESH), START)
    assert tried == [island.id for island in MESH[:ATTEMPTS_MAX]]
    assert [decision.attempt for decision in path.decisions] == [1, 2, 3, 4]
    assert path.failed_islands == tuple(tried[:-1])


def test_after_the_first_token_nothing_is_tried_again():
    path = route()
    first = path.start(fleet_of(MESH), START)
    path.first_token()
    assert path.failed(first.chosen.island, Overloaded("full"), fleet_of(MESH), START) is None
    assert len(path.decisions) == 1


def test_an_interrupted_answer_is_not_tried_again_either():
    path = route()
    first = path.start(fleet_of(MESH), START)
    assert path.failed(first.chosen.island, Interrupted("broke off"), fleet_of(MESH), START) is None


def test_the_next_try_is_masked_anew_for_its_own_target():
    path = route()
    first = path.start(fleet_of((MESH[0], CLOUD)), START)
    assert (first.chosen.name, first.masked) == ("island-1", ())
    second = path.failed(MESH[0].id, BROKEN, fleet_of((MESH[0], CLOUD)), START)
    assert second is not None
    assert second.chosen.name == "island-9"
    assert second.masked == ((FindingType.EMAIL, 1),)


def test_the_next_try_sees_the_mesh_as_it_is_then():
    path = route()
    path.start(fleet_of(MESH[:2]), START)
    revoked = replace(MESH[1], standing=Standing.REVOKED)
    second = path.failed(MESH[0].id, BROKEN, fleet_of((MESH[0], revoked)), START)
    assert second is not None
    assert second.chosen is None
    assert {veto.reason for report in second.reports for veto in report.vetoes} == {
        VetoReason.FAILED_BEFORE,
        VetoReason.REVOKED,
    }


def test_time_already_spent_shortens_the_deadline():
    path = route(Hints(deadline_ms=1_000))
    path.start(fleet_of(MESH), START)
    late = Instant(START.seconds + 0.5, START.wall_ms + 500)
    assert path.failed(MESH[0].id, BROKEN, fleet_of(MESH), late).chosen is not None
    too_late = Instant(START.seconds + 0.7, START.wall_ms + 700)
    last = path.failed(MESH[1].id, BROKEN, fleet_of(MESH), too_late)
    assert last.chosen is None
    assert any(veto.detail == "410 ms expected > 300 ms allowed" for veto in last.reports[2].vetoes)


def test_a_refusal_at_the_start_cannot_fail():
    path = route(Hints(tiers=(Tier.EDGE,)))
    assert path.start(fleet_of(MESH), START).chosen is None
    with pytest.raises(AssertionError):
        path.failed(MESH[0].id, BROKEN, fleet_of(MESH), START)


def test_only_the_island_that_was_chosen_can_fail_and_a_route_starts_once():
    path = route()
    path.start(fleet_of(MESH), START)
    with pytest.raises(AssertionError):
        path.failed(MESH[3].id, BROKEN, fleet_of(MESH), START)
    with pytest.raises(AssertionError):
        path.start(fleet_of(MESH), START)
