"""The money of each request: what it may cost, taken aside before it is sent, settled by the bill after it.

What cannot be known counts as the worst case: an answer that was cut, timed out or given up. What was
refused or never reached anybody is given back. A ledger that fails lets no paid island run while the owner
has a limit; what runs at home goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo

from islandrun.agents.budget import (
    Limits,
    Purse,
    Span,
    Spender,
    day_of,
    input_tokens_max,
    left,
    scopes,
)
from islandrun.agents.lengths import Habit, Lengths, task_of
from islandrun.agents.prices import bill_microusd, is_billed, power_microusd, worst_bill_microusd
from islandrun.agents.question import Question
from islandrun.errors import ForwardFailed, Interrupted, PurseEmpty, StateError, TooSlow
from islandrun.vocabulary import (
    AnswerPiece,
    ChatRequest,
    Finished,
    IslandView,
    Load,
    ModelOffer,
    Ppm,
    Prompt,
    Sampling,
    Usage,
)
from islandrun_node import world_clock
from islandrun_node.stores.lengths import LengthStore
from islandrun_node.stores.spending import SpendingStore, Tally

KEEP_SECONDS = 30.0
SWEEP_SECONDS = 3_600.0
ANSWER_TOKENS_MAX = 4_096
BYTES_PER_ESTIMATED_TOKEN = 4
"""An estimate counts a token for so many bytes; at worst every byte is one."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the owner allows. `answer_tokens_max` bounds paid answers whose client sets no bound."""

    limits: Limits = field(default_factory=Limits)
    zone: tzinfo = UTC
    answer_tokens_max: int = ANSWER_TOKENS_MAX


@dataclass(frozen=True, slots=True)
class Order:
    """A model of an island, and what it is asked: `prompt` is what leaves."""

    island: IslandView
    model: str
    prompt: Prompt
    sampling: Sampling
    spender: Spender

    @property
    def offer(self) -> ModelOffer:
        """What the island says of the model; one that it does not offer any more has no known price."""
        offers = (offer for offer in self.island.models if offer.name == self.model)
        return next(offers, ModelOffer(self.model, 0, Ppm(0), is_price_known=False))


@dataclass(slots=True)
class Purchase:
    """The money of one try at one island. `cost_microusd` and `saved_microusd` hold once it is over."""

    name: str
    offer: ModelOffer
    load: Load | None
    purse: Purse
    worst_microusd: int
    is_ours: bool
    is_capped: bool
    is_reserved: bool = False
    usage: Usage | None = None
    has_begun: bool = False
    is_unspent: bool = False
    cost_microusd: int = 0
    saved_microusd: int = 0

    def capped(self, sampling: Sampling) -> Sampling:
        """Return the settings with the bound that the reservation rests on."""
        if not self.is_capped:
            return sampling
        return replace(sampling, tokens_max=self.purse.output_tokens_max)

    async def metered(self, pieces: AsyncGenerator[AnswerPiece]) -> AsyncGenerator[AnswerPiece]:
        """Pass an answer on and note what it will be charged by."""
        self.has_begun, is_answering = True, False
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    is_answering = True
                    if isinstance(piece, Finished):
                        self.usage = piece.usage
                    yield piece
        except ForwardFailed as error:
            self.is_unspent = not is_answering and not isinstance(error, Interrupted | TooSlow)
            raise

    def bill_microusd(self) -> int:
        """Return what the try costs, as far as it can be known; the worst case where it cannot."""
        if not self.has_begun or self.is_unspent:
            return 0
        if self.usage is None:
            return self.worst_microusd
        bill = bill_microusd(self.offer, _at_most(self.usage, self.purse.input_tokens_max))
        # An island's word about itself costs no more than the worst case; a provider's bill is due as it is.
        return bill if self.is_ours else min(bill, self.worst_microusd)


class Spending:
    """Keeps the money of one node. `baseline` is what savings are measured by, None without a known price."""

    def __init__(
        self,
        store: SpendingStore,
        length_store: LengthStore,
        rules: Rules,
        baseline: Callable[[], ModelOffer | None],
    ) -> None:
        self.rules = rules
        self.store = store
        self.baseline = baseline
        self._length_store = length_store
        self._lengths = Lengths(length_store.load())
        self._tallies: defaultdict[str, Tally] = defaultdict(Tally)
        self._complaint = ""
        count, amount = store.close_open(world_clock.now().wall_ms)
        if count:
            what = "the node ended while %d paid requests ran; %d micro-dollars count as spent for them"
            _log.warning(what, count, amount)

    def degraded(self) -> tuple[str, ...]:
        """Say why no paid island runs; empty when they may."""
        return (self._complaint,) if self._complaint and self.rules.limits else ()

    def weighed(self, question: Question, request: ChatRequest, spender: Spender) -> Question:
        """Return a question with the length to expect of its answer, and what it may cost."""
        habit = _habit(request, question, spender)
        expected = self._lengths.expected(habit, request.sampling.tokens_max)
        bounds = replace(self._bounds(request.prompt, request.sampling), spender=spender)
        if self.rules.limits:
            rest, span = self._left(spender, question.now.wall_ms)
            bounds = replace(bounds, left_microusd=rest, span=span)
        return replace(question, output_tokens=expected, purse=bounds)

    @contextmanager
    def purchase(self, order: Order) -> Generator[Purchase]:
        """Take the money of one try aside while the block runs, and settle it when the block ends.

        Raises `PurseEmpty` when it is not there any more.
        """
        offer, bounds = order.offer, self._bounds(order.prompt, order.sampling)
        bought = Purchase(
            name=world_clock.fresh_id("m"),
            offer=offer,
            load=order.island.load,
            purse=bounds,
            worst_microusd=worst_bill_microusd(offer, bounds),
            is_ours=order.island.is_local,
            is_capped=is_billed(offer) and bool(self.rules.limits),
        )
        now_ms = world_clock.now().wall_ms
        if is_billed(offer):
            bought.is_reserved = self._reserve(bought, order.spender, now_ms)
        try:
            yield bought
        finally:
            self._settle(bought, now_ms)

    def learn(self, question: Question, request: ChatRequest, usage: Usage) -> None:
        """Learn how long an answer was."""
        self._lengths.observe(_habit(request, question, question.purse.spender), usage.output_tokens)

    def keep(self) -> None:
        """Write down what answers cost and how long they were; what the disk refuses stays in memory."""
        tallies, self._tallies = self._tallies, defaultdict(Tally)
        try:
            for day in list(tallies):
                self.store.add(day, tallies[day])
                del tallies[day]
            kept, gone = self._lengths.take_changed()
            if kept or gone:
                self._length_store.save(kept, gone)
        except StateError as error:
            _log.error("what answers cost could not be kept: %s", error)
            for day, tally in tallies.items():
                self._tallies[day] += tally

    async def run(self) -> None:
        """Write down and sweep from time to time, until cancelled."""
        due = 0.0
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            self.keep()
            now = world_clock.now()
            if now.seconds >= due:
                due = now.seconds + SWEEP_SECONDS
                try:
                    self.store.sweep(now.wall_ms)
                except StateError as error:
                    _log.error("the ledger of money could not be swept: %s", error)

    def _bounds(self, prompt: Prompt, sampling: Sampling) -> Purse:
        most = self.rules.answer_tokens_max if sampling.tokens_max is None else sampling.tokens_max
        return Purse(input_tokens_max=input_tokens_max(prompt), output_tokens_max=most)

    def _left(self, spender: Spender, now_ms: int) -> tuple[int | None, Span | None]:
        limits = self.rules.limits
        try:
            accounts = self.store.accounts(scopes(spender, day_of(now_ms, self.rules.zone), limits))
        except StateError as error:
            self._complain(error)
            return 0, None
        return left(limits, accounts)

    def _reserve(self, bought: Purchase, spender: Spender, now_ms: int) -> bool:
        limits = self.rules.limits
        if limits and not bought.offer.is_price_known:
            raise PurseEmpty("what this request costs is not known, and what may be spent is limited")
        booked = scopes(spender, day_of(now_ms, self.rules.zone), limits)
        try:
            fits = self.store.reserve(bought.name, booked, bought.worst_microusd, limits, now_ms)
        except StateError as error:
            self._complain(error)
            if limits:
                raise PurseEmpty("the ledger of money does not answer, so nothing is spent") from error
            return False
        self._complaint = ""
        if not fits:
            raise PurseEmpty("what this request may cost was spent meanwhile")
        return True

    def _settle(self, bought: Purchase, reserved_at_ms: int) -> None:
        """Settle a try; a ledger that fails keeps the worst case reserved, and later counts it as spent."""
        bill = bought.bill_microusd()
        usage = bought.usage or Usage()
        power = power_microusd(bought.offer, bought.load, usage.output_tokens) if bought.usage else 0
        bought.cost_microusd = bill + power
        if bought.usage is not None:
            self._count(bought, bill, power, usage, reserved_at_ms)
        if not bought.is_reserved:
            return
        if bill > bought.worst_microusd:
            _log.error("model %s was charged above its worst case", bought.offer.name)
        try:
            self.store.settle(bought.name, bill, world_clock.now().wall_ms)
        except StateError as error:
            self._complain(error)

    def _count(self, bought: Purchase, bill: int, power: int, usage: Usage, at_ms: int) -> None:
        baseline = self.baseline()
        instead = 0 if baseline is None else bill_microusd(baseline, usage)
        bought.saved_microusd = instead - bill - power if baseline is not None else 0
        tally = Tally(1, int(not bought.offer.is_price_known), bill, power, instead)
        self._tallies[day_of(at_ms, self.rules.zone)] += tally

    def _complain(self, error: StateError) -> None:
        self._complaint = f"no paid island runs: {error}"
        _log.error("the ledger of money fails: %s", error)


def _habit(request: ChatRequest, question: Question, spender: Spender) -> Habit:
    kind = task_of(request, question.input_tokens, question.task.counted)
    return Habit(spender.client, kind, request.model)


def _at_most(usage: Usage, input_tokens_max: int) -> Usage:
    """Return a count to charge by: where the engine only estimated it, the most that it can be."""
    if not usage.is_estimated:
        return usage
    return Usage(input_tokens_max, (usage.output_tokens + 1) * BYTES_PER_ESTIMATED_TOKEN)
