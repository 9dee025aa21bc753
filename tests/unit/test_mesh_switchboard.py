"""The books of a relay: who may be dialled, how many pipes there may be, how fast and how long."""

import pytest

from islandrun.errors import Overloaded, RejectedMessage, Unreachable
from islandrun.mesh import switchboard
from islandrun.mesh.switchboard import Bucket, Pipe, Switchboard
from islandrun.vocabulary import IslandId

A, B, C = IslandId("a"), IslandId("b"), IslandId("c")
RATE = 1_000_000


def attached(*islands: IslandId) -> Switchboard:
    board = Switchboard(RATE)
    for island in islands:
        board.attach(island)
    return board


def dial(board: Switchboard, caller: IslandId, target: IslandId, number: int = 0, now: float = 0.0) -> Pipe:
    return board.dial(caller, target, number.to_bytes(16), now)


def test_only_an_attached_island_is_dialled() -> None:
    board = attached(B)
    assert dial(board, A, B).target == B
    with pytest.raises(Unreachable):
        dial(board, B, A, 1)
    board.detach(B)
    with pytest.raises(Unreachable):
        dial(board, A, B, 2)
    with pytest.raises(Unreachable):
        dial(attached(A), A, A)


def test_an_invitation_is_taken_up_once_in_time_by_the_invited() -> None:
    board = attached(B)
    pipe = dial(board, A, B, 7, now=10.0)
    for island, connection_id, now in (
        (C, pipe.connection_id, 10.0),
        (A, pipe.connection_id, 10.0),
        (B, bytes(16), 10.0),
        (B, pipe.connection_id, 10.0 + switchboard.ANSWER_SECONDS_MAX + 0.01),
    ):
        with pytest.raises(RejectedMessage):
            board.take_up(island, connection_id, now)
    assert board.take_up(B, pipe.connection_id, 12.0) is pipe
    with pytest.raises(RejectedMessage):
        board.take_up(B, pipe.connection_id, 12.0)


def test_pipes_between_two_islands_are_bounded_in_both_directions() -> None:
    board = attached(A, B)
    for number in range(switchboard.PIPES_PER_PAIR_MAX):
        dial(board, *((A, B) if number % 2 else (B, A)), number)
    with pytest.raises(Overloaded):
        dial(board, A, B, 99)
    board.end((0).to_bytes(16))
    dial(board, A, B, 99)


def test_pipes_of_an_island_are_bounded_at_either_end() -> None:
    islands = [IslandId(f"i{number}") for number in range(9)]
    board = attached(B, *islands)
    for number in range(switchboard.PIPES_PER_ISLAND_MAX):
        dial(board, islands[number % 8], B, number)
    assert board.pipes(B) == switchboard.PIPES_PER_ISLAND_MAX
    for caller, target in ((islands[8], B), (B, islands[8])):
        with pytest.raises(Overloaded):
            dial(board, caller, target, 99)


def test_a_relay_is_bounded_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switchboard, "PIPES_MAX", 2)
    monkeypatch.setattr(switchboard, "ATTACHED_MAX", 2)
    board = attached(A, B)
    board.attach(B)
    with pytest.raises(Overloaded):
        board.attach(C)
    dial(board, A, B, 1)
    dial(board, C, B, 2)
    with pytest.raises(Overloaded):
        dial(board, C, A, 3)


def test_an_ended_pipe_is_forgotten() -> None:
    board = attached(B)
    pipe = dial(board, A, B, 1)
    board.end(pipe.connection_id)
    board.end(pipe.connection_id)
    assert board.pipes(A) == board.pipes(B) == 0
    with pytest.raises(RejectedMessage):
        board.take_up(B, pipe.connection_id, 0.0)


def test_a_silent_pipe_ends() -> None:
    board = attached(B)
    pipe = dial(board, A, B, now=5.0)
    assert pipe.idle_seconds_left(5.0) == switchboard.IDLE_SECONDS_MAX
    board.carried(pipe, 10, 30.0)
    assert pipe.idle_seconds_left(30.0 + switchboard.IDLE_SECONDS_MAX) == 0


def test_a_bucket_gives_a_second_at_once_and_its_rate_after_that() -> None:
    bucket = Bucket(RATE, 0.0)
    assert bucket.take(RATE, 0.0) == 0.0
    assert bucket.take(RATE // 2, 0.0) == pytest.approx(0.5)
    assert bucket.take(RATE // 2, 10.0) == 0.0, "a pause is not saved up for more than a second"
    assert bucket.take(RATE, 10.0) == pytest.approx(0.5)


def test_all_pipes_that_an_island_opened_share_one_bucket() -> None:
    board = attached(B, C)
    first, second, other = dial(board, A, B, 1), dial(board, A, C, 2), dial(board, B, C, 3)
    assert board.carried(first, RATE, 0.0) == 0.0
    assert board.carried(second, RATE, 0.0) == pytest.approx(1.0)
    assert board.carried(other, RATE, 0.0) == 0.0
    board.end(first.connection_id)
    assert board.carried(second, 0, 0.0) == pytest.approx(1.0), "ending a pipe is no way round it"
