"""A simulated mesh that remembers every change of reachability, and whose machines can stall."""

from __future__ import annotations

from dataclasses import dataclass

from islandrun.mesh.notices import Notice, ReachabilityChanged
from islandrun.simulation.invariants import Invariants
from islandrun.simulation.islands import Island
from islandrun.simulation.network import Conditions
from islandrun.simulation.timeline import Alarm, Event
from islandrun.simulation.world import World
from islandrun.vocabulary import Reachability


@dataclass(frozen=True, slots=True)
class Change:
    """One island saw another one become something."""

    at_seconds: float
    observer: str
    island: str
    state: Reachability


class _Watching(Invariants):
    def __init__(self) -> None:
        super().__init__()
        self.noticed: list[tuple[float, str, Notice]] = []

    def after(self, observer: Island, notice: Notice, at_seconds: float, now_ms: int) -> None:
        super().after(observer, notice, at_seconds, now_ms)
        self.noticed.append((at_seconds, observer.name, notice))


class WatchedWorld(World):
    """`count` islands that have found each other. Ledgers are checked as a whole only when asked for."""

    def __init__(
        self, seed: int, count: int, conditions: Conditions | None = None, settle: float = 60
    ) -> None:
        super().__init__(seed, conditions)
        self.invariants = self.watching = _Watching()
        self._next_sweep_at = float("inf")
        self._stalled_until: dict[str, float] = {}
        for number in range(count):
            self.join(f"i{number:04}")
            if number % 10 == 9:
                super().run(self.rng.uniform(0.0, 0.2))
        self.run(settle)
        self.watching.noticed.clear()

    def stall(self, name: str, seconds: float) -> None:
        """Let a machine do nothing for a while; what arrives waits for it."""
        self._stalled_until[name] = self.seconds + seconds

    def changes(self, state: Reachability = Reachability.UNREACHABLE) -> list[Change]:
        """Return who saw whom become that, in order."""
        return [
            Change(at, observer, self._by_id[notice.island].name, notice.reachability)
            for at, observer, notice in self.watching.noticed
            if isinstance(notice, ReachabilityChanged) and notice.reachability is state
        ]

    def seen(self, observer: str, island: str) -> Reachability:
        """Return what one island knows of the way to another."""
        mesh = self.islands[observer].mesh
        assert mesh is not None
        return mesh.reachability(self.islands[island].id, self.now)

    def all_see(self, state: Reachability = Reachability.ALIVE) -> bool:
        """Say whether every island that runs sees every other that runs so."""
        names = [island.name for island in self.honest()]
        return all(self.seen(one, other) is state for one in names for other in names if one != other)

    def run_until_all_see(self, seconds_max: float) -> float:
        """Run until all see all alive; return how long it took, or infinity."""
        begin = self.seconds
        while not self.all_see():
            if self.seconds - begin >= seconds_max:
                return float("inf")
            self.run(1.0)
        return self.seconds - begin

    def _happen(self, event: Event) -> None:
        until = self._stalled_until.get(event.target.name, 0.0)
        if until <= self.seconds:
            super()._happen(event)
        elif isinstance(event, Alarm):
            self._timeline.arm(event.target, until)
        else:
            self._timeline.add(until, event)
