"""The choice: vetoes, scores, front, nearness, and what people are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from islandrun.agents.agent import Objective, VetoReason
from islandrun.agents.fleet import fleet_of
from islandrun.agents.policy import RoutingPolicy, Weights
from islandrun.agents.question import Question
from islandrun.errors import BadRequest
from islandrun.privacy.sensitivity import Assessment, Topic
from islandrun.routing import choose as choosing
from islandrun.routing.decision import REPORTS_MAX, Decision
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

NO_WISH = Hints()
PUBLIC = Assessment(findings=((),), topics=(), sensitivity_ppm=Ppm(0), reasons=())
EMAIL = Finding(0, 5, FindingType.EMAIL, Ppm(990_000), Ppm(600_000), "rule")
WITH_EMAIL = Assessment(
    findings=((EMAIL, replace(EMAIL, start=9, end=12)),),
    topics=(),
    sensitivity_ppm=Ppm(600_000),
    reasons=("EMAIL x2 (confidential)",),
)
HEALTH = Assessment(
    findings=((),),
    topics=(Topic("health", Ppm(850_000), Ppm(600_000)),),
    sensitivity_ppm=Ppm(850_000),
    reasons=("topic health",),
)


def view(number: int, name: str, tier: Tier, trust: int, model: ModelOffer, **changes: object) -> IslandView:
    island = IslandView(
        id=IslandId(f"{number:052d}"),
        key=PublicKey(bytes([number]) * 32),
        name=name,
        tier=tier,
        group="family",
        jurisdictions=("DE",),
        standing=Standing.ADMITTED,
        reachability=Reachability.ALIVE,
        trust=TrustScore(Ppm(trust)),
        models=(model,),
        data_sets=(),
        endpoints=(),
        requests_max=4,
        load=None,
        round_trip_ms=10,
        attested_until_ms=10**15,
        admitted_until_ms=10**15,
    )
    return replace(island, **changes)


LAPTOP = view(
    3,
    "laptop",
    Tier.PERSONAL,
    1_000_000,
    ModelOffer("tiny", 8_000, Ppm(400_000)),
    is_self=True,
    is_local=True,
)
GPU_BOX = view(2, "gpu-box", Tier.EDGE, 800_000, ModelOffer("middle", 8_000, Ppm(600_000)))
CLOUD = view(
    1, "cloud", Tier.CLOUD, 200_000, ModelOffer("huge", 100_000, Ppm(950_000), 3_000_000, 15_000_000)
)
MESH = (LAPTOP, GPU_BOX, CLOUD)


def question(assessment: Assessment = PUBLIC, hints: Hints = NO_WISH, **changes: object) -> Question:
    plain = Question(
        request_id="request-1",
        assessment=assessment,
        model="islandrun/auto",
        hints=hints,
        input_tokens=200,
        output_tokens=300,
        policy=RoutingPolicy(),
        now=Instant(0.0, 1_000),
        my_group="family",
        receipt_id="receipt-1",
    )
    return replace(plain, **changes)


def choose(asked: Question, islands: tuple[IslandView, ...], attempt: int = 1) -> Decision:
    return choosing.choose(asked, fleet_of(islands), attempt=attempt)


def chosen(asked: Question, islands: tuple[IslandView, ...] = MESH) -> str:
    decision = choose(asked, islands)
    assert decision.chosen is not None, decision.summary
    return decision.chosen.name


def test_profiles_pull_in_their_direction():
    assert chosen(question(hints=Hints(profile="fast"))) == "cloud"
    assert chosen(question(hints=Hints(profile="cheap"))) == "laptop"
    assert chosen(question(WITH_EMAIL, Hints(profile="private"))) == "laptop"


def test_an_own_profile_of_the_owner_counts():
    quality_only = RoutingPolicy(profiles={"best": Weights(0, 0, 0, 1)}, default_profile="best")
    assert chosen(question(policy=quality_only)) == "cloud"
    assert choose(question(policy=quality_only), MESH).profile == "best"


def test_equal_totals_never_hide_that_one_island_is_plainly_better():
    quality_only = RoutingPolicy(profiles={"best": Weights(0, 0, 0, 1)}, default_profile="best")
    cheaper = replace(CLOUD, id=IslandId("z" * 52), name="cheaper")
    cheaper = replace(cheaper, models=(replace(CLOUD.models[0], output_price_microusd=14_000_000),))
    assert chosen(question(policy=quality_only), (CLOUD, cheaper)) == "cheaper"


def test_an_unknown_profile_is_the_clients_mistake():
    with pytest.raises(BadRequest, match="use one of balanced, cheap, fast, private") as caught:
        choose(question(hints=Hints(profile="other")), MESH)
    assert caught.value.field == "hints.profile"


def test_a_general_question_prefers_a_language_model_and_documents_are_asked_where_they_lie():
    quoter = ModelOffer("quoter", 100_000, Ppm(600_000), is_extractive=True)
    archive = replace(LAPTOP, models=(quoter,), data_sets=(DataSetOffer("contracts", 9, 9, Ppm(900_000)),))
    islands = (archive, GPU_BOX)
    assert chosen(question(), islands) == "gpu-box"
    assert chosen(question(hints=Hints(data_sets=("contracts",))), islands) == "laptop"


def test_masked_is_said_with_counts_and_types():
    decision = choose(question(WITH_EMAIL, Hints(only=("cloud",))), MESH)
    assert decision.chosen is not None
    assert decision.chosen.masked
    assert decision.chosen.visible_ppm == 0
    assert decision.masked == ((FindingType.EMAIL, 2),)
    assert decision.summary == (
        "cloud (cloud) runs it with huge: trust 0.20, sees 0.00 with 2 masked; 1 of 3 islands could"
    )


def test_enough_trust_sees_it_as_it_is():
    decision = choose(question(WITH_EMAIL, Hints(only=("gpu-box",))), MESH)
    assert decision.chosen is not None
    assert not decision.chosen.masked
    assert decision.chosen.visible_ppm == 600_000
    assert decision.masked == ()
    assert "sees it as it is" in decision.summary


def test_nobody_may_see_is_said_for_each_island():
    decision = choose(question(HEALTH, Hints(only=("cloud",))), (CLOUD,))
    assert decision.chosen is None
    assert decision.summary == "nobody may see this: cloud: trust 0.20 < 0.60 still visible after masking"
    mixed = choose(question(HEALTH, Hints(only=("cloud",))), MESH)
    assert mixed.chosen is None
    assert mixed.summary.startswith(
        "nobody can run this: cloud: trust 0.20 < 0.60 still visible after masking; "
    )
    assert "laptop: not among the 1 islands the client allows" in mixed.summary
    assert [report.rank for report in mixed.reports] == [0, 0, 0]


def test_a_refusal_names_some_islands_and_counts_the_rest():
    many = tuple(replace(CLOUD, id=IslandId(f"{number:052d}"), name=f"c{number}") for number in range(20))
    summary = choose(question(HEALTH), many).summary
    assert summary.endswith("and 12 more islands")
    assert choose(question(), ()).summary == "nobody can run this: the mesh has no islands"


def test_reports_are_ranked_first_and_complete():
    decision = choose(question(hints=Hints(ignore=("laptop",))), MESH)
    assert [report.rank for report in decision.reports] == [1, 2, 0]
    assert decision.reports[-1].name == "laptop"
    assert [veto.reason for veto in decision.reports[-1].vetoes] == [VetoReason.CLIENT_HINT]
    assert decision.reports[-1].normalised == ()
    assert [objective for objective, _ in decision.reports[0].normalised] == list(Objective)
    cloud = next(report for report in decision.reports if report.name == "cloud")
    assert (cloud.model, cloud.cost_microusd, cloud.latency_ms) == ("huge", 5_100, 4_310)
    assert decision.chosen == decision.reports[0]


def test_nearness_wins_within_the_band_and_only_there():
    load = Load(0, 0, 4, 100, 1_000)
    near = replace(
        LAPTOP, models=GPU_BOX.models, load=replace(load, token_us=1_100), is_self=False, is_local=False
    )
    far = replace(GPU_BOX, load=load, round_trip_ms=10)
    decision = choose(question(), (near, far))
    assert decision.chosen is not None
    assert decision.chosen.name == "laptop"
    assert decision.summary.endswith("; nearer than the best by score")
    assert decision.reports[0].total_ppm > decision.reports[1].total_ppm
    assert chosen(question(policy=RoutingPolicy(local_band_ppm=Ppm(0))), (near, far)) == "gpu-box"
    slow = replace(near, load=replace(load, token_us=9_000))
    assert chosen(question(), (slow, far)) == "gpu-box"


def test_equal_islands_are_told_apart_by_nearness_then_id():
    twins = [replace(GPU_BOX, id=IslandId(f"{number:052d}"), name=f"twin-{number}") for number in (5, 4, 6)]
    assert chosen(question(), tuple(twins)) == "twin-4"
    here = replace(twins[2], is_local=True)
    assert chosen(question(), (*twins[:2], here)) == "twin-6"
    myself = replace(twins[0], is_local=True, is_self=True)
    assert chosen(question(), (myself, twins[1], here)) == "twin-5"


def test_leaving_an_island_out_leaves_out_what_it_fronts():
    behind = replace(CLOUD, front=GPU_BOX.id)
    for word in ("gpu-box", GPU_BOX.id):
        decision = choose(question(hints=Hints(ignore=(word, "laptop"))), (LAPTOP, GPU_BOX, behind))
        assert decision.chosen is None
        assert "cloud: the client asked to leave its front out" in decision.summary
    assert chosen(question(hints=Hints(ignore=("laptop", "gpu-box")))) == "cloud"


def test_a_decision_travels_whole():
    decision = choose(question(WITH_EMAIL, Hints(ignore=("laptop",))), MESH, attempt=2)
    pb = decision.to_wire()
    assert (pb.request_id, pb.receipt_id, pb.attempt) == ("request-1", "receipt-1", 2)
    assert pb.sensitivity_class == 3
    assert pb.chosen_name == decision.chosen.name
    read = Decision.from_wire(pb)
    assert read.summary == decision.summary
    assert read.masked == decision.masked
    # Ids in these tests are not hashes of the keys, as real ones are.
    assert [replace(report, island=IslandId("")) for report in read.reports] == [
        replace(report, island=IslandId("")) for report in decision.reports
    ]


def test_only_so_many_candidates_travel_and_the_chosen_is_among_them():
    many = tuple(
        replace(GPU_BOX, id=IslandId(f"{number:052d}"), key=PublicKey(number.to_bytes(32, "big")))
        for number in range(REPORTS_MAX + 50)
    )
    pb = choose(question(), many).to_wire()
    assert len(pb.candidates) == REPORTS_MAX
    assert pb.chosen == pb.candidates[0].island


# ------------------------------------------------------------ scoring


def scaled(*vectors: tuple[int, ...]) -> list[tuple[int, ...]]:
    columns = np.array(vectors, dtype=np.int64).T
    scale = scale_of(columns)
    return [scale.normalise(list(vector)) for vector in vectors]


def total_ppm(vector: tuple[int, ...], weights: Weights) -> int:
    ideal, nadir = (0,) * 4, (1_000_000,) * 4
    columns = np.array([ideal, vector, nadir], dtype=np.int64).T
    return int(totals_ppm(columns, scale_of(columns), weights)[1])


def test_normalise_scales_each_objective_and_leaves_constants_at_zero():
    vectors = (0, 5_000, 7, 100_000), (10_000, 5_000, 7, 900_000), (5_000, 5_000, 7, 500_000)
    assert scaled(*vectors) == [(0, 0, 0, 0), (1_000_000, 0, 0, 1_000_000), (500_000, 0, 0, 500_000)]


def test_a_difference_nobody_notices_does_not_count_fully():
    assert scaled((0, 0, 0, 0), (1, 10, 300, 8_000)) == [(0, 0, 0, 0), (1_000, 10_000, 1_000, 10_000)]


def test_a_total_is_the_worst_weighted_objective_and_a_little_of_all():
    weights = Weights(cost=500_000, latency=250_000, exposure=0, quality=1_000_000)
    assert total_ppm((1_000_000, 1_000_000, 1_000_000, 0), weights) == 500_000 + 37_500
    assert total_ppm((0, 0, 1_000_000, 0), weights) == 0
    # A balanced candidate beats one that is awful in one objective.
    even = Weights(1, 1, 1, 1)
    assert total_ppm((500_000,) * 4, even) < total_ppm((1_000_000, 0, 0, 0), even)
