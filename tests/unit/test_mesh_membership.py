"""The table of members: what ends a suspicion, what cannot, and how the lost are found again."""

import itertools
import random

import pytest

from islandrun.mesh import pace
from islandrun.mesh.membership import Membership
from islandrun.mesh.notices import Notices
from islandrun.mesh.suspicion import misses_min
from islandrun.vocabulary import Reachability

ALIVE, SUSPECT, UNREACHABLE = Reachability.ALIVE, Reachability.SUSPECT, Reachability.UNREACHABLE


def table(count: int, now: float = 0.0) -> Membership:
    members = Membership(random.Random(1), Notices())
    for number in range(count):
        members.add(f"m{number:03}", False, now)
        members.answered(f"m{number:03}", now)
    return members


def state(members: Membership, island: str = "m000") -> Reachability:
    member = members.get(island)
    assert member is not None
    return member.shown


def silence(members: Membership, seconds: int, begin: float, vouched: bool = False) -> float:
    """Let a member leave a probe unanswered each second; return when it was given up, or infinity."""
    for second in range(seconds):
        now = begin + second
        members.missed("m000", now - 1, now)
        if vouched and second % 3 == 0:
            members.vouched("m000", now)
        members.settle(now)
        if state(members) is UNREACHABLE:
            return now - begin
    return float("inf")


def test_silence_alone_ends_after_the_shortest_suspicion() -> None:
    assert silence(table(9), 60, 100.0) == 3


@pytest.mark.parametrize("confirmations", [1, 3, 100])
def test_helpers_alone_end_nothing(confirmations: int) -> None:
    members = table(9)
    members.missed("m000", 0.0, 1.0)
    for _ in range(confirmations):
        members.confirmed("m000")
    members.settle(1_000.0)
    assert state(members) is SUSPECT
    members.answered("m000", 1_000.0)
    assert state(members) is ALIVE


def test_a_helper_cannot_accuse_who_answers_us() -> None:
    members = table(9)
    for _ in range(100):
        members.confirmed("m000")
        members.settle(50.0)
    assert state(members) is ALIVE


def test_whom_a_helper_reached_has_the_longest_time_but_not_for_ever() -> None:
    assert silence(table(9), 60, 100.0, vouched=True) == 23


def test_a_bad_way_is_not_given_up_more_than_once_in_two_minutes() -> None:
    members, now, given_up = table(9), 100.0, []
    for _ in range(600):
        members.missed("m000", now - 1, now)
        members.settle(now)
        if state(members) is UNREACHABLE:
            given_up.append(now)
            members.answered("m000", now)
        now += 1
    assert 4 <= len(given_up) <= 5
    assert all(later - sooner >= pace.FLAP_SECONDS for sooner, later in itertools.pairwise(given_up))


def test_one_of_the_lost_is_tried_every_thirty_seconds_for_ever() -> None:
    members = table(9)
    for number in range(5):
        for miss in range(pace.MISSES_MAX):
            members.missed(f"m{number:03}", miss, miss + 1)
    members.settle(30.0)
    tried: list[float] = []
    two_days = 48 * 3600
    for now in range(30, two_days, 5):
        for island in members.due(float(now)):
            if state(members, island) is UNREACHABLE:
                members.missed(island, now, now)
                tried.append(now)
    gaps = [later - sooner for sooner, later in itertools.pairwise(tried)]
    assert max(gaps) <= 35
    assert tried[-1] > two_days - 35
    assert len(tried) < two_days / 20


def test_who_comes_back_brings_hope_for_the_rest() -> None:
    members = table(40)
    for number in range(20):
        for miss in range(pace.MISSES_MAX):
            members.missed(f"m{number:03}", miss, miss + 1)
    members.settle(60.0)
    for now in range(60, 5000, 10):
        members.due(float(now))
    assert members.answered("m000", 5000.0)
    found = {island for island in members.due(5000.0) if state(members, island) is UNREACHABLE}
    found |= {island for island in members.due(5001.0) if state(members, island) is UNREACHABLE}
    assert len(found) == 19


def test_the_word_of_a_lost_member_makes_us_try_it_at_once_but_not_twice() -> None:
    members = table(3)
    for miss in range(4):
        members.missed("m000", miss, miss + 1)
    members.settle(60.0)
    for now in range(60, 500, 5):
        members.due(float(now))
    member = members.get("m000")
    assert member is not None
    member.probed_at, member.next_probe_at = 499.0, 540.0
    members.spoke("m000", 500.0)
    assert "m000" not in members.due(500.0)
    assert "m000" in members.due(501.0)
    assert state(members) is UNREACHABLE


def test_a_large_table_is_drawn_from_without_walking_it() -> None:
    members = table(1000)
    drawn = members.some(16, but=("m000",))
    assert len(set(drawn)) == 16
    assert "m000" not in drawn
    assert members.some(3, states=(UNREACHABLE,)) == []
    assert len(members.due(1.0)) == 1


def test_after_sleep_nobody_is_in_doubt_who_once_answered() -> None:
    members = table(5)
    for island in ("m000", "m001"):
        members.missed(island, 1.0, 2.0)
    members.wake(4000.0)
    members.settle(4000.0)
    assert {state(members, island) for island in members.islands()} == {ALIVE}


def test_where_answers_get_lost_more_silence_is_needed() -> None:
    members = table(20)
    for turn in range(400):
        island = f"m{1 + turn % 19:03}"
        if turn % 3 == 0:
            members.missed(island, 0.0, 1.0)
        members.answered(island, 1.0)
    for miss in range(12):
        members.missed("m000", 2.0 + miss, 3.0 + miss)
        members.settle(100.0)
    assert state(members) is SUSPECT
    for miss in range(4):
        members.missed("m000", 20.0 + miss, 21.0 + miss)
    members.settle(100.0)
    assert state(members) is UNREACHABLE


def test_the_proof_of_silence_is_stronger_the_more_gets_lost() -> None:
    needed = [misses_min(share) for share in (0.0, 1 / 64, 0.05, 0.2, 0.36, 0.9, 1.0)]
    assert needed == [3, 4, 6, 11, 16, 16, 16]
