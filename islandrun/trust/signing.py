"""Claims -> SignedAttestation -> VerifiedAttestation, and no other way.

The signature covers a label, the kind and the carried bytes. A receiver verifies first and decodes
afterwards: two encoders never need to agree on a form, and what was signed is stored and forwarded.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from islandrun.errors import BadSignature, Contradiction, ExpiredAttestation, MalformedMessage
from islandrun.trust.claims import AdmissionClaims, Claims, SelfClaims, decode, encode
from islandrun.trust.ed25519 import Signer, is_signed_by
from islandrun.trust.genesis import Genesis
from islandrun.v1 import attestation_pb2 as pb
from islandrun.vocabulary import PublicKey
from islandrun.wire.attestations import check_signed

__all__ = ["SignedAttestation", "Signer", "VerifiedAttestation", "sign", "verify"]

SKEW_MS: Final = 5 * 60 * 1000
"""How far the clocks of two islands may differ."""

SELF_LIFE_MS_MAX: Final = 24 * 3600 * 1000
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


class VerifiedAttestation:
    """A statement whose signature, form, window and right to speak were checked. Only `verify` makes one."""

    __slots__ = ("claims", "signed")

    def __init__(self, signed: SignedAttestation, claims: Claims, made_by: object) -> None:
        if made_by is not _PASS:
            raise TypeError("a VerifiedAttestation comes from islandrun.trust.signing.verify only")
        self.signed = signed
        self.claims = claims

    def __repr__(self) -> str:
        return f"<VerifiedAttestation {self.signed.kind} by {self.signed.issuer.hex()[:8]}>"


def sign(claims: Claims, signer: Signer) -> SignedAttestation:
    """Turn claims into a statement; `signer` holds the key that the header names as issuer."""
    payload = encode(claims)
    signature = signer(_signed_bytes(claims.kind, payload))
    return SignedAttestation(claims.kind, payload, claims.header.issuer, signature)


def verify(signed: SignedAttestation, genesis: Genesis, now_ms: int) -> VerifiedAttestation:
    """Check a statement of this mesh at this moment.

    Raises `MalformedMessage`, `BadSignature`, `ExpiredAttestation` (outside its window, give or take five
    minutes) or `Contradiction` (the signer has no right to say this).
    """
    check_signed(signed.to_wire())
    if not is_signed_by(signed.issuer, _signed_bytes(signed.kind, signed.payload), signed.signature):
        raise BadSignature(f"a {signed.kind} statement does not carry its issuer's signature")
    claims = decode(signed.kind, signed.payload)
    header = claims.header
    if header.issuer != signed.issuer:
        raise Contradiction(f"a {signed.kind} statement names another issuer inside than outside")
    if header.mesh_id != genesis.mesh_id:
        raise MalformedMessage(f"a {signed.kind} statement belongs to another mesh")
    _check_right(claims, genesis)
    _check_window(claims, now_ms)
    return VerifiedAttestation(signed, claims, _PASS)


def _signed_bytes(kind: str, payload: bytes) -> bytes:
    name = kind.encode("ascii", "replace")
    return _LABEL + bytes((len(name),)) + name + len(payload).to_bytes(4, "big") + payload


def _check_right(claims: Claims, genesis: Genesis) -> None:
    """Refuse a statement by somebody who may not make it."""
    issuer, subject = claims.header.issuer, claims.header.subject
    match claims.kind:
        case "self":
            allowed = issuer == subject
        case "admission" | "authority":
            allowed = issuer == genesis.owner
        case _:
            allowed = issuer != subject
    if not allowed:
        raise Contradiction(f"this key may not issue a {claims.kind} statement about that island")


def _check_window(claims: Claims, now_ms: int) -> None:
    header = claims.header
    if header.issued_at_ms > now_ms + SKEW_MS or header.not_before_ms > now_ms + SKEW_MS:
        raise ExpiredAttestation(f"a {claims.kind} statement is from the future; compare the clocks")
    if isinstance(claims, SelfClaims) and header.not_after_ms - header.not_before_ms > SELF_LIFE_MS_MAX:
        raise MalformedMessage("a self statement claims a life of more than 24 hours")
    expires = isinstance(claims, SelfClaims | AdmissionClaims) or claims.kind in ("certification", "vouch")
    if expires and now_ms > header.not_after_ms + SKEW_MS and claims.kind != "admission":
        raise ExpiredAttestation(f"a {claims.kind} statement is past its end")
