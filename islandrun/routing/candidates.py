"""Join what the ledger, the mesh and this node know into one view of each island.

An outbound island (a cloud service) has no listener: the node of its *front* runs requests for
it. So it is reached as its front is reached, is trusted no further than its front, which sees all
that passes, and lies in the front's places too. Only where the front is this very node do its own
figures stand alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

from islandrun.trust.behaviour import Behaviour, combined
from islandrun.trust.claims import AdmissionClaims, IslandState, SelfClaims
from islandrun.trust.ledger import Ledger
from islandrun.trust.naming import island_id
from islandrun.trust.score import TrustPolicy, schemes_held, score
from islandrun.vocabulary import (
    Instant,
    IslandId,
    IslandView,
    Load,
    Ppm,
    PublicKey,
    Reachability,
    Tier,
    TrustFactor,
    TrustScore,
)

NO_KEY: Final = PublicKey(b"")


class Connections(Protocol):
    """What a view needs to know of connections; `islandrun.mesh.machine.Mesh` knows it."""

    def reachability(self, island: IslandId, now: Instant) -> Reachability:
        """Say whether an island answers."""
        ...

    def round_trip_ms(self, island: IslandId) -> int:
        """Say how long a message there and back takes, in milliseconds."""
        ...

    def load(self, island: IslandId, now: Instant) -> Load | None:
        """Return the load that an island measured and told this one itself, while it is fresh."""
        ...


@dataclass(frozen=True, slots=True)
class LocalFacts:
    """What this node knows first-hand of an island that it runs itself: its own, or one it fronts."""

    load: Load
    is_self: bool


@dataclass(frozen=True, slots=True)
class Vantage:
    """From where islands are seen at one moment, and what is seen: the snapshot that routing judges.

    `local` holds the islands that this node runs itself; `behaviours` what was observed of others.
    """

    ledger: Ledger
    mesh: Connections
    my_group: str
    trust_policy: TrustPolicy
    behaviours: Mapping[IslandId, Behaviour]
    local: Mapping[IslandId, LocalFacts]
    now: Instant

    def views(self) -> tuple[IslandView, ...]:
        """Return a view of every island in the ledger, sorted by id."""
        views = {island: self.see(island) for island in self.ledger.islands()}
        return tuple(behind_front(view, views) for view in views.values())

    def view(self, island: IslandId) -> IslandView | None:
        """Return one island as `views` does, or None, without looking at all the others."""
        if not self.knows(island):
            return None
        view = self.see(island)
        front = IslandId(view.front)
        return behind_front(view, {front: self.see(front)} if self.ledger.public_key(front) else {})

    def knows(self, island: IslandId) -> bool:
        """Say whether the ledger holds a statement of an island or the owner's about it."""
        ledger = self.ledger
        return ledger.self_claims(island) is not None or ledger.admission(island) is not None

    def see(self, island: IslandId) -> IslandView:
        """Return an island as it is by itself, whatever fronts it."""
        now_ms = self.now.wall_ms
        behaviour = self._behaviour(island)
        facts = self.local.get(island)
        is_self = facts is not None and facts.is_self
        trust = score(self.ledger, island, self.my_group, self.trust_policy, behaviour, now_ms, is_self)
        view = _view(self.ledger, self.mesh, island, trust, facts, self.now)
        held = schemes_held(self.ledger, island, self.trust_policy, now_ms)
        return replace(view, certifications=held) if held else view

    def _behaviour(self, island: IslandId) -> Behaviour | None:
        """Return what was observed of an island, also under the keys that it had before."""
        key = self.ledger.public_key(island)
        before = self.ledger.lineage.ancestors(key) if key is not None else ()
        seen = [self.behaviours.get(name) for name in (island, *map(island_id, before))]
        known = [behaviour for behaviour in seen if behaviour is not None]
        return combined(known, self.now.wall_ms) if len(known) > 1 else next(iter(known), None)


def _view(
    ledger: Ledger,
    mesh: Connections,
    island: IslandId,
    trust: TrustScore,
    facts: LocalFacts | None,
    now: Instant,
) -> IslandView:
    claims = ledger.self_claims(island)
    admission = ledger.admission(island)
    is_local = facts is not None
    view = IslandView(
        id=island,
        key=ledger.public_key(island) or NO_KEY,
        name=claims.name if claims else island[:8],
        tier=admission.tier if admission else Tier.CLOUD,
        group=admission.group if admission else "",
        jurisdictions=admission.jurisdictions if admission else (),
        standing=ledger.standing(island, now.wall_ms),
        reachability=Reachability.ALIVE if is_local else mesh.reachability(island, now),
        trust=trust,
        models=(),
        data_sets=(),
        endpoints=(),
        requests_max=0,
        load=facts.load if facts else mesh.load(island, now),
        round_trip_ms=0 if is_local else mesh.round_trip_ms(island),
        attested_until_ms=0,
        admitted_until_ms=_until_ms(admission),
        is_local=is_local,
        is_self=facts is not None and facts.is_self,
    )
    if claims is not None:
        view = _with_claims(view, claims)
    # What it tells others it takes need not be what it takes of its own programs.
    return replace(view, requests_max=facts.load.requests_max) if facts else view


def _until_ms(claims: AdmissionClaims | SelfClaims | None) -> int:
    return claims.header.not_after_ms if claims else 0


def _with_claims(view: IslandView, claims: SelfClaims) -> IslandView:
    """Add what an island says of itself: abilities only, never tier, group or place."""
    is_away = claims.state is IslandState.AWAY and not view.is_local
    return replace(
        view,
        models=claims.models,
        data_sets=claims.data_sets,
        endpoints=claims.endpoints,
        requests_max=claims.requests_max if claims.state is IslandState.READY else 0,
        reachability=Reachability.AWAY if is_away else view.reachability,
        attested_until_ms=_until_ms(claims),
        front=island_id(PublicKey(claims.front)) if claims.front else "",
        relays=tuple(island_id(key) for key in claims.relays),
        relay_endpoints=claims.relay_endpoints,
    )


def with_in_flight(view: IslandView, count: int) -> IslandView:
    """Count the requests that this node has under way on an island, where that has told of fewer in all."""
    if not count or view.is_local:
        return view
    load = view.load or Load(0, 0, view.requests_max, 0, 0)
    return replace(view, load=replace(load, running=max(load.running, count - load.waiting)))


def behind_front(view: IslandView, views: Mapping[IslandId, IslandView]) -> IslandView:
    """Give an outbound island the reach of its front, and no more trust than its front has."""
    if view.is_local or not view.front:
        return view
    front = views.get(IslandId(view.front))
    if front is None or front.front or front.is_local:
        # Nobody here can reach it: an unknown front, a front behind a front, or a service that
        # this node was set up to run once and runs no more.
        return replace(view, reachability=Reachability.UNREACHABLE, endpoints=(), round_trip_ms=0)
    is_away = view.reachability is Reachability.AWAY
    return replace(
        view,
        reachability=view.reachability if is_away else front.reachability,
        round_trip_ms=front.round_trip_ms,
        endpoints=front.endpoints,
        requests_max=view.requests_max if front.requests_max else 0,
        trust=_at_most(view.trust, front),
        jurisdictions=_places(view, front),
        certifications=tuple(held for held in view.certifications if held in front.certifications),
    )


def _places(view: IslandView, front: IslandView) -> tuple[str, ...]:
    """Join the places of both; unknown for one of them is unknown for the whole way."""
    if not view.jurisdictions or not front.jurisdictions:
        return ()
    return tuple(sorted({*view.jurisdictions, *front.jurisdictions}))


def _at_most(trust: TrustScore, front: IslandView) -> TrustScore:
    factor = TrustFactor("front", front.trust.ppm, f"its front {front.name}")
    return TrustScore(Ppm(min(trust.ppm, front.trust.ppm)), (*trust.factors, factor))
