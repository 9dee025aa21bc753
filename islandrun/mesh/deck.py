"""A deck of cards that is shuffled as it is dealt: a shuffle costs no more than what is dealt of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from islandrun.vocabulary import IslandId

if TYPE_CHECKING:
    import random


class Cards(Protocol):
    """What can be dealt; it must not change meanwhile."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> IslandId: ...


class Deck:
    """Deals each card once, in random order (Fisher and Yates, 1938; moved cards are kept, not all)."""

    __slots__ = ("_cards", "_left", "_moved")

    def __init__(self, cards: Cards = ()) -> None:
        self._cards = cards
        self._left = len(cards)
        self._moved: dict[int, int] = {}

    def __len__(self) -> int:
        return self._left

    def deal(self, rng: random.Random) -> IslandId:
        """Return a card that was not dealt yet. Raises `IndexError` when none is left."""
        if not self._left:
            raise IndexError("the deck is empty")
        self._left -= 1
        drawn, last = rng.randrange(self._left + 1), self._left
        number = self._moved.get(drawn, drawn)
        end = self._moved.pop(last, last)
        if drawn != last:
            self._moved[drawn] = end
        return self._cards[number]
