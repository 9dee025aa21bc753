"""The price table: dated prices of models by provider, and which of them holds on a day.

A table ages; whoever shows a price or a saving shows the table's date with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from islandrun.vocabulary import ModelOffer

ENTRIES_MAX: Final = 20_000


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs at a provider from a day on ("2026-11-24"), in micro-dollars per million tokens.

    `cached_input_microusd` None: as the rest of the input. `request_microusd` is per request.
    """

    model: str
    provider: str
    from_day: str
    input_microusd: int
    output_microusd: int
    cached_input_microusd: int | None = None
    request_microusd: int = 0

    @property
    def weight(self) -> tuple[int, int, int]:
        """Order by how dear it is: by what an answer costs, then what is read, then each request."""
        return self.output_microusd, self.input_microusd, self.request_microusd


class PriceTable:
    """Prices from one source, of one date (both shown to people)."""

    def __init__(self, prices: Iterable[Price] = (), source: str = "", dated: str = "") -> None:
        self.source = source
        self.dated = dated
        self.prices = tuple(sorted(prices, key=lambda price: (price.provider, price.model, price.from_day)))
        self._by_model: dict[str, list[Price]] = {}
        for price in self.prices:
            self._by_model.setdefault(price.model, []).append(price)

    def find(self, model: str, day: str, provider: str = "") -> Price | None:
        """Return the price of a model on a day; None when no entry has begun by then.

        Without a provider the dearest of all that have a model of this name counts.
        """
        newest: dict[str, Price] = {}
        for price in self._by_model.get(model, ()):
            if price.from_day <= day and provider in ("", price.provider):
                newest[price.provider] = price
        return max(newest.values(), key=lambda price: price.weight, default=None)


def find(tables: Iterable[PriceTable], model: str, day: str, provider: str = "") -> Price | None:
    """Return the price in the first table that knows the model."""
    found = (table.find(model, day, provider) for table in tables)
    return next((price for price in found if price is not None), None)


def priced(offer: ModelOffer, price: Price | None) -> ModelOffer:
    """Return an offer with a price of a table, or one that says that nobody knows it."""
    if price is None:
        return replace(offer, is_price_known=False)
    return replace(
        offer,
        input_price_microusd=price.input_microusd,
        output_price_microusd=price.output_microusd,
        cached_input_price_microusd=price.cached_input_microusd,
        request_price_microusd=price.request_microusd,
        is_price_known=True,
    )
