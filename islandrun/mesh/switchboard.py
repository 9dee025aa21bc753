"""The books of a relay: who is attached, which pipes are open, and what each may carry.

A pipe joins two admitted islands, one of which is attached here; there is no way on from a pipe to another
relay, so nothing is carried twice. Whose calls these are is decided for each call by who serves them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from islandrun.errors import Overloaded, RejectedMessage, Unreachable
from islandrun.vocabulary import IslandId

ATTACHED_MAX: Final = 256
PIPES_PER_PAIR_MAX: Final = 16
PIPES_PER_ISLAND_MAX: Final = 64
PIPES_MAX: Final = 256
ANSWER_SECONDS_MAX: Final = 5.0
"""How long the attached island has to take up an invitation."""

IDLE_SECONDS_MAX: Final = 60.0
"""How long a pipe may carry nothing in both directions."""


@dataclass(slots=True)
class Pipe:
    """One pipe. Times are `Instant.seconds`; `carried_at`: when it last carried anything."""

    connection_id: bytes
    caller: IslandId
    target: IslandId
    opened_at: float
    carried_at: float
    is_taken_up: bool = False

    def idle_seconds_left(self, now: float) -> float:
        """Return how long the pipe may still stay silent; 0 or less when it must end."""
        return self.carried_at + IDLE_SECONDS_MAX - now


class Bucket:
    """How fast an island's pipes may carry: `bytes_per_second`, and one second's worth at once."""

    def __init__(self, bytes_per_second: int, now: float) -> None:
        assert bytes_per_second > 0
        self._rate = bytes_per_second
        self._full_at = now

    def take(self, size_bytes: int, now: float) -> float:
        """Take out what was just read; return how many seconds to wait before reading more."""
        self._full_at = max(self._full_at, now) + size_bytes / self._rate
        return max(0.0, self._full_at - now - 1.0)


class Switchboard:
    """The tables of one relay, bounded; its owner tells it what happens on the wire."""

    def __init__(self, bytes_per_second: int) -> None:
        self._rate = bytes_per_second
        self._attached: set[IslandId] = set()
        self._pipes: dict[bytes, Pipe] = {}
        self._buckets: dict[IslandId, Bucket] = {}

    def attach(self, island: IslandId) -> None:
        """Take in an island that can be dialled here from now on. Raises `Overloaded`."""
        if island not in self._attached and len(self._attached) >= ATTACHED_MAX:
            raise Overloaded(f"this relay carries {ATTACHED_MAX} islands already; attach to another one")
        self._attached.add(island)

    def detach(self, island: IslandId) -> None:
        """Forget an island that cannot be dialled here any more; its open pipes go on."""
        self._attached.discard(island)

    def dial(self, caller: IslandId, target: IslandId, connection_id: bytes, now: float) -> Pipe:
        """Open a pipe that the target has still to take up. Raises `Unreachable` or `Overloaded`."""
        if caller == target:
            raise Unreachable("an island does not dial itself over a relay")
        if target not in self._attached:
            raise Unreachable(f"island {target[:8]} is not attached to this relay")
        self._check_room(caller, target)
        pipe = Pipe(connection_id, caller, target, opened_at=now, carried_at=now)
        self._pipes[connection_id] = pipe
        self._buckets.setdefault(caller, Bucket(self._rate, now))
        return pipe

    def take_up(self, island: IslandId, connection_id: bytes, now: float) -> Pipe:
        """Join the invited island to its pipe, once and in time. Raises `RejectedMessage`."""
        pipe = self._pipes.get(connection_id)
        is_invited = pipe is not None and pipe.target == island and not pipe.is_taken_up
        if pipe is None or not is_invited or now - pipe.opened_at > ANSWER_SECONDS_MAX:
            raise RejectedMessage("no pipe waits for this island under that connection id")
        pipe.is_taken_up = True
        return pipe

    def carried(self, pipe: Pipe, size_bytes: int, now: float) -> float:
        """Note what a pipe carries; return how many seconds to wait before it may carry more."""
        pipe.carried_at = now
        bucket = self._buckets.get(pipe.caller)
        return bucket.take(size_bytes, now) if bucket is not None else 0.0

    def end(self, connection_id: bytes) -> None:
        """Forget a pipe."""
        pipe = self._pipes.pop(connection_id, None)
        if pipe is not None and all(other.caller != pipe.caller for other in self._pipes.values()):
            self._buckets.pop(pipe.caller, None)

    def pipes(self, island: IslandId) -> int:
        """Return how many pipes an island has here, at whichever end."""
        return sum(island in (pipe.caller, pipe.target) for pipe in self._pipes.values())

    def _check_room(self, caller: IslandId, target: IslandId) -> None:
        pair = {caller, target}
        between = sum({pipe.caller, pipe.target} == pair for pipe in self._pipes.values())
        if between >= PIPES_PER_PAIR_MAX:
            raise Overloaded(f"{PIPES_PER_PAIR_MAX} pipes join these two islands already")
        for island in (caller, target):
            if self.pipes(island) >= PIPES_PER_ISLAND_MAX:
                raise Overloaded(f"island {island[:8]} has {PIPES_PER_ISLAND_MAX} pipes here already")
        if len(self._pipes) >= PIPES_MAX:
            raise Overloaded(f"this relay carries {PIPES_MAX} pipes already")
