"""A forked list behaves as a plain one and leaves that one as it is; a deck deals each card once."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.mesh import ordered
from islandrun.mesh.deck import Deck
from islandrun.mesh.ordered import Ordered

items = st.text("abc", max_size=3)
steps = st.lists(items, max_size=40)


def changed(table: Ordered[str], plain: set[str], steps: list[str]) -> None:
    """Take in what is not there and take out what is."""
    for item in steps:
        if item in plain:
            plain.remove(item)
            table.remove(item)
        else:
            plain.add(item)
            table.add(item)


@given(st.sets(items), steps, steps, items, items, st.sampled_from([0, 3, 256]))
@settings(deadline=None, derandomize=True)
def test_it_is_a_sorted_list_like_any_other(
    below: set[str], first: list[str], second: list[str], low: str, high: str, own_max: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordered, "OWN_MAX", own_max)
        begun, plain = Ordered(tuple(sorted(below))), set(below)
        changed(begun, plain, first)
        fork, forked = begun.fork(), set(plain)
        changed(fork, forked, second)
        for table, expected in ((begun, plain), (fork, forked)):
            assert list(table) == sorted(expected)
            assert len(table) == len(expected)
            assert sorted(table[number] for number in range(len(table))) == sorted(expected)
            assert table.between(low, None) == sorted(item for item in expected if item >= low)
            assert table.between(low, high) == sorted(item for item in expected if low <= item < high)


def test_a_deck_deals_each_card_once_and_then_none() -> None:
    deck, rng = Deck(Ordered(("a", "b", "c", "d"))), random.Random(1)
    assert sorted(deck.deal(rng) for _ in range(4)) == ["a", "b", "c", "d"]
    assert not len(deck)
    with pytest.raises(IndexError):
        deck.deal(rng)


def test_every_order_of_a_deck_is_as_likely_as_any_other() -> None:
    rng, orders = random.Random(1), Counter[str]()
    for _ in range(6_000):
        deck = Deck(Ordered(("a", "b", "c")))
        orders["".join(deck.deal(rng) for _ in range(3))] += 1
    assert len(orders) == 6
    assert all(850 <= times <= 1_150 for times in orders.values())
