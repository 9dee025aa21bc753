"""What must never happen in a mesh, checked from outside while it runs.

The world knows the truth: which statements were signed by whom they name, whom the owner admitted, how far,
and whom it revoked. After every step the island that took it is checked for what it reports to have changed;
whole ledgers are checked in turn and at the end, so that a change which nobody reported is found as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from islandrun.mesh.notices import (
    AttestationAdmitted,
    ClockJudged,
    Equivocated,
    IslandRevoked,
    MessageRejected,
    Notice,
    ReachabilityChanged,
    Woke,
)
from islandrun.simulation.islands import FULL_GRANT, GROUP, Grant, Island
from islandrun.trust.claims import decode
from islandrun.trust.ledger import key_of
from islandrun.trust.naming import island_id
from islandrun.trust.records import Version
from islandrun.trust.score import TrustPolicy, score
from islandrun.trust.signing import SKEW_MS, SignedAttestation
from islandrun.vocabulary import IslandId, Ppm, Reachability, Standing

VIOLATIONS_MAX = 100
POLICY = TrustPolicy()
"""By what every simulated island weighs trust."""


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must never happen, and did."""

    at_seconds: float
    island: str
    text: str


@dataclass(frozen=True, slots=True)
class _Fact:
    """A statement that is truly signed by whom it names."""

    place: bytes
    version: Version
    about: IslandId


@dataclass(slots=True)
class _Memory:
    """What an island once held, and so must not lose while its disk is kept."""

    versions: dict[bytes, Version] = field(default_factory=dict)
    members: dict[IslandId, None] = field(default_factory=dict)
    revoked: dict[IslandId, None] = field(default_factory=dict)


class Invariants:
    """The truth about one mesh, and every breach that was seen."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []
        self.count = 0
        self._genuine: dict[SignedAttestation, _Fact] = {}
        self._spoken: dict[bytes, Version] = {}
        self._granted: dict[IslandId, Ppm] = {}
        self._honest: set[IslandId] = set()
        self._withdrawn: set[IslandId] = set()
        self._memories: dict[IslandId, _Memory] = {}

    # ------------------------------------------------------------ the truth

    def signed(self, statement: SignedAttestation) -> SignedAttestation:
        """Note a statement that was signed by whom it names, who may say this; return it."""
        claims = decode(statement.kind, statement.payload)
        about = island_id(claims.header.subject)
        self._genuine[statement] = _Fact(key_of(claims), claims.header.version, about)
        return statement

    def published(self, speaker: Island, statement: SignedAttestation, at_seconds: float) -> None:
        """Note what an honest island, or the owner on its machine, states: never an older version."""
        fact = self._genuine[self.signed(statement)]
        if fact.version <= self._spoken.get(fact.place, (-1, -1)):
            self._breach(at_seconds, speaker, f"published an older {statement.kind} statement than before")
        self._spoken[fact.place] = fact.version

    def admitted(self, island: IslandId, grant: Grant = FULL_GRANT, is_honest: bool = True) -> None:
        """Note that the owner admitted an island, and how far it may be trusted at most."""
        base = POLICY.tier_base.get(grant.tier, Ppm(0))
        self._granted[island] = Ppm(min(base, grant.trust_ceiling_ppm))
        if is_honest:
            self._honest.add(island)

    def revoked(self, island: IslandId) -> None:
        """Note that the owner revoked an island."""
        self._withdrawn.add(island)

    def forget(self, observer: IslandId) -> None:
        """Note that an island lost its disk, or went back to a backup: it may begin again."""
        self._memories.pop(observer, None)

    # ------------------------------------------------------------ checks

    def after(self, observer: Island, notice: Notice, at_seconds: float, now_ms: int) -> None:
        """Check what an island says has just changed."""
        match notice:
            case AttestationAdmitted(signed=signed):
                about = self._check_record(observer, signed, at_seconds)
                if about is not None:
                    self._check_trust(observer, about, at_seconds, now_ms)
            case IslandRevoked(island=island):
                self._memory(observer).revoked[island] = None
                self._check_trust(observer, island, at_seconds, now_ms)
                if island in self._honest and island not in self._withdrawn:
                    self._breach(at_seconds, observer, f"gave up {island[:8]}, which is honest")
            case ReachabilityChanged(island=island, reachability=Reachability.ALIVE):
                if observer.ledger.standing(island, now_ms) is not Standing.ADMITTED:
                    self._breach(at_seconds, observer, f"took {island[:8]} for a member as it is alive")
            case ReachabilityChanged() | Equivocated() | MessageRejected() | Woke() | ClockJudged():
                pass

    def sweep(self, observer: Island, at_seconds: float, now_ms: int) -> None:
        """Check all that an island holds, and that it forgot no member while its clock was right."""
        ledger, memory = observer.ledger, self._memory(observer)
        for signed in ledger.records():
            self._check_record(observer, signed, at_seconds)
        for island in ledger.islands():
            self._check_trust(observer, island, at_seconds, now_ms)
        members = {island: None for island in ledger.islands() if ledger.admission(island) is not None}
        barred = frozenset(ledger.revoked())
        for island in memory.members if abs(observer.clock_offset_ms) <= SKEW_MS else ():
            if island not in members and island not in barred:
                self._breach(at_seconds, observer, f"forgot its member {island[:8]}")
        memory.members.update(members)

    def heard_outsider(self, observer: Island, source: str, at_seconds: float) -> None:
        """Note that a machine took in a message of an island that its own ledger does not admit."""
        self._breach(at_seconds, observer, f"took in a message of {source}, whom its ledger does not admit")

    def handed(self, sender: Island, target: IslandId, visible_ppm: Ppm, at_seconds: float) -> None:
        """Check a request that leaves for an island which will see something of this sensitivity."""
        granted = self._granted.get(target, Ppm(0))
        if granted < visible_ppm or granted == 0:
            text = f"sent what needs {visible_ppm} ppm to {target[:8]}, whom the owner grants {granted}"
            self._breach(at_seconds, sender, text)
        if target in self._memory(sender).revoked:
            self._breach(at_seconds, sender, f"sent a request to {target[:8]}, which is revoked")

    def took_request(self, receiver: Island, sender: IslandId, at_seconds: float) -> None:
        """Check a request that an island has begun to run for another one."""
        if sender not in self._granted or sender in self._memory(receiver).revoked:
            self._breach(at_seconds, receiver, f"ran a request of {sender[:8]}, which is no member")

    # ------------------------------------------------------------ inside

    def _memory(self, observer: Island) -> _Memory:
        return self._memories.setdefault(observer.id, _Memory())

    def _check_record(
        self, observer: Island, signed: SignedAttestation, at_seconds: float
    ) -> IslandId | None:
        """Check one statement that an island holds; return whom it is about, None for a forged one."""
        fact = self._genuine.get(signed)
        if fact is None:
            self._breach(at_seconds, observer, f"holds a forged {signed.kind} statement")
            return None
        versions = self._memory(observer).versions
        before = versions.get(fact.place)
        if before is None or fact.version > before:
            versions[fact.place] = fact.version
        elif fact.version < before:
            self._breach(at_seconds, observer, f"went back to an older {signed.kind} statement")
        return fact.about

    def _check_trust(self, observer: Island, island: IslandId, at_seconds: float, now_ms: int) -> None:
        ledger = observer.ledger
        trust = score(ledger, island, GROUP, POLICY, None, now_ms).ppm
        if trust > 0 and island in self._memory(observer).revoked:
            self._breach(at_seconds, observer, f"still trusts {island[:8]}, which is revoked")
        granted = self._granted.get(island)
        if granted is None:
            is_member = ledger.standing(island, now_ms) is Standing.ADMITTED
            if is_member or trust > 0:
                self._breach(at_seconds, observer, f"trusts {island[:8]}, which nobody admitted")
        elif trust > granted:
            self._breach(at_seconds, observer, f"trusts {island[:8]} with {trust}, granted are {granted}")

    def _breach(self, at_seconds: float, observer: Island, text: str) -> None:
        self.count += 1
        if len(self.violations) < VIOLATIONS_MAX:
            self.violations.append(Violation(at_seconds, observer.name, text))
