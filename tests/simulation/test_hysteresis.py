"""Two islands as good as each other, on virtual time: requests do not run to and fro, a full one is left."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, replace

import pytest

from islandrun.agents.fleet import fleet_of
from islandrun.agents.policy import RoutingPolicy
from islandrun.agents.question import Question
from islandrun.load import Load, ModelPace
from islandrun.privacy.sensitivity import Assessment
from islandrun.routing.candidates import with_in_flight
from islandrun.routing.choose import choose
from islandrun.routing.decision import Decision
from islandrun.routing.habits import HABITS_MAX, Habits, Ran
from islandrun.vocabulary import (
    Hints,
    Instant,
    IslandId,
    IslandView,
    Ppm,
    Standing,
    Tier,
)
from tests.islands_seen import island_seen

PUBLIC = Assessment(findings=((),), topics=(), sensitivity_ppm=Ppm(0), reasons=())
PLACES = 4
OUTPUT_TOKENS = 180
FREE = Load(0, 0, PLACES, 200, 10_000)


def decide(views: tuple[IslandView, ...], last: IslandId) -> Decision:
    asked = Question(
        "r", PUBLIC, "m", Hints(), 100, OUTPUT_TOKENS, RoutingPolicy(), Instant(0.0, 1_000), last=last
    )
    return choose(asked, fleet_of(views))


def chosen(views: tuple[IslandView, ...], last: IslandId) -> IslandId:
    decision = decide(views, last)
    assert decision.chosen is not None
    return decision.chosen.island


def trembling(rng: random.Random) -> Load:
    """Return a load with free places, and measures that tremble by a tenth."""
    first_ms, token_us = round(200 * rng.uniform(0.9, 1.1)), round(10_000 * rng.uniform(0.9, 1.1))
    pace = ModelPace("m", 50, token_p50_us=token_us, base_ms=first_ms, token_us=token_us)
    return Load(rng.randrange(PLACES), 0, PLACES, first_ms, token_us, models=(pace,))


def flaps(seed: int, has_habits: bool) -> int:
    """Count how often one of 1,000 requests ran elsewhere than the one before."""
    rng, habits, count = random.Random(seed), Habits(), 0
    before = IslandId("")
    for _ in range(1_000):
        views = tuple(island_seen(number, load=trembling(rng)) for number in range(2))
        island = chosen(views, habits.last("", "m") if has_habits else IslandId(""))
        habits.ran("", "m", Ran(island, "m", 100, Instant(0.0, 0)))
        count += island != before
        before = island
    return count


@pytest.mark.parametrize("seed", range(3))
def test_load_that_trembles_moves_hardly_a_request(seed: int) -> None:
    assert flaps(seed, has_habits=False) > 200, "without habits they run to and fro"
    assert flaps(seed, has_habits=True) <= 20


@dataclass(slots=True)
class Engine:
    """One island's engine in the simulation: places and a queue, as others hear of it each second."""

    running: int = 0
    waiting: int = 0
    in_flight: int = 0
    told: Load = FREE

    def tell(self) -> None:
        self.told = replace(self.told, running=self.running, waiting=self.waiting)


def simulate(seed: int, per_second: float, seconds: float) -> tuple[list[int], int, int]:
    """Send requests to two engines; return how many each ran, how many waited needlessly, and the flaps."""
    rng, habits, engines = random.Random(seed), Habits(), [Engine(), Engine()]
    ids = [island_seen(number).id for number in range(2)]
    ran, needless, moved, before = [0, 0], 0, 0, -1
    events = [(0.0, 0, "arrive", 0), *((float(second), 1, "tell", 0) for second in range(int(seconds)))]
    heapq.heapify(events)
    while events:
        now, _, what, at = heapq.heappop(events)
        if what == "tell":
            for engine in engines:
                engine.tell()
        elif what == "end":
            engine = engines[at]
            engine.in_flight -= 1
            engine.running -= 1
            if engine.waiting:
                engine.waiting, engine.running = engine.waiting - 1, engine.running + 1
                heapq.heappush(events, (now + rng.uniform(1.5, 2.5), 2, "end", at))
        elif now < seconds:
            views = tuple(
                with_in_flight(island_seen(number, load=engine.told), engine.in_flight)
                for number, engine in enumerate(engines)
            )
            island = chosen(views, habits.last("", "m"))
            habits.ran("", "m", Ran(island, "m", 100, Instant(0.0, 0)))
            at = ids.index(island)
            ran[at], moved, before = ran[at] + 1, moved + (at != before), at
            engine = engines[at]
            engine.in_flight += 1
            if engine.running < PLACES:
                engine.running += 1
                heapq.heappush(events, (now + rng.uniform(1.5, 2.5), 2, "end", at))
            else:
                engine.waiting += 1
                needless += engines[1 - at].running < PLACES
            heapq.heappush(events, (now + rng.expovariate(per_second), 0, "arrive", 0))
    return ran, needless, moved


@pytest.mark.parametrize("seed", range(3))
def test_what_one_cannot_take_goes_to_the_other(seed: int) -> None:
    ran, needless, _ = simulate(seed, per_second=3.0, seconds=300)
    assert min(ran) > 0.15 * sum(ran), f"six of eight places are needed: {ran}"
    assert needless < 0.1 * sum(ran), f"{needless} waited while the other had a place"


def test_what_one_can_take_stays_with_it() -> None:
    ran, _, moved = simulate(7, per_second=0.5, seconds=600)
    assert moved <= 10
    assert sum(ran) > 200


def view(load: Load, number: int = 0, **changes: object) -> IslandView:
    return replace(island_seen(number, load=load), **changes)


def test_a_habit_is_broken_by_a_veto_a_queue_and_a_nearer_island() -> None:
    one, two = view(FREE), view(FREE, 1)
    assert chosen((one, two), two.id) == two.id
    assert "it ran the last one" not in decide((one, two), one.id).summary
    slower = replace(FREE, first_token_ms=350)
    kept = decide((one, view(slower, 1)), two.id)
    assert kept.chosen is not None
    assert kept.chosen.island == two.id
    assert "it ran the last one" in kept.summary
    full = replace(FREE, running=PLACES, waiting=2)
    assert chosen((one, view(full, 1)), two.id) == one.id
    assert chosen((one, replace(two, standing=Standing.REVOKED)), two.id) == one.id
    assert chosen((replace(one, tier=Tier.PERSONAL), two), two.id) == one.id
    assert chosen((one, two), IslandId("gone")) == one.id


def test_requests_under_way_count_before_the_island_tells_of_them() -> None:
    one = view(FREE)
    assert with_in_flight(one, 0) is one
    busy = with_in_flight(one, 3).load
    assert busy is not None
    assert busy.running == 3
    assert with_in_flight(view(replace(FREE, running=4)), 3).load == replace(FREE, running=4)
    queued = replace(FREE, running=4, waiting=3)
    assert with_in_flight(view(queued), 7).load == queued, "what waits there is under way too"
    unknown = with_in_flight(replace(one, load=None), 2).load
    assert unknown is not None
    assert (unknown.running, unknown.requests_max) == (2, 4)
    assert with_in_flight(replace(one, is_local=True), 3).load == FREE


def test_habits_are_by_conversation_and_bounded() -> None:
    habits, island, other = Habits(), IslandId("a" * 52), IslandId("b" * 52)
    for number in range(HABITS_MAX + 1):
        habits.ran(f"c{number}", "m", Ran(island, "m", 100, Instant(0.0, 0)))
    habits.ran("d", "m", Ran(other, "m", 100, Instant(0.0, 0)))
    assert repr(habits) == f"<Habits of {HABITS_MAX}>"
    assert habits.last("c0", "another") == ""
    assert habits.last(f"c{HABITS_MAX}", "m") == island, "a conversation goes before its model"
    assert habits.last("new", "m") == other
