"""What authorities sign about the mesh: who else may admit, which key goes on, how groups trust, how fresh.

Every function takes its sequence from the disk before it signs, and keeps what it signed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from islandrun.errors import EnrolmentRefused
from islandrun.trust.claims import (
    CutOffClaims,
    DelegationClaims,
    FreshnessClaims,
    GroupTrustClaims,
    Header,
    Ruling,
    SuccessorClaims,
    decode,
)
from islandrun.trust.genesis import Genesis
from islandrun.trust.ledger import Ledger, record_key
from islandrun.trust.signing import SignedAttestation, sign
from islandrun.vocabulary import Ppm, PublicKey, Tier
from islandrun_node.admissions import FOREVER_MS
from islandrun_node.identity import AuthorityKey, OwnerKey
from islandrun_node.stores.attestations import AttestationStore

_PAIR_SLOT = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """What an admitter may grant at most, and to how many islands in all."""

    admissions_max: int
    tier: Tier
    trust_ceiling_ppm: Ppm
    groups: tuple[str, ...]
    jurisdictions: tuple[str, ...] = ()


class Desk:
    """One authority at work on one home's statements: signs and keeps, and is thrown away."""

    def __init__(
        self, authority: AuthorityKey, genesis: Genesis, store: AttestationStore, now_ms: int
    ) -> None:
        self._authority = authority
        self._genesis = genesis
        self._store = store
        self._now_ms = now_ms

    def delegate(self, key: PublicKey, limits: Limits) -> SignedAttestation:
        """Let a key admit islands. A later word on the same key takes the place of this one."""
        return self._say(
            DelegationClaims(
                self._header("delegation", key),
                key,
                limits.admissions_max,
                limits.tier,
                limits.trust_ceiling_ppm,
                limits.groups,
                limits.jurisdictions,
            )
        )

    def cut_off(self, key: PublicKey, number: int, last_hash: bytes, reason: str) -> SignedAttestation:
        """End what a key may do, for good; its admissions up to this number and hash hold on."""
        return self._say(CutOffClaims(self._header("cut-off", key), key, number, last_hash, reason))

    def succeed(self, old: PublicKey, new: PublicKey, signature: bytes) -> SignedAttestation:
        """Approve that an island changes its key; `signature` is by the old one."""
        return self._say(SuccessorClaims(self._header(f"successor:{new.hex()}", old), old, new, signature))

    def set_group_trust(
        self, ledger: Ledger, from_group: str, to_group: str, trust_ppm: Ppm
    ) -> SignedAttestation:
        """State how far islands of one group trust those of another."""
        owner = self._authority.public
        slot = pair_slot(ledger, from_group, to_group)
        header = self._header(f"group:{slot}", owner, slot)
        return self._say(GroupTrustClaims(header, from_group, to_group, trust_ppm))

    def state_freshness(self, ledger: Ledger) -> SignedAttestation:
        """State how much this authority has taken away in all."""
        set_hash, count = ledger.removals(self._authority.public, self._now_ms)
        return self._say(FreshnessClaims(self._header("freshness", self._authority.public), set_hash, count))

    def _say(self, claims: Ruling) -> SignedAttestation:
        signed = sign(claims, self._authority.sign)
        self._store.save(signed)
        return signed

    def _header(self, what: str, subject: PublicKey, slot: int = 0) -> Header:
        sequence = self._store.next_sequence(f"{what}:{subject.hex()}", self._now_ms)
        issuer, mesh_id = self._authority.public, self._genesis.mesh_id
        return Header.made_now(mesh_id, issuer, subject, sequence, self._now_ms, FOREVER_MS, slot)


def pair_slot(ledger: Ledger, from_group: str, to_group: str) -> int:
    """Return the slot in which the owner speaks of this pair of groups: always the same one, and its own."""
    digest = hashlib.sha256(f"{from_group}\0{to_group}".encode()).digest()
    slot = _PAIR_SLOT | (int.from_bytes(digest[:4], "big") % _PAIR_SLOT)
    owner = ledger.genesis.owner
    while (held := ledger.record(record_key(owner, owner, "authority", slot))) is not None:
        claims = decode(held.kind, held.payload)
        is_own = isinstance(claims, GroupTrustClaims) and (claims.from_group, claims.to_group) == (
            from_group,
            to_group,
        )
        if is_own:
            return slot
        slot = _PAIR_SLOT | (slot + 1) % _PAIR_SLOT
    return slot


def require_owner(authority: AuthorityKey | None, what: str) -> OwnerKey:
    """Return the owner's key, or say that this takes it. Raises `EnrolmentRefused`."""
    if not isinstance(authority, OwnerKey):
        raise EnrolmentRefused(f"this home holds no owner key; {what} on the machine that founded the mesh")
    return authority
