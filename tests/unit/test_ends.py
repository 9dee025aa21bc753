"""A ledger is looked through again when a statement ended or a clock went back, and not before."""

import pytest

from islandrun.trust.claims import Claims, Header, RevocationClaims, SelfClaims
from islandrun.trust.ends import Ends
from islandrun.trust.signing import SKEW_MS
from islandrun.vocabulary import PublicKey

NOW = 1_800_000_000_000
KEY = PublicKey(bytes(32))


def word(begins_ms: int, ends_ms: int) -> Claims:
    return SelfClaims(Header(bytes(32), KEY, KEY, 1, begins_ms, begins_ms, ends_ms, 0), "one", 1)


def looked_at_now(*held: Claims) -> Ends:
    ends = Ends()
    ends.look(held, NOW)
    return ends


@pytest.mark.parametrize("after_ms", [0, 1, 999, 1_000])
def test_until_the_first_end_nothing_changes(after_ms: int) -> None:
    ends = looked_at_now(word(NOW, NOW + 5_000), word(NOW, NOW + 1_000))
    assert ends.is_as_it_was(NOW + after_ms)


@pytest.mark.parametrize("after_ms", [1_001, -1])
def test_an_end_and_a_clock_that_went_back_are_changes(after_ms: int) -> None:
    assert not looked_at_now(word(NOW, NOW + 1_000)).is_as_it_was(NOW + after_ms)


def test_what_comes_after_the_look_counts_too() -> None:
    ends = looked_at_now(word(NOW, NOW + 5_000))
    ends.note(word(NOW, NOW + 1_000))
    assert not ends.is_as_it_was(NOW + 1_001)


def test_a_statement_from_a_little_ahead_is_looked_at_again_when_the_clock_falls_behind_it() -> None:
    ends = looked_at_now()
    ends.note(word(NOW + SKEW_MS + 30_000, NOW + SKEW_MS + 60_000))
    assert not ends.is_as_it_was(NOW + 29_999)
    assert ends.is_as_it_was(NOW + 30_000)


def test_what_is_for_ever_never_ends() -> None:
    header = Header(bytes(32), KEY, KEY, 1, NOW, NOW, NOW + 1, 0)
    assert looked_at_now(RevocationClaims(header, KEY)).is_as_it_was(NOW + 10**12)
