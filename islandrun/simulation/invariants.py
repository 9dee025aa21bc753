"""What must never happen in a mesh, checked from outside while it runs.

The world knows the truth: which statements were signed by whom they name, and whom the owner admitted. After
every step the island that took it is checked for what it reports to have changed; whole ledgers are checked
every few seconds and at the end, so that a change which nobody reported is found as well.
"""

from __future__ import annotations

from dataclasses import dataclass

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
from islandrun.simulation.islands import GROUP, Island
from islandrun.trust.claims import Claims, decode
from islandrun.trust.ledger import key_of
from islandrun.trust.naming import island_id
from islandrun.trust.score import TrustPolicy, score
from islandrun.trust.signing import SignedAttestation
from islandrun.vocabulary import IslandId, Standing

VIOLATIONS_MAX = 100
_POLICY = TrustPolicy()


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must never happen, and did."""

    at_seconds: float
    island: str
    text: str


class Invariants:
    """The truth about one mesh, and every breach that was seen."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []
        self.count = 0
        self._genuine: set[SignedAttestation] = set()
        self._admitted: set[IslandId] = set()
        self._versions: dict[IslandId, dict[bytes, tuple[int, int]]] = {}
        self._revoked: dict[IslandId, dict[IslandId, None]] = {}

    def signed(self, statement: SignedAttestation) -> SignedAttestation:
        """Note a statement that was signed by whom it names, who may say this; return it."""
        self._genuine.add(statement)
        return statement

    def admitted(self, island: IslandId) -> None:
        """Note that the owner admitted an island."""
        self._admitted.add(island)

    def forget(self, observer: IslandId) -> None:
        """Note that an island lost its disk: it may begin again."""
        self._versions.pop(observer, None)
        self._revoked.pop(observer, None)

    def after(self, observer: Island, notice: Notice, at_seconds: float, now_ms: int) -> None:
        """Check what an island says has just changed."""
        match notice:
            case AttestationAdmitted(signed=signed):
                claims = decode(signed.kind, signed.payload)
                self._check_record(observer, signed, claims, at_seconds)
                self._check_trust(observer, island_id(claims.header.subject), at_seconds, now_ms)
            case IslandRevoked(island=island):
                self._revoked.setdefault(observer.id, {})[island] = None
                self._check_trust(observer, island, at_seconds, now_ms)
            case ReachabilityChanged() | Equivocated() | MessageRejected() | Woke() | ClockJudged():
                pass

    def sweep(self, observer: Island, at_seconds: float, now_ms: int) -> None:
        """Check all that an island holds."""
        for signed in observer.ledger.records():
            self._check_record(observer, signed, decode(signed.kind, signed.payload), at_seconds)
        for island in observer.ledger.islands():
            self._check_trust(observer, island, at_seconds, now_ms)

    def heard_outsider(self, observer: Island, source: str, at_seconds: float) -> None:
        """Note that a machine took in a message of an island that its own ledger does not admit."""
        self._breach(at_seconds, observer, f"took in a message of {source}, whom its ledger does not admit")

    # ------------------------------------------------------------ inside

    def _check_record(
        self, observer: Island, signed: SignedAttestation, claims: Claims, at_seconds: float
    ) -> None:
        if signed not in self._genuine:
            self._breach(at_seconds, observer, f"holds a forged {signed.kind} statement")
        versions = self._versions.setdefault(observer.id, {})
        key, version = key_of(claims), claims.header.version
        if version < versions.get(key, version):
            self._breach(at_seconds, observer, f"went back to an older {signed.kind} statement")
        versions[key] = max(version, versions.get(key, version))

    def _check_trust(self, observer: Island, island: IslandId, at_seconds: float, now_ms: int) -> None:
        ledger = observer.ledger
        trust = score(ledger, island, GROUP, _POLICY, None, now_ms).ppm
        if island in self._revoked.get(observer.id, {}) and trust > 0:
            self._breach(at_seconds, observer, f"still trusts {island[:8]}, which is revoked")
        if island not in self._admitted:
            is_member = ledger.standing(island, now_ms) is Standing.ADMITTED
            if is_member or trust > 0:
                self._breach(at_seconds, observer, f"trusts {island[:8]}, which nobody admitted")

    def _breach(self, at_seconds: float, observer: Island, text: str) -> None:
        self.count += 1
        if len(self.violations) < VIOLATIONS_MAX:
            self.violations.append(Violation(at_seconds, observer.name, text))
