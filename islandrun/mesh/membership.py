"""Who answers: ALIVE, SUSPECT, UNREACHABLE or AWAY, from first-hand evidence.

Liveness is never membership. Whoever the owner admits stays in the table, however long it is silent, and is
tried for ever: two halves of a mesh always find each other again. That a member spoke to us is a reason to
probe it, not a proof that we can reach it; only an answer to us is. What helpers found moves the length of a
suspicion between its shortest and its longest; it never begins or ends one.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from islandrun.mesh import pace
from islandrun.mesh.deck import Deck
from islandrun.mesh.notices import Notices
from islandrun.mesh.ordered import Ordered
from islandrun.mesh.suspicion import misses_min, retry_seconds, window_seconds
from islandrun.trust.changes import Changes
from islandrun.trust.layered import Layered
from islandrun.vocabulary import IslandId, Load, Reachability

if TYPE_CHECKING:
    import random

_TALKING: Final = (Reachability.ALIVE, Reachability.SUSPECT)
_NEVER: Final = float("-inf")
_DRAWS_PER_MEMBER: Final = 8


@dataclass(slots=True)
class Member:
    """What we know of the way to one member. It begins in doubt: nobody has answered yet.

    `silent_since` is when the first probe left that was not answered since its last answer; `misses` counts
    them, `confirmations` what makes the suspicion shorter, and `vouched_at` is when a helper reached it.
    """

    next_probe_at: float
    state: Reachability = Reachability.SUSPECT
    was_heard: bool = False
    is_away: bool = False
    misses: int = 0
    confirmations: int = 0
    silent_since: float = 0.0
    vouched_at: float = _NEVER
    probed_at: float = _NEVER
    given_up_at: float = _NEVER
    round_trip_ms: int = 0
    load: Load | None = None
    load_at: float = 0.0

    def copied(self) -> Member:
        """Return the same knowledge for another island, which changes it by itself."""
        return Member(
            self.next_probe_at,
            self.state,
            self.was_heard,
            self.is_away,
            self.misses,
            self.confirmations,
            self.silent_since,
            self.vouched_at,
            self.probed_at,
            self.given_up_at,
            self.round_trip_ms,
            self.load,
            self.load_at,
        )

    @property
    def shown(self) -> Reachability:
        """The state as others see it: an island that says it is away is not accused of silence."""
        return Reachability.AWAY if self.is_away else self.state


class Membership:
    """The table of members. `now` is `Instant.seconds`; a round costs the doubtful, not the whole table."""

    def __init__(self, rng: random.Random, notices: Notices) -> None:
        self._rng = rng
        self._notices = notices
        self._members: MutableMapping[IslandId, Member] = {}
        self._sorted: Ordered[IslandId] = Ordered()
        self._rotation = Deck()
        self._doubted: dict[IslandId, Member] = {}
        self._lost: dict[IslandId, Member] = {}
        self._retries: list[tuple[float, IslandId]] = []
        self._next_hope_at = _NEVER
        self._next_some_at = _NEVER
        self.changes = Changes()
        self._miss_share = 0.0

    def fork(self, rng: random.Random, notices: Notices) -> Membership:
        """Return a table that begins with these members, none of them in doubt; this one may not change."""
        assert not self._doubted, "who forks has heard every member"
        assert not self._lost, "who forks has given up nobody"
        other = Membership(rng, notices)
        other._members, other._sorted = Layered(self._members, Member.copied), self._sorted.fork()
        return other

    # ------------------------------------------------------------ who

    def __len__(self) -> int:
        return len(self._sorted)

    def __contains__(self, island: IslandId) -> bool:
        return island in self._members

    def islands(self) -> tuple[IslandId, ...]:
        """Return every member, sorted."""
        return tuple(self._sorted)

    def get(self, island: IslandId) -> Member | None:
        """Return what we know of a member."""
        return self._members.get(island)

    def is_talking(self, island: IslandId) -> bool:
        """Say whether a member is worth talking to: alive or in doubt."""
        member = self._members.get(island)
        return member is not None and member.shown in _TALKING

    def some(
        self, count: int, but: Collection[IslandId] = (), states: tuple[Reachability, ...] = _TALKING
    ) -> list[IslandId]:
        """Draw so many members in these states, or all there are; the cost grows with `count` alone.

        Where almost nobody is left in these states, those few may be overlooked in a very large table.
        """
        size = len(self._sorted)
        if size <= pace.DIRECT_MAX:
            all_there_are = [
                island
                for island in self._sorted
                if island not in but and self._members[island].shown in states
            ]
            return self._rng.sample(all_there_are, min(count, len(all_there_are)))
        drawn: dict[IslandId, None] = {}
        for _ in range(count * _DRAWS_PER_MEMBER):
            island = self._sorted[self._rng.randrange(size)]
            if island not in but and self._members[island].shown in states:
                drawn[island] = None
                if len(drawn) == count:
                    break
        return list(drawn)

    def talks(self, island: IslandId) -> bool:
        """Say whether a member is one that may answer."""
        member = self._members.get(island)
        return member is not None and member.shown in _TALKING

    def add(self, island: IslandId, is_away: bool, now: float) -> None:
        """Take in a member that the owner admits, or that it newly speaks of itself.

        Its own word, signed, makes us try it at once if it was given up; it does not make it alive.
        """
        member = self._members.get(island)
        if member is None:
            member = self._members[island] = Member(next_probe_at=now, is_away=is_away)
            self._sorted.add(island)
            self._file(island, member)
            self.changes.note(island)
        elif member.is_away != is_away:
            member.is_away = is_away
            member.state, member.misses, member.confirmations = Reachability.SUSPECT, 0, 0
            member.next_probe_at = now
            self._file(island, member)
            self._tell(island, member)
        else:
            self.spoke(island, now)

    def remove(self, island: IslandId) -> None:
        """Forget an island whose admission ended."""
        if self._members.pop(island, None) is not None:
            self._sorted.remove(island)
            self._doubted.pop(island, None)
            self._lost.pop(island, None)
            self.changes.note(island)

    # ------------------------------------------------------------ evidence

    def answered(self, island: IslandId, now: float) -> bool:
        """Note that a member answered us; return whether it was given up before."""
        member = self._members.get(island)
        if member is None:
            return False
        before, member.state = member.state, Reachability.ALIVE
        if before is Reachability.ALIVE:
            self._miss_share -= pace.MISS_WEIGHT * self._miss_share
        member.was_heard, member.misses, member.confirmations = True, 0, 0
        member.vouched_at = _NEVER
        self.changes.note(island)
        if before is not Reachability.ALIVE:
            self._file(island, member)
            if not member.is_away:
                self._notices.reachability(island, member.shown)
        if before is Reachability.UNREACHABLE:
            self._hope(now)
        return before is Reachability.UNREACHABLE

    def missed(self, island: IslandId, since: float, now: float) -> bool:
        """Note that a member did not answer what left at `since`; return whether that is the first doubt."""
        member = self._members.get(island)
        if member is None:
            return False
        if member.misses == 0:
            member.silent_since = since
        elif now - member.vouched_at > pace.VOUCHED_SECONDS:
            member.confirmations += 1
        member.misses += 1
        is_first = member.state is Reachability.ALIVE and not member.is_away
        if is_first:
            self._miss_share += pace.MISS_WEIGHT * (1.0 - self._miss_share)
            member.state = Reachability.SUSPECT
            self._file(island, member)
            self._tell(island, member)
        if member.shown is Reachability.SUSPECT:
            member.next_probe_at = now
            self._doubted[island] = member
        return is_first

    def confirmed(self, island: IslandId) -> None:
        """Note that a helper, asked by us, did not reach a member either."""
        member = self._doubted.get(island)
        if member is not None and member.misses:
            member.confirmations += 1

    def vouched(self, island: IslandId, now: float) -> None:
        """Note that a helper, asked by us, reached a member: it is the way that is bad, give it time."""
        member = self._doubted.get(island)
        if member is not None:
            member.confirmations, member.vouched_at = 0, now

    def spoke(self, island: IslandId, now: float) -> None:
        """Note that a member spoke to us: time to try it, if it was given up."""
        member = self._lost.get(island)
        if member is not None and member.next_probe_at > now:
            earliest = max(now, member.probed_at + pace.RETRY_SECONDS_MIN)
            if earliest < member.next_probe_at:
                self._try_at(island, member, earliest)

    # ------------------------------------------------------------ whom to try

    def silent(self) -> tuple[IslandId, ...]:
        """Return the members in doubt that have left a probe unanswered, the first to do so first."""
        return tuple(island for island, member in self._doubted.items() if member.misses)

    def due(self, now: float) -> tuple[IslandId, ...]:
        """Return whom to probe in this round: one by rotation, and those in doubt whose time has come."""
        doubted = sorted(
            (member.next_probe_at, island)
            for island, member in self._doubted.items()
            if member.next_probe_at <= now
        )
        chosen = [island for _, island in doubted[: pace.EXTRA_PROBES_MAX]]
        for island in chosen:
            self._members[island].next_probe_at = now + pace.ROUND_SECONDS / 2
        chosen.extend(self._due_of_the_lost(now, pace.EXTRA_PROBES_MAX - len(chosen)))
        turn = self._next_in_rotation()
        return tuple(dict.fromkeys((*chosen, turn))) if turn is not None else tuple(chosen)

    def settle(self, now: float) -> None:
        """Give up the members that stayed silent for too long."""
        needed = misses_min(self._miss_share)
        for island, member in tuple(self._doubted.items()):
            if member.misses >= needed and self._is_over(member, now):
                member.state = Reachability.UNREACHABLE
                member.given_up_at = now
                self._file(island, member)
                self._tell(island, member)

    def wake(self, now: float) -> None:
        """Forget all that silence seemed to prove: it was we who were not listening."""
        for island, member in tuple(self._doubted.items()):
            member.misses = member.confirmations = 0
            member.next_probe_at = now
            if member.was_heard:
                member.state = Reachability.ALIVE
                self._file(island, member)
                self._tell(island, member)
        self._next_hope_at = _NEVER
        self._hope(now)

    # ------------------------------------------------------------ inside

    def _tell(self, island: IslandId, member: Member) -> None:
        self.changes.note(island)
        self._notices.reachability(island, member.shown)

    def _file(self, island: IslandId, member: Member) -> None:
        """Put a member where its state belongs: among the doubted, the lost, or neither.

        In a large mesh those that we have not tried yet wait for their turn in the rotation.
        """
        self._doubted.pop(island, None)
        self._lost.pop(island, None)
        if member.shown is Reachability.SUSPECT:
            if member.misses or len(self._sorted) <= pace.DIRECT_MAX:
                self._doubted[island] = member
        elif member.shown is not Reachability.ALIVE:
            self._lost[island] = member
            now = member.given_up_at if member.state is Reachability.UNREACHABLE else member.next_probe_at
            self._try_at(island, member, now + self._pause(member, now))

    def _is_over(self, member: Member, now: float) -> bool:
        window = window_seconds(len(self._sorted) + 1, member.confirmations)
        has_flapped = now - member.given_up_at < pace.FLAP_SECONDS
        return now - member.silent_since >= window and not has_flapped

    def _try_at(self, island: IslandId, member: Member, at: float) -> None:
        member.next_probe_at = at
        heapq.heappush(self._retries, (at, island))
        if len(self._retries) > 4 * len(self._lost) + pace.EXTRA_PROBES_MAX:  # mostly entries of the past
            self._retries = sorted((lost.next_probe_at, name) for name, lost in self._lost.items())

    def _due_of_the_lost(self, now: float, room: int) -> list[IslandId]:
        chosen: list[IslandId] = []
        while self._retries and self._retries[0][0] <= now and len(chosen) < room:
            at, island = heapq.heappop(self._retries)
            member = self._lost.get(island)
            if member is not None and member.next_probe_at == at:
                chosen.append(island)
                self._try_at(island, member, now + self._pause(member, now))
        if self._lost and not chosen and now >= self._next_some_at:
            chosen.append(self._rng.choice(list(self._lost)))
        if chosen:
            self._next_some_at = now + pace.RETRY_SOME_SECONDS
        return chosen

    def _pause(self, member: Member, now: float) -> float:
        silent = now - member.silent_since if member.misses else 0.0
        return retry_seconds(silent) * self._rng.uniform(0.8, 1.2)

    def _hope(self, now: float) -> None:
        """One that was given up came back: perhaps the rest of its part of the mesh did, too."""
        if now >= self._next_hope_at:
            self._next_hope_at = now + pace.ROUND_SECONDS
            for member in self._lost.values():
                member.next_probe_at = min(member.next_probe_at, now)
            self._retries = sorted((member.next_probe_at, island) for island, member in self._lost.items())

    def _next_in_rotation(self) -> IslandId | None:
        """Return the next live member of a shuffled round: each is probed once before any is twice."""
        for _ in range(2):
            while self._rotation:
                island = self._rotation.deal(self._rng)
                member = self._members.get(island)
                if member is not None and member.shown in _TALKING:
                    return island
            self._rotation = Deck(self._sorted.fork())
        return None
