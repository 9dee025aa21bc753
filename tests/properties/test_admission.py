"""The queue before an engine, under any order of events on virtual time."""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from islandrun.routing.admission import AdmissionQueue, Arrived, Granted, Left, Opened, TurnedAway

WAITING_MAX = 5
CALLERS = ("local", "north", "south", "west")


class Admission(RuleBasedStateMachine):
    """Callers come, wait, go away and end, while places are opened and closed."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = AdmissionQueue(2, WAITING_MAX)
        self.now = 0.0
        self.tickets = 0
        self.opened = Opened(2)
        self.asked: dict[int, Arrived] = {}
        self.running: dict[int, str] = {}
        self.answered: Counter[int] = Counter()
        self.last_granted: dict[str, int] = {}

    @rule(caller=st.sampled_from(CALLERS), seconds=st.sampled_from((0.0, 1.0, 5.0, 100.0)))
    def arrive(self, caller: str, seconds: float) -> None:
        self.tickets += 1
        arrived = Arrived(self.tickets, caller, self.now + seconds, is_own=caller == "local")
        self.asked[self.tickets] = arrived
        self._tell(arrived)

    @precondition(lambda self: self.running or self.asked)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(sorted({*self.running, *self.asked})))
        self.running.pop(ticket, None)
        self.asked.pop(ticket, None)
        self._tell(Left(ticket))
        self._tell(Left(ticket))

    @rule(places=st.integers(0, 3), takes_others=st.booleans())
    def open(self, places: int, takes_others: bool) -> None:
        self.opened = Opened(places, takes_others)
        self._tell(self.opened)

    @rule(seconds=st.sampled_from((0.5, 1.0, 10.0)))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.queue.tick(self.now)
        self._read()

    def _tell(self, message: Arrived | Left | Opened) -> None:
        self.queue.receive(message, self.now)
        self._read()

    def _read(self) -> None:
        for answer in self.queue.take_outbox():
            self.answered[answer.ticket] += 1
            asked = self.asked.pop(answer.ticket)
            if isinstance(answer, Granted):
                assert asked.until >= self.now
                assert asked.is_own or self.opened.takes_others
                assert len(self.running) < self.opened.places
                assert self.last_granted.get(asked.caller, 0) < answer.ticket, "in order within a caller"
                self.last_granted[asked.caller] = answer.ticket
                self.running[answer.ticket] = asked.caller
            else:
                assert isinstance(answer, TurnedAway)
                assert 1 <= answer.retry_seconds <= 60

    @invariant()
    def counts_agree_and_are_bounded(self) -> None:
        assert self.queue.running == len(self.running)
        assert self.queue.waiting == len(self.asked) <= WAITING_MAX

    @invariant()
    def everybody_is_answered_once(self) -> None:
        assert all(count == 1 for count in self.answered.values())

    @invariant()
    def no_place_stays_empty_while_somebody_waits(self) -> None:
        assert not self.asked or len(self.running) >= self.opened.places > 0

    @invariant()
    def nobody_waits_longer_than_it_said(self) -> None:
        deadline = self.queue.next_deadline()
        assert deadline == min((asked.until for asked in self.asked.values()), default=None)
        assert deadline is None or deadline > self.now or self.asked


Admission.TestCase.settings = settings(deadline=None, max_examples=120, stateful_step_count=40)
TestAdmission = Admission.TestCase
