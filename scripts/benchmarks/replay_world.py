"""The islands of a replay: what they are, how they serve, when they go, what they tell, and who lies.

Trust comes from a real ledger with signed statements; the views that routing gets are made of it as a node
makes them. Time is virtual. What others tell is as old as the last round of gossip.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, replace

from islandrun.agents.fleet import Fleet, fleet_of
from islandrun.agents.resources import WAITING_MAX
from islandrun.errors import RejectedMessage
from islandrun.load import ModelPace
from islandrun.routing.candidates import LocalFacts, Vantage, with_in_flight
from islandrun.simulation.invariants import POLICY
from islandrun.simulation.islands import GROUP, YEAR_MS, Grant, Owner, Pen, Timing, dice
from islandrun.trust.claims import AdmissionClaims, SelfClaims
from islandrun.trust.ledger import Ledger
from islandrun.trust.naming import island_id
from islandrun.trust.signing import SELF_LIFE_MS_MAX, SignedAttestation, verify
from islandrun.vocabulary import (
    PPM_MAX,
    Instant,
    IslandId,
    IslandView,
    Load,
    ModelOffer,
    Ppm,
    Reachability,
    Tier,
)

GOSSIP_SECONDS = 10.0
CHURN_SHARE = 0.3
CHURN_WINDOW_SECONDS = 600.0
AWAY_SECONDS = (60.0, 240.0)
NOTICED_SECONDS = 1.0
"""After so long a caller gives up on an island that is gone."""
OTHERS_SHARE = 0.2
"""So much of what an office server can do, other people use."""
EPOCH_MS = 1_700_000_000_000


@dataclass(frozen=True, slots=True)
class Kind:
    """What an island is in truth. Prices are dollars for a million tokens; `boast` is what a liar tells."""

    name: str
    tier: Tier
    places: int
    base_ms: int
    prefill_us: int
    token_us: int
    quality: float
    round_trip_ms: int
    input_dollars: float = 0
    output_dollars: float = 0
    boast: Load | None = None
    is_admitted: bool = True
    mean_seconds: float = 5.0

    @property
    def offer(self) -> ModelOffer:
        """The model that it serves."""
        return ModelOffer(
            f"model-of-{self.name}",
            16_384,
            Ppm(int(self.quality * PPM_MAX)),
            int(self.input_dollars * 1_000_000),
            int(self.output_dollars * 1_000_000),
        )

    def cost_microusd(self, input_tokens: int, output_tokens: int) -> float:
        """Return what a request costs here in truth."""
        return input_tokens * self.input_dollars + output_tokens * self.output_dollars


_BOAST = Load(
    0, 0, 64, 20, 1_000, models=(ModelPace("model-of-braggart", 100, 20, 30, 1_000, 1_200, 20, 0, 1_000),)
)

KINDS = (
    Kind("laptop", Tier.PERSONAL, 2, 600, 2_000, 40_000, 0.45, 0),
    Kind("desktop", Tier.PERSONAL, 8, 250, 250, 18_000, 0.62, 3),
    Kind("attic", Tier.PERSONAL, 4, 400, 600, 28_000, 0.55, 4),
    Kind("loft", Tier.PERSONAL, 4, 400, 600, 30_000, 0.55, 9),
    Kind("office-a", Tier.EDGE, 12, 300, 200, 20_000, 0.70, 14),
    Kind("office-b", Tier.EDGE, 12, 300, 250, 24_000, 0.70, 15),
    Kind("braggart", Tier.EDGE, 4, 900, 2_000, 70_000, 0.40, 20, boast=_BOAST),
    Kind("cloud-small", Tier.CLOUD, 256, 700, 40, 14_000, 0.75, 0, 0.15, 0.60),
    Kind("cloud-large", Tier.CLOUD, 256, 900, 60, 18_000, 0.92, 0, 2.50, 10.00),
    Kind("stranger", Tier.EDGE, 16, 200, 50, 8_000, 0.95, 5, is_admitted=False),
)
"""The first is where the requests are made. One of ten boasts, and one that nobody admitted forges."""


@dataclass(frozen=True, slots=True)
class Served:
    """How it went: `fault` is empty, overloaded, unreachable or interrupted; `at` is when that shows."""

    fault: str
    at: float


class Server:
    """One island's places and queue, served in order of arrival."""

    def __init__(self, kind: Kind, seed: int, until: float) -> None:
        self.kind = kind
        self.away = [] if kind.tier is Tier.CLOUD or kind is KINDS[0] else _absences(kind, seed, until)
        self._free = [0.0] * kind.places
        self._jobs: list[tuple[float, float]] = []
        self._gone = 0
        self._others = dice("others", kind.name, seed)
        self._other_at = self._next_other(0.0) if kind.name.startswith("office") else float("inf")

    def is_away(self, at: float) -> bool:
        """Say whether the island is gone at a moment."""
        return any(start <= at < end for start, end in self.away)

    def load(self, at: float) -> tuple[int, int]:
        """Return how many requests run and how many wait."""
        self._advance(at)
        return self._count(at)

    def serve(self, at: float, input_tokens: int, output_tokens: int) -> Served:
        """Take a request and say how it will go."""
        self._advance(at)
        return self._take(at, input_tokens, output_tokens)

    def _take(self, at: float, input_tokens: int, output_tokens: int) -> Served:
        kind = self.kind
        if self.is_away(at):
            return Served("unreachable", at + NOTICED_SECONDS)
        if sum(self._count(at)) >= kind.places + WAITING_MAX:
            return Served("overloaded", at + kind.round_trip_ms / 1_000)
        begins = max(at, heapq.heappop(self._free))
        first = begins + (kind.base_ms + input_tokens * kind.prefill_us / 1_000) / 1_000
        ends = first + output_tokens * kind.token_us / 1_000_000
        heapq.heappush(self._free, ends)
        goes = next((start for start, _ in self.away if at < start < ends), None)
        self._jobs.append((begins, ends if goes is None else min(ends, goes)))
        if goes is None:
            return Served("", ends + kind.round_trip_ms / 1_000)
        return Served("interrupted" if first <= goes else "unreachable", goes + NOTICED_SECONDS)

    def _count(self, at: float) -> tuple[int, int]:
        self._jobs = [job for job in self._jobs if job[1] > at]
        running = sum(begins <= at for begins, _ in self._jobs)
        return running, len(self._jobs) - running

    def _advance(self, at: float) -> None:
        while self._other_at <= at:
            moment, self._other_at = self._other_at, self._next_other(self._other_at)
            self._come_back(moment)
            self._take(moment, 1_000, 200)
        self._come_back(at)

    def _come_back(self, at: float) -> None:
        """Begin with free places after an absence."""
        while self._gone < len(self.away) and self.away[self._gone][1] <= at:
            self._free = [self.away[self._gone][1]] * self.kind.places
            self._gone += 1

    def _next_other(self, at: float) -> float:
        return at + self._others.expovariate(OTHERS_SHARE * self.kind.places / self.kind.mean_seconds)


def _absences(kind: Kind, seed: int, until: float) -> list[tuple[float, float]]:
    rng, found, window = dice("churn", kind.name, seed), [], 0.0
    while window < until:
        start, length = window + rng.uniform(0, CHURN_WINDOW_SECONDS / 2), rng.uniform(*AWAY_SECONDS)
        if rng.random() < CHURN_SHARE:
            found.append((start, start + length))
        window += CHURN_WINDOW_SECONDS
    return found


class Islands:
    """All islands as the first one knows them. `forgeries_refused` counts what the ledger would not have."""

    def __init__(self, seed: int, until: float) -> None:
        rng = dice("replay", seed)
        owner = Owner("replay", rng, EPOCH_MS)
        pens = [Pen(rng) for _ in KINDS]
        self.ids = [island_id(pen.public) for pen in pens]
        self.kind_of = dict(zip(self.ids, KINDS, strict=True))
        self.servers = {name: Server(kind, seed, until) for name, kind in self.kind_of.items()}
        self.ledger = Ledger(owner.genesis)
        self.forgeries = self.forgeries_refused = 0
        self.in_flight: Counter[IslandId] = Counter()
        self._ending: list[tuple[float, IslandId]] = []
        self._round = -1
        self._told: dict[IslandId, Load | None] = {}
        for kind, pen in zip(KINDS, pens, strict=True):
            if kind.is_admitted:
                self._admit(owner.admit(pen.public, EPOCH_MS, grant=Grant(kind.tier)))
                self._admit(_statement(kind, pen, owner))
        self._forge(owner, pens)

    def fleet(self, at: float) -> Fleet:
        """Return the islands as routing sees them at a moment."""
        while self._ending and self._ending[0][0] <= at:
            self.in_flight[heapq.heappop(self._ending)[1]] -= 1
        if int(at // GOSSIP_SECONDS) != self._round:
            self._hear(at)
        changed = {view.id: self._now(view, at) for view in self._fleet.islands if self._differs(view, at)}
        return self._fleet.with_changes(changed) if changed else self._fleet

    def note(self, island: IslandId, until: float) -> None:
        """Note a request that is under way to an island until then."""
        self.in_flight[island] += 1
        heapq.heappush(self._ending, (until, island))

    def reachability(self, island: IslandId, now: Instant) -> Reachability:
        """Say what the last round of gossip said."""
        return Reachability.UNREACHABLE if self._told[island] is None else Reachability.ALIVE

    def round_trip_ms(self, island: IslandId) -> int:
        """Say how long the way there and back is."""
        return self.kind_of[island].round_trip_ms

    def load(self, island: IslandId, now: Instant) -> Load | None:
        """Return what an island told of itself in the last round."""
        return self._told[island]

    def _hear(self, at: float) -> None:
        self._round = int(at // GOSSIP_SECONDS)
        heard = self._round * GOSSIP_SECONDS
        self._told = {name: self._tells(name, heard) for name in self.ids}
        local = {
            name: LocalFacts(self._load(name, at), is_self=name == self.ids[0])
            for name in self.ids
            if self._is_local(name)
        }
        now = instant(at)
        self._fleet = fleet_of(Vantage(self.ledger, self, GROUP, POLICY, {}, local, now).views())

    def _is_local(self, island: IslandId) -> bool:
        return island == self.ids[0] or self.kind_of[island].tier is Tier.CLOUD

    def _tells(self, island: IslandId, at: float) -> Load | None:
        if self.servers[island].is_away(at):
            return None
        return self.kind_of[island].boast or self._load(island, at)

    def _load(self, island: IslandId, at: float) -> Load:
        kind = self.kind_of[island]
        running, waiting = self.servers[island].load(at)
        mean_ms = kind.base_ms + kind.prefill_us
        pace = ModelPace(
            kind.offer.name, 100, mean_ms, 2 * mean_ms, kind.token_us, kind.token_us,
            kind.base_ms, kind.prefill_us * 1_000, kind.token_us,
        )  # fmt: skip
        return Load(running, waiting, kind.places, mean_ms, kind.token_us, models=(pace,))

    def _differs(self, view: IslandView, at: float) -> bool:
        return view.is_local or self.in_flight[view.id] > 0

    def _now(self, view: IslandView, at: float) -> IslandView:
        if view.is_local:
            return replace(view, load=self._load(view.id, at))
        return with_in_flight(view, self.in_flight[view.id])

    def _admit(self, signed: SignedAttestation) -> None:
        self.ledger.admit(verify(signed, self.ledger.genesis, EPOCH_MS), EPOCH_MS)

    def _forge(self, owner: Owner, pens: list[Pen]) -> None:
        """Let the stranger and the braggart admit themselves, and speak in the name of others."""
        for liar, tier in ((pens[-1], Tier.PERSONAL), (pens[6], Tier.PERSONAL)):
            header = Timing(EPOCH_MS + 9, EPOCH_MS, YEAR_MS).header(
                owner.genesis.mesh_id, liar.public, liar.public
            )
            itself = liar.state(AdmissionClaims(header, tier, GROUP, trust_ceiling_ppm=PPM_MAX))
            for forged in (itself, replace(itself, issuer=owner.pen.public)):
                self.forgeries += 1
                try:
                    self._admit(forged)
                except RejectedMessage:
                    self.forgeries_refused += 1


def _statement(kind: Kind, pen: Pen, owner: Owner) -> SignedAttestation:
    header = Timing(1, EPOCH_MS, SELF_LIFE_MS_MAX).header(owner.genesis.mesh_id, pen.public, pen.public)
    return pen.state(
        SelfClaims(
            header=header,
            name=kind.name,
            incarnation=1,
            endpoints=(f"{kind.name}.example:7001",),
            models=(kind.offer,),
            requests_max=kind.boast.requests_max if kind.boast else kind.places,
        )
    )


def instant(at: float) -> Instant:
    """Return a moment of the replay on both clocks."""
    return Instant(at, EPOCH_MS + 1_000 + int(at * 1_000))
