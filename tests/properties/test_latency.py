"""What must hold for every estimate of time: more work, a longer queue or a longer way is never faster."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.agents.fleet import fleet_of
from islandrun.agents.latency import ENOUGH_SAMPLES, LATENCY_MS_MAX, PRIORS, pace_of, places
from islandrun.agents.offers import offers_of
from islandrun.agents.paces import latencies_ms
from islandrun.load import Load, ModelPace
from islandrun.vocabulary import IslandView, ModelOffer, Ppm, Reachability, Tier
from tests.islands_seen import island_seen

OFFER = ModelOffer("m", 8_000, Ppm(700_000))
figures = st.integers(0, 10**9)
tokens = st.integers(0, 10_000_000)

paces = st.builds(
    ModelPace,
    model=st.sampled_from(("m", "other")),
    samples=st.integers(0, 10**6),
    first_token_p50_ms=figures,
    first_token_p95_ms=figures,
    token_p50_us=figures,
    token_p95_us=figures,
    base_ms=figures,
    prefill_ns=figures,
    token_us=figures,
    crowd_us=figures,
)
loads = st.builds(
    Load,
    running=st.integers(0, 50),
    waiting=st.integers(0, 50),
    requests_max=st.integers(0, 20),
    first_token_ms=figures,
    token_us=figures,
    models=st.lists(paces, max_size=2).map(tuple),
)
views = st.builds(
    lambda load, tier, room, round_trip_ms, reach, is_local: replace(
        island_seen(models=(OFFER,)),
        load=load,
        tier=tier,
        requests_max=room,
        round_trip_ms=round_trip_ms,
        reachability=reach,
        is_local=is_local,
    ),
    st.none() | loads,
    st.sampled_from(tuple(Tier)),
    st.integers(0, 20),
    st.integers(0, 10_000),
    st.sampled_from(tuple(Reachability)),
    st.booleans(),
)


def whole_ms(view: IslandView, n: int = 1_000, m: int = 300) -> int:
    return pace_of(view, OFFER).expect(n, m).whole_ms


@settings(deadline=None)
@given(st.lists(views, min_size=1, max_size=4), tokens, tokens)
def test_the_columns_of_a_fleet_say_what_each_island_says_alone(
    seen: list[IslandView], n: int, m: int
) -> None:
    models = (OFFER, ModelOffer("other", 8_000, Ppm(100_000)))
    numbered = [replace(view, id=island_seen(at).id, models=models) for at, view in enumerate(seen)]
    fleet = fleet_of(numbered)
    offers = fleet.register.offers(needs_documents=False)
    for turn, name in enumerate(("m", "other")):
        rows = offers.first_row + turn
        assert [offers.names[row] for row in rows] == [name] * len(numbered)
        together = latencies_ms(fleet, offers, rows, n, m)
        alone = [pace_of(view, models[turn]).expect(n, m).whole_ms for view in numbered]
        assert together.tolist() == alone


def test_a_task_that_turns_the_order_of_models_round_leaves_each_its_pace() -> None:
    coder = ModelOffer("b-code-3b", 8_000, Ppm(100_000), is_extractive=True)
    plain = ModelOffer("a", 8_000, Ppm(0))
    quick = ModelPace("a", base_ms=50, token_us=1_000, samples=ENOUGH_SAMPLES, token_p50_us=1_000)
    told = Load(0, 0, 4, 500, 5_000, models=(quick,))
    fleet = fleet_of([replace(island_seen(), models=(plain, coder), load=told)])
    for worth in ({"a": 0, "b-code-3b": 1}, {"a": 1, "b-code-3b": 0}):
        offers = offers_of(fleet.islands, False, lambda offer, worth=worth: Ppm(worth[offer.name]))
        row = np.array([offers.names.index("a")])
        expected = pace_of(fleet.islands[0], plain).expect(10, 10).whole_ms
        assert latencies_ms(fleet, offers, row, 10, 10).tolist() == [expected]


@settings(deadline=None)
@given(views, tokens, tokens, tokens, tokens)
def test_more_tokens_never_take_less_time(view: IslandView, n: int, m: int, more_n: int, more_m: int) -> None:
    pace = pace_of(view, OFFER)
    less, more = pace.expect(n, m), pace.expect(n + more_n, m + more_m)
    assert less.until_first_ms <= more.until_first_ms
    assert 0 <= less.whole_ms <= more.whole_ms <= LATENCY_MS_MAX


@settings(deadline=None)
@given(views, st.integers(0, 50), st.integers(0, 50), st.integers(0, 5_000))
def test_a_longer_queue_or_way_never_takes_less_time(
    view: IslandView, running: int, waiting: int, slower_ms: int
) -> None:
    busier = view
    if view.load is not None:
        load = view.load
        busier = replace(
            view, load=replace(load, running=load.running + running, waiting=load.waiting + waiting)
        )
    assert whole_ms(view) <= whole_ms(busier)
    assert whole_ms(view) <= whole_ms(replace(view, round_trip_ms=view.round_trip_ms + slower_ms))


@settings(deadline=None)
@given(views)
def test_while_a_place_is_free_nobody_waits(view: IslandView) -> None:
    busy = view.load.running + view.load.waiting if view.load else 0
    has_room = busy < places(view)
    assert (pace_of(view, OFFER).expect(0, 300).wait_ms == 0) or not has_room


@settings(deadline=None)
@given(st.sampled_from(tuple(Tier)), st.integers(0, 10**6), figures)
def test_a_measure_counts_by_its_number_of_answers(tier: Tier, samples: int, base_ms: int) -> None:
    measured = ModelPace("m", samples, base_ms=base_ms, token_p50_us=1)
    view = replace(island_seen(models=(OFFER,)), tier=tier, load=Load(0, 0, 4, 0, 0, models=(measured,)))
    found, prior = pace_of(view, OFFER).base_ms, PRIORS[tier].base_ms
    assert min(base_ms, prior) <= found <= max(base_ms, prior)
    if samples >= ENOUGH_SAMPLES:
        assert found == base_ms
    if not samples:
        assert found == prior
