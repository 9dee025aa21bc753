"""The only way of a peer's statement into the ledger: verify, admit, then tell.

What does not pass is neither stored nor forwarded. Shared with others (the index) is what the ledger holds
by issuers that are still heard, and for each key that contradicted itself one entry for the proof: so two
ledgers that took in the same statements have the same index, in whatever order they came.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from islandrun.errors import ExpiredAttestation
from islandrun.mesh import pace
from islandrun.mesh.gossip import URGENT, News, urgency
from islandrun.mesh.notices import Notices
from islandrun.mesh.sync import Index
from islandrun.trust.claims import RevocationClaims, SelfClaims, decode
from islandrun.trust.genesis import Genesis
from islandrun.trust.ledger import Ledger, Outcome, key_of
from islandrun.trust.naming import island_id
from islandrun.trust.signing import SignedAttestation, VerifiedAttestation
from islandrun.vocabulary import IslandId, PublicKey

Verifier = Callable[[SignedAttestation, Genesis, int], VerifiedAttestation]
"""Has the form and the duty of `islandrun.trust.signing.verify`."""

Proof = tuple[SignedAttestation, SignedAttestation]
_PROOF_VERSION: Final = (0, 0, bytes(8))
NOBODY: Final = PublicKey(b"")


def proof_key(issuer: IslandId) -> bytes:
    """Return the place under which the proof against a key is compared and asked for."""
    return hashlib.sha256(b"islandrun/v1/equivocation\0" + issuer.encode()).digest()


class Intake:
    """Takes statements into one ledger; nothing else changes that ledger."""

    def __init__(self, ledger: Ledger, news: News, notices: Notices, verifier: Verifier, now_ms: int) -> None:
        self._ledger = ledger
        self._news = news
        self._notices = notices
        self._verifier = verifier
        self._proofs: dict[bytes, Proof] = {}
        self._changed: dict[IslandId, None] = {}
        self._may_concern_all = False
        self.has_urgent = False
        ledger.expire(now_ms)
        self.index = self._indexed()

    def take(self, signed: SignedAttestation, members: int, now_ms: int) -> tuple[Outcome, bytes]:
        """Verify and admit one statement; return its outcome and its place. What is new becomes news.

        `members` is the size of the mesh, which decides how often it is told on. Raises `RejectedMessage`
        after changing nothing.
        """
        verified = self._verifier(signed, self._ledger.genesis, now_ms)
        claims = verified.claims
        if isinstance(claims, SelfClaims) and claims.header.not_after_ms < now_ms:
            raise ExpiredAttestation("a self statement is past its end")
        key = key_of(claims)
        held = self._ledger.record(key)
        outcome = self._ledger.admit(verified, now_ms)
        if outcome is Outcome.NEW:
            self._kept(key, verified, members)
        elif outcome is Outcome.EQUIVOCATION and held is not None:
            self._proven((held, signed), members)
        return outcome, key

    def holds(self, signed: SignedAttestation) -> bool:
        """Say whether these very bytes are in the ledger already, so that they need no second check."""
        key = self.index.place_of(signed.hash)
        return key is not None and self._ledger.record(key) == signed

    def prove(self, first: SignedAttestation, second: SignedAttestation, members: int, now_ms: int) -> None:
        """Take in a proof that a key contradicts itself; one is enough. Raises `RejectedMessage`.

        A proof against a key that is not known here is passed over: it would be a way to fill our memory.
        """
        if self._ledger.is_frozen(first.issuer):
            return
        place = key_of(decode(first.kind, first.payload))
        known = self._ledger.admission(island_id(first.issuer)) or self._ledger.record(place)
        is_known = known is not None or first.issuer == self._ledger.genesis.owner
        if is_known and self._ledger.admit_equivocation(first, second, now_ms):
            self._proven((first, second), members)

    def proof(self, key: bytes) -> Proof | None:
        """Return the proof of a place that `proof_key` names."""
        return self._proofs.get(key)

    def expire(self, now_ms: int) -> tuple[bytes, ...]:
        """Drop self statements past their end; return their places."""
        dropped = self._ledger.expire(now_ms)
        for key in dropped:
            self.index.drop(key)
        return dropped

    def take_changes(self) -> tuple[tuple[IslandId, ...], bool]:
        """Return whom the statements since the last call are about, and whether they may concern anybody."""
        changed = tuple(self._changed), self._may_concern_all
        self._changed.clear()
        self._may_concern_all = False
        return changed

    # ------------------------------------------------------------ inside

    def _kept(self, key: bytes, verified: VerifiedAttestation, members: int) -> None:
        claims, signed = verified.claims, verified.signed
        rank = urgency(claims)
        self.index.put(key, (*claims.header.version, signed.hash[:8]), signed.issuer)
        self._news.add(key, rank, members)
        self._notices.admitted(key, signed)
        self._changed[island_id(claims.header.subject)] = None
        if isinstance(claims, RevocationClaims):
            self.has_urgent = True
            self._may_concern_all = True
            self.index.drop_issuer(claims.island)
            self._notices.revoked(island_id(claims.island))

    def _proven(self, proof: Proof, members: int) -> None:
        issuer = proof[0].issuer
        key = proof_key(island_id(issuer))
        self.index.drop_issuer(issuer)
        self.index.put(key, _PROOF_VERSION, NOBODY)
        if len(self._proofs) < pace.PROOFS_MAX:
            self._proofs[key] = proof
            self._news.add(key, URGENT, members)
            self.has_urgent = True
        self._may_concern_all = True
        self._notices.equivocated(issuer, *proof)
        self._notices.revoked(island_id(issuer))

    def _indexed(self) -> Index:
        """Build the index of a ledger as it was loaded: whoever was revoked or frozen is not shared."""
        index = Index()
        unheard = frozenset(self._ledger.revoked())
        versions = self._ledger.versions()
        for key, signed in zip(sorted(versions), self._ledger.records(), strict=True):
            if island_id(signed.issuer) not in unheard:
                index.put(key, versions[key], signed.issuer)
        for island in sorted(unheard):
            issuer = self._ledger.public_key(island)
            if issuer is None or self._ledger.is_frozen(issuer):
                index.put(proof_key(island), _PROOF_VERSION, NOBODY)
        return index
