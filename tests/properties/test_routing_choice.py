"""What must hold for every snapshot of a mesh and every question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.agents import AGENTS
from islandrun.agents.agent import case_of
from islandrun.agents.fleet import fleet_of
from islandrun.agents.policy import Weights
from islandrun.agents.question import Question
from islandrun.errors import Unreachable
from islandrun.privacy.sensitivity import Topic
from islandrun.routing import choose as choosing
from islandrun.routing.decision import Decision
from islandrun.routing.route import ATTEMPTS_MAX, Route
from islandrun.routing.scoring import scale_of, totals_ppm
from islandrun.vocabulary import IslandId, IslandView, Ppm, Standing, Tier, TrustScore
from tests.properties import naive_choice as naive
from tests.properties.any_mesh import NOW, assessed, floors, islands, meshes, questions
from tests.properties.naive_choice import is_dominated, nearness, vector_of


def choose(question: Question, mesh: Sequence[IslandView]) -> Decision:
    return choosing.choose(question, fleet_of(mesh))


def eligible(decision: Decision) -> set[IslandId]:
    return {report.island for report in decision.reports if not report.vetoes}


@settings(deadline=None, max_examples=120)
@given(question=questions, mesh=meshes())
def test_a_fleet_is_judged_as_each_island_would_be_by_itself(question, mesh):
    check_against_the_naive_one(question, mesh)


@pytest.mark.long
@pytest.mark.timeout(1_200)
@settings(deadline=None, max_examples=10_000)
@given(question=questions, mesh=meshes())
def test_ten_thousand_fleets_are_judged_as_each_island_would_be_by_itself(question, mesh):
    check_against_the_naive_one(question, mesh)


def check_against_the_naive_one(question: Question, mesh: Sequence[IslandView]) -> None:
    """Compare every report, word for word, and so the choice."""
    decision = choose(question, mesh)
    expected = naive.reports(question, mesh)
    assert list(decision.reports) == expected
    ranked = [report for report in expected if report.rank]
    assert decision.chosen == (ranked[0] if ranked else None)
    if ranked:
        assert decision.masked == (
            naive.seen_by(question.assessment, ranked[0].trust_ppm).masked if ranked[0].masked else ()
        )


@settings(deadline=None, max_examples=50)
@given(question=questions, mesh=meshes(), other=islands(1))
def test_a_fleet_that_changed_is_the_fleet_made_anew(question, mesh, other):
    if len(mesh) < 2:
        return
    changed = fleet_of(mesh).with_changes({other.id: other})
    anew = fleet_of((*mesh[:1], other, *mesh[2:]))
    assert choosing.choose(question, changed) == choosing.choose(question, anew)


@settings(deadline=None, max_examples=80)
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


@settings(deadline=None, max_examples=80)
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


@settings(deadline=None, max_examples=80)
@given(question=questions, mesh=meshes(), tighten=st.sampled_from(TIGHTENINGS))
def test_tightening_a_hint_never_adds_an_island(question, mesh, tighten):
    tighter = replace(question, hints=tighten(question.hints))
    assert eligible(choose(tighter, mesh)) <= eligible(choose(question, mesh))


@settings(deadline=None, max_examples=80)
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


@settings(deadline=None, max_examples=80)
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


@settings(deadline=None, max_examples=80)
@given(question=questions, mesh=meshes())
def test_a_dominated_island_wins_only_by_being_nearer_within_the_band(question, mesh):
    """The chosen one is within the band; each eligible island that dominates it is farther away.

    A habit may keep one that is a little worse, so there is none here.
    """
    decision = choose(replace(question, last=IslandId("")), mesh)
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


@settings(deadline=None, max_examples=80)
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
