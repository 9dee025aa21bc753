"""The data of the package genai-prices (MIT, https://github.com/pydantic/genai-prices) as a price table.

What has several prices at one time, by the size of the prompt or the hour of the day, gets the dearest:
a budget must hold in the worst case. Prices of special tiers (batch, priority) are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from importlib.metadata import version
from itertools import chain
from typing import Final

from genai_prices import data_snapshot
from genai_prices.types import (
    ClauseEquals,
    ClauseOr,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    TieredPrices,
)

from islandrun.agents.price_table import ENTRIES_MAX, Price, PriceTable
from islandrun.errors import ConfigError

ALWAYS: Final = "0001-01-01"


@dataclass(frozen=True, slots=True)
class _Amounts:
    """Micro-dollars of one price of a model; cached None: as the rest."""

    input: int
    output: int
    cached: int | None
    request: int

    def dearest(self, other: _Amounts) -> _Amounts:
        cached = None if self.cached is None or other.cached is None else max(self.cached, other.cached)
        return _Amounts(
            max(self.input, other.input),
            max(self.output, other.output),
            cached,
            max(self.request, other.request),
        )


def table_of(providers: tuple[str, ...], models: tuple[str, ...], today: str) -> PriceTable:
    """Return the prices of some providers and models, empty for all. Raises `ConfigError`.

    The package does not say of which day its data is, so the table has the day on which it was made.
    """
    snapshot = data_snapshot.get_snapshot()
    known = {provider.id: provider for provider in snapshot.providers}
    if unknown := sorted(set(providers) - known.keys()):
        raise ConfigError(
            f"genai-prices knows no provider {unknown[0]!r}; choose of {', '.join(sorted(known))}"
        )
    chosen = [known[name] for name in providers] if providers else list(known.values())
    prices = chain.from_iterable(
        _prices(provider.id, model) for provider in chosen for model in provider.models
    )
    kept = [price for price in prices if not models or price.model in models]
    if not kept:
        raise ConfigError("genai-prices has no such model; leave --model out to see all")
    if len(kept) > ENTRIES_MAX:
        raise ConfigError(f"{len(kept)} prices are more than {ENTRIES_MAX}; name providers with --provider")
    source = f"genai-prices {version('genai-prices')}"
    return PriceTable(kept, source, today)


def _prices(provider: str, model: ModelInfo) -> Iterator[Price]:
    for day, amounts in sorted(_by_day(model).items()):
        for name in _names(model):
            yield Price(
                model=name,
                provider=provider,
                from_day=day,
                input_microusd=amounts.input,
                output_microusd=amounts.output,
                cached_input_microusd=amounts.cached,
                request_microusd=amounts.request,
            )


def _by_day(model: ModelInfo) -> dict[str, _Amounts]:
    """Return the prices of a model by the day they begin; several that hold at once count as the dearest."""
    found: dict[str, _Amounts] = {}
    listed = model.prices if isinstance(model.prices, list) else [ConditionalPrice(prices=model.prices)]
    for entry in listed:
        amounts = _amounts(entry.prices)
        if amounts is None:
            continue
        constraint = entry.constraint
        is_dated = isinstance(constraint, StartDateConstraint)
        day = constraint.start_date.isoformat() if isinstance(constraint, StartDateConstraint) else ALWAYS
        found[day] = amounts if is_dated or day not in found else found[day].dearest(amounts)
    return found


def _amounts(price: ModelPrice) -> _Amounts | None:
    """Return the prices of text; None for a model that is not charged by text at all."""
    table = vars(price)
    if not any(table.get(name) is not None for name in ("input_mtok", "output_mtok", "requests_kcount")):
        return None
    cached = table.get("cache_read_mtok")
    return _Amounts(
        _microusd(table.get("input_mtok")),
        _microusd(table.get("output_mtok")),
        None if cached is None else _microusd(cached),
        -(-_microusd(table.get("requests_kcount")) // 1_000),
    )


def _microusd(price: Decimal | TieredPrices | None) -> int:
    if price is None:
        return 0
    if isinstance(price, TieredPrices):
        return max(_microusd(each) for each in (price.base, *(tier.price for tier in price.tiers)))
    return int((price * 1_000_000).to_integral_value())


def _names(model: ModelInfo) -> Iterable[str]:
    """Return the names that mean exactly this model."""
    match = model.match
    clauses = match.or_ if isinstance(match, ClauseOr) else [match]
    return sorted({model.id, *(clause.equals for clause in clauses if isinstance(clause, ClauseEquals))})
