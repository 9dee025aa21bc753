"""A sorted list that can begin as another one's and then costs only what it changes.

For the tables of many islands in one process, see `trust.layered`. One that was never forked is a plain
sorted list.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from typing import Final, Generic, TypeVar

OWN_MAX: Final = 256
"""With more changes than this a fork becomes a list of its own."""

Item = TypeVar("Item", bound=str | bytes)


class Ordered(Generic[Item]):
    """Items without doubles: those of a list that never changes, less some, and some more."""

    __slots__ = ("_below", "_gone", "_own")

    def __init__(self, below: Sequence[Item] = ()) -> None:
        """Begin with `below`, which is sorted and never changes."""
        self._below = below
        self._gone: list[int] = []
        self._own: list[Item] = []

    def fork(self) -> Ordered[Item]:
        """Return a list that begins as this one and goes its own way; this one may go on as well."""
        if not self._below:
            return Ordered(tuple(self._own))
        other = Ordered(self._below)
        other._gone, other._own = list(self._gone), list(self._own)
        return other

    def __len__(self) -> int:
        return len(self._below) - len(self._gone) + len(self._own)

    def __getitem__(self, number: int) -> Item:
        """Return one item in an order of its own, not the sorted one: each number from 0 on has another."""
        if number < len(self._own):
            return self._own[number]
        place = number - len(self._own)
        for gone in self._gone:
            if gone > place:
                break
            place += 1
        return self._below[place]

    def __iter__(self) -> Iterator[Item]:
        """Go through all items, sorted."""
        return iter(self._merged(0, len(self._below), self._own) if self._below else self._own)

    def add(self, item: Item) -> None:
        """Take in an item that is not there."""
        place = self._place(item)
        if place is None:
            insort(self._own, item)
        else:
            self._gone.remove(place)
        self._own_all_at_last()

    def remove(self, item: Item) -> None:
        """Take out an item that is there."""
        place = self._place(item)
        if place is None:
            del self._own[bisect_left(self._own, item)]
        else:
            insort(self._gone, place)
        self._own_all_at_last()

    def between(self, low: Item, high: Item | None) -> list[Item]:
        """Return the items from `low` to before `high`, or to the end, sorted."""
        own = self._own[bisect_left(self._own, low) : _end(self._own, high)]
        if not self._below:
            return own
        return self._merged(bisect_left(self._below, low), _end(self._below, high), own)

    def _merged(self, begin: int, end: int, own: list[Item]) -> list[Item]:
        below = list(self._below[begin:end])
        for place in reversed(self._gone[bisect_left(self._gone, begin) : bisect_left(self._gone, end)]):
            del below[place - begin]
        return sorted((*below, *own)) if own else below

    def _place(self, item: Item) -> int | None:
        """Return the place of an item in the list below, or None where it is not there."""
        place = bisect_left(self._below, item)
        is_there = place < len(self._below) and self._below[place] == item
        return place if is_there else None

    def _own_all_at_last(self) -> None:
        if self._below and len(self._gone) + len(self._own) > OWN_MAX:
            self._own, self._below, self._gone = list(self), (), []


def _end(items: Sequence[Item], high: Item | None) -> int:
    return len(items) if high is None else bisect_left(items, high)
