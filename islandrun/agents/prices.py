"""What a request costs with a model: the provider's bill, and the electricity of a machine of the owner's.

    bill  = (input tokens x input price + output tokens x output price) / 1,000,000 + price of a request
    power = (first_token_ms + output tokens x token_us / 1,000) / 3,600,000 x price of an hour of work
    price of an hour of work = (active watts - idle watts) / 1,000 x price of a kilowatt-hour

Only bills count against limits and budgets: what runs at home goes on when the money is spent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from islandrun.agents.budget import Purse
from islandrun.agents.columns import Figures, Mask, figures
from islandrun.vocabulary import Load, ModelOffer, Usage

COST_MICROUSD_MAX: Final = 10**15
MILLION: Final = 1_000_000
HOUR_MS: Final = 3_600_000

PRICE_MICROUSD_MAX: Final = 10**12
"""The most per million tokens, or per request, that a column holds, as in a statement."""

WORK_HOUR_MICROUSD_MAX: Final = 10**10
"""The most electricity of an hour that a column holds: ten thousand dollars."""

ASSUMED_INPUT_MICROUSD: Final = 15_000_000
ASSUMED_OUTPUT_MICROUSD: Final = 75_000_000
"""What a model of unknown price is compared by: the dearest that clouds commonly charge."""

SAVING_FORMULA: Final = (
    "saved = tokens in x input price + tokens out x output price of the baseline model, less bills and power"
)


class PriceColumns(NamedTuple):
    """The prices of all models of a fleet; where nobody knows one, the assumed one stands.

    `is_priced` are those that somebody sends a bill for, of which the price is known.
    """

    input_microusd: Figures
    output_microusd: Figures
    request_microusd: Figures
    work_hour_microusd: Figures
    is_unknown: Mask
    is_priced: Mask
    has_unknown: bool
    has_work: bool


def bill_microusd(offer: ModelOffer, usage: Usage) -> int:
    """Return what a provider charges for some tokens, in micro-dollars, rounded up; 0 where nobody knows."""
    if not offer.is_price_known:
        return 0
    cached_price = offer.cached_input_price_microusd
    cached = 0 if cached_price is None else min(usage.cached_tokens, usage.input_tokens)
    price = (usage.input_tokens - cached) * offer.input_price_microusd
    price += cached * (cached_price or 0) + usage.output_tokens * offer.output_price_microusd
    return min(-(-price // MILLION) + offer.request_price_microusd, COST_MICROUSD_MAX)


def power_microusd(offer: ModelOffer, load: Load | None, output_tokens: int) -> int:
    """Return the electricity of an answer, in micro-dollars, rounded up; 0 where no speed was measured."""
    if not offer.work_hour_microusd or load is None:
        return 0
    work_us = load.first_token_ms * 1_000 + output_tokens * load.token_us
    return min(-(-work_us * offer.work_hour_microusd // (HOUR_MS * 1_000)), COST_MICROUSD_MAX)


def work_hour_microusd(active_watts: float, idle_watts: float, kwh_usd: float) -> int:
    """Return what one hour of work adds to the electricity bill; the machine is on without it, too."""
    return round(max(0.0, active_watts - idle_watts) / 1_000 * kwh_usd * MILLION)


def worst_bill_microusd(offer: ModelOffer, purse: Purse) -> int:
    """Return the most that a request can be charged: every bound reached, nothing in a cache."""
    return bill_microusd(offer, Usage(purse.input_tokens_max, purse.output_tokens_max))


def is_billed(offer: ModelOffer) -> bool:
    """Say whether somebody sends a bill for this model, or may."""
    prices = (offer.input_price_microusd, offer.output_price_microusd, offer.request_price_microusd)
    return not offer.is_price_known or any(prices)


def price_columns(offers: Sequence[ModelOffer]) -> PriceColumns:
    """Lay out the prices of models, in their order."""
    known = [offer.is_price_known for offer in offers]

    def column(prices: Iterable[int], assumed: int) -> Figures:
        told = [price if is_known else assumed for price, is_known in zip(prices, known, strict=True)]
        return figures(told, PRICE_MICROUSD_MAX)

    hours = [offer.work_hour_microusd for offer in offers]
    return PriceColumns(
        input_microusd=column((offer.input_price_microusd for offer in offers), ASSUMED_INPUT_MICROUSD),
        output_microusd=column((offer.output_price_microusd for offer in offers), ASSUMED_OUTPUT_MICROUSD),
        request_microusd=column((offer.request_price_microusd for offer in offers), 0),
        work_hour_microusd=figures(hours, WORK_HOUR_MICROUSD_MAX),
        is_unknown=~np.array(known, dtype=np.bool_),
        is_priced=np.array([offer.is_price_known and is_billed(offer) for offer in offers], dtype=np.bool_),
        has_unknown=not all(known),
        has_work=any(hours),
    )
