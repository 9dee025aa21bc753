"""Each agent's vetoes and scores, one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from islandrun.agents import (
    AGENTS,
    CostAgent,
    Objective,
    PolicyAgent,
    PrivacyAgent,
    ResourceAgent,
    TrustAgent,
)
from islandrun.agents.agent import Agent, VetoReason, case_of
from islandrun.agents.fleet import fleet_of
from islandrun.agents.latency import SUSPECT_PENALTY_MS
from islandrun.agents.policy import PROFILES_MAX, RoutingPolicy, Weights
from islandrun.agents.question import Question
from islandrun.agents.resources import WAITING_MAX
from islandrun.errors import ConfigError
from islandrun.privacy.sensitivity import Assessment, Topic
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

EMAIL = Finding(0, 5, FindingType.EMAIL, Ppm(990_000), Ppm(600_000), "rule")
HEALTH = Assessment(
    findings=((EMAIL,),),
    topics=(Topic("health", Ppm(850_000), Ppm(500_000)),),
    sensitivity_ppm=Ppm(850_000),
    reasons=("EMAIL x1 (confidential)", "topic health"),
)
NO_WISH = Hints()
PUBLIC = Assessment(findings=((),), topics=(), sensitivity_ppm=Ppm(0), reasons=())

ISLAND = IslandView(
    id=IslandId("abcdefgh" + "a" * 44),
    key=PublicKey(b"k" * 32),
    name="gpu-box",
    tier=Tier.EDGE,
    group="family",
    jurisdictions=("DE",),
    standing=Standing.ADMITTED,
    reachability=Reachability.ALIVE,
    trust=TrustScore(Ppm(800_000)),
    models=(ModelOffer("m", 8_000, Ppm(700_000), 1_000_000, 2_000_000),),
    data_sets=(DataSetOffer("contracts", 3, 100, Ppm(900_000)), DataSetOffer("recipes", 3, 100, Ppm(0))),
    endpoints=("127.0.0.1:1",),
    requests_max=2,
    load=Load(running=0, waiting=0, requests_max=2, first_token_ms=200, token_us=10_000),
    round_trip_ms=5,
    attested_until_ms=2_000,
    admitted_until_ms=3_000,
)


def question(assessment: Assessment = PUBLIC, hints: Hints = NO_WISH, **changes: object) -> Question:
    plain = Question(
        request_id="r",
        assessment=assessment,
        model="m",
        hints=hints,
        input_tokens=100,
        output_tokens=300,
        policy=RoutingPolicy(),
        now=Instant(0.0, 1_000),
        my_group="family",
    )
    return replace(plain, **changes)


def vetoes(asked: Question | None = None, **changes: object) -> list[tuple[VetoReason, str]]:
    case = case_of(asked or question(), fleet_of((replace(ISLAND, **changes),)))
    return [(veto.reason, veto.detail) for agent in AGENTS for veto in agent.judge(case).vetoes(0)]


def reasons(asked: Question | None = None, **changes: object) -> list[VetoReason]:
    return [reason for reason, _ in vetoes(asked, **changes)]


def scores(agent: Agent, asked: Question, island: IslandView) -> dict[Objective, int]:
    opinion = agent.judge(case_of(asked, fleet_of((island,))))
    return {objective: int(column[0]) for objective, column in opinion.scores}


def latency_ms(asked: Question, island: IslandView) -> int:
    return scores(ResourceAgent(), asked, island)[Objective.LATENCY_MS]


def test_a_good_island_has_no_veto_and_all_scores():
    assert reasons() == []
    found = {}
    for agent in AGENTS:
        found |= scores(agent, question(), ISLAND)
    assert found == {
        Objective.COST_MICROUSD: 700,
        Objective.LATENCY_MS: 200 + 3_000 + 5,
        Objective.EXPOSURE_PPM: 0,
        Objective.QUALITY_LOSS_PPM: 300_000,
    }


def test_agents_have_names_and_sign_their_opinions():
    agents = (TrustAgent(), PolicyAgent(), PrivacyAgent(), ResourceAgent(), CostAgent())
    assert [agent.name for agent in agents] == [agent.name for agent in AGENTS]
    case = case_of(question(), fleet_of((ISLAND,)))
    assert all(agent.judge(case).agent == agent.name for agent in AGENTS)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"standing": Standing.REVOKED}, [VetoReason.REVOKED]),
        ({"standing": Standing.UNKNOWN}, [VetoReason.NOT_ADMITTED]),
        ({"standing": Standing.EXPIRED}, [VetoReason.STALE_ATTESTATION]),
        ({"attested_until_ms": 999}, [VetoReason.STALE_ATTESTATION]),
        ({"attested_until_ms": 1_000}, []),
        ({"admitted_until_ms": 999}, [VetoReason.STALE_ATTESTATION]),
        ({"reachability": Reachability.UNREACHABLE}, [VetoReason.UNREACHABLE]),
        ({"reachability": Reachability.AWAY}, [VetoReason.UNREACHABLE]),
        ({"reachability": Reachability.SUSPECT}, []),
        ({"trust": TrustScore(Ppm(0))}, [VetoReason.TRUST_BELOW_SENSITIVITY]),
        ({"requests_max": 0}, [VetoReason.NO_CAPACITY]),
    ],
)
def test_what_is_wrong_with_an_island(changes: dict[str, object], expected: list[VetoReason]):
    assert reasons(**changes) == expected


def test_trust_is_compared_with_what_stays_visible():
    assert reasons(question(HEALTH)) == []
    assert vetoes(question(HEALTH), trust=TrustScore(Ppm(400_000))) == [
        (VetoReason.TRUST_BELOW_SENSITIVITY, "trust 0.40 < 0.50 still visible after masking")
    ]
    assert reasons(question(HEALTH), trust=TrustScore(Ppm(500_000))) == []
    assert reasons(question(HEALTH), trust=TrustScore(Ppm(499_999))) == [VetoReason.TRUST_BELOW_SENSITIVITY]


def test_exposure_counts_by_tier_and_not_at_home():
    def exposure(**changes: object) -> int:
        return scores(PrivacyAgent(), question(HEALTH), replace(ISLAND, **changes))[Objective.EXPOSURE_PPM]

    cloud = exposure(tier=Tier.CLOUD)
    assert cloud == HEALTH.exposure_ppm(Ppm(800_000)) > 0
    assert exposure() == cloud // 2
    assert exposure(tier=Tier.PERSONAL, group="guests") == cloud // 4
    assert exposure(tier=Tier.PERSONAL) == 0
    assert exposure(is_self=True) == 0


def test_residency_needs_every_place_to_be_allowed():
    german = Hints(jurisdictions=("DE", "FR"))
    assert reasons(question(hints=german)) == []
    assert reasons(question(hints=german), jurisdictions=("DE", "US")) == [VetoReason.RESIDENCY]
    assert reasons(question(hints=german), jurisdictions=()) == [VetoReason.RESIDENCY]
    owner = RoutingPolicy(jurisdictions=("US",))
    assert reasons(question(policy=owner)) == [VetoReason.RESIDENCY]
    # A hint cannot give back what the owner takes.
    assert reasons(question(policy=owner, hints=german)) == [VetoReason.RESIDENCY]


def test_tiers_and_names_can_be_excluded():
    assert reasons(question(hints=Hints(tiers=(Tier.PERSONAL,)))) == [VetoReason.TIER_EXCLUDED]
    assert reasons(question(policy=RoutingPolicy(tiers=(Tier.PERSONAL,)))) == [VetoReason.TIER_EXCLUDED]
    assert reasons(question(hints=Hints(tiers=(Tier.EDGE,)))) == []
    assert reasons(question(hints=Hints(only=("gpu-box",)))) == []
    assert reasons(question(hints=Hints(only=("laptop",)))) == [VetoReason.CLIENT_HINT]
    assert reasons(question(hints=Hints(ignore=("abcdefgh",)))) == [VetoReason.CLIENT_HINT]
    assert reasons(question(hints=Hints(ignore=("abcdefg",)))) == []


def test_documents_are_asked_where_they_lie():
    assert vetoes(question(hints=Hints(data_sets=("recipes", "other")))) == [
        (VetoReason.DATA_ELSEWHERE, "holds 1 of 2 data sets asked for")
    ]
    assert reasons(question(hints=Hints(data_sets=("recipes", "recipes")))) == []


def test_a_holder_must_be_trusted_with_its_documents():
    contracts = question(hints=Hints(data_sets=("contracts", "recipes")))
    assert vetoes(contracts) == [
        (VetoReason.TRUST_BELOW_SENSITIVITY, "trust 0.80 < 0.90 of the data sets asked for")
    ]
    assert reasons(contracts, trust=TrustScore(Ppm(900_000))) == []


def test_budget_is_the_stricter_of_owner_and_client():
    assert vetoes(question(hints=Hints(cost_max_microusd=699))) == [
        (VetoReason.OVER_BUDGET, "700 micro-dollars expected > 699 allowed")
    ]
    assert reasons(question(hints=Hints(cost_max_microusd=700))) == []
    loose, tight = RoutingPolicy(cost_max_microusd=10_000), RoutingPolicy(cost_max_microusd=1)
    assert reasons(question(policy=tight, hints=Hints(cost_max_microusd=700))) == [VetoReason.OVER_BUDGET]
    assert reasons(question(policy=loose, hints=Hints(cost_max_microusd=1))) == [VetoReason.OVER_BUDGET]


def test_a_deadline_counts_the_whole_answer():
    assert reasons(question(hints=Hints(deadline_ms=3_205))) == []
    assert vetoes(question(hints=Hints(deadline_ms=3_204))) == [
        (VetoReason.DEADLINE, "3205 ms expected > 3204 ms allowed")
    ]


def test_load_counts_only_when_no_place_is_free():
    def expected(running: int, waiting: int) -> int:
        load = Load(running, waiting, 2, 200, 10_000)
        return latency_ms(question(), replace(ISLAND, load=load))

    assert expected(0, 0) == expected(1, 0) == 3_205
    assert expected(2, 0) == 3_205 + 3_200 // 2
    assert expected(2, 1) == 3_205 + 3_200
    suspect = replace(ISLAND, reachability=Reachability.SUSPECT)
    assert latency_ms(question(), suspect) == 3_205 + SUSPECT_PENALTY_MS


def test_the_queue_is_bounded():
    def with_waiting(waiting: int) -> list[VetoReason]:
        return reasons(load=Load(2, waiting, 2, 200, 10_000))

    assert with_waiting(WAITING_MAX - 1) == []
    assert with_waiting(WAITING_MAX) == [VetoReason.NO_CAPACITY]
    # The lower of the attested and the measured number of places counts.
    assert reasons(load=Load(2, WAITING_MAX - 1, 9, 200, 10_000), requests_max=1) == [VetoReason.NO_CAPACITY]
    assert reasons(load=Load(0, 0, 0, 200, 10_000)) == [VetoReason.NO_CAPACITY]


def test_without_a_measure_the_tier_stands_in():
    personal, edge, cloud = (latency_ms(question(), replace(ISLAND, load=None, tier=tier)) for tier in Tier)
    assert (personal, edge, cloud) == (400 + 9_000 + 5, 300 + 6_000 + 5, 700 + 3_600 + 5)
    endless = replace(ISLAND, load=Load(0, 0, 2, 10**12, 10**12))
    assert latency_ms(question(), endless) == 86_400_000


def test_what_failed_before_is_out():
    assert reasons(question(failed=(ISLAND.id,))) == [VetoReason.FAILED_BEFORE]


def test_all_reasons_are_reported_together():
    asked = question(
        HEALTH, Hints(jurisdictions=("FR",), cost_max_microusd=1, deadline_ms=1, ignore=("gpu-box",))
    )
    assert reasons(asked, trust=TrustScore(Ppm(100_000)), reachability=Reachability.UNREACHABLE) == [
        VetoReason.RESIDENCY,
        VetoReason.CLIENT_HINT,
        VetoReason.TRUST_BELOW_SENSITIVITY,
        VetoReason.UNREACHABLE,
        VetoReason.DEADLINE,
        VetoReason.OVER_BUDGET,
    ]


def test_a_wrong_policy_says_so():
    with pytest.raises(ConfigError, match="is not defined"):
        RoutingPolicy(default_profile="mine")
    with pytest.raises(ConfigError, match="not all 0"):
        Weights(0, 0, 0, 0)
    with pytest.raises(ConfigError, match="0 to 1,000,000"):
        Weights(-1, 1, 1, 1)
    with pytest.raises(ConfigError, match="local_band_ppm"):
        RoutingPolicy(local_band_ppm=Ppm(-1))
    with pytest.raises(ConfigError, match="cost_max_microusd"):
        RoutingPolicy(cost_max_microusd=-1)
    many = {f"p{number}": Weights(1, 1, 1, 1) for number in range(PROFILES_MAX)}
    with pytest.raises(ConfigError, match="more than"):
        RoutingPolicy(profiles={**many, "balanced": Weights(1, 1, 1, 1)})
