"""Who runs next at an engine that has only so many places: fair between callers, in order within each.

A free place goes to the waiting caller that holds the fewest places, then to the one served longest ago. When
nobody more may wait, the caller with the most waiting gives up its newest for a caller with fewer: whoever
fills the queue feels that it is full. Nothing here waits; times are `Instant.seconds`.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Final

HOLD_SECONDS_DEFAULT: Final = 5.0
"""How long a request is expected to hold its place before any was seen to end."""

NEWEST_SHARE: Final = 0.2
NO_REQUESTS: Final = "this island takes no requests now"
RETRY_SECONDS_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class Arrived:
    """A request asks for a place and waits until `until` at most. `is_own`: of a program of this node."""

    ticket: int
    caller: str
    until: float
    is_own: bool = True


@dataclass(frozen=True, slots=True)
class Left:
    """A request ended, or its caller went away while it waited. Saying so twice changes nothing."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Opened:
    """From now on so many places are there for own requests; others get them only if `takes_others`."""

    places: int
    takes_others: bool = True


Message = Arrived | Left | Opened


@dataclass(frozen=True, slots=True)
class Granted:
    """The request holds a place until it leaves."""

    ticket: int


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """The request gets no place. `words` say why; it may come again after `retry_seconds`."""

    ticket: int
    words: str
    retry_seconds: int


Answer = Granted | TurnedAway


@dataclass(frozen=True, slots=True)
class _Holder:
    caller: str
    since: float


class AdmissionQueue:
    """The places of one engine and who waits for them. Every ticket is answered once, unless it leaves first.

    Grants never make `running` exceed the places; when places are taken away, those who run go on.
    """

    def __init__(self, places: int, waiting_max: int) -> None:
        assert waiting_max >= 0
        self._opened = Opened(places)
        self._waiting_max = waiting_max
        self._holders: dict[int, _Holder] = {}
        self._waiters: dict[int, Arrived] = {}
        self._held: Counter[str] = Counter()
        self._queued: Counter[str] = Counter()
        self._turns = 0
        self._served: dict[str, int] = {}
        self._hold_seconds = HOLD_SECONDS_DEFAULT
        self._outbox: list[Answer] = []

    @property
    def running(self) -> int:
        """How many hold a place."""
        return len(self._holders)

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiters)

    @property
    def opened(self) -> Opened:
        """The places as they were set last."""
        return self._opened

    @property
    def retry_seconds(self) -> int:
        """When a place may be free for one more, by what requests took so far: 1 to 60."""
        turns = (self.waiting + 1) / max(self._opened.places, 1)
        return max(1, min(math.ceil(turns * self._hold_seconds), RETRY_SECONDS_MAX))

    def receive(self, message: Message, now: float) -> None:
        """Take in what happened; the answers are in the outbox."""
        self._expire(now)
        match message:
            case Arrived():
                self._arrive(message, now)
            case Left():
                self._leave(message.ticket, now)
            case Opened():
                self._opened = message
                self._send_away()
        self._grant(now)

    def tick(self, now: float) -> None:
        """Turn away whose time to wait is over."""
        self._expire(now)

    def next_deadline(self) -> float | None:
        """Return when the next one has waited long enough; None while nobody waits."""
        return min((waiter.until for waiter in self._waiters.values()), default=None)

    def take_outbox(self) -> tuple[Answer, ...]:
        """Return the answers since the last call, in order."""
        outbox = tuple(self._outbox)
        self._outbox.clear()
        return outbox

    # ------------------------------------------------------------ inside

    def _arrive(self, waiter: Arrived, now: float) -> None:
        known = waiter.ticket in self._waiters or waiter.ticket in self._holders
        assert not known, "a ticket is used once"
        if not self._takes(waiter):
            self._turn_away(waiter.ticket, NO_REQUESTS)
        elif self._may_wait(waiter, now):
            self._waiters[waiter.ticket] = waiter
            self._queued[waiter.caller] += 1

    def _may_wait(self, waiter: Arrived, now: float) -> bool:
        """Say whether one more may wait, which it also does for the moment before it gets a free place."""
        if self.running < self._opened.places:
            return True
        if waiter.until <= now:
            self._turn_away(waiter.ticket, "no place is free")
            return False
        if self.waiting < self._waiting_max:
            return True
        longest = max(self._queued, key=lambda caller: (self._queued[caller], caller), default="")
        if self._queued[waiter.caller] + 1 < self._queued[longest]:
            newest = next(one for one in reversed(self._waiters.values()) if one.caller == longest)
            self._forget(newest.ticket)
            self._turn_away(newest.ticket, "others who asked for less go first")
            return True
        self._turn_away(waiter.ticket, f"{self.waiting} requests wait already")
        return False

    def _leave(self, ticket: int, now: float) -> None:
        if ticket in self._waiters:
            self._forget(ticket)
        holder = self._holders.pop(ticket, None)
        if holder is None:
            return
        self._hold_seconds += NEWEST_SHARE * (now - holder.since - self._hold_seconds)
        _count_down(self._held, holder.caller)
        self._forget_caller(holder.caller)

    def _grant(self, now: float) -> None:
        while self._waiters and self.running < self._opened.places:
            waiter = min(self._waiters.values(), key=self._order)
            self._turns += 1
            self._served[waiter.caller] = self._turns
            self._holders[waiter.ticket] = _Holder(waiter.caller, now)
            self._held[waiter.caller] += 1
            self._forget(waiter.ticket)
            self._outbox.append(Granted(waiter.ticket))

    def _order(self, waiter: Arrived) -> tuple[int, int]:
        """Order waiters; equal ones stay in the order in which they came."""
        return self._held[waiter.caller], self._served.get(waiter.caller, 0)

    def _expire(self, now: float) -> None:
        late = [waiter.ticket for waiter in self._waiters.values() if waiter.until <= now]
        for ticket in late:
            self._forget(ticket)
            self._turn_away(ticket, "no place became free in time")

    def _send_away(self) -> None:
        """Turn away who cannot get a place as things are now."""
        for waiter in tuple(self._waiters.values()):
            if not self._takes(waiter):
                self._forget(waiter.ticket)
                self._turn_away(waiter.ticket, NO_REQUESTS)

    def _takes(self, waiter: Arrived) -> bool:
        return self._opened.places > 0 and (waiter.is_own or self._opened.takes_others)

    def _turn_away(self, ticket: int, words: str) -> None:
        self._outbox.append(TurnedAway(ticket, words, self.retry_seconds))

    def _forget(self, ticket: int) -> None:
        caller = self._waiters.pop(ticket).caller
        _count_down(self._queued, caller)
        self._forget_caller(caller)

    def _forget_caller(self, caller: str) -> None:
        """Forget when a caller was served as soon as it has nothing here, so that no table grows."""
        if caller not in self._held and caller not in self._queued:
            self._served.pop(caller, None)


def _count_down(counter: Counter[str], caller: str) -> None:
    counter[caller] -= 1
    if not counter[caller]:
        del counter[caller]
