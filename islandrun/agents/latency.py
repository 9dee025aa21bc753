"""How long a request will take on an island: wait, first token, further tokens, network, in whole figures.

What an island measured of a model counts by the number of answers behind it; the rest is the prior of its
tier. `pace_of` joins the two once for a view and a model, `Pace.expect` is then a line in the tokens of the
prompt and of the answer. More tokens, a longer queue and a longer way never make an estimate smaller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from islandrun.load import ModelPace
from islandrun.vocabulary import IslandView, ModelOffer, Reachability, Tier

LATENCY_MS_MAX: Final = 86_400_000
"""No estimate is above a day: beyond it figures say nothing."""

SUSPECT_PENALTY_MS: Final = 2_000
"""What the doubt whether an island is still there costs."""

TOKEN_US_MAX: Final = 10**9
"""No token takes longer than a quarter of an hour, however many requests run beside."""

ENOUGH_SAMPLES: Final = 8
"""From so many measured answers on, the prior does not count."""

TRANSFER_BYTES_PER_MS: Final = 1_000
"""How fast a prompt travels to another island: 8 Mbit/s, what a home can send."""

BYTES_PER_TOKEN: Final = 4


@dataclass(frozen=True, slots=True)
class Line:
    """The time to the first token at an empty prompt, per token of the prompt, and per further token."""

    base_ms: int
    prefill_ns: int
    token_us: int


PRIORS: Final[dict[Tier, Line]] = {
    Tier.PERSONAL: Line(400, 0, 30_000),
    Tier.EDGE: Line(300, 0, 20_000),
    Tier.CLOUD: Line(700, 0, 12_000),
}
"""The prior of a tier. It knows no slope: prompts are read far faster than answers are written."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The parts of an estimate, in milliseconds."""

    wait_ms: int
    first_token_ms: int
    further_ms: int
    network_ms: int

    @property
    def until_first_ms(self) -> int:
        """The time until the first piece of the answer is here."""
        return min(self.wait_ms + self.first_token_ms + self.network_ms, LATENCY_MS_MAX)

    @property
    def whole_ms(self) -> int:
        """The time until the answer is complete."""
        return min(self.until_first_ms + self.further_ms, LATENCY_MS_MAX)


@dataclass(frozen=True, slots=True)
class Pace:
    """How an island would run one model now: a line in the tokens of prompt and answer.

    `ahead` of `places` requests must end before ours begins; 0: it begins at once.
    """

    base_ms: int
    prefill_ns: int
    token_us: int
    ahead: int
    places: int
    network_ms: int
    transfer_ns: int

    def expect(self, input_tokens: int, output_tokens: int) -> Expected:
        """Estimate one request. Whoever runs before it is taken to be as long as it is."""
        first_ms = self.base_ms + input_tokens * self.prefill_ns // 1_000_000
        further_ms = output_tokens * self.token_us // 1_000
        wait_ms = (first_ms + further_ms) * self.ahead // max(self.places, 1)
        network_ms = self.network_ms + input_tokens * self.transfer_ns // 1_000_000
        return Expected(wait_ms, first_ms, further_ms, network_ms)


def places(island: IslandView) -> int:
    """Say how many requests an island runs at one time: the lower of what it stated and what it measured."""
    if island.load is None:
        return island.requests_max
    return min(island.requests_max, island.load.requests_max)


def pace_of(island: IslandView, offer: ModelOffer) -> Pace:
    """Say how an island would run one of its models now."""
    line, room = line_of(island, offer), places(island)
    load = island.load
    busy = load.running + load.waiting if load else 0
    transfer_ns = 0 if island.is_local else BYTES_PER_TOKEN * 1_000_000 // TRANSFER_BYTES_PER_MS
    return Pace(
        base_ms=line.base_ms,
        prefill_ns=line.prefill_ns,
        token_us=line.token_us,
        ahead=max(0, busy + 1 - room),
        places=room,
        network_ms=delay_ms(island),
        transfer_ns=transfer_ns,
    )


def delay_ms(island: IslandView) -> int:
    """Say what is lost on the way to an island and back."""
    doubt_ms = SUSPECT_PENALTY_MS if island.reachability is Reachability.SUSPECT else 0
    return island.round_trip_ms + doubt_ms


def means_of(island: IslandView) -> Line:
    """Take an island's means over all its models, where there are any; 0 is no measure."""
    line, load = PRIORS[island.tier], island.load
    if load is None:
        return line
    return Line(load.first_token_ms or line.base_ms, line.prefill_ns, load.token_us or line.token_us)


def line_of(island: IslandView, offer: ModelOffer) -> Line:
    """Join what an island measured of a model and the prior of its tier, each by its weight."""
    prior, load = PRIORS[island.tier], island.load
    paces = load.models if load is not None else ()
    measured = next((pace for pace in paces if pace.model == offer.name), None)
    if load is None or measured is None:
        return means_of(island)
    beside = min(load.running, max(places(island) - 1, 0))
    token_us = measured.token_us + beside * measured.crowd_us
    return Line(
        _blend(measured, measured.base_ms, prior.base_ms),
        _blend(measured, measured.prefill_ns, prior.prefill_ns),
        min(_blend(measured, token_us, prior.token_us), TOKEN_US_MAX)
        if measured.token_p50_us
        else prior.token_us,
    )


def _blend(measured: ModelPace, figure: int, prior: int) -> int:
    samples = min(measured.samples, ENOUGH_SAMPLES)
    return (samples * figure + (ENOUGH_SAMPLES - samples) * prior) // ENOUGH_SAMPLES
