"""Who answers: ALIVE, SUSPECT, UNREACHABLE or AWAY, from first-hand evidence alone.

Liveness is never membership. Whoever the owner admits stays in the table, however long it is silent, and is
tried for ever: two halves of a mesh always find each other again. That a member spoke to us is a reason to
probe it, not a proof that we can reach it; only an answer to us is.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import TYPE_CHECKING

from islandrun.mesh import pace
from islandrun.mesh.notices import Notices
from islandrun.mesh.suspicion import patience_seconds, retry_seconds, trouble_after, window_seconds
from islandrun.vocabulary import IslandId, Load, Reachability

if TYPE_CHECKING:
    import random


@dataclass(slots=True)
class Member:
    """What we know of the way to one member. It begins in doubt: nobody has answered yet.

    `silent_since` is the moment of the first miss after its last answer; `misses` counts them.
    """

    next_probe_at: float
    state: Reachability = Reachability.SUSPECT
    was_heard: bool = False
    is_away: bool = False
    misses: int = 0
    silent_since: float = 0.0
    round_trip_ms: int = 0
    load: Load | None = None
    load_at: float = 0.0

    @property
    def shown(self) -> Reachability:
        """The state as others see it: an island that says it is away is not accused of silence."""
        return Reachability.AWAY if self.is_away else self.state


@dataclass(slots=True)
class _Pending:
    island: IslandId
    sent_at: float
    is_missed: bool = False


class Membership:
    """The table of members and the probes that are on their way. `now` is `Instant.seconds`."""

    def __init__(self, rng: random.Random, notices: Notices) -> None:
        self._rng = rng
        self._notices = notices
        self._members: dict[IslandId, Member] = {}
        self._sorted: list[IslandId] = []
        self._rotation: list[IslandId] = []
        self._pending: dict[int, _Pending] = {}
        self._trouble = 0

    # ------------------------------------------------------------ who

    def __len__(self) -> int:
        return len(self._sorted)

    def __contains__(self, island: IslandId) -> bool:
        return island in self._members

    def islands(self) -> tuple[IslandId, ...]:
        """Return every member, sorted."""
        return tuple(self._sorted)

    def reachable(self) -> list[IslandId]:
        """Return the members worth talking to: alive or in doubt, sorted."""
        talking = (Reachability.ALIVE, Reachability.SUSPECT)
        return [island for island in self._sorted if self._members[island].shown in talking]

    def get(self, island: IslandId) -> Member | None:
        """Return what we know of a member."""
        return self._members.get(island)

    def add(self, island: IslandId, is_away: bool, now: float) -> None:
        """Take in a member that the owner admits, or what it newly says of being away."""
        member = self._members.get(island)
        if member is None:
            self._members[island] = Member(next_probe_at=now, is_away=is_away)
            insort(self._sorted, island)
        elif member.is_away != is_away:
            member.is_away = is_away
            member.state, member.misses, member.next_probe_at = Reachability.SUSPECT, 0, now
            self._notices.reachability(island, member.shown)

    def remove(self, island: IslandId) -> None:
        """Forget an island whose admission ended."""
        if self._members.pop(island, None) is not None:
            del self._sorted[bisect_left(self._sorted, island)]
            self._drop_probes_of(island)

    # ------------------------------------------------------------ evidence

    def answered(self, island: IslandId, now: float) -> bool:
        """Note that a member answered us; return whether it was given up before."""
        member = self._members.get(island)
        if member is None:
            return False
        self._trouble = trouble_after(self._trouble, was_answered=True)
        before, member.state = member.state, Reachability.ALIVE
        member.was_heard, member.misses = True, 0
        if before is not Reachability.ALIVE and not member.is_away:
            self._notices.reachability(island, member.shown)
        if before is Reachability.UNREACHABLE:
            self._hope(now)
        return before is Reachability.UNREACHABLE

    def missed(self, island: IslandId, now: float) -> None:
        """Note that a member did not answer us."""
        member = self._members.get(island)
        if member is None:
            return
        if member.misses == 0:
            member.silent_since = now
        member.misses += 1
        if member.is_away:
            return
        if member.state is Reachability.ALIVE:
            self._trouble = trouble_after(self._trouble, was_answered=False)
            member.state = Reachability.SUSPECT
            self._notices.reachability(island, member.shown)
        if member.state is Reachability.SUSPECT:
            member.next_probe_at = now

    def failed(self, island: IslandId, now: float) -> None:
        """Note that a call to a member failed; probes in that call are not counted a second time."""
        self._drop_probes_of(island)
        self.missed(island, now)

    def spoke(self, island: IslandId, now: float) -> None:
        """Note that a member spoke to us: time to try it, if it was given up."""
        member = self._members.get(island)
        if member is not None and member.state is Reachability.UNREACHABLE:
            earliest = min(member.next_probe_at, now + pace.RETRY_SECONDS_MIN)
            member.next_probe_at = earliest

    # ------------------------------------------------------------ probes

    def due(self, now: float) -> tuple[IslandId, ...]:
        """Return whom to probe in this round: one by rotation, and those in doubt whose time has come."""
        doubtful = [
            (member.next_probe_at, island)
            for island in self._sorted
            if (member := self._members[island]).shown is not Reachability.ALIVE
            and member.next_probe_at <= now
        ]
        chosen = [island for _, island in sorted(doubtful)[: pace.EXTRA_PROBES_MAX]]
        for island in chosen:
            self._members[island].next_probe_at = now + self._pause(self._members[island], now)
        turn = self._next_in_rotation()
        return (*chosen, turn) if turn is not None else tuple(chosen)

    def probe(self, island: IslandId, now: float) -> int:
        """Note that a probe goes out; return its nonce."""
        nonce = self._rng.getrandbits(63)
        if len(self._pending) >= pace.PROBES_PENDING_MAX:
            del self._pending[next(iter(self._pending))]
        self._pending[nonce] = _Pending(island, now)
        return nonce

    def probe_answered(self, island: IslandId, nonce: int, load: Load, now: float) -> bool:
        """Take in the answer to a probe; return whether the member was given up before."""
        pending = self._pending.get(nonce)
        if pending is None or pending.island != island:
            return False
        del self._pending[nonce]
        member = self._members.get(island)
        if member is not None:
            trip_ms = max(0, round((now - pending.sent_at) * 1000))
            member.round_trip_ms = (
                trip_ms if not member.was_heard else (3 * member.round_trip_ms + trip_ms) // 4
            )
            member.load, member.load_at = load, now
        return self.answered(island, now)

    def settle(self, now: float) -> None:
        """Count the probes that were not answered, and give up the members that stayed silent."""
        patience = patience_seconds(self._trouble)
        for nonce, pending in tuple(self._pending.items()):
            age = now - pending.sent_at
            if not pending.is_missed and age >= patience:
                pending.is_missed = True
                self.missed(pending.island, now)
            if age >= pace.LATE_ANSWER_SECONDS_MAX:
                del self._pending[nonce]
        for island in self._sorted:
            member = self._members[island]
            if member.shown is Reachability.SUSPECT and member.misses and self._is_over(member, now):
                member.state = Reachability.UNREACHABLE
                member.next_probe_at = now + self._pause(member, now)
                self._notices.reachability(island, member.shown)

    def wake(self, now: float) -> None:
        """Forget all that silence seemed to prove: it was we who were not listening."""
        self._pending.clear()
        self._trouble = pace.TROUBLE_MAX
        for island in self._sorted:
            member = self._members[island]
            member.load = None
            if member.shown is Reachability.SUSPECT:
                member.misses = 0
                if member.was_heard:
                    member.state = Reachability.ALIVE
                    self._notices.reachability(island, member.shown)
            member.next_probe_at = min(member.next_probe_at, now)

    # ------------------------------------------------------------ inside

    def _is_over(self, member: Member, now: float) -> bool:
        window = window_seconds(len(self._sorted) + 1, member.misses - 1)
        return now - member.silent_since >= window

    def _pause(self, member: Member, now: float) -> float:
        if member.shown is Reachability.SUSPECT:
            return pace.ROUND_SECONDS / 2
        silent = now - member.silent_since if member.misses else 0.0
        return retry_seconds(silent) * self._rng.uniform(0.8, 1.2)

    def _hope(self, now: float) -> None:
        """One that was given up came back: perhaps the rest of its part of the mesh did, too."""
        for island in self._sorted:
            member = self._members[island]
            if member.state is Reachability.UNREACHABLE:
                member.next_probe_at = min(member.next_probe_at, now)

    def _next_in_rotation(self) -> IslandId | None:
        """Return the next live member of a shuffled round: each is probed once before any is twice."""
        for _ in range(2):
            while self._rotation:
                island = self._rotation.pop()
                member = self._members.get(island)
                if member is not None and member.shown is Reachability.ALIVE:
                    return island
            self._rotation = list(self._sorted)
            self._rng.shuffle(self._rotation)
        return None

    def _drop_probes_of(self, island: IslandId) -> None:
        for nonce in [nonce for nonce, pending in self._pending.items() if pending.island == island]:
            del self._pending[nonce]
