"""Waiting for a place: only for a place, only as long as both sides allow, and decided anew each time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from islandrun.agents.fleet import Fleet, fleet_of
from islandrun.agents.policy import RoutingPolicy
from islandrun.agents.question import Question
from islandrun.errors import Overloaded, Unreachable
from islandrun.load import Load
from islandrun.privacy.sensitivity import Assessment
from islandrun.routing.patience import WAIT_MS_MAX, WaitRules, is_only_full
from islandrun.routing.route import Route
from islandrun.vocabulary import Hints, Instant, Ppm, Standing
from tests.islands_seen import island_seen

NOW = Instant(10.0, 1_000)
PUBLIC = Assessment(findings=((),), topics=(), sensitivity_ppm=Ppm(0), reasons=())
FREE, FULL = Load(0, 0, 4, 100, 1_000), Load(4, 8, 4, 100, 1_000)
NO_WISH = Hints()


def route(hints: Hints = NO_WISH) -> Route:
    return Route(Question("r", PUBLIC, "m", hints, 10, 300, RoutingPolicy(), NOW, my_group="family"))


def islands(*loads: Load) -> Fleet:
    return fleet_of(island_seen(number, load=load) for number, load in enumerate(loads))


@pytest.mark.parametrize(
    ("profile", "hints", "expected"),
    [
        ("fast", Hints(), 0),
        ("balanced", Hints(), 2_000),
        ("private", Hints(), 30_000),
        ("one of the owner's own", Hints(), 2_000),
        ("private", Hints(wait_ms=500), 500),
        ("private", Hints(wait_ms=0), 0),
        ("private", Hints(wait_ms=10**9), 30_000),
        ("fast", Hints(wait_ms=60_000), 0),
        ("private", Hints(deadline_ms=900), 900),
        ("private", Hints(deadline_ms=900, wait_ms=100), 100),
    ],
)
def test_wishes_only_shorten_what_the_profile_allows(profile: str, hints: Hints, expected: int) -> None:
    assert WaitRules().limit_ms(profile, hints) == expected


def test_no_setting_waits_without_end() -> None:
    assert WaitRules({"balanced": 10**12}).limit_ms("balanced", NO_WISH) == WAIT_MS_MAX
    assert WaitRules({}).limit_ms("balanced", NO_WISH) == 0


def test_only_a_missing_place_is_waited_for() -> None:
    assert is_only_full(route().start(islands(FULL, FULL), NOW))
    assert not is_only_full(route().start(islands(FULL, FREE), NOW)), "somebody runs it"
    revoked = replace(island_seen(load=FULL), standing=Standing.REVOKED)
    assert not is_only_full(route().start(fleet_of([revoked]), NOW)), "it would be refused with a place too"
    assert is_only_full(route().start(fleet_of([revoked, island_seen(2, load=FULL)]), NOW))
    assert not is_only_full(route().start(fleet_of([]), NOW))


def test_deciding_again_sees_the_mesh_as_it_is_then_and_takes_the_place_of_the_refusal() -> None:
    path = route()
    assert path.start(islands(FULL), NOW).chosen is None
    assert path.again(islands(FULL), NOW).chosen is None
    later = Instant(11.0, 2_000)
    revoked = replace(island_seen(load=FREE), standing=Standing.REVOKED)
    assert path.again(fleet_of([revoked]), later).chosen is None, "waiting widens nothing"
    found = path.again(islands(FREE), later)
    assert found.chosen is not None
    assert [decision.attempt for decision in path.decisions] == [1]
    assert path.decisions == (found,)


def test_who_was_full_may_have_a_place_and_who_broke_stays_out() -> None:
    path = route()
    first = path.start(islands(FREE, FREE), NOW)
    assert first.chosen is not None
    second = path.failed(first.chosen.island, Overloaded("full"), islands(FREE, FREE), NOW)
    assert second is not None
    assert second.chosen is not None
    assert second.chosen.island != first.chosen.island
    last = path.failed(second.chosen.island, Unreachable("gone"), islands(FREE, FREE), NOW)
    assert last is not None
    assert is_only_full(last, path.overloaded)
    assert not is_only_full(last), "without that knowledge both have failed"
    again = path.again(islands(FREE, FREE), NOW)
    assert again.chosen is not None
    assert again.chosen.island == first.chosen.island
    assert [decision.attempt for decision in path.decisions] == [1, 2, 3]


def test_a_deadline_runs_on_while_a_request_waits() -> None:
    path = route(Hints(deadline_ms=1_000))
    path.start(islands(FULL), NOW)
    assert path.again(islands(FREE), Instant(NOW.seconds + 0.5, 0)).chosen is not None
    late = route(Hints(deadline_ms=1_000))
    late.start(islands(FULL), NOW)
    decision = late.again(islands(FREE), Instant(NOW.seconds + 0.9, 0))
    assert decision.chosen is None
    assert not is_only_full(decision)
