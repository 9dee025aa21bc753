"""The first statement of a mesh: who owns it. Its hash is the mesh id, so it cannot be exchanged later."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from islandrun.errors import BadSignature, MalformedMessage
from islandrun.trust.ed25519 import Signer, is_signed_by
from islandrun.v1 import attestation_pb2 as pb
from islandrun.vocabulary import PublicKey
from islandrun.wire.attestations import check_name, parse
from islandrun.wire.limits import KEY_BYTES, TIME_MS_MAX

SALT_BYTES: Final = 16
_LABEL: Final = b"islandrun/v1/genesis\0"


@dataclass(frozen=True, slots=True)
class Genesis:
    """The owner, the name and the signed bytes of a mesh. Made by `found` or `read_genesis`."""

    owner: PublicKey
    name: str
    created_at_ms: int
    salt: bytes
    payload: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def mesh_id(self) -> bytes:
        """SHA-256 of the signed bytes, 32 bytes."""
        return hashlib.sha256(self.payload).digest()


def found(owner: PublicKey, name: str, created_at_ms: int, salt: bytes, signer: Signer) -> Genesis:
    """Make the first statement of a new mesh; `salt` is 16 random bytes, `signer` has the owner's key.

    Raises `MalformedMessage` when a field is outside its limit.
    """
    _check(owner, name, created_at_ms, salt)
    message = pb.Genesis(owner=owner, name=name, created_at_ms=created_at_ms, salt=salt)
    payload = message.SerializeToString()
    return Genesis(owner, name, created_at_ms, salt, payload, signer(_LABEL + payload))


def read_genesis(payload: bytes, signature: bytes, mesh_id: bytes) -> Genesis:
    """Check a genesis against the mesh id that we were told. Raises `MalformedMessage` or `BadSignature`."""
    if hashlib.sha256(payload).digest() != mesh_id:
        raise MalformedMessage("the genesis is not that of the expected mesh")
    message = parse(pb.Genesis, payload)
    _check(message.owner, message.name, message.created_at_ms, message.salt)
    owner = PublicKey(message.owner)
    if not is_signed_by(owner, _LABEL + payload, signature):
        raise BadSignature("the genesis is not signed by the owner it names")
    return Genesis(owner, message.name, message.created_at_ms, message.salt, payload, signature)


def _check(owner: bytes, name: str, created_at_ms: int, salt: bytes) -> None:
    check_name(name, "mesh name")
    if len(owner) != KEY_BYTES or len(salt) != SALT_BYTES:
        raise MalformedMessage("the genesis has a key or salt of the wrong size")
    if not 0 <= created_at_ms < TIME_MS_MAX:
        raise MalformedMessage("the genesis was made at an impossible time")
