"""How every island of a fleet would run each of its models, as columns: `latency` for many at once.

An island that tells nothing of its models has one line for all of them, from its means or its tier. Those
that tell more are looked at one by one, once for a fleet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from islandrun.agents.columns import Figures, sealed
from islandrun.agents.fleet import Fleet
from islandrun.agents.latency import BYTES_PER_TOKEN, LATENCY_MS_MAX, TRANSFER_BYTES_PER_MS, line_of
from islandrun.agents.offers import Offers
from islandrun.vocabulary import ModelOffer

TOKENS_MAX: Final = 10**8
"""No prompt and no answer is longer: a longer estimate says nothing either, and would wrap round."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Paces:
    """One row for each row of the offers; `has_prefill` tells whether the length of a prompt counts."""

    base_ms: Figures
    prefill_ns: Figures
    token_us: Figures
    has_prefill: bool


def paces_of(fleet: Fleet, offers: Offers) -> Paces:
    """Lay out the paces of a fleet, row by row as these offers; another task puts models in another order."""
    base_ms, token_us = fleet.base_ms[offers.island], fleet.token_us[offers.island]
    prefill_ns = np.zeros(len(offers), dtype=np.int64)
    for place in fleet.tells_paces.nonzero()[0]:
        for row, offer in _rows(offers, fleet, int(place)):
            line = line_of(fleet.islands[place], offer)
            base_ms[row], prefill_ns[row], token_us[row] = line.base_ms, line.prefill_ns, line.token_us
    return Paces(sealed(base_ms), sealed(prefill_ns), sealed(token_us), bool(prefill_ns.any()))


def _rows(offers: Offers, fleet: Fleet, place: int) -> list[tuple[int, ModelOffer]]:
    """Return the rows of one island and what each offers."""
    by_name = {offer.name: offer for offer in fleet.islands[place].models}
    first = int(offers.first_row[place])
    return [
        (row, by_name[offers.names[row]])
        for row in range(first, first + len(by_name))
        if offers.names[row] in by_name
    ]


def latencies_ms(
    fleet: Fleet, offers: Offers, rows: Figures, input_tokens: int, output_tokens: int
) -> Figures:
    """Estimate for each island the milliseconds until the answer of the model in its row is complete."""
    read, written = min(input_tokens, TOKENS_MAX), min(output_tokens, TOKENS_MAX)
    paces = fleet.once(paces_of, offers)
    service: Figures = paces.token_us[rows] * written
    service //= 1_000
    service += paces.base_ms[rows]
    if paces.has_prefill:
        service += paces.prefill_ns[rows] * read // 1_000_000
    if fleet.once(_has_queues):
        np.minimum(service, LATENCY_MS_MAX, out=service)
        queue: Figures = service * fleet.ahead
        queue //= fleet.once(_places)
        service += queue
    service += fleet.delay_ms
    transfer_ms = read * BYTES_PER_TOKEN // TRANSFER_BYTES_PER_MS
    if transfer_ms:
        service += transfer_ms * ~fleet.is_local
    return np.minimum(service, LATENCY_MS_MAX, out=service)


def prefill_ms(fleet: Fleet, offers: Offers, row: int, tokens: int) -> int:
    """Estimate how long the model in a row of the offers takes to read so many tokens of a prompt."""
    paces = fleet.once(paces_of, offers)
    return int(paces.prefill_ns[row]) * min(tokens, TOKENS_MAX) // 1_000_000


def _has_queues(fleet: Fleet) -> bool:
    return bool(fleet.ahead.any())


def _places(fleet: Fleet) -> Figures:
    """Return how many requests each island runs at one time; where it takes none, one stands in."""
    at_least_one: Figures = np.maximum(fleet.places_max, 1)
    return at_least_one
