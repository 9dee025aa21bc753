"""The only way of a peer's statement into the ledger: verify, admit, then tell.

What does not pass is neither stored nor forwarded. The index is what is shared: two ledgers that took in the
same statements have the same index, in whatever order they came. So it leaves out what may differ: islands
that wait for their admission, keys that rule without a delegation, and what a contradicting owner said, but
for what it took away. For each key that contradicted itself it holds one entry, which stands for the proof.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from islandrun.mesh.gossip import URGENT, News, urgency
from islandrun.mesh.notices import Notices
from islandrun.mesh.sync import Index
from islandrun.trust.claims import (
    AdmissionClaims,
    Claims,
    DelegationClaims,
    Removal,
    RevocationClaims,
    decode,
)
from islandrun.trust.genesis import Genesis
from islandrun.trust.ledger import Ledger, Outcome, Proof, key_of
from islandrun.trust.naming import island_id
from islandrun.trust.signing import SignedAttestation, VerifiedAttestation
from islandrun.vocabulary import IslandId, PublicKey, Standing

Verifier = Callable[[SignedAttestation, Genesis, int], VerifiedAttestation]
"""Has the form and the duty of `islandrun.trust.signing.verify`."""

_PROOF_VERSION: Final = (0, 0, bytes(8))
_NOBODY: Final = PublicKey(b"")


def proof_key(issuer: PublicKey) -> bytes:
    """Return the place under which the proof against a key is compared and asked for."""
    return hashlib.sha256(b"islandrun/v1/equivocation\0" + issuer).digest()


class Intake:
    """Takes statements into one ledger; nothing else changes that ledger.

    `has_urgent` is set when something must be told before the next round; who tells it sets it back.
    """

    def __init__(
        self,
        ledger: Ledger,
        news: News,
        notices: Notices,
        verifier: Verifier,
        now_ms: int,
        index: Index | None = None,
    ) -> None:
        self._ledger = ledger
        self._news = news
        self._notices = notices
        self._verifier = verifier
        self._proofs: dict[bytes, Proof] = {}
        self._changed: dict[IslandId, None] = {}
        self._may_concern_all = False
        self.has_urgent = False
        self.index = index or Index()
        if index is None:
            ledger.expire(now_ms)
            self._build_index()

    def fork(self, ledger: Ledger, news: News, notices: Notices, verifier: Verifier, now_ms: int) -> Intake:
        """Return an intake into a fork of this one's ledger; this one may not take anything any more."""
        other = Intake(ledger, news, notices, verifier, now_ms, self.index.fork())
        other._proofs = dict(self._proofs)
        return other

    def take(self, signed: SignedAttestation, members: int, now_ms: int) -> tuple[Outcome, bytes]:
        """Verify and admit one statement; return its outcome and its place. What is new becomes news.

        `members` is the size of the mesh, which decides how often it is told on. Raises `RejectedMessage`
        after changing nothing.
        """
        verified = self._verifier(signed, self._ledger.genesis, now_ms)
        key = key_of(verified.claims)
        was_frozen = self._ledger.is_frozen(signed.issuer)
        trusted = self._ledger.trusted() if self._may_untrust(verified.claims) else None
        outcome = self._ledger.admit(verified, now_ms)
        if outcome is Outcome.NEW:
            self._kept(key, verified, members)
        elif outcome is Outcome.EQUIVOCATION and not was_frozen:
            self._proven(signed.issuer, members)
        if trusted is not None:
            self._tell_untrusted(trusted, members)
        return outcome, key

    def holds(self, signed: SignedAttestation) -> bool:
        """Say whether these very bytes are in the ledger already, so that they need no second check."""
        key = self.index.place_of(signed.hash)
        return key is not None and self._ledger.record(key) == signed

    def prove(self, first: SignedAttestation, second: SignedAttestation, members: int, now_ms: int) -> None:
        """Take in a proof that a key contradicts itself; one is enough. Raises `RejectedMessage`.

        A proof against an island that is not admitted here is passed over: such keys cost nothing to make.
        """
        if self._ledger.is_frozen(first.issuer) or not self._is_of_interest(first):
            return
        trusted = self._ledger.trusted()
        if self._ledger.admit_equivocation(first, second, now_ms):
            self._proven(first.issuer, members)
            self._tell_untrusted(trusted, members)

    def proof(self, key: bytes) -> Proof | None:
        """Return the proof of a place that `proof_key` names."""
        return self._proofs.get(key)

    def waits(self, key: bytes) -> bool:
        """Say whether the statement of a place is held, but its island is not admitted yet."""
        return self._ledger.record(key) is not None and self.index.get(key) is None

    def expire(self, now_ms: int) -> None:
        """Drop self statements past their end."""
        for key in self._ledger.expire(now_ms):
            self.index.drop(key)

    def take_changes(self) -> tuple[tuple[IslandId, ...], bool]:
        """Return whom the statements since the last call are about, and whether they may concern anybody."""
        changed = tuple(self._changed), self._may_concern_all
        self._changed.clear()
        self._may_concern_all = False
        return changed

    # ------------------------------------------------------------ inside

    def _kept(self, key: bytes, verified: VerifiedAttestation, members: int) -> None:
        claims, signed = verified.claims, verified.signed
        island = island_id(claims.header.subject)
        self._changed[island] = None
        self._drop_silenced()
        if not self._is_of_interest(signed):
            return
        self._share(key, signed, (*claims.header.version, signed.hash[:8]), urgency(claims), members)
        if isinstance(claims, AdmissionClaims):
            self._share_what_waited(island, members)
        elif isinstance(claims, DelegationClaims):
            self._share_what_ruled(claims.key, members)
        elif isinstance(claims, Removal):
            self.has_urgent = True
            self._may_concern_all |= self._may_untrust(claims) or self._ledger.is_authority(
                claims.header.subject
            )
            if self._ledger.standing(island, 0) is Standing.REVOKED:
                self._notices.revoked(island)

    def _may_untrust(self, claims: Claims) -> bool:
        """Say whether a statement can end the trust in other islands than the one that it is about."""
        if isinstance(claims, RevocationClaims) and claims.header.issuer == self._ledger.genesis.owner:
            return bool(self._ledger.lineage.descendants(claims.island))
        is_numbered = isinstance(claims, AdmissionClaims) and claims.number > 0
        return is_numbered or claims.kind == "authority"

    def _tell_untrusted(self, before: frozenset[IslandId], members: int) -> None:
        """Tell which islands have lost all trust, and share what is said of itself by who gained it."""
        after = self._ledger.trusted()
        for island in sorted(before - after):
            self._may_concern_all = True
            self._notices.revoked(island)
            if (public := self._ledger.public_key(island)) is not None:
                self._index_anew(public)
        for island in sorted(after - before):
            self._changed[island] = None
            self._share_what_waited(island, members)

    def _drop_silenced(self) -> None:
        """Share nothing more of keys that lost their voice, but what outlives them."""
        for issuer in self._ledger.take_silenced():
            self._index_anew(issuer)

    def _index_anew(self, issuer: PublicKey) -> None:
        self.index.drop_issuer(issuer)
        for key, signed, claims in self._ledger.said_by(issuer):
            if self._is_of_interest(signed):
                self.index.put(key, (*claims.header.version, signed.hash[:8]), issuer)

    def _share(
        self, key: bytes, signed: SignedAttestation, version: tuple[int, int, bytes], rank: int, members: int
    ) -> None:
        self.index.put(key, version, signed.issuer)
        self._news.add(key, rank, members)
        self._notices.admitted(key, signed)

    def _share_what_waited(self, island: IslandId, members: int) -> None:
        """After its admission, share what an island has said of itself, or the proof against it."""
        claims = self._ledger.self_claims(island)
        public = self._ledger.public_key(island)
        if claims is not None and self.index.get(key := key_of(claims)) is None:
            signed = self._ledger.record(key)
            assert signed is not None, "the ledger holds what it shows"
            version = (*claims.header.version, signed.hash[:8])
            self._share(key, signed, version, urgency(claims), members)
        if public is not None and self._ledger.is_frozen(public) and proof_key(public) not in self._proofs:
            self._proven(public, members)

    def _share_what_ruled(self, admitter: PublicKey, members: int) -> None:
        """After its delegation, share what a key has ruled and admitted, or the proof against it."""
        self._may_concern_all = True
        for key, signed, claims in self._ledger.said_by(admitter):
            if self.index.get(key) is None and self._is_of_interest(signed):
                version = (*claims.header.version, signed.hash[:8])
                self._share(key, signed, version, urgency(claims), members)
                if isinstance(claims, AdmissionClaims):
                    self._share_what_waited(island_id(claims.header.subject), members)
        if self._ledger.is_frozen(admitter) and proof_key(admitter) not in self._proofs:
            self._proven(admitter, members)

    def _proven(self, issuer: PublicKey, members: int) -> None:
        self._may_concern_all = True
        proof = next(pair for pair in self._ledger.equivocations() if pair[0].issuer == issuer)
        self._notices.equivocated(issuer, *proof)
        if not self._ledger.is_authority(issuer):
            self._notices.revoked(island_id(issuer))
        if self._is_of_interest(proof[0]):
            self._build_index()
            self._news.add(proof_key(issuer), URGENT, members)
            self.has_urgent = True

    def _is_of_interest(self, signed: SignedAttestation) -> bool:
        """Say whether a statement, or a proof against its issuer, is shared.

        That of an island without an admission is not, nor that of a key that rules without a delegation.
        """
        match signed.kind:
            case "self":
                return self._ledger.admission(island_id(signed.issuer)) is not None
            case "admission" | "authority":
                return self._ledger.is_authority(signed.issuer)
            case _:
                return True

    def _build_index(self) -> None:
        self.index = Index()
        owner = self._ledger.genesis.owner
        for proof in self._ledger.equivocations():
            if self._is_of_interest(proof[0]):
                key = proof_key(proof[0].issuer)
                self._proofs[key] = proof
                self.index.put(key, _PROOF_VERSION, _NOBODY)
        versions = self._ledger.versions()
        is_owner_frozen = self._ledger.is_frozen(owner)
        for key, signed in zip(sorted(versions), self._ledger.records(), strict=True):
            if signed.issuer == owner and is_owner_frozen:
                is_shared = self._outlives_the_owner(key, signed)
            else:
                is_shared = self._is_of_interest(signed)
            if is_shared:
                self.index.put(key, versions[key], signed.issuer)

    def _outlives_the_owner(self, key: bytes, signed: SignedAttestation) -> bool:
        """Say whether a statement of an owner that contradicted itself is the same in every ledger."""
        claims = decode(signed.kind, signed.payload)
        contradicted = self._proofs[proof_key(signed.issuer)][0]
        is_disputed = key == key_of(decode(contradicted.kind, contradicted.payload))
        return isinstance(claims, Removal) and not is_disputed
