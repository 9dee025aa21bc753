"""What must hold for every snapshot of a mesh and every question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.agents import AGENTS
from islandrun.agents.agent import Objective, case_of
from islandrun.agents.fleet import fleet_of
from islandrun.agents.policy import PROFILES, RoutingPolicy, Weights
from islandrun.agents.question import Question
from islandrun.errors import Unreachable
from islandrun.privacy.sensitivity import Assessment, Topic
from islandrun.routing import choose as choosing
from islandrun.routing.decision import Decision
from islandrun.routing.route import ATTEMPTS_MAX, Route
from islandrun.routing.scoring import scale_of, totals_ppm
from islandrun.vocabulary import (
    DataSetOffer,
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

NOW = Instant(0.0, 1_000)
FLOORS = (0, 200_000, 250_000, 500_000, 600_000, 800_000, 850_000, 1_000_000)

floors = st.sampled_from(FLOORS).map(Ppm)
mostly_true = st.sampled_from((True, True, True, False))


@st.composite
def models(draw: st.DrawFn) -> ModelOffer:
    return ModelOffer(
        name=draw(st.sampled_from(("a", "b", "c"))),
        context_tokens_max=draw(st.sampled_from((300, 8_000))),
        quality_ppm=Ppm(draw(st.integers(0, 10)) * 100_000),
        input_price_microusd=draw(st.sampled_from((0, 3_000_000))),
        output_price_microusd=draw(st.sampled_from((0, 15_000_000))),
        supports_tools=draw(st.booleans()),
        is_extractive=draw(st.booleans()),
    )


loads = st.builds(
    Load,
    running=st.integers(0, 5),
    waiting=st.integers(0, 9),
    requests_max=st.integers(1, 4),
    first_token_ms=st.sampled_from((50, 500)),
    token_us=st.sampled_from((1_000, 30_000)),
)


@st.composite
def islands(draw: st.DrawFn, number: int) -> IslandView:
    sound = draw(mostly_true)
    return IslandView(
        id=IslandId(f"{number:08d}" + "a" * 44),
        key=PublicKey(number.to_bytes(32, "big")),
        name=f"island-{number}",
        tier=draw(st.sampled_from(tuple(Tier))),
        group=draw(st.sampled_from(("family", "work"))),
        jurisdictions=draw(st.sampled_from((("DE",), ("US",), ("DE", "US"), ()))),
        standing=Standing.ADMITTED if sound else draw(st.sampled_from(tuple(Standing))),
        reachability=Reachability.ALIVE if sound else draw(st.sampled_from(tuple(Reachability))),
        trust=TrustScore(draw(floors)),
        models=tuple(draw(st.lists(models(), min_size=1, max_size=3, unique_by=lambda offer: offer.name))),
        data_sets=tuple(
            DataSetOffer(name, 1, 1, draw(floors))
            for name in draw(st.sampled_from(((), ("x",), ("y",), ("x", "y"))))
        ),
        endpoints=(),
        requests_max=draw(st.sampled_from((0, 1, 4))) if not sound else 4,
        load=draw(st.none() | loads),
        round_trip_ms=draw(st.sampled_from((0, 20))),
        attested_until_ms=2_000 if sound else draw(st.sampled_from((0, 2_000))),
        admitted_until_ms=2_000,
        is_local=draw(st.booleans()),
        is_self=number == 0 and draw(st.booleans()),
    )


@st.composite
def meshes(draw: st.DrawFn) -> tuple[IslandView, ...]:
    return tuple(draw(islands(number)) for number in range(draw(st.integers(0, 8))))


@st.composite
def assessments(draw: st.DrawFn) -> Assessment:
    found = tuple(
        Finding(at, at + 1, draw(st.sampled_from(tuple(FindingType))), Ppm(900_000), draw(floors), "rule")
        for at in range(draw(st.integers(0, 3)))
    )
    topics = []
    for number in range(draw(st.integers(0, 2))):
        floor = draw(floors)
        topics.append(Topic(f"topic-{number}", floor, Ppm(min(floor, draw(floors)))))
    return assessed((found,), tuple(topics))


def assessed(found: tuple[tuple[Finding, ...], ...], topics: tuple[Topic, ...]) -> Assessment:
    highest = [finding.floor_ppm for text in found for finding in text] + [
        topic.floor_ppm for topic in topics
    ]
    return Assessment(found, topics, Ppm(max(highest, default=0)), ())


hints = st.builds(
    Hints,
    jurisdictions=st.sampled_from(((), ("DE",), ("DE", "US"))),
    only=st.sampled_from(((), (), ("island-1", "00000002"))),
    ignore=st.sampled_from(((), ("island-0",))),
    tiers=st.sampled_from(((), (Tier.PERSONAL, Tier.EDGE), (Tier.CLOUD,))),
    cost_max_microusd=st.sampled_from((None, 0, 4_000)),
    deadline_ms=st.sampled_from((None, 5_000, 50_000)),
    data_sets=st.sampled_from(((), (), ("x",), ("x", "y"))),
    profile=st.sampled_from(("", *PROFILES)),
)

questions = st.builds(
    Question,
    request_id=st.just("r"),
    assessment=assessments(),
    model=st.sampled_from(
        ("islandrun/auto",) * 4 + ("islandrun/local", "islandrun/private", "a", "a@island-1")
    ),
    hints=hints,
    input_tokens=st.sampled_from((10, 1_000)),
    output_tokens=st.sampled_from((10, 300)),
    policy=st.builds(RoutingPolicy, local_band_ppm=st.sampled_from((0, 100_000, 300_000)).map(Ppm)),
    now=st.just(NOW),
    needs_tools=st.sampled_from((False, False, True)),
    my_group=st.just("family"),
)


Vector = tuple[int, ...]


def is_dominated(vector: Vector, by: Vector) -> bool:
    """Say whether `by` is nowhere worse than `vector` and somewhere better."""
    return by != vector and all(one <= other for one, other in zip(by, vector, strict=True))


def choose(question: Question, mesh: Sequence[IslandView]) -> Decision:
    return choosing.choose(question, fleet_of(mesh))


def eligible(decision: Decision) -> set[IslandId]:
    return {report.island for report in decision.reports if not report.vetoes}


@settings(deadline=None, max_examples=150)
@given(question=questions, mesh=meshes())
def test_the_chosen_has_no_veto_and_is_trusted_with_what_it_sees(question, mesh):
    decision = choose(question, mesh)
    assert len(decision.reports) == len(mesh)
    assert (decision.chosen is None) == (not eligible(decision))
    if decision.chosen is None:
        return
    island = next(view for view in mesh if view.id == decision.chosen.island)
    case = case_of(question, fleet_of((island,)))
    assert all(not agent.judge(case).vetoes(0) for agent in AGENTS)
    assert island.trust.ppm >= question.assessment.visible_ppm(island.trust.ppm)
    assert island.trust.ppm > 0
    assert island.standing is Standing.ADMITTED
    for finding in question.assessment.findings[0]:
        assert finding.floor_ppm <= island.trust.ppm or decision.chosen.masked
    for name in question.hints.data_sets:
        offer = next(offer for offer in island.data_sets if offer.name == name)
        assert island.trust.ppm >= offer.sensitivity_ppm


@settings(deadline=None, max_examples=150)
@given(question=questions, mesh=meshes(), seed=st.randoms(use_true_random=False))
def test_the_order_of_the_islands_does_not_matter(question, mesh, seed):
    shuffled = list(mesh)
    seed.shuffle(shuffled)
    assert choose(question, shuffled) == choose(question, mesh)


TIGHTENINGS = (
    lambda h: replace(h, jurisdictions=tuple(p for p in h.jurisdictions if p == "DE") or ("DE",)),
    lambda h: replace(h, only=h.only[:1] or ("island-1",)),
    lambda h: replace(h, ignore=(*h.ignore, "island-2")),
    lambda h: replace(h, tiers=tuple(t for t in h.tiers if t is not Tier.CLOUD) or h.tiers or (Tier.EDGE,)),
    lambda h: replace(h, cost_max_microusd=min(h.cost_max_microusd or 0, 2_000)),
    lambda h: replace(h, deadline_ms=(h.deadline_ms or 10_000) // 2),
    lambda h: replace(h, data_sets=tuple(sorted({*h.data_sets, "y"}))),
)


@settings(deadline=None, max_examples=200)
@given(question=questions, mesh=meshes(), tighten=st.sampled_from(TIGHTENINGS))
def test_tightening_a_hint_never_adds_an_island(question, mesh, tighten):
    tighter = replace(question, hints=tighten(question.hints))
    assert eligible(choose(tighter, mesh)) <= eligible(choose(question, mesh))


@settings(deadline=None, max_examples=150)
@given(question=questions, mesh=meshes(), raised=floors)
def test_more_sensitivity_never_adds_an_island(question, mesh, raised):
    known = question.assessment
    topics = (*known.topics, Topic("more", raised, raised))
    more = replace(question, assessment=assessed(known.findings, topics))
    higher = tuple(
        Topic(t.name, max(t.floor_ppm, raised), max(t.masked_floor_ppm, raised)) for t in known.topics
    )
    assert eligible(choose(more, mesh)) <= eligible(choose(question, mesh))
    same = replace(question, assessment=assessed(known.findings, higher))
    assert eligible(choose(same, mesh)) <= eligible(choose(question, mesh))


@settings(deadline=None, max_examples=150)
@given(question=questions, mesh=meshes(), number=st.integers(0, 7))
def test_less_trust_never_adds_an_island(question, mesh, number):
    lower = tuple(
        replace(view, trust=TrustScore(Ppm(view.trust.ppm // 2))) if at == number else view
        for at, view in enumerate(mesh)
    )
    # What is masked for less trust may be all that kept an island out, so this holds for what
    # cannot be masked: without findings, and with topics that masking does not soften.
    topics = tuple(Topic(t.name, t.floor_ppm, t.floor_ppm) for t in question.assessment.topics)
    fixed = replace(question, assessment=assessed(((),), topics))
    assert eligible(choose(fixed, lower)) <= eligible(choose(fixed, mesh))


def nearness(view: IslandView) -> tuple[int, bool, bool]:
    return (view.tier, not view.is_self, not view.is_local)


@settings(deadline=None, max_examples=200)
@given(question=questions, mesh=meshes())
def test_a_dominated_island_wins_only_by_being_nearer_within_the_band(question, mesh):
    """The chosen one is within the band; each eligible island that dominates it is farther away."""
    decision = choose(question, mesh)
    if decision.chosen is None:
        return
    views = {view.id: view for view in mesh}
    ranked = [report for report in decision.reports if report.rank]
    vectors = {report.island: vector_of(question, views[report.island]) for report in ranked}
    best = min(report.total_ppm for report in ranked)
    assert decision.chosen.total_ppm <= best + question.policy.local_band_ppm
    mine = decision.chosen.island
    for other, vector in vectors.items():
        if is_dominated(vectors[mine], by=vector):
            assert nearness(views[mine]) < nearness(views[other])


def vector_of(question: Question, view: IslandView) -> Vector:
    case = case_of(question, fleet_of((view,)))
    scores = {name: int(column[0]) for agent in AGENTS for name, column in agent.judge(case).scores}
    return tuple(scores[objective] for objective in Objective)


vectors_of_all = st.lists(st.tuples(*[st.integers(0, 5)] * 4), min_size=1, max_size=20)
all_weights = st.tuples(*[st.integers(0, 3)] * 4).filter(any).map(lambda parts: Weights(*parts))


@settings(deadline=None, max_examples=250)
@given(vectors=vectors_of_all, weights=all_weights)
def test_the_least_total_is_on_the_pareto_front(vectors, weights):
    """Also where an objective weighs nothing and where rounding makes totals equal."""
    columns = np.array(vectors, dtype=np.int64).T
    totals = totals_ppm(columns, scale_of(columns), weights).tolist()
    _, best = min(zip(totals, vectors, strict=True))
    assert not any(is_dominated(best, by=other) for other in vectors)
    assert all(0 <= total <= 1_200_000 for total in totals)


@settings(deadline=None, max_examples=200)
@given(question=questions, mesh=meshes())
def test_what_failed_is_never_chosen_again_and_nothing_is_widened(question, mesh):
    path = Route(question)
    decision = path.start(fleet_of(mesh), NOW)
    allowed = eligible(decision)
    tried: list[IslandId] = []
    while decision is not None and decision.chosen is not None:
        assert decision.chosen.island not in tried
        assert decision.chosen.island in allowed
        tried.append(decision.chosen.island)
        decision = path.failed(tried[-1], Unreachable("no connection"), fleet_of(mesh), NOW)
        if decision is not None:
            assert eligible(decision) == allowed - set(tried)
    assert len(tried) <= ATTEMPTS_MAX
    assert len(tried) == min(len(allowed), ATTEMPTS_MAX)
