"""Circuit breakers on virtual time: when they open, whom they let through, and that they stay bounded."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from islandrun.agents.agent import VetoReason
from islandrun.agents.fleet import fleet_of
from islandrun.agents.policy import RoutingPolicy
from islandrun.agents.question import Question
from islandrun.errors import (
    BrokenAnswer,
    ForwardFailed,
    Interrupted,
    Overloaded,
    Refused,
    TooSlow,
    Unreachable,
)
from islandrun.privacy.sensitivity import Assessment
from islandrun.routing import breaker
from islandrun.routing.breaker import CIRCUITS_MAX, FAILURES_MIN, Breakers, is_fault
from islandrun.routing.choose import choose
from islandrun.vocabulary import Hints, IslandId, Ppm
from tests.properties.any_mesh import NOW
from tests.unit.test_routing_route import MESH

BOX = IslandId("b" * 52)


def fail(breakers: Breakers, times: int, now_seconds: float, island: IslandId = BOX) -> None:
    for _ in range(times):
        breakers.end(island, "m", now_seconds, has_failed=True, was_probe=False)


def test_it_opens_at_enough_failures_and_not_before() -> None:
    breakers = Breakers(lambda: 1.0)
    fail(breakers, FAILURES_MIN - 1, 0.0)
    assert breakers.begin(BOX, "m", 0.0) is False
    fail(breakers, 1, 0.0)
    with pytest.raises(Unreachable, match="5 of its last 5 tries failed"):
        breakers.begin(BOX, "m", 0.0)
    assert breakers.begin(BOX, "other", 0.0) is False
    assert list(breakers.open_now(0.0)) == [(BOX, "m")]


def test_a_few_failures_among_many_answers_do_not_open_it() -> None:
    breakers = Breakers(lambda: 1.0)
    for _ in range(FAILURES_MIN + 2):
        breakers.end(BOX, "m", 0.0, has_failed=False, was_probe=False)
    fail(breakers, FAILURES_MIN, 0.0)
    assert not breakers.open_now(0.0)


def test_old_failures_are_forgotten() -> None:
    breakers = Breakers(lambda: 1.0)
    fail(breakers, FAILURES_MIN - 1, 0.0)
    fail(breakers, 1, breaker.WINDOW_SECONDS)
    assert not breakers.open_now(breaker.WINDOW_SECONDS)


def test_one_probe_goes_through_and_pauses_grow_until_it_succeeds() -> None:
    breakers, now = Breakers(lambda: 1.0), 0.0
    fail(breakers, FAILURES_MIN, now)
    for pause in (2, 4, 8, 16, 32, 60, 60):
        assert breakers.open_now(now + pause - 0.01)
        now += pause
        assert breakers.begin(BOX, "m", now) is True
        with pytest.raises(Unreachable, match="a probe is under way"):
            breakers.begin(BOX, "m", now)
        breakers.end(BOX, "m", now, has_failed=True, was_probe=True)
    assert breakers.begin(BOX, "m", now + 60) is True
    breakers.end(BOX, "m", now + 60, has_failed=False, was_probe=True)
    assert breakers.begin(BOX, "m", now + 60) is False


def test_a_probe_whose_caller_left_says_nothing() -> None:
    breakers = Breakers(lambda: 1.0)
    fail(breakers, FAILURES_MIN, 0.0)
    assert breakers.begin(BOX, "m", 2.0) is True
    breakers.end(BOX, "m", 2.0, has_failed=None, was_probe=True)
    assert breakers.begin(BOX, "m", 2.0) is True


def test_dice_shorten_a_pause_to_half_at_most() -> None:
    breakers = Breakers(lambda: 0.0)
    fail(breakers, FAILURES_MIN, 0.0)
    assert breakers.open_now(0.99)
    assert not breakers.open_now(1.0)


def test_the_table_is_bounded() -> None:
    breakers = Breakers(lambda: 1.0)
    for number in range(CIRCUITS_MAX + 50):
        fail(breakers, 1, 0.0, IslandId(f"{number:052d}"))
    assert len(breakers) == CIRCUITS_MAX


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (Unreachable("x"), True),
        (BrokenAnswer("x"), True),
        (Interrupted("x"), True),
        (TooSlow("x"), True),
        (Overloaded("x"), False),
        (Refused("x"), False),
    ],
)
def test_only_its_own_faults_count(failure: ForwardFailed, expected: bool) -> None:
    assert is_fault(failure, had_full_time=True) is expected
    broken_off = Interrupted("broke off")
    broken_off.__cause__ = failure
    assert is_fault(broken_off, had_full_time=True) is expected
    assert is_fault(TooSlow("x"), had_full_time=False) is False


def test_an_open_circuit_is_a_veto_for_the_model_that_would_run() -> None:
    def chosen_with(model: str) -> tuple[str, list[tuple[VetoReason, str]]]:
        question = Question(
            request_id="r",
            assessment=Assessment(findings=(), topics=(), sensitivity_ppm=Ppm(0), reasons=()),
            model="m",
            hints=Hints(),
            input_tokens=10,
            output_tokens=300,
            policy=RoutingPolicy(),
            now=NOW,
            my_group="family",
            open_circuits={(MESH[0].id, model): "5 of its last 5 tries failed"},
        )
        decision = choose(question, fleet_of(MESH[:2]))
        assert decision.chosen is not None
        vetoes = [(veto.reason, veto.detail) for report in decision.reports for veto in report.vetoes]
        return decision.chosen.name, vetoes

    assert chosen_with("m") == ("island-2", [(VetoReason.CIRCUIT_OPEN, "5 of its last 5 tries failed")])
    assert chosen_with("another") == ("island-1", [])


@dataclass
class Running:
    """A request that was let through."""

    model: str
    was_probe: bool


class AnyOrder(RuleBasedStateMachine):
    """Requests that begin and end in any order, on virtual time."""

    def __init__(self) -> None:
        super().__init__()
        self.breakers = Breakers(lambda: 0.5)
        self.now = 0.0
        self.running: list[Running] = []

    @rule(seconds=st.floats(0.0, 100.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(model=st.sampled_from("ab"))
    def begin(self, model: str) -> None:
        is_shut = (BOX, model) in self.breakers.open_now(self.now)
        try:
            self.running.append(Running(model, self.breakers.begin(BOX, model, self.now)))
        except Unreachable:
            assert is_shut
        else:
            assert not is_shut

    @rule(data=st.data(), has_failed=st.sampled_from((True, True, False, None)), times=st.integers(1, 6))
    def end(self, data: st.DataObject, has_failed: bool | None, times: int) -> None:
        for _ in range(min(times, len(self.running))):
            ended = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
            self.breakers.end(BOX, ended.model, self.now, has_failed, ended.was_probe)

    @invariant()
    def one_probe_at_a_time(self) -> None:
        for model in "ab":
            assert sum(one.was_probe for one in self.running if one.model == model) <= 1

    @invariant()
    def nothing_is_shut_for_ever(self) -> None:
        probed = {(BOX, one.model) for one in self.running if one.was_probe}
        assert set(self.breakers.open_now(self.now + breaker.PAUSE_SECONDS_MAX)) == probed


AnyOrder.TestCase.settings = settings(deadline=None, max_examples=60, stateful_step_count=40)
test_any_order = AnyOrder.TestCase
