"""Only what is an island's own fault counts: no dead network, no impatient caller, no news on its way."""

import pytest

from islandrun.errors import (
    BrokenAnswer,
    ForwardFailed,
    Interrupted,
    NotOffered,
    Overloaded,
    Refused,
    TooSlow,
    Unreachable,
)
from islandrun.trust.behaviour import Behaviour, Event, behaviour_ppm
from islandrun.trust.observer import DENIALS_MAX, LIE_MS, Observer
from islandrun.vocabulary import IslandId
from islandrun.wire.limits import ISLANDS_MAX

NOW = 1_800_000_000_000
NORTH = IslandId("n" * 52)


def interrupted(by: ForwardFailed) -> Interrupted:
    failure = Interrupted("it broke off")
    failure.__cause__ = by
    return failure


def failed(
    failure: ForwardFailed,
    is_alive: bool = True,
    had_full_time: bool = True,
    observer: Observer | None = None,
) -> Event | None:
    seen = observer or Observer()
    return seen.failed(NORTH, "m", failure, is_alive, had_full_time, NOW)


@pytest.mark.parametrize(
    "failure",
    [Unreachable("gone"), Overloaded("full"), Refused("no"), NotOffered("no"), ForwardFailed("x")],
)
def test_what_a_network_or_a_policy_does_is_nobodys_fault(failure: ForwardFailed) -> None:
    observer = Observer()
    for error in (failure, interrupted(failure)):
        assert failed(error, observer=observer) is None
    assert observer.behaviours == {}
    assert observer.take_changed() == ()


def test_a_flapping_network_costs_no_trust() -> None:
    observer = Observer()
    for minute in range(10_000):
        error = interrupted(Unreachable("gone")) if minute % 2 else TooSlow("silent")
        observer.failed(NORTH, "m", error, False, True, NOW + minute * 60_000)
    assert observer.behaviours == {}


def test_a_broken_answer_counts_before_and_after_its_first_piece() -> None:
    for error in (BrokenAnswer("odd"), interrupted(BrokenAnswer("odd"))):
        observer = Observer()
        assert (
            failed(error, is_alive=False, had_full_time=False, observer=observer) is Event.VIOLATED_PROTOCOL
        )
        assert observer.behaviours[NORTH].bad == 20
        assert observer.take_changed() == (NORTH,)
        assert observer.take_changed() == ()


def test_slowness_counts_with_all_the_time_and_a_living_island_only() -> None:
    assert failed(TooSlow("slow")) is Event.TIMED_OUT
    assert failed(interrupted(TooSlow("a long answer"))) is None
    assert failed(TooSlow("slow"), is_alive=False) is None
    assert failed(TooSlow("slow"), had_full_time=False) is None


def test_a_model_denied_for_long_is_a_lie_and_denied_once_is_old_news() -> None:
    observer = Observer()

    def denied(after_ms: int) -> Event | None:
        return observer.failed(NORTH, "m", NotOffered("no"), True, True, NOW + after_ms)

    assert denied(0) is None
    assert denied(LIE_MS - 1) is None
    assert denied(LIE_MS) is Event.LIED_ABOUT_CAPABILITY
    assert denied(LIE_MS + 1) is None
    observer.answered(NORTH, "m", NOW + LIE_MS + 2)
    assert denied(3 * LIE_MS) is None


def test_denials_are_bounded() -> None:
    observer = Observer()
    for number in range(DENIALS_MAX + 1):
        observer.failed(NORTH, f"m{number}", NotOffered("no"), True, True, NOW)
    assert observer.failed(NORTH, "m1", NotOffered("no"), True, True, NOW + LIE_MS) is not None
    assert observer.failed(NORTH, "m0", NotOffered("no"), True, True, NOW + LIE_MS) is None


def test_a_forger_loses_and_answers_bring_little_back() -> None:
    observer = Observer({NORTH: Behaviour(5.0, 0.0, NOW)})
    observer.forged(NORTH, NOW)
    fallen = behaviour_ppm(observer.behaviours[NORTH], NOW)
    assert fallen < 500_000
    observer.answered(NORTH, "m", NOW)
    assert fallen < behaviour_ppm(observer.behaviours[NORTH], NOW) < 520_000


def test_room_is_made_by_forgetting_who_did_no_harm() -> None:
    observer = Observer(
        {IslandId(f"{number:052}"): Behaviour(1.0, 0.0, NOW) for number in range(ISLANDS_MAX)}
    )
    observer.forged(NORTH, NOW)
    assert len(observer.behaviours) == ISLANDS_MAX
    assert len(observer.take_changed()) == 2
    observer.answered(IslandId("o" * 52), "m", NOW)
    assert NORTH in observer.behaviours
