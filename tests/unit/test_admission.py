"""The queue before an engine: fair between callers, in order within one, bounded, honest about waiting."""

from __future__ import annotations

import pytest

from islandrun.routing.admission import AdmissionQueue, Answer, Arrived, Granted, Left, Opened, TurnedAway


class Desk:
    """A queue with a clock; tickets are numbered in the order of arrival."""

    def __init__(self, places: int, waiting_max: int = 64) -> None:
        self.queue = AdmissionQueue(places, waiting_max)
        self.now = 0.0
        self.tickets = 0

    def arrive(self, caller: str, seconds: float = 1_000.0, is_own: bool = True) -> tuple[Answer, ...]:
        self.tickets += 1
        self.queue.receive(Arrived(self.tickets, caller, self.now + seconds, is_own), self.now)
        return self.queue.take_outbox()

    def leave(self, ticket: int) -> tuple[Answer, ...]:
        self.queue.receive(Left(ticket), self.now)
        return self.queue.take_outbox()


def test_a_free_place_is_given_at_once_and_the_next_waits() -> None:
    desk = Desk(1)
    assert desk.arrive("a") == (Granted(1),)
    assert desk.arrive("a") == ()
    assert (desk.queue.running, desk.queue.waiting) == (1, 1)
    assert desk.leave(1) == (Granted(2),)
    assert desk.leave(2) == ()
    assert (desk.queue.running, desk.queue.waiting) == (0, 0)


def test_one_caller_with_a_hundred_requests_delays_another_by_one_turn() -> None:
    desk = Desk(1, waiting_max=200)
    for _ in range(100):
        desk.arrive("greedy")
    desk.arrive("modest")
    desk.arrive("modest")
    order, ticket = [], 1
    for _ in range(4):
        (granted,) = desk.leave(ticket)
        ticket = granted.ticket
        order.append(ticket)
    assert order == [101, 2, 102, 3]


def test_places_are_shared_evenly() -> None:
    desk = Desk(4)
    for _ in range(10):
        desk.arrive("greedy")
    for _ in range(5):
        desk.arrive("modest")
    # Tickets 1 to 4 run; as they end, the places go to whoever holds fewer.
    assert [desk.leave(ticket)[0].ticket for ticket in (1, 2)] == [11, 12]
    assert desk.leave(11)[0].ticket == 13


def test_who_fills_the_queue_feels_that_it_is_full() -> None:
    desk = Desk(1, waiting_max=3)
    for _ in range(4):
        desk.arrive("greedy")
    (refused,) = desk.arrive("greedy")
    assert isinstance(refused, TurnedAway)
    assert refused.ticket == 5
    (pushed,) = desk.arrive("modest")
    assert isinstance(pushed, TurnedAway)
    assert pushed.ticket == 4
    assert desk.leave(1) == (Granted(6),)


def test_an_even_queue_turns_the_newcomer_away() -> None:
    desk = Desk(1, waiting_max=2)
    for caller in ("a", "a", "b"):
        desk.arrive(caller)
    (refused,) = desk.arrive("c")
    assert refused.ticket == 4


def test_whoever_waited_long_enough_is_told() -> None:
    desk = Desk(1)
    desk.arrive("a")
    desk.arrive("b", seconds=2.0)
    assert desk.queue.next_deadline() == 2.0
    desk.queue.tick(1.9)
    assert desk.queue.take_outbox() == ()
    desk.queue.tick(2.0)
    (late,) = desk.queue.take_outbox()
    assert isinstance(late, TurnedAway)
    assert "in time" in late.words
    assert desk.arrive("c", seconds=0.0)[0].words == "no place is free"


def test_when_to_come_again_follows_what_requests_took() -> None:
    desk = Desk(1, waiting_max=0)
    for second in range(30):
        desk.now = float(second * 20)
        desk.arrive("a")
        desk.now += 12.0
        desk.leave(desk.tickets)
    desk.arrive("a")
    (refused,) = desk.arrive("a")
    assert isinstance(refused, TurnedAway)
    assert 11 <= refused.retry_seconds <= 13


def test_closing_for_others_sends_them_away_and_lets_the_own_go_on() -> None:
    desk = Desk(2)
    desk.arrive("north", is_own=False)
    desk.arrive("local")
    desk.arrive("north", is_own=False)
    desk.arrive("local")
    desk.queue.receive(Opened(2, takes_others=False), desk.now)
    (away,) = desk.queue.take_outbox()
    assert (away.ticket, desk.queue.waiting) == (3, 1)
    assert isinstance(desk.arrive("north", is_own=False)[0], TurnedAway)
    assert desk.leave(1) == (Granted(4),), "whoever ran went on, and its place is for the own"


@pytest.mark.parametrize("is_own", [True, False])
def test_without_places_nobody_waits(is_own: bool) -> None:
    desk = Desk(1)
    desk.arrive("a")
    desk.arrive("b", is_own=is_own)
    desk.queue.receive(Opened(0), desk.now)
    assert [type(answer) for answer in desk.queue.take_outbox()] == [TurnedAway]
    assert isinstance(desk.arrive("c", is_own=is_own)[0], TurnedAway)
    assert desk.queue.running == 1, "who runs goes on"
