"""A whole mesh in one process, on virtual time, from one seed.

The world is the network, the clock and the dice of its islands, and the only thing here that is not the
product: each island runs the same `Mesh` and `Ledger` as a node. The same seed and the same calls give the
same history, byte for byte; `trace_hash` proves it.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from islandrun.errors import RejectedMessage
from islandrun.mesh.gossip import rank_of_kind
from islandrun.mesh.machine import Envelope
from islandrun.mesh.notices import AttestationAdmitted, MessageRejected
from islandrun.simulation.diagram import Hop, label, mermaid
from islandrun.simulation.invariants import Invariants
from islandrun.simulation.islands import Island, Owner, dice
from islandrun.simulation.liars import LIE_SECONDS, Liar
from islandrun.simulation.network import Conditions, Network
from islandrun.trust.claims import IslandState
from islandrun.trust.genesis import Genesis
from islandrun.trust.signing import SignedAttestation, VerifiedAttestation, verify
from islandrun.v1 import mesh_pb2
from islandrun.vocabulary import Instant, IslandId, Standing

BEGIN_MS: Final = 1_800_000_000_000
"""The wall clock of every simulated island at second 0."""

SWEEP_SECONDS: Final = 5.0
HOPS_SHOWN: Final = 40


class CheckedOnce:
    """A verifier for many islands in one process: each byte string is really verified, once a minute of time.

    In a mesh of machines every island verifies for itself, which is what `Mesh` does without this.
    """

    def __init__(self) -> None:
        self._results: dict[tuple[SignedAttestation, int], VerifiedAttestation | RejectedMessage] = {}
        self.verified = 0

    def __call__(self, signed: SignedAttestation, genesis: Genesis, now_ms: int) -> VerifiedAttestation:
        """Return what `verify` returned for these bytes, or raise what it raised."""
        slot = (signed, now_ms // 60_000)
        result = self._results.get(slot)
        if result is None:
            self.verified += 1
            try:
                result = verify(signed, genesis, now_ms)
            except RejectedMessage as error:
                result = error
            self._results[slot] = result
        if isinstance(result, RejectedMessage):
            raise result.with_traceback(None)
        return result


@dataclass(slots=True)
class Counts:
    """What went over the network."""

    sent: int = 0
    lost: int = 0
    refused: int = 0
    size_bytes: int = 0
    bad_statements: int = 0


@dataclass(order=True, slots=True)
class _Event:
    at: float
    number: int
    target: Island = field(compare=False)
    source: Island | None = field(compare=False, default=None)
    message: bytes = field(compare=False, default=b"")


class World:
    """Time, network, owner and islands of one simulated mesh."""

    def __init__(self, seed: int, conditions: Conditions | None = None) -> None:
        self.seed = seed
        self.seconds = 0.0
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
        self._events: list[_Event] = []
        self._numbers = 0
        self._alarms: dict[IslandId, float] = {}
        self._next_sweep_at = SWEEP_SECONDS
        self._next_lie_at = LIE_SECONDS
        self._trace = hashlib.sha256()

    # ------------------------------------------------------------ people

    @property
    def now(self) -> Instant:
        """The present moment, the same on every island."""
        return Instant(self.seconds, BEGIN_MS + round(self.seconds * 1000))

    def join(self, name: str, lie: str = "") -> Island:
        """Admit a new island through the first one that runs, and start it with all that one holds."""
        island = self._create(name, lie)
        admission = self._admit(island)
        host = next((other for other in self.islands.values() if other.mesh is not None), None)
        self.islands[name] = self._by_id[island.id] = island
        if host is not None:
            self._publish_at(host, admission)
        self._start(island, host.ledger.records() if host is not None else (admission,))
        self.publish(name)
        return island

    def honest(self) -> tuple[Island, ...]:
        """Return the islands that run and do not lie."""
        return tuple(
            island
            for island in self.islands.values()
            if island.mesh is not None and not isinstance(island, Liar)
        )

    # ------------------------------------------------------------ what happens to them

    def publish(self, name: str, state: IslandState = IslandState.READY) -> SignedAttestation:
        """Let an island say something new about itself."""
        island = self.islands[name]
        return self._publish_at(island, island.attest(self.now.wall_ms, state))

    def revoke(self, name: str, at: str) -> SignedAttestation:
        """Let the owner revoke an island, on the machine of another one."""
        revocation = self.owner.revoke(self.islands[name].pen.public, self.now.wall_ms)
        return self._publish_at(self.islands[at], revocation)

    def crash(self, name: str, loses_disk: bool = False) -> None:
        """Stop an island without a word."""
        island = self.islands[name]
        island.crash(loses_disk)
        self._alarms.pop(island.id, None)
        if loses_disk:
            self.invariants.forget(island.id)

    def restart(self, name: str) -> None:
        """Start a crashed island; one that lost its disk begins with its backup from the day it joined."""
        island = self.islands[name]
        self._start(island, () if island.ledger.records() else island.backup)
        self.publish(name)

    def run(self, seconds: float) -> None:
        """Let time pass, up to the first breach of an invariant: the last messages then show how it came."""
        until = self.seconds + seconds
        while not self.invariants.count:
            event_at = self._events[0].at if self._events else until
            at = min(event_at, self._next_sweep_at, self._next_lie_at)
            if at > until:
                break
            self.seconds = max(self.seconds, at)
            if at == self._next_sweep_at:
                self._next_sweep_at += SWEEP_SECONDS
                self.sweep()
            elif at == self._next_lie_at:
                self._next_lie_at += LIE_SECONDS
                self._let_lie()
            elif self._events:
                self._happen(heapq.heappop(self._events))
            else:
                break
        if not self.invariants.count:
            self.seconds = until

    def sweep(self) -> None:
        """Check every ledger as a whole."""
        for island in self.islands.values():
            if not isinstance(island, Liar):
                self.invariants.sweep(island, self.seconds, self.now.wall_ms)

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
        return Liar(name, genesis, self.rng, lie) if lie else Island(name, genesis, self.rng)

    def _admit(self, island: Island) -> SignedAttestation:
        self.invariants.admitted(island.id)
        return self.invariants.signed(self.owner.admit(island.pen.public, self.now.wall_ms))

    def _start(self, island: Island, known: tuple[SignedAttestation, ...]) -> None:
        owner_first = tuple(sorted(known, key=lambda record: rank_of_kind(record.kind)))
        island.start(owner_first, self.verifier, dice(self.seed, island.name, self.seconds), self.now)
        self._arm(island)

    def _publish_at(self, island: Island, signed: SignedAttestation) -> SignedAttestation:
        self.invariants.signed(signed)
        if island.mesh is not None:
            self.seen_at.setdefault(signed, {})[island.name] = self.seconds
            island.mesh.publish(signed, self.now)
            self._after_step(island)
        return signed

    def _let_lie(self) -> None:
        for liar in self.islands.values():
            targets = [other for other in self.islands.values() if other is not liar]
            if isinstance(liar, Liar) and liar.mesh is not None and targets:
                for lie in liar.lies(self.now.wall_ms):
                    for signed in lie.signed:
                        self.invariants.signed(signed)
                    target = liar.rng.choice(targets)
                    self._send(Envelope(liar.id, target.id, lie.message))

    def _happen(self, event: _Event) -> None:
        island = event.target
        if island.mesh is None:
            return
        if event.source is not None:
            self._deliver(event.source, island, event.message)
        elif self._alarms.get(island.id) == event.at:
            del self._alarms[island.id]
            island.mesh.tick(self.now)
            self._after_step(island)

    def _deliver(self, source: Island, island: Island, message_bytes: bytes) -> None:
        assert island.mesh is not None
        message = mesh_pb2.GossipMessage.FromString(message_bytes)
        was_admitted = island.ledger.standing(source.id, self.now.wall_ms) is Standing.ADMITTED
        outcome = ""
        try:
            island.mesh.receive(Envelope(source.id, island.id, message), self.now)
        except RejectedMessage as error:
            self.counts.refused += 1
            outcome = error.reason.lower()
        else:
            if not was_admitted:
                self.invariants.heard_outsider(island, source.name, self.seconds)
        self.hops.append(Hop(self.seconds, source.name, island.name, label(message), outcome))
        self._trace.update(f"{self.seconds:.9f} {source.name} {island.name} {outcome} ".encode())
        self._trace.update(message_bytes)
        self._after_step(island)

    def _after_step(self, island: Island) -> None:
        """Check what changed, send what the island wants to say, and note when it wants to act next."""
        assert island.mesh is not None
        for notice in island.mesh.take_notices():
            if isinstance(notice, AttestationAdmitted):
                self.seen_at.get(notice.signed, {}).setdefault(island.name, self.seconds)
            elif isinstance(notice, MessageRejected):
                self.counts.bad_statements += 1
            if not isinstance(island, Liar):
                self.invariants.after(island, notice, self.seconds, self.now.wall_ms)
        for envelope in island.mesh.take_outbox():
            self._send(envelope)
        self._arm(island)

    def _send(self, envelope: Envelope) -> None:
        target = self._by_id[envelope.target]
        source = self._by_id[envelope.source]
        message = envelope.message.SerializeToString()
        self.counts.sent += 1
        self.counts.size_bytes += len(message)
        delays = self.network.delays(envelope.source, envelope.target)
        if not delays:
            self.counts.lost += 1
        for delay in delays:
            self._push(_Event(self.seconds + delay, 0, target, source, message))

    def _arm(self, island: Island) -> None:
        assert island.mesh is not None
        at = max(self.seconds, island.mesh.next_deadline())
        if at < self._alarms.get(island.id, float("inf")):
            self._alarms[island.id] = at
            self._push(_Event(at, 0, island))

    def _push(self, event: _Event) -> None:
        self._numbers += 1
        event.number = self._numbers  # ties in time keep the order in which they came up
        heapq.heappush(self._events, event)
