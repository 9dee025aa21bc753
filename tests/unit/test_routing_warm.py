"""A conversation stays where its beginning has been read, and leaves for what is clearly better."""

from __future__ import annotations

from dataclasses import replace

import pytest

from islandrun.agents.fleet import fleet_of
from islandrun.agents.policy import RoutingPolicy
from islandrun.agents.question import COLD, Question, Warm
from islandrun.load import Load, ModelPace
from islandrun.privacy.sensitivity import Assessment
from islandrun.routing.choose import choose
from islandrun.routing.decision import Decision
from islandrun.routing.habits import WARM_SECONDS_MAX, Habits, Ran
from islandrun.vocabulary import Hints, Instant, IslandView, Ppm, Reachability
from tests.islands_seen import island_seen

PUBLIC = Assessment(findings=((),), topics=(), sensitivity_ppm=Ppm(0), reasons=())
NOW = Instant(0.0, 1_000)
PACE = ModelPace("m", 50, token_p50_us=10_000, base_ms=200, prefill_ns=1_000_000, token_us=10_000)
FREE = Load(0, 0, 4, 200, 10_000, models=(PACE,))
FIRST, SECOND = (island_seen(number, load=FREE) for number in range(2))


def decide(*islands: IslandView, warm: Warm = COLD, tokens: int = 5_000) -> Decision:
    question = Question(
        "r", PUBLIC, "m", Hints(), tokens, 100, RoutingPolicy(), NOW, last=warm.island, warm=warm
    )
    return choose(question, fleet_of(islands))


def latencies(decision: Decision) -> dict[str, int]:
    return {report.name: report.latency_ms for report in decision.reports}


def test_what_was_read_is_not_read_again() -> None:
    cold = latencies(decide(FIRST, SECOND))
    decision = decide(FIRST, SECOND, warm=Warm(SECOND.id, "m", 4_000))
    warm = latencies(decision)
    assert warm == {"island-0": cold["island-0"], "island-1": cold["island-1"] - 4_000}
    assert decision.chosen is not None
    assert decision.chosen.island == SECOND.id, "without it the lower id wins"
    assert decision.summary.endswith("it has read 4000 tokens of it already")


def test_no_more_is_saved_than_the_prompt_has() -> None:
    cold = latencies(decide(FIRST, tokens=1_000))
    warm = latencies(decide(FIRST, tokens=1_000, warm=Warm(FIRST.id, "m", 4_000)))
    assert warm["island-0"] == cold["island-0"] - 1_000


def test_another_model_of_the_island_has_read_nothing() -> None:
    assert latencies(decide(FIRST, warm=Warm(FIRST.id, "other", 4_000))) == latencies(decide(FIRST))


@pytest.mark.parametrize(
    "gone",
    [
        replace(SECOND, reachability=Reachability.UNREACHABLE),
        replace(SECOND, load=replace(FREE, running=4, waiting=6)),
    ],
    ids=["gone", "long queue"],
)
def test_it_leaves_who_is_gone_or_clearly_worse(gone: IslandView) -> None:
    decision = decide(FIRST, gone, warm=Warm(gone.id, "m", 4_000))
    assert decision.chosen is not None
    assert decision.chosen.island == FIRST.id
    assert "has read" not in decision.summary


def test_an_unknown_island_is_no_place() -> None:
    elsewhere = island_seen(7).id
    assert latencies(decide(FIRST, warm=Warm(elsewhere, "m", 4_000))) == latencies(decide(FIRST))


def test_what_was_read_is_forgotten_after_its_time_and_told_to_no_other_conversation() -> None:
    habits = Habits()
    habits.ran("mine", "islandrun/auto", Ran(FIRST.id, "m", 4_000, NOW))
    late = Instant(NOW.seconds + WARM_SECONDS_MAX, NOW.wall_ms)
    assert habits.warm("mine", late) == Warm(FIRST.id, "m", 4_000)
    assert habits.warm("mine", replace(late, seconds=late.seconds + 0.1)) is COLD
    assert habits.warm("yours", NOW) is COLD
    assert habits.last("yours", "islandrun/auto") == FIRST.id
