"""Who the neighbours are in a mesh that is too large for everybody to talk to everybody.

Every island asks four others of its own choice to be its neighbours and takes in up to five that ask it
(HyParView's active view, Leitao, Pereira and Rodrigues, 2007). Others to choose from are drawn from the table
that the owner signed: a passive view that is handed round could be filled by an attacker, this one cannot.
A link lives as long as it is asked for again, so what one side forgot does not stay with the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from islandrun.mesh import pace
from islandrun.mesh.membership import Membership
from islandrun.mesh.probing import Say
from islandrun.v1 import mesh_pb2
from islandrun.vocabulary import IslandId

if TYPE_CHECKING:
    import random


@dataclass(frozen=True, slots=True)
class Place:
    """Where an island is: what must not be the same for all neighbours. `networks` as `networks_of` says."""

    networks: tuple[str, ...]
    group: str


@dataclass(slots=True)
class _Link:
    """`confirmed_at` is when the other side last asked for it, or accepted it; None while it is asked."""

    is_dialled: bool
    offered_at: float
    confirmed_at: float | None


class Views:
    """The links of one island. `now` is `Instant.seconds`."""

    def __init__(
        self,
        rng: random.Random,
        members: Membership,
        place: Callable[[IslandId], Place],
        say: Say,
        now: float,
    ) -> None:
        self._rng = rng
        self._members = members
        self._place = place
        self._say = say
        self._links: dict[IslandId, _Link] = {}
        self._next_turnover_at = now + pace.TURNOVER_SECONDS
        self._turn = 0
        self.is_on = False

    def neighbours(self) -> tuple[IslandId, ...]:
        """Return those with whom there is a link, the oldest first."""
        return tuple(island for island, link in self._links.items() if link.confirmed_at is not None)

    def dialled(self) -> tuple[IslandId, ...]:
        """Return the neighbours of our own choice."""
        return tuple(
            island
            for island, link in self._links.items()
            if link.is_dialled and link.confirmed_at is not None
        )

    def next_to_probe(self) -> IslandId | None:
        """Return one neighbour after the other: they are watched closer than the rest."""
        neighbours = self.neighbours()
        self._turn += 1
        return neighbours[self._turn % len(neighbours)] if neighbours else None

    def on_link(self, source: IslandId, action: mesh_pb2.LinkAction, now: float) -> None:
        """Take in what an island says about a link with us."""
        if action == mesh_pb2.LINK_ACTION_OFFER:
            self._offered(source, now)
        elif action == mesh_pb2.LINK_ACTION_ACCEPT:
            link = self._links.get(source)
            if link is not None and link.is_dialled:
                link.confirmed_at = now
        else:
            self._links.pop(source, None)

    def round(self, now: float) -> None:
        """Drop what is over, ask again for what is not, and fill one free place."""
        is_large = len(self._members) > (pace.DIRECT_AGAIN if self.is_on else pace.DIRECT_MAX)
        if self.is_on and not is_large:
            for island in tuple(self._links):
                self._end(island)
        self.is_on = is_large
        if not is_large:
            return
        for island, link in tuple(self._links.items()):
            if not self._members.is_talking(island) or self._is_over(link, now):
                self._end(island)
        self._turn_over(now)
        self._refresh(now)
        if sum(link.is_dialled for link in self._links.values()) < pace.NEIGHBOURS_DIALLED:
            self._dial_somebody(now)

    def renew(self) -> None:
        """Choose all our neighbours anew, those that chose us stay: ours kept something from us."""
        for island in self.dialled():
            self._end(island)

    # ------------------------------------------------------------ inside

    def _offered(self, source: IslandId, now: float) -> None:
        link = self._links.get(source)
        if link is None and self.is_on and self._members.is_talking(source):
            accepted = sum(not other.is_dialled for other in self._links.values())
            if accepted < pace.NEIGHBOURS_ACCEPTED:
                link = self._links[source] = _Link(False, now, now)
        if link is None:
            self._tell(source, mesh_pb2.LINK_ACTION_END)
        else:
            link.confirmed_at = now
            self._tell(source, mesh_pb2.LINK_ACTION_ACCEPT)

    def _is_over(self, link: _Link, now: float) -> bool:
        if link.confirmed_at is None:
            return now - link.offered_at > pace.OFFER_PATIENCE_SECONDS
        return now - link.confirmed_at > pace.LINK_SECONDS_MAX

    def _refresh(self, now: float) -> None:
        for island, link in self._links.items():
            if link.is_dialled and now - link.offered_at > pace.OFFER_SECONDS:
                link.offered_at = now
                self._tell(island, mesh_pb2.LINK_ACTION_OFFER)

    def _turn_over(self, now: float) -> None:
        """Exchange the oldest neighbour of our choice now and then."""
        if now >= self._next_turnover_at:
            self._next_turnover_at = now + pace.TURNOVER_SECONDS * self._rng.uniform(0.8, 1.2)
            dialled = self.dialled()
            if dialled:
                self._end(dialled[0])

    def _dial_somebody(self, now: float) -> None:
        drawn = self._members.some(pace.CHOICES, self._links)
        if drawn:
            chosen = [island for island, link in self._links.items() if link.is_dialled]
            places = [self._place(island) for island in chosen]
            networks = Counter(network for place in places for network in place.networks)
            groups = Counter(place.group for place in places)
            best = min(drawn, key=lambda island: self._likeness(self._place(island), networks, groups))
            self._links[best] = _Link(True, now, None)
            self._tell(best, mesh_pb2.LINK_ACTION_OFFER)

    def _likeness(self, place: Place, networks: Counter[str], groups: Counter[str]) -> tuple[bool, int]:
        """Order places: first those in networks that are not full, then groups that we have fewer of."""
        most = max((networks[network] for network in place.networks), default=0)
        return most >= pace.NEIGHBOURS_PER_NETWORK, groups[place.group]

    def _end(self, island: IslandId) -> None:
        del self._links[island]
        self._tell(island, mesh_pb2.LINK_ACTION_END)

    def _tell(self, island: IslandId, action: mesh_pb2.LinkAction) -> None:
        self._say(island, mesh_pb2.GossipMessage(link=mesh_pb2.Link(action=action)))


def networks_of(endpoints: tuple[str, ...]) -> tuple[str, ...]:
    """Return the networks of addresses ("host:port"): /24 of IPv4, /48 of IPv6, a host name as it is."""
    return tuple(sorted({_network(endpoint.rpartition(":")[0]) for endpoint in endpoints}))


def _network(host: str) -> str:
    if host.startswith("["):
        return _network_of_six(host.strip("[]"))
    octets = host.split(".")
    is_four = len(octets) == 4 and all(octet.isascii() and octet.isdigit() for octet in octets)
    return ".".join(octets[:3]) if is_four else host.lower()


def _network_of_six(address: str) -> str:
    """Return the first three of the eight groups; "::" in front of them stands for zeros."""
    front, gap, _ = address.partition("::")
    groups = [group.lower().lstrip("0") or "0" for group in front.split(":") if group]
    filled = groups + ["0"] * 3 if gap else groups
    return ":".join(filled[:3])
