"""A whole mesh in one process, on virtual time, from one seed.

The world is the network, the clock and the dice of its islands, and the only thing here that is not the
product: each island runs the same `Mesh` and `Ledger` as a node. The same seed and the same calls give the
same history, byte for byte; `trace_hash` proves it.
"""

from __future__ import annotations

import hashlib
from collections import deque
from contextlib import suppress
from enum import Enum
from typing import Final

from islandrun.errors import RejectedMessage
from islandrun.mesh.clocks import ClockState
from islandrun.mesh.machine import Envelope
from islandrun.mesh.notices import (
    AttestationAdmitted,
    ClockJudged,
    MessageRejected,
    Notice,
    ReachabilityChanged,
    Woke,
)
from islandrun.simulation.counts import Counts
from islandrun.simulation.diagram import Hop, mermaid
from islandrun.simulation.invariants import Invariants
from islandrun.simulation.islands import FULL_GRANT, Grant, Island, Owner, dice
from islandrun.simulation.liars import LIE_SECONDS, Liar
from islandrun.simulation.network import Conditions, Network
from islandrun.simulation.requests import Request, ask
from islandrun.simulation.timeline import Alarm, Arrival, Event, Timeline
from islandrun.simulation.verifier import CheckedOnce
from islandrun.trust.claims import IslandState
from islandrun.trust.signing import SignedAttestation
from islandrun.vocabulary import Instant, IslandId, Ppm, Standing

BEGIN_MS: Final = 1_800_000_000_000
"""The wall clock of every simulated island at second 0, unless it is wrong."""

SWEEP_SECONDS: Final = 5.0
PAIRS_PER_SWEEP: Final = 500
"""How many pairs of islands one sweep checks, about: in a large mesh the islands take turns."""

REFRESH_SECONDS: Final = 2 * 3600.0
"""How often every island that runs states itself anew: its statements live for a day."""

HOPS_SHOWN: Final = 40


class Store(Enum):
    """What a crash does to the disk of an island."""

    KEPT = "kept"
    LOST = "lost"
    ROLLED_BACK = "rolled back"


class World:
    """Time, network, owner and islands of one simulated mesh."""

    def __init__(self, seed: int, conditions: Conditions | None = None) -> None:
        self.seed = seed
        self.seconds = 0.0
        self._now = Instant(0.0, BEGIN_MS)
        self.rng = dice(seed, "world")
        self.network = Network(conditions or Conditions(), dice(seed, "network"))
        self.owner = Owner("simulation", self.rng, BEGIN_MS)
        self.islands: dict[str, Island] = {}
        self.invariants = Invariants()
        self.verifier = CheckedOnce()
        self.counts = Counts()
        self.hops: deque[Hop] = deque(maxlen=HOPS_SHOWN)
        self.seen_at: dict[SignedAttestation, dict[str, float]] = {}
        self._by_id: dict[IslandId, Island] = {}
        self._timeline = Timeline()
        self._next_sweep_at = SWEEP_SECONDS
        self._next_lie_at = LIE_SECONDS
        self._next_refresh_at = REFRESH_SECONDS
        self._swept = 0
        self._trace = hashlib.sha256()

    # ------------------------------------------------------------ people

    @property
    def now(self) -> Instant:
        """The present moment, as a right clock shows it."""
        if self._now.seconds != self.seconds:
            self._now = Instant(self.seconds, BEGIN_MS + round(self.seconds * 1000))
        return self._now

    def now_at(self, island: Island) -> Instant:
        """Return the present moment as the clock of one island shows it."""
        now = self.now
        return Instant(now.seconds, now.wall_ms + island.clock_offset_ms) if island.clock_offset_ms else now

    def join(self, name: str, lie: str = "", grant: Grant = FULL_GRANT) -> Island:
        """Admit a new island through the first one that runs, and start it with all that one holds."""
        island = self._create(name, lie)
        admission = self._admit(island, grant)
        self.invariants.signed(admission)
        host = self._host()
        self.islands[name] = self._by_id[island.id] = island
        if host is not None:
            self._publish_at(host, admission)
        self._start(island, host.ledger.records() if host is not None else (admission,))
        self.publish(name)
        return island

    def honest(self) -> tuple[Island, ...]:
        """Return the islands that run and do not lie."""
        return tuple(
            island for island in self.islands.values() if island.runs and not isinstance(island, Liar)
        )

    # ------------------------------------------------------------ what happens to them

    def publish(self, name: str, state: IslandState = IslandState.READY) -> SignedAttestation:
        """Let an island say something new about itself."""
        island = self.islands[name]
        return self._publish_at(island, island.attest(self.now_at(island).wall_ms, state))

    def revoke(self, name: str, at: str) -> SignedAttestation:
        """Let the owner revoke an island, on the machine of another one."""
        revocation = self.owner.revoke(self.islands[name].pen.public, self.now.wall_ms)
        self.invariants.revoked(self.islands[name].id)
        return self._publish_at(self.islands[at], revocation)

    def crash(self, name: str, store: Store = Store.KEPT) -> None:
        """Stop an island without a word."""
        island = self.islands[name]
        island.crash()
        self._timeline.disarm(island)
        if store is Store.LOST:
            island.lose_disk()
        elif store is Store.ROLLED_BACK:
            island.roll_back()
        if store is not Store.KEPT:
            self.invariants.forget(island.id)

    def restart(self, name: str) -> None:
        """Start a crashed island; one without a disk joins anew, if anybody runs. One that runs runs on."""
        island, host = self.islands[name], self._host()
        if island.mesh is not None or not (island.has_disk or host):
            return
        self._start(island, host.ledger.records() if host and not island.has_disk else ())
        self.publish(name)

    def sleep(self, name: str) -> None:
        """Stop the machine of an island, while all clocks go on: what is sent to it is lost."""
        island = self.islands[name]
        island.is_asleep = island.mesh is not None
        self._timeline.disarm(island)

    def wake(self, name: str) -> None:
        """Let a machine that sleeps go on, as if nothing had been."""
        island = self.islands[name]
        if island.is_asleep:
            island.is_asleep = False
            self._timeline.arm(island, self.seconds)

    def set_clock(self, name: str, offset_seconds: float) -> None:
        """Let the wall clock of an island be wrong by so much; it looks again at what it has on disk."""
        island = self.islands[name]
        island.clock_offset_ms = round(offset_seconds * 1000)
        if island.runs and island.mesh is not None:
            for signed in island.on_disk():
                with suppress(RejectedMessage):
                    island.mesh.publish(signed, self.now_at(island))
            self._after_step(island)

    def ask(self, name: str, visible_ppm: Ppm) -> str:
        """Let an island hand a request of this sensitivity to another one; return to whom, or nobody: ""."""
        asker = self.islands[name]
        if not asker.runs:
            return ""
        self.counts.requests += 1

        def hand_over(chosen: IslandId) -> bool:
            target = self._by_id[chosen]
            self.invariants.handed(asker, chosen, visible_ppm, self.seconds)
            delays = self.network.delays(asker.id, chosen) if target.runs else ()
            for delay in delays[:1]:
                self._timeline.add(self.seconds + delay, Request(asker, target, visible_ppm))
            return bool(delays)

        taken_by = ask(asker, visible_ppm, self.now_at(asker), hand_over)
        return self._by_id[taken_by].name if taken_by else ""

    def run(self, seconds: float) -> None:
        """Let time pass, up to the first breach of an invariant: the last messages then show how it came."""
        until = self.seconds + seconds
        while not self.invariants.count:
            routine_at = min(self._next_sweep_at, self._next_lie_at, self._next_refresh_at)
            event_at = self._timeline.next_at()
            if min(routine_at, event_at) > until:
                break
            self.seconds = max(self.seconds, min(routine_at, event_at))
            if routine_at <= event_at:
                self._routine()
            else:
                event = self._timeline.take()
                if event is not None:
                    self._happen(event)
        if not self.invariants.count:
            self.seconds = until

    def sweep_all(self) -> None:
        """Check every ledger as a whole."""
        for island in self.islands.values():
            self._sweep(island)

    # ------------------------------------------------------------ what can be told of it

    def trace_hash(self) -> str:
        """Return a hash over every message that arrived, with its time: equal histories, equal hashes."""
        return self._trace.hexdigest()

    def story(self) -> str:
        """Return what to read when a check fails: the seed, the breaches and the last messages."""
        breaches = [
            f"{breach.at_seconds:.3f} s {breach.island}: {breach.text}"
            for breach in self.invariants.violations
        ]
        return "\n".join([f"seed {self.seed}, second {self.seconds:.3f}", *breaches, mermaid(self.hops)])

    # ------------------------------------------------------------ inside

    def _create(self, name: str, lie: str) -> Island:
        genesis = self.owner.genesis
        if not lie:
            return Island(name, genesis, self.rng)
        liar = Liar(name, genesis, self.rng, lie)
        gang = [other for other in self.islands.values() if isinstance(other, Liar)]
        liar.gang.update((other.pen.public, None) for other in gang)
        for other in gang:
            other.gang[liar.pen.public] = None
        return liar

    def _host(self) -> Island | None:
        """Return who tells a newcomer what there is."""
        return next((island for island in self.honest() if island.clock_offset_ms == 0), None)

    def _admit(self, island: Island, grant: Grant) -> SignedAttestation:
        self.invariants.admitted(island.id, grant, is_honest=not isinstance(island, Liar))
        return self.owner.admit(island.pen.public, self.now.wall_ms, grant=grant)

    def _start(self, island: Island, known: tuple[SignedAttestation, ...]) -> None:
        rng = dice(self.seed, island.name, self.seconds)
        island.start(known, self.verifier, rng, self.now_at(island))
        self._arm(island)

    def _publish_at(self, island: Island, signed: SignedAttestation) -> SignedAttestation:
        self.invariants.published(island, signed, self.seconds)
        if island.mesh is not None:
            self.seen_at.setdefault(signed, {})[island.name] = self.seconds
            with suppress(
                RejectedMessage
            ):  # nobody listens to an island that was revoked, nor does it itself
                island.mesh.publish(signed, self.now_at(island))
            self._after_step(island)
        return signed

    def _routine(self) -> None:
        """Do what comes round: checks, lies, and statements that would end otherwise."""
        if self._next_sweep_at <= self.seconds and self.islands:
            self._next_sweep_at += SWEEP_SECONDS
            names = tuple(self.islands)
            for _ in range(min(len(names), 1 + PAIRS_PER_SWEEP // len(names))):
                self._swept += 1
                self._sweep(self.islands[names[self._swept % len(names)]])
        elif self._next_lie_at <= self.seconds:
            self._next_lie_at += LIE_SECONDS
            self._let_lie()
        else:
            self._next_refresh_at += REFRESH_SECONDS
            for island in self.islands.values():
                if island.runs:
                    self.publish(island.name)

    def _sweep(self, island: Island) -> None:
        if not isinstance(island, Liar):
            self.invariants.sweep(island, self.seconds, self.now_at(island).wall_ms)

    def _let_lie(self) -> None:
        for liar in [island for island in self.islands.values() if isinstance(island, Liar)]:
            targets = [other for other in self.islands.values() if other is not liar]
            if liar.runs and targets:
                for lie in liar.lies(self.now.wall_ms):
                    for signed in lie.signed:
                        self.invariants.signed(signed)
                    target = liar.rng.choice(targets)
                    self._send(Envelope(liar.id, target.id, lie.message))

    def _happen(self, event: Event) -> None:
        match event:
            case Arrival() as arrival if arrival.target.runs:
                self._deliver(arrival)
            case Alarm(target=island) if island.runs:
                assert island.mesh is not None
                island.mesh.tick(self.now_at(island))
                self._after_step(island)
            case Request() as request if request.target.runs:
                self._take_request(request)
            case _:
                pass

    def _take_request(self, request: Request) -> None:
        """Let the receiver check its sender as the listener of a node does before anything is run."""
        receiver, sender = request.target, request.source
        standing = receiver.ledger.standing(sender.id, self.now_at(receiver).wall_ms)
        if standing is Standing.ADMITTED:
            self.invariants.took_request(receiver, sender.id, self.seconds)
        else:
            self.counts.requests_refused += 1

    def _deliver(self, arrival: Arrival) -> None:
        source, island = arrival.source, arrival.target
        assert island.mesh is not None
        now = self.now_at(island)
        was_admitted = island.ledger.standing(source.id, now.wall_ms) is Standing.ADMITTED
        outcome = ""
        try:
            island.mesh.receive(arrival.envelope, now)
        except RejectedMessage as error:
            self.counts.refused += 1
            outcome = error.reason.lower()
        else:
            if not was_admitted:
                self.invariants.heard_outsider(island, source.name, self.seconds)
        self.hops.append(Hop(self.seconds, source.name, island.name, arrival.envelope.message, outcome))
        self._trace.update(f"{self.seconds:.9f} {source.name} {island.name} {outcome} ".encode())
        self._trace.update(arrival.carried)
        self._after_step(island)

    def _after_step(self, island: Island) -> None:
        """Check what changed, send what the island wants to say, and note when it wants to act next."""
        assert island.mesh is not None
        notices = island.mesh.take_notices()
        for notice in notices:
            self._heed(island, notice)
        for envelope in island.mesh.take_outbox():
            if not isinstance(island, Liar):
                self._send(envelope)
            elif (message := island.censor(envelope.message)) is not None:
                self._send(Envelope(envelope.source, envelope.target, message))
        if any(_must_speak(notice) for notice in notices):
            self.publish(island.name)
        self._arm(island)

    def _heed(self, island: Island, notice: Notice) -> None:
        if isinstance(notice, AttestationAdmitted):
            self.seen_at.get(notice.signed, {}).setdefault(island.name, self.seconds)
        elif isinstance(notice, MessageRejected):
            self.counts.bad_statements += 1
        elif isinstance(notice, ReachabilityChanged):
            self.counts.changed(island.name)
        if not isinstance(island, Liar):
            self.invariants.after(island, notice, self.seconds, self.now_at(island).wall_ms)

    def _send(self, envelope: Envelope) -> None:
        target = self._by_id[envelope.target]
        source = self._by_id[envelope.source]
        carried = envelope.message.SerializeToString()
        self.counts.said(source.name, len(carried))
        delays = self.network.delays(envelope.source, envelope.target)
        if not delays:
            self.counts.lost += 1
        for delay in delays:
            self._timeline.add(self.seconds + delay, Arrival(source, target, envelope, carried))

    def _arm(self, island: Island) -> None:
        assert island.mesh is not None
        self._timeline.arm(island, max(self.seconds, island.mesh.next_deadline()))


def _must_speak(notice: Notice) -> bool:
    """Say whether an island states itself anew: after sleep, and when its clock is right again."""
    return isinstance(notice, Woke) or (isinstance(notice, ClockJudged) and notice.state is ClockState.RIGHT)
