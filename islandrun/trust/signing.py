"""Claims -> SignedAttestation -> VerifiedAttestation, and no other way.

The signature covers a label, the kind and the carried bytes. A receiver verifies first and decodes
afterwards: two encoders never need to agree on a form, and what was signed is stored and forwarded.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final, NoReturn, final

from islandrun.errors import BadSignature, Contradiction, ExpiredAttestation, MalformedMessage
from islandrun.trust.claims import (
    AdmissionClaims,
    CertificationClaims,
    Claims,
    CutOffClaims,
    DelegationClaims,
    FreshnessClaims,
    GroupTrustClaims,
    Removal,
    RenewalClaims,
    RevocationClaims,
    SelfClaims,
    SuccessorClaims,
    VouchClaims,
    decode,
    encode,
)
from islandrun.trust.ed25519 import Signer, is_signed_by
from islandrun.trust.genesis import Genesis
from islandrun.trust.rulings import succession
from islandrun.v1 import attestation_pb2 as pb
from islandrun.vocabulary import PublicKey
from islandrun.wire.attestations import check_envelope, check_signed

__all__ = ["SignedAttestation", "Signer", "VerifiedAttestation", "sign", "verify"]

SKEW_MS: Final = 5 * 60 * 1000
"""How far the clocks of two islands may differ."""

SELF_LIFE_MS_MAX: Final = 24 * 3600 * 1000
LIFE_MS_MAX: Final = 366 * 24 * 3600 * 1000
"""The longest life of an admission, a certification or a vouch."""

RENEWAL_LIFE_MS_MAX: Final = 31 * 24 * 3600 * 1000
"""A renewal is no grant: a stolen key cannot make an island's admission outlast this."""

_LABEL: Final = b"islandrun/v1\0"
_PASS: Final = object()


@dataclass(frozen=True, slots=True)
class SignedAttestation:
    """A statement as it travels and is stored; nobody has checked it yet."""

    kind: str
    payload: bytes = field(repr=False)
    issuer: PublicKey
    signature: bytes = field(repr=False)

    @property
    def hash(self) -> bytes:
        """SHA-256 of the payload."""
        return hashlib.sha256(self.payload).digest()

    def to_wire(self) -> pb.SignedAttestation:
        """Return it as a protobuf message."""
        return pb.SignedAttestation(
            kind=self.kind, payload=self.payload, issuer=self.issuer, signature=self.signature
        )

    @classmethod
    def from_wire(cls, message: pb.SignedAttestation) -> SignedAttestation:
        """Read it from a protobuf message. Raises `MalformedMessage` on a wrong kind or size."""
        check_signed(message)
        return cls(message.kind, message.payload, PublicKey(message.issuer), message.signature)


@final
class VerifiedAttestation:
    """A statement whose signature, form, window and right to speak were checked. Only `verify` makes one."""

    __slots__ = ("_claims", "_signed")

    def __init__(self, signed: SignedAttestation, claims: Claims, made_by: object) -> None:
        if made_by is not _PASS:
            raise TypeError("a VerifiedAttestation comes from islandrun.trust.signing.verify only")
        self._signed = signed
        self._claims = claims

    @property
    def signed(self) -> SignedAttestation:
        """The statement as it travels."""
        return self._signed

    @property
    def claims(self) -> Claims:
        """What it says."""
        return self._claims

    def __reduce__(self) -> NoReturn:
        raise TypeError("a VerifiedAttestation is neither copied nor stored; verify the statement again")

    def __repr__(self) -> str:
        return f"<VerifiedAttestation {self._signed.kind} by {self._signed.issuer.hex()[:8]}>"


def sign(claims: Claims, signer: Signer) -> SignedAttestation:
    """Turn claims into a statement; `signer` holds the key that the header names as issuer.

    Raises `MalformedMessage` for claims that no reader would accept: a mistake shows where it is made.
    """
    payload = encode(claims)
    decode(claims.kind, payload)
    signature = signer(_signed_bytes(claims.kind, payload))
    return SignedAttestation(claims.kind, payload, claims.header.issuer, signature)


def verify(signed: SignedAttestation, genesis: Genesis, now_ms: int) -> VerifiedAttestation:
    """Check a statement of this mesh at this moment (milliseconds since 1970).

    An admission past its end still verifies, so that its island is known as expired; what the owner states
    with kind "authority" has no end. Raises `MalformedMessage`, `BadSignature`, `ExpiredAttestation` (outside
    its window, give or take five minutes) or `Contradiction` (the signer has no right to say this).
    """
    claims = _authentic(signed, genesis)
    check_window(claims, now_ms)
    return VerifiedAttestation(signed, claims, _PASS)


def verify_then(signed: SignedAttestation, genesis: Genesis) -> VerifiedAttestation:
    """Check a statement as `verify` does, but at the moment at which it was made.

    For proofs only: that a key contradicted itself stays true after the statements have ended.
    """
    claims = _authentic(signed, genesis)
    check_window(claims, claims.header.issued_at_ms)
    return VerifiedAttestation(signed, claims, _PASS)


def check_window(claims: Claims, now_ms: int) -> None:
    """Refuse a statement outside its window or with too long a life. A removal holds at any time.

    Raises `ExpiredAttestation` or `MalformedMessage`.
    """
    if isinstance(claims, Removal):
        return
    header = claims.header
    if header.issued_at_ms > now_ms + SKEW_MS or header.not_before_ms > now_ms + SKEW_MS:
        raise ExpiredAttestation(f"a {claims.kind} statement is from the future; compare the clocks")
    if isinstance(claims, GroupTrustClaims | FreshnessClaims | DelegationClaims):
        return
    life_ms_max = _life_ms_max(claims)
    if header.not_after_ms - header.not_before_ms > life_ms_max:
        hours = life_ms_max // 3_600_000
        raise MalformedMessage(f"a {claims.kind} statement claims a life of more than {hours} hours")
    if now_ms > header.not_after_ms + SKEW_MS and not isinstance(claims, AdmissionClaims):
        raise ExpiredAttestation(f"a {claims.kind} statement is past its end")


def _life_ms_max(claims: Claims) -> int:
    match claims:
        case SelfClaims():
            return SELF_LIFE_MS_MAX
        case RenewalClaims():
            return RENEWAL_LIFE_MS_MAX
        case _:
            return LIFE_MS_MAX


def _authentic(signed: SignedAttestation, genesis: Genesis) -> Claims:
    """Return what a statement says, once it is sure who says it, in which mesh, and that they may."""
    check_envelope(signed.kind, signed.payload, signed.issuer, signed.signature)
    if not is_signed_by(signed.issuer, _signed_bytes(signed.kind, signed.payload), signed.signature):
        raise BadSignature(f"a {signed.kind} statement does not carry its issuer's signature")
    claims = decode(signed.kind, signed.payload)
    if claims.header.issuer != signed.issuer:
        raise Contradiction(f"a {signed.kind} statement names another issuer inside than outside")
    if claims.header.mesh_id != genesis.mesh_id:
        raise MalformedMessage(f"a {signed.kind} statement belongs to another mesh")
    if not _may_say(claims, genesis.owner):
        raise Contradiction(f"this key may not issue a {claims.kind} statement about that subject")
    return claims


def _may_say(claims: Claims, owner: PublicKey) -> bool:
    """Say whether the issuer may have a right to this statement and its subject is who it is about.

    Whether the issuer is an authority only a ledger knows: there it does not count until it is one.
    """
    issuer, subject = claims.header.issuer, claims.header.subject
    match claims:
        case SelfClaims() | FreshnessClaims():
            return issuer == subject
        case AdmissionClaims():
            return issuer != subject and (claims.number == 0) is (issuer == owner)
        case CertificationClaims() | VouchClaims():
            return issuer != subject
        case GroupTrustClaims():
            return issuer == subject == owner
        case DelegationClaims() | CutOffClaims():
            return issuer == owner != subject == claims.key
        case RevocationClaims() | RenewalClaims():
            # Its place names the island: nothing but another of its kind on that island can replace it.
            return subject == claims.island and subject not in (owner, issuer)
        case SuccessorClaims():
            return _is_succession(claims, owner)


def _is_succession(claims: SuccessorClaims, owner: PublicKey) -> bool:
    """Say whether an island's old key names the new one, and neither is an authority's own."""
    header, old, new = claims.header, claims.old, claims.new
    if header.subject != old or {old, new} & {owner, header.issuer}:
        return False
    return is_signed_by(old, succession(header.mesh_id, old, new), claims.signature)


def _signed_bytes(kind: str, payload: bytes) -> bytes:
    name = kind.encode("ascii", "replace")
    return _LABEL + bytes((len(name),)) + name + len(payload).to_bytes(4, "big") + payload
