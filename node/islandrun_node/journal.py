"""What happened to each request: its signed receipt, counters, a log line. Reasons and counts, never text."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from islandrun.agents.latency import Pace
from islandrun.errors import BadRequest, ForwardFailed, Interrupted, IslandRunError, NobodyMaySee
from islandrun.routing.decision import Decision
from islandrun.routing.receipt import Receipt
from islandrun.v1 import chat_pb2
from islandrun.vocabulary import AnswerPiece, Finished, PublicKey, Usage
from islandrun_node import world_clock
from islandrun_node.calibration import Attempt, Calibration
from islandrun_node.receipt_log import ReceiptLog
from islandrun_node.spending import Purchase

LISTENERS_MAX = 64
LISTENER_QUEUE_MAX = 256

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Record:
    """What is noted about one request while it runs."""

    id: str
    decisions: list[Decision] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    failure: ForwardFailed | None = None
    outcome: str = "interrupted"
    bought: list[Purchase] = field(default_factory=list)

    @property
    def cost_microusd(self) -> int:
        """What all tries cost together, as far as they are settled."""
        return sum(purchase.cost_microusd for purchase in self.bought)

    @property
    def saved_microusd(self) -> int:
        """What the answer would have cost more at the baseline; below 0 where it would have been cheaper."""
        return self.bought[-1].saved_microusd if self.bought else 0

    calibration: Calibration = field(default_factory=Calibration)
    attempt: Attempt | None = None

    def expects(self, pace: Pace | None, input_tokens: int) -> None:
        """Note what is expected of the try that begins now, where anything is known of it."""
        self.attempt = None if pace is None else Attempt(pace, input_tokens, world_clock.now().seconds)

    def decided(self, decision: Decision) -> None:
        """Note a decision, the first or one after a failover."""
        self.decisions.append(decision)

    def piece(self, piece: AnswerPiece) -> None:
        """Note a piece of the answer: when the first came, and what the last says."""
        attempt = self.attempt
        if attempt is not None and attempt.first is None:
            attempt.first = world_clock.now().seconds
        if isinstance(piece, Finished):
            self.usage, self.outcome, self.failure = piece.usage, "answered", None
            if attempt is not None:
                self.calibration.ended(attempt, piece.usage.output_tokens, world_clock.now().seconds)

    def failed(self, error: ForwardFailed) -> None:
        """Note that an island failed; the next decision or the end of the request follows."""
        self.failure = error

    def ended(self, error: BaseException) -> None:
        """Note how a request ended that has no answer."""
        match error:
            case NobodyMaySee() | BadRequest():
                self.outcome = "refused"
            case Interrupted():
                self.outcome, self.failure = "interrupted", error
            case ForwardFailed():
                self.outcome, self.failure = "failed", error
            case IslandRunError():
                self.outcome = "failed"
            case _:
                self.outcome = "interrupted"


class Journal:
    """Keeps the receipts of this origin and tells listeners of new ones."""

    def __init__(self, log: ReceiptLog, origin: PublicKey) -> None:
        self.log = log
        self._origin = origin
        self._listeners: set[asyncio.Queue[chat_pb2.SignedReceipt]] = set()
        self.running = 0
        self.calibration = Calibration()
        self.outcomes: Counter[str] = Counter()
        log.when_written(self._tell)

    @contextmanager
    def record(self, request_id: str) -> Iterator[Record]:
        """Note one request; its receipt goes to the log when the block ends, however it ends."""
        started = world_clock.now()
        record = Record(request_id, calibration=self.calibration)
        self.running += 1
        try:
            yield record
        except BaseException as error:
            if record.outcome != "answered":
                record.ended(error)
            raise
        finally:
            self.running -= 1
            now = world_clock.now()
            self._file(record, now.wall_ms, round((now.seconds - started.seconds) * 1000))

    def _file(self, record: Record, now_ms: int, latency_ms: int) -> None:
        self.outcomes[record.outcome] += 1
        last = record.decisions[-1] if record.decisions else None
        receipt = Receipt(
            id=record.id,
            issued_at_ms=now_ms,
            origin=self._origin,
            decisions=tuple(record.decisions),
            outcome=record.outcome,
            cost_microusd=record.cost_microusd,
            usage=record.usage,
            latency_ms=latency_ms,
            failure=record.failure.reason if record.failure else "",
        )
        self.log.take(receipt)
        _log.info("request %s %s in %d ms: %s", record.id, record.outcome, latency_ms, _place(last))

    def _tell(self, signed: chat_pb2.SignedReceipt) -> None:
        for listener in self._listeners:
            if not listener.full():
                listener.put_nowait(signed)

    @contextmanager
    def listen(self) -> Iterator[Callable[[], asyncio.Future[chat_pb2.SignedReceipt]]]:
        """Give a function that waits for the next receipt; a slow listener misses some, nobody waits for it.

        Raises `IslandRunError` when there are too many listeners.
        """
        if len(self._listeners) >= LISTENERS_MAX:
            raise IslandRunError(f"{LISTENERS_MAX} programs watch receipts already; close one")
        queue: asyncio.Queue[chat_pb2.SignedReceipt] = asyncio.Queue(LISTENER_QUEUE_MAX)
        self._listeners.add(queue)
        try:
            yield lambda: asyncio.ensure_future(queue.get())
        finally:
            self._listeners.discard(queue)


def _place(decision: Decision | None) -> str:
    if decision is None:
        return "not decided"
    if decision.chosen is None:
        return "nobody may see it"
    how = "masked" if decision.chosen.masked else "as it is"
    return f"{decision.chosen.name} ({decision.chosen.tier.name.lower()}), {how}"
