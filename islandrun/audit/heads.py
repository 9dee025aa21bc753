"""What is signed of a log: its head, by the origin; and the head again, by those who saw that it only grew.

The signature covers a label and the bytes that travel. A label of its own for each kind keeps one from
passing for another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from islandrun.audit.tree import SIZE_MAX
from islandrun.errors import BadSignature, MalformedMessage
from islandrun.trust.ed25519 import Signer, is_signed_by
from islandrun.v1 import audit_pb2
from islandrun.vocabulary import PublicKey
from islandrun.wire.checks import require
from islandrun.wire.limits import HASH_BYTES, KEY_BYTES, SIGNATURE_BYTES, TIME_MS_MAX

HEAD_BYTES_MAX: Final = 256

_HEAD_LABEL: Final = b"islandrun/v1/tree-head\0"
_WITNESS_LABEL: Final = b"islandrun/v1/witness\0"


@dataclass(frozen=True, slots=True)
class TreeHead:
    """The state of a log: `size` entries with this root. Times are milliseconds since 1970.

    `restored_at_ms` says when the origin last went on from an older copy of its home; 0: never.
    """

    origin: PublicKey
    size: int
    root: bytes
    issued_at_ms: int
    restored_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A checked head with the bytes that carry it; `sign_head` and `read_head` make it."""

    head: TreeHead
    wire: audit_pb2.SignedTreeHead


@dataclass(frozen=True, slots=True)
class Cosignature:
    """That `witness` saw a head at this time, and that it continues what it saw before."""

    witness: PublicKey
    at_ms: int
    signature: bytes

    def to_wire(self) -> audit_pb2.Cosignature:
        """Return it in its form on the wire."""
        return audit_pb2.Cosignature(witness=self.witness, at_ms=self.at_ms, signature=self.signature)


def sign_head(head: TreeHead, signer: Signer) -> SignedHead:
    """Sign a head; `signer` holds the secret half of its origin."""
    payload = audit_pb2.TreeHead(
        origin=head.origin,
        size=head.size,
        root=head.root,
        issued_at_ms=head.issued_at_ms,
        restored_at_ms=head.restored_at_ms,
    ).SerializeToString()
    signature = signer(_HEAD_LABEL + payload)
    return SignedHead(
        head, audit_pb2.SignedTreeHead(payload=payload, issuer=head.origin, signature=signature)
    )


def read_head(wire: audit_pb2.SignedTreeHead) -> SignedHead:
    """Check the signature of a head, then read it.

    Raises `MalformedMessage` for a field outside its limits or an origin that is not the signer, and
    `BadSignature`. Who the signer is, the caller judges.
    """
    require(len(wire.payload) <= HEAD_BYTES_MAX, "head", f"is over {HEAD_BYTES_MAX} bytes")
    require(len(wire.issuer) == KEY_BYTES, "head.issuer", "is not a key")
    if not is_signed_by(PublicKey(wire.issuer), _HEAD_LABEL + wire.payload, wire.signature):
        raise BadSignature("the head of a log does not carry its origin's signature: do not rely on it")
    pb = audit_pb2.TreeHead()
    try:
        pb.ParseFromString(wire.payload)
    except DecodeError as error:
        raise MalformedMessage("head: the bytes do not decode") from error
    require(pb.origin == wire.issuer, "head.origin", "is not its signer")
    require(pb.size <= SIZE_MAX, "head.size", f"is over {SIZE_MAX}")
    require(len(pb.root) == HASH_BYTES, "head.root", f"does not have {HASH_BYTES} bytes")
    for name, value in (("issued_at_ms", pb.issued_at_ms), ("restored_at_ms", pb.restored_at_ms)):
        require(0 <= value <= TIME_MS_MAX, f"head.{name}", "is out of range")
    head = TreeHead(PublicKey(pb.origin), pb.size, pb.root, pb.issued_at_ms, pb.restored_at_ms)
    return SignedHead(head, wire)


def cosign(signed: SignedHead, witness: PublicKey, signer: Signer, now_ms: int) -> Cosignature:
    """Countersign a head as `witness`; `signer` holds the secret half of that key."""
    return Cosignature(witness, now_ms, signer(_witnessed(signed, now_ms)))


def read_cosignature(wire: audit_pb2.Cosignature, signed: SignedHead) -> Cosignature:
    """Read a countersignature and check that it is one of this head. Raises as `read_head` does."""
    require(len(wire.witness) == KEY_BYTES, "cosignature.witness", "is not a key")
    require(len(wire.signature) == SIGNATURE_BYTES, "cosignature.signature", "has a wrong size")
    require(0 <= wire.at_ms <= TIME_MS_MAX, "cosignature.at_ms", "is out of range")
    witness = PublicKey(wire.witness)
    require(witness != signed.head.origin, "cosignature.witness", "is the origin of the log itself")
    if not is_signed_by(witness, _witnessed(signed, wire.at_ms), wire.signature):
        raise BadSignature("a countersignature does not belong to its head and witness")
    return Cosignature(witness, wire.at_ms, wire.signature)


def _witnessed(signed: SignedHead, at_ms: int) -> bytes:
    return _WITNESS_LABEL + at_ms.to_bytes(8, "big") + signed.wire.payload
