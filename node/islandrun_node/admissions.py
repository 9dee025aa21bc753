"""What an owner signs about islands: admissions, their renewal, and revocations.

Every function takes its sequence from the disk before it signs, so that no crash makes an owner contradict
itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from islandrun.errors import RejectedMessage
from islandrun.trust.claims import AdmissionClaims, Header, RevocationClaims
from islandrun.trust.genesis import Genesis
from islandrun.trust.ledger import Ledger
from islandrun.trust.signing import SignedAttestation, sign, verify
from islandrun.vocabulary import PublicKey, Standing
from islandrun_node.certificates import admission_certificate
from islandrun_node.identity import OwnerKey
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.tokens import Grant

ADMISSION_LIFE_MS = 30 * 24 * 3600 * 1000
"""The hard bound on how long an island that hears no news honours one that was revoked."""

FOREVER_MS = (1 << 52) - 1
"""The last moment that a statement can name."""


def admit(
    owner: OwnerKey,
    genesis: Genesis,
    store: AttestationStore,
    island: PublicKey,
    grant: Grant,
    now_ms: int,
    token_id: bytes = b"",
) -> SignedAttestation:
    """Sign an island's admission, with its CA certificate inside, and keep it."""
    not_after_ms = now_ms + ADMISSION_LIFE_MS
    claims = AdmissionClaims(
        header=_header(owner, genesis, store, "admission", island, now_ms, not_after_ms),
        tier=grant.tier,
        group=grant.group,
        trust_ceiling_ppm=grant.trust_ceiling_ppm,
        jurisdictions=grant.jurisdictions,
        certificate_der=admission_certificate(owner, island, genesis.mesh_id, now_ms, not_after_ms),
        token_id=token_id,
    )
    signed = sign(claims, owner.sign)
    store.save(signed)
    return signed


def take_away(
    owner: OwnerKey, genesis: Genesis, store: AttestationStore, island: PublicKey, reason: str, now_ms: int
) -> SignedAttestation:
    """Sign an island's revocation, which is for good, and keep it."""
    header = _header(owner, genesis, store, "authority", island, now_ms, FOREVER_MS)
    signed = sign(RevocationClaims(header, island, reason), owner.sign)
    store.save(signed)
    return signed


def renew_due(
    owner: OwnerKey, genesis: Genesis, store: AttestationStore, ledger: Ledger, now_ms: int
) -> tuple[SignedAttestation, ...]:
    """Sign anew the admissions past half their life, of every island that is not revoked."""
    renewed = []
    for island in ledger.islands():
        admission = ledger.admission(island)
        if admission is None or ledger.standing(island, now_ms) is Standing.REVOKED:
            continue
        header = admission.header
        if now_ms >= (header.not_before_ms + header.not_after_ms) // 2:
            grant = Grant(
                admission.tier, admission.group, admission.trust_ceiling_ppm, admission.jurisdictions
            )
            renewed.append(
                admit(owner, genesis, store, header.subject, grant, now_ms, token_id=admission.token_id)
            )
    return tuple(renewed)


def read_ledger(
    store: AttestationStore, genesis: Genesis, now_ms: int, issuers: Iterable[PublicKey] = ()
) -> Ledger:
    """Build a ledger from what is stored; what does not verify any more is left out.

    `issuers` are keys outside the mesh that the owner's settings accept.
    """
    ledger = Ledger(genesis, issuers)
    for signed in store.load_all():
        with suppress(RejectedMessage):
            ledger.admit(verify(signed, genesis, now_ms), now_ms)
    for first, second in store.load_equivocations():
        with suppress(RejectedMessage):
            ledger.admit_equivocation(first, second, now_ms)
    return ledger


def _header(
    owner: OwnerKey,
    genesis: Genesis,
    store: AttestationStore,
    kind: str,
    island: PublicKey,
    now_ms: int,
    not_after_ms: int,
) -> Header:
    return Header(
        mesh_id=genesis.mesh_id,
        issuer=owner.public,
        subject=island,
        sequence=store.next_sequence(f"{kind}:{island.hex()}", now_ms),
        issued_at_ms=now_ms,
        not_before_ms=now_ms,
        not_after_ms=not_after_ms,
    )
