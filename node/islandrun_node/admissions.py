"""What an authority signs about islands: admissions, their renewal, and revocations.

Every function takes its sequence or number from the disk before it signs, so that no crash makes an authority
contradict itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from islandrun.errors import BadSignature, EnrolmentRefused, RejectedMessage, StateError
from islandrun.trust.admitters import is_within, limited
from islandrun.trust.claims import (
    AdmissionClaims,
    DelegationClaims,
    Header,
    RenewalClaims,
    RevocationClaims,
    decode,
)
from islandrun.trust.genesis import Genesis
from islandrun.trust.ledger import Ledger, record_key
from islandrun.trust.signing import SignedAttestation, sign, verify
from islandrun.vocabulary import IslandId, PublicKey, Standing
from islandrun_node.certificates import admission_certificate
from islandrun_node.identity import AuthorityKey
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.tokens import Grant

ADMISSION_LIFE_MS = 7 * 24 * 3600 * 1000
"""The hard bound on how long an island that hears no news honours one that was revoked."""

FOREVER_MS = (1 << 52) - 1
"""The last moment that a statement can name."""


def admit(
    authority: AuthorityKey,
    genesis: Genesis,
    store: AttestationStore,
    island: PublicKey,
    grant: Grant,
    now_ms: int,
    token_id: bytes = b"",
) -> SignedAttestation:
    """Sign an island's admission, with its CA certificate inside, and keep it.

    That of an admitter gets the next number of its chain; `check_may_admit` says whether it will count.
    """
    end_ms = now_ms + ADMISSION_LIFE_MS
    if authority.public == genesis.owner:
        sequence = store.next_sequence(f"admission:{island.hex()}", now_ms)
        header = Header.made_now(genesis.mesh_id, authority.public, island, sequence, now_ms, end_ms)
        signed = sign(_admission(authority, header, grant, token_id), authority.sign)
        store.save(signed)
        return signed

    def next_link(number: int, previous_hash: bytes) -> SignedAttestation:
        header = Header.made_now(
            genesis.mesh_id, authority.public, island, now_ms, now_ms, end_ms, previous_hash=previous_hash
        )
        return sign(_admission(authority, header, grant, token_id, number), authority.sign)

    return store.append(authority.public, next_link)


def check_may_admit(ledger: Ledger, authority: PublicKey, grant: Grant | None = None) -> None:
    """Require that one more admission by this key will count, and grant all that it says.

    Raises `EnrolmentRefused`.
    """
    if authority == ledger.genesis.owner:
        return
    delegation = ledger.admitters.delegation(authority)
    if delegation is None or not ledger.admitters.is_good(authority):
        raise EnrolmentRefused(
            "the owner does not let this machine admit islands; run `islandrun-node authority request` here "
            "and give what it prints to `islandrun-node authority add` on the owner's machine"
        )
    used = max((claims.number for _, claims in ledger.admitters.links(authority)), default=0)
    if used >= delegation.admissions_max:
        raise EnrolmentRefused(
            f"this machine has admitted the {used} islands that the owner lets it; "
            "the owner can raise that with `islandrun-node authority add`"
        )
    if grant is not None:
        wanted = AdmissionClaims(
            delegation.header, grant.tier, grant.group, grant.trust_ceiling_ppm, grant.jurisdictions, number=1
        )
        if not is_within(wanted, delegation) or limited(wanted, delegation) != wanted:
            raise EnrolmentRefused(
                f"that is more than the owner lets this machine grant ({summary(delegation)}); ask for less"
            )


def summary(delegation: DelegationClaims) -> str:
    """Return the ceilings of a delegation on one line."""
    tier, trust = delegation.tier.name.lower(), delegation.trust_ceiling_ppm / 1_000_000
    groups, places = ", ".join(delegation.groups), ", ".join(delegation.jurisdictions)
    return f"tier {tier}, trust {trust:g}, groups {groups or 'none'}, places {places or 'none'}"


def take_away(
    authority: AuthorityKey,
    genesis: Genesis,
    store: AttestationStore,
    island: PublicKey,
    reason: str,
    now_ms: int,
) -> SignedAttestation:
    """Sign an island's revocation, which is for good, and keep it."""
    sequence = store.next_sequence(f"authority:{island.hex()}", now_ms)
    header = Header.made_now(genesis.mesh_id, authority.public, island, sequence, now_ms, FOREVER_MS)
    signed = sign(RevocationClaims(header, island, reason), authority.sign)
    store.save(signed)
    return signed


def renew(
    authority: AuthorityKey, genesis: Genesis, store: AttestationStore, island: PublicKey, now_ms: int
) -> SignedAttestation:
    """Sign that an island's admission runs on, with a new certificate, and keep it. It grants nothing."""
    end_ms = now_ms + ADMISSION_LIFE_MS
    sequence = store.next_sequence(f"renewal:{island.hex()}", now_ms)
    header = Header.made_now(genesis.mesh_id, authority.public, island, sequence, now_ms, end_ms)
    certificate = admission_certificate(authority, island, genesis.mesh_id, now_ms, end_ms)
    signed = sign(RenewalClaims(header, island, certificate), authority.sign)
    store.save(signed)
    return signed


def renew_due(
    authority: AuthorityKey, genesis: Genesis, store: AttestationStore, ledger: Ledger, now_ms: int
) -> tuple[SignedAttestation, ...]:
    """Sign anew the admissions with less than half of their life left, of every island not revoked.

    Any authority does this for every island, whoever admitted it. The owner's own admissions are signed
    again as they are; all others are renewed, which grants nothing.
    """
    if not ledger.may_renew(authority.public):
        return ()
    renewed = []
    for island in ledger.islands():
        admission = ledger.admission(island)
        if admission is None or ledger.standing(island, now_ms) is Standing.REVOKED:
            continue
        if now_ms >= admission.header.not_after_ms - ADMISSION_LIFE_MS // 2:
            renewed.append(_renew_one(authority, genesis, store, ledger, island, now_ms))
    return tuple(renewed)


def read_ledger(
    store: AttestationStore, genesis: Genesis, now_ms: int, issuers: Iterable[PublicKey] = ()
) -> Ledger:
    """Build a ledger from what is stored; what has ended is left out.

    `issuers` are keys outside the mesh that the owner's settings accept. Raises `StateError` when a
    statement is not as it was signed: it may have been a revocation.
    """
    ledger = Ledger(genesis, issuers)
    for signed in store.load_all():
        try:
            ledger.admit(verify(signed, genesis, now_ms), now_ms)
        except BadSignature as error:
            raise _damaged(error) from error
        except RejectedMessage:
            continue
    for first, second in store.load_equivocations():
        try:
            ledger.admit_equivocation(first, second, now_ms)
        except BadSignature as error:
            raise _damaged(error) from error
        except RejectedMessage:
            continue
    return ledger


def _damaged(error: BadSignature) -> StateError:
    return StateError(f"state.db is damaged: {error}; restore it from a backup (`islandrun-node restore`)")


def _renew_one(
    authority: AuthorityKey,
    genesis: Genesis,
    store: AttestationStore,
    ledger: Ledger,
    island: IslandId,
    now_ms: int,
) -> SignedAttestation:
    key = ledger.admissions(island)[0].header.subject
    own = ledger.record(record_key(genesis.owner, key, "admission", 0))
    claims = decode(own.kind, own.payload) if own is not None else None
    is_own_alone = isinstance(claims, AdmissionClaims) and len(ledger.admissions(island)) == 1
    if authority.public != genesis.owner or not is_own_alone:
        return renew(authority, genesis, store, key, now_ms)
    assert isinstance(claims, AdmissionClaims)
    grant = Grant(claims.tier, claims.group, claims.trust_ceiling_ppm, claims.jurisdictions)
    return admit(authority, genesis, store, key, grant, now_ms, token_id=claims.token_id)


def _admission(
    authority: AuthorityKey, header: Header, grant: Grant, token_id: bytes, number: int = 0
) -> AdmissionClaims:
    certificate = admission_certificate(
        authority, header.subject, header.mesh_id, header.not_before_ms, header.not_after_ms
    )
    return AdmissionClaims(
        header=header,
        tier=grant.tier,
        group=grant.group,
        trust_ceiling_ppm=grant.trust_ceiling_ppm,
        jurisdictions=grant.jurisdictions,
        certificate_der=certificate,
        token_id=token_id,
        number=number,
    )
