"""What a model name means on an island, and which of its models runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from islandrun.agents import AGENTS, ResourceAgent, TrustAgent
from islandrun.agents.agent import VetoReason, case_of, share
from islandrun.agents.fleet import fleet_of
from islandrun.agents.models import is_model_known, pick
from islandrun.agents.offers import quality_ppm
from islandrun.agents.policy import RoutingPolicy
from islandrun.agents.question import Question
from islandrun.privacy.sensitivity import Assessment
from islandrun.vocabulary import (
    Hints,
    Instant,
    IslandId,
    IslandView,
    ModelOffer,
    Ppm,
    PublicKey,
    Reachability,
    Standing,
    Tier,
    TrustScore,
)

PUBLIC = Assessment(findings=((),), topics=(), sensitivity_ppm=Ppm(0), reasons=())
SMALL = ModelOffer("small", 4_000, Ppm(400_000))
BIG = ModelOffer("big", 8_000, Ppm(700_000), 1_000_000, 2_000_000, supports_tools=True)
QUOTER = ModelOffer("quoter", 100_000, Ppm(900_000), is_extractive=True)

GPU_BOX = IslandView(
    id=IslandId("abcdefgh" + "a" * 44),
    key=PublicKey(b"k" * 32),
    name="gpu-box",
    tier=Tier.EDGE,
    group="family",
    jurisdictions=(),
    standing=Standing.ADMITTED,
    reachability=Reachability.ALIVE,
    trust=TrustScore(Ppm(800_000)),
    models=(SMALL, BIG, QUOTER),
    data_sets=(),
    endpoints=("127.0.0.1:1",),
    requests_max=2,
    load=None,
    round_trip_ms=1,
    attested_until_ms=10**15,
    admitted_until_ms=10**15,
)


def question(model: str, **changes: object) -> Question:
    plain = Question(
        request_id="r",
        assessment=PUBLIC,
        model=model,
        hints=Hints(),
        input_tokens=100,
        output_tokens=300,
        policy=RoutingPolicy(),
        now=Instant(0.0, 1_000),
    )
    return replace(plain, **changes)


def picked(model: str, island: IslandView = GPU_BOX, **changes: object) -> str:
    return pick(question(model, **changes), fleet_of((island,))).model(0)


def reasons(model: str, island: IslandView = GPU_BOX, **changes: object) -> list[VetoReason]:
    case = case_of(question(model, **changes), fleet_of((island,)))
    return [veto.reason for agent in (TrustAgent(), ResourceAgent()) for veto in agent.judge(case).vetoes(0)]


def is_called(word: str) -> bool:
    return fleet_of((GPU_BOX,)).register.called(word) == (0,)


def test_a_concrete_name_is_that_model_or_missing():
    assert picked("small") == "small"
    assert reasons("small") == []
    assert picked("smal") == ""
    assert reasons("smal") == [VetoReason.MODEL_MISSING]


@pytest.mark.parametrize("alias", ["islandrun/auto", "islandrun/private", ""])
def test_an_alias_takes_the_best_model_and_no_quoter_for_a_general_question(alias: str):
    assert picked(alias) == "big"
    assert reasons(alias) == []


def test_a_request_with_documents_may_take_the_quoter():
    assert picked("islandrun/auto", hints=Hints(data_sets=("contracts",))) == "quoter"
    assert quality_ppm(QUOTER, needs_documents=True) == 900_000
    assert quality_ppm(QUOTER, needs_documents=False) == 225_000
    assert quality_ppm(BIG, needs_documents=False) == 700_000


def test_equal_quality_goes_to_the_lower_name():
    twin = replace(BIG, name="also-big")
    island = replace(GPU_BOX, models=(BIG, twin))
    assert picked("islandrun/auto", island) == "also-big"


def test_context_counts_prompt_and_answer():
    assert picked("islandrun/auto", input_tokens=7_700) == "big"
    assert picked("islandrun/auto", input_tokens=7_701) == "quoter"
    assert reasons("big", input_tokens=7_701) == [VetoReason.CONTEXT_TOO_LONG]
    assert reasons("islandrun/auto", input_tokens=99_701) == [VetoReason.CONTEXT_TOO_LONG]


def test_tools_need_a_model_that_has_them():
    assert picked("islandrun/auto", needs_tools=True) == "big"
    assert reasons("small", needs_tools=True) == [VetoReason.MODALITY]
    assert reasons("small", needs_tools=True, input_tokens=9_000) == [
        VetoReason.CONTEXT_TOO_LONG,
        VetoReason.MODALITY,
    ]
    # One model has the tools, another the room, none has both.
    assert reasons("islandrun/auto", needs_tools=True, input_tokens=9_000) == [VetoReason.MODALITY]


def test_auto_prefers_a_model_within_the_budget():
    assert picked("islandrun/auto", hints=Hints(cost_max_microusd=699)) == "small"
    assert picked("islandrun/auto", hints=Hints(cost_max_microusd=700)) == "big"
    assert picked("islandrun/auto", policy=RoutingPolicy(cost_max_microusd=0)) == "small"


def test_an_island_can_be_named_by_name_id_or_long_prefix():
    assert is_called("gpu-box")
    assert is_called(GPU_BOX.id)
    assert is_called("ABCDEFGH")
    assert not is_called("abcdefg")
    assert not is_called("gpu")
    assert not is_called("GPU-BOX")
    assert not is_called(GPU_BOX.id + "a")


def test_a_model_at_an_island_excludes_all_others():
    assert reasons("small@gpu-box") == []
    assert picked("small@gpu-box") == "small"
    assert picked("islandrun/auto@abcdefgh") == "big"
    assert reasons("small@elsewhere") == [VetoReason.CLIENT_HINT]
    assert reasons("other@gpu-box") == [VetoReason.MODEL_MISSING]


def test_a_model_whose_own_name_has_an_at_sign_is_found_as_it_is():
    island = replace(GPU_BOX, models=(replace(SMALL, name="small@v2"),))
    assert reasons("small@v2", island) == []
    assert picked("small@v2", island) == "small@v2"


def test_local_means_this_node_and_never_a_cloud():
    here = replace(GPU_BOX, is_local=True)
    assert reasons("islandrun/local", here) == []
    assert reasons("islandrun/local") == [VetoReason.CLIENT_HINT]
    assert reasons("islandrun/local", replace(here, tier=Tier.CLOUD)) == [VetoReason.TIER_EXCLUDED]


def test_private_excludes_clouds_only():
    assert reasons("islandrun/private", replace(GPU_BOX, tier=Tier.PERSONAL)) == []
    assert reasons("islandrun/private", replace(GPU_BOX, tier=Tier.CLOUD)) == [VetoReason.TIER_EXCLUDED]


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("small", True),
        ("nothing", False),
        ("islandrun/auto", True),
        ("islandrun/else", False),
        ("small@gpu-box", True),
        ("islandrun/local@gpu-box", True),
        ("small@nowhere", False),
        ("nothing@gpu-box", False),
        ("", True),
    ],
)
def test_known_models(model: str, known: bool):
    assert is_model_known(fleet_of((GPU_BOX,)), model) is known


def test_details_never_echo_what_a_client_wrote():
    case = case_of(question("my secret name"), fleet_of((GPU_BOX,)))
    details = [veto.detail for agent in AGENTS for veto in agent.judge(case).vetoes(0)]
    assert details == ["none of its 3 models is the one asked for"]


def test_shares():
    assert [share(ppm) for ppm in (0, 400_000, 599_999, 1_000_000, 10)] == [
        "0.00", "0.40", "0.599999", "1.00", "0.00001",
    ]  # fmt: skip
