"""The quality of a model for a task: the owner's word, coarse priors by name, what routing makes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from islandrun.agents.fleet import fleet_of
from islandrun.agents.models import OFFERS_KEPT_MAX, offers_for, pick
from islandrun.agents.policy import RoutingPolicy
from islandrun.agents.quality import STATED_AND_PRIORS, Override, QualityTable, prior_shift_ppm
from islandrun.agents.question import Question
from islandrun.agents.tasks import UNKNOWN_TASK, Task, TaskGuess
from islandrun.privacy.sensitivity import Assessment
from islandrun.routing.choose import choose
from islandrun.routing.decision import Decision
from islandrun.routing.explain import explain_decision
from islandrun.v1 import chat_pb2
from islandrun.vocabulary import (
    Hints,
    Instant,
    IslandView,
    ModelOffer,
    Ppm,
    Standing,
    Tier,
)
from tests.islands_seen import island_seen

PUBLIC = Assessment(findings=((),), topics=(), sensitivity_ppm=Ppm(0), reasons=())
CODE, MATH = (TaskGuess(task, Ppm(900_000)) for task in (Task.CODE, Task.MATH))


def offer(name: str, quality: int = 700_000, *, is_extractive: bool = False) -> ModelOffer:
    return ModelOffer(name, 8_000, Ppm(quality), is_extractive=is_extractive)


def view(number: int, *models: ModelOffer) -> IslandView:
    return island_seen(number, tier=Tier.PERSONAL, models=models)


def question(task: TaskGuess, source: QualityTable = STATED_AND_PRIORS, model: str = "") -> Question:
    policy = RoutingPolicy(quality=source)
    return Question("r", PUBLIC, model, Hints(), 10, 10, policy, Instant(0.0, 10**12), task=task)


def test_the_owners_first_fitting_word_counts() -> None:
    table = QualityTable(
        (
            Override("Qwen*-Coder*", ((Task.CODE, Ppm(950_000)),)),
            Override("qwen*", ((Task.CODE, Ppm(100_000)), (Task.MATH, Ppm(300_000)))),
        )
    )
    assert table.quality_ppm(offer("qwen2.5-coder:7b"), Task.CODE) == 950_000
    assert table.quality_ppm(offer("qwen2.5-coder:7b"), Task.MATH) == 300_000
    assert table.quality_ppm(offer("qwen3"), Task.CODE) == 100_000
    assert table.quality_ppm(offer("llama-70b"), Task.CODE) == 700_000


@pytest.mark.parametrize(
    ("name", "task", "shift"),
    [
        ("llama-3.2-1b", Task.MATH, -150_000),
        ("Llama-3.1-8B-Instruct", Task.MATH, -60_000),
        ("llama-3.1-70b", Task.MATH, 0),
        ("mixtral-8x7b", Task.MATH, -60_000),
        ("gpt-large", Task.MATH, 0),
        ("qwen2.5-coder:32b", Task.CODE, 80_000),
        ("qwen2.5-coder:1.5b", Task.CODE, -20_000),
        ("deepseek-r1:14b", Task.MATH, 40_000),
        ("nllb-200", Task.TRANSLATE, 150_000),
        ("for1-model", Task.MATH, 0),
        ("llama-3.2-1b", Task.CHAT, 0),
    ],
)
def test_priors_by_size_and_kind(name: str, task: Task, shift: int) -> None:
    assert prior_shift_ppm(name, task, is_extractive=False) == shift


def test_a_shifted_quality_stays_in_its_range() -> None:
    assert STATED_AND_PRIORS.quality_ppm(offer("coder", 990_000), Task.CODE) == 1_000_000
    assert STATED_AND_PRIORS.quality_ppm(offer("tiny-1b", 50_000), Task.MATH) == 0
    assert STATED_AND_PRIORS.quality_ppm(offer("quoter", 300_000, is_extractive=True), Task.WRITE) == 0


def test_the_task_picks_the_model_and_no_task_changes_nothing() -> None:
    fleet = fleet_of([view(1, offer("writer-70b", 720_000), offer("coder-70b", 700_000))])
    for guess, model in ((CODE, "coder-70b"), (MATH, "coder-70b"), (UNKNOWN_TASK, "writer-70b")):
        if guess is not MATH:
            assert pick(question(guess), fleet).model(0) == model
    assert offers_for(question(UNKNOWN_TASK), fleet) is fleet.register.general_offers
    doubtful = question(TaskGuess(Task.CODE, Ppm(100_000)))
    assert offers_for(doubtful, fleet) is fleet.register.general_offers
    assert offers_for(question(CODE), fleet) is offers_for(question(CODE), fleet)


def test_what_is_kept_for_tasks_is_bounded_and_goes_with_new_models() -> None:
    fleet = fleet_of([view(1, offer("a"))])
    for number in range(3 * OFFERS_KEPT_MAX):
        source = QualityTable((Override("a", ((Task.CODE, Ppm(number)),)),))
        offers = offers_for(question(CODE, source), fleet)
        assert offers.quality_loss_ppm[0] == 1_000_000 - number
        assert len(fleet.register.offers_by_task) <= OFFERS_KEPT_MAX
    before = fleet.islands[0]
    changed = fleet.with_changes({before.id: replace(before, models=(offer("b", 400_000),))})
    assert pick(question(CODE), changed).model(0) == "b"


def test_a_decision_says_the_task_and_travels_with_it() -> None:
    decision = choose(question(CODE), fleet_of([view(1, offer("m"))]))
    assert decision.task == CODE
    assert "  task: code (guessed code, 0.90)" in explain_decision(decision)
    wire = chat_pb2.Decision.FromString(decision.to_wire().SerializeToString())
    assert Decision.from_wire(wire).task == CODE
    wire.ClearField("task")
    wire.ClearField("task_confidence_ppm")
    assert Decision.from_wire(wire).task == UNKNOWN_TASK


def test_the_task_changes_no_veto() -> None:
    islands = fleet_of([view(1, offer("a-1b")), replace(view(2, offer("b")), standing=Standing.REVOKED)])
    for task in Task:
        decision = choose(question(TaskGuess(task, Ppm(1_000_000))), islands)
        assert [report.island for report in decision.reports if report.vetoes] == [
            view.id for view in islands.islands if view.standing is Standing.REVOKED
        ]
