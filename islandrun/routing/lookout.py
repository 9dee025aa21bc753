"""Keeps the views of all islands between questions, and looks again only at those of which something is new.

What is new is told by the ledger and the mesh (`Changes`), by the clock (statements begin and end), and by
what lies at hand: loads, observations, the ways over relays. The fleet that comes of it is the one that
`Vantage.views` would give, made anew from nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from islandrun.agents.fleet import Fleet, fleet_of
from islandrun.routing.candidates import LocalFacts, Vantage, behind_front, with_in_flight
from islandrun.trust.behaviour import Behaviour
from islandrun.trust.changes import Changes
from islandrun.trust.ledger import Ledger
from islandrun.trust.score import TrustPolicy, steady_until_ms, view_of
from islandrun.trust.view import View
from islandrun.vocabulary import IslandId, IslandView

NO_WAYS: Final[Mapping[IslandId, str]] = {}
NONE_IN_FLIGHT: Final[Mapping[IslandId, int]] = {}


@dataclass(frozen=True, slots=True)
class _Ground:
    """What every view rests on: where one of these is another, all is looked at again."""

    ledger: Ledger
    my_group: str
    trust_policy: TrustPolicy
    reach: View
    local: tuple[tuple[IslandId, bool], ...]


class Lookout:
    """The islands as they look from one node. It belongs to one task; `moved` are the changes of its mesh."""

    def __init__(self, moved: Changes) -> None:
        self._moved = moved
        self._ground: _Ground | None = None
        self._heard_at = self._moved_at = 0
        self._looked_at_ms = 0
        self._plain: dict[IslandId, IslandView] = {}
        self._until_ms: dict[IslandId, int] = {}
        self._next_end_ms = 0
        self._loaded: dict[IslandId, None] = {}
        self._behaviours: dict[IslandId, Behaviour] = {}
        self._local: dict[IslandId, LocalFacts] = {}
        self._ways: dict[IslandId, str] = {}
        self._in_flight: dict[IslandId, int] = {}
        self._fleet = fleet_of(())

    def fleet(
        self,
        vantage: Vantage,
        ways: Mapping[IslandId, str] = NO_WAYS,
        in_flight: Mapping[IslandId, int] = NONE_IN_FLIGHT,
    ) -> Fleet:
        """Return the islands as they look now.

        `ways` names the relays over which some are reached, `in_flight` counts what this node has under way.
        """
        present_ms = vantage.ledger.present_ms(vantage.now.wall_ms)
        ground = _ground(vantage)
        stale = self._stale(vantage, ways, present_ms) if self._is_standing(ground, present_ms) else None
        if stale is not None:
            stale |= _differing(self._in_flight, in_flight, self._plain)
        self._heard_at, self._moved_at = vantage.ledger.changes.now, self._moved.now
        self._ground, self._looked_at_ms = ground, present_ms
        self._ways, self._local = dict(ways), dict(vantage.local)
        self._in_flight = dict(in_flight)
        if stale is None:
            self._look_at_all(vantage)
        elif stale:
            self._look_again(vantage, stale)
        return self._fleet

    # ------------------------------------------------------------ what is new

    def _is_standing(self, ground: _Ground, present_ms: int) -> bool:
        """Say whether the ground is the same, and no clock went backwards."""
        return ground == self._ground and present_ms >= self._looked_at_ms

    def _stale(self, vantage: Vantage, ways: Mapping[IslandId, str], present_ms: int) -> set[IslandId] | None:
        """Return the islands of which something is new; None: perhaps all of them."""
        heard = vantage.ledger.changes.since(self._heard_at)
        moved = self._moved.since(self._moved_at)
        if heard is None or moved is None:
            return None
        stale = {*heard, *(island for island in moved if island in self._plain)}
        stale.update(self._ended(present_ms))
        stale.update(island for island in self._loaded if self._has_other_load(vantage, island))
        stale.update(_differing(self._behaviours, vantage.behaviours, self._plain))
        stale.update(_differing(self._local, vantage.local, self._plain))
        stale.update(_differing(self._ways, ways, self._plain))
        behind = self._fleet.register.behind
        ids = self._fleet.register.ids
        fronted = [IslandId(ids[place]) for island in stale for place in behind.get(island, ())]
        return {*stale, *fronted}

    def _ended(self, present_ms: int) -> list[IslandId]:
        if present_ms <= self._next_end_ms:
            return []
        return [island for island, until_ms in self._until_ms.items() if until_ms < present_ms]

    def _has_other_load(self, vantage: Vantage, island: IslandId) -> bool:
        return vantage.mesh.load(island, vantage.now) != self._plain[island].load

    # ------------------------------------------------------------ looking

    def _look_at_all(self, vantage: Vantage) -> None:
        for table in (self._plain, self._until_ms, self._loaded, self._behaviours):
            table.clear()
        for island in vantage.ledger.islands():
            self._look_at(vantage, island)
        self._lay_out_anew()

    def _look_again(self, vantage: Vantage, stale: set[IslandId]) -> None:
        before = self._plain.keys() & stale
        gone = {island for island in stale if not vantage.knows(island)}
        for island in gone:
            for table in (self._plain, self._until_ms, self._loaded, self._behaviours):
                table.pop(island, None)
        for island in stale - gone:
            self._look_at(vantage, island)
        if before != stale - gone or gone & before:
            self._lay_out_anew()
        else:
            self._fleet = self._fleet.with_changes({island: self._shown(island) for island in stale})
            self._next_end_ms = min(self._until_ms.values(), default=0)

    def _lay_out_anew(self) -> None:
        self._fleet = fleet_of(self._shown(island) for island in self._plain)
        self._next_end_ms = min(self._until_ms.values(), default=0)

    def _look_at(self, vantage: Vantage, island: IslandId) -> None:
        view = self._plain[island] = vantage.see(island)
        behaviour = vantage.behaviours.get(island)
        if behaviour is not None:
            self._behaviours[island] = behaviour
        now_ms = vantage.now.wall_ms
        self._until_ms[island] = steady_until_ms(vantage.ledger, island, behaviour, now_ms)
        self._loaded.pop(island, None)
        if view.load is not None and not view.is_local:
            self._loaded[island] = None

    def _shown(self, island: IslandId) -> IslandView:
        """Return a view as routing sees it: as its front allows, with what is under way, over its relay."""
        view = behind_front(self._plain[island], self._plain)
        view = with_in_flight(view, self._in_flight.get(island, 0))
        relay = None if view.is_local else self._ways.get(IslandId(view.front or view.id))
        return view if relay is None else replace(view, through=relay)


def _ground(vantage: Vantage) -> _Ground:
    return _Ground(
        vantage.ledger,
        vantage.my_group,
        vantage.trust_policy,
        view_of(vantage.ledger, vantage.trust_policy, vantage.now.wall_ms),
        tuple((island, facts.is_self) for island, facts in vantage.local.items()),
    )


def _differing(
    old: Mapping[IslandId, object], new: Mapping[IslandId, object], known: Mapping[IslandId, object]
) -> set[IslandId]:
    """Return the known islands of which two tables say something else."""
    changed = {
        island
        for island, value in new.items()
        if (known_value := old.get(island)) is not value and known_value != value
    }
    return {island for island in changed | (old.keys() - new.keys()) if island in known}
