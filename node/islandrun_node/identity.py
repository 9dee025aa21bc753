"""The secret keys of a node, on disk and in memory, and the membership that they stand for.

A key file is one line of text, readable by its owner alone. A key in memory signs and derives; it never
shows itself: `repr` names its id, and pickling or copying it is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import DecodeError
from nacl.signing import SigningKey

from islandrun.errors import RejectedMessage, StateError
from islandrun.trust.genesis import Genesis, read_genesis
from islandrun.trust.naming import island_id
from islandrun.v1 import attestation_pb2
from islandrun.vocabulary import IslandId, PublicKey
from islandrun_node.home import Home, read_private, write_private

SEED_BYTES = 32
_MARK = "ISLANDRUN-SECRET-KEY-1"


class SecretKey:
    """An Ed25519 key (RFC 8032) whose secret half stays inside."""

    __slots__ = ("_signing", "public")

    def __init__(self, seed: bytes) -> None:
        assert len(seed) == SEED_BYTES, "an Ed25519 seed has 32 bytes"
        self._signing = SigningKey(seed)
        self.public = PublicKey(bytes(self._signing.verify_key))

    @classmethod
    def generate(cls) -> Self:
        """Make a new key from the operating system's dice; it is nowhere else."""
        return cls(bytes(SigningKey.generate()))

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a new key and keep it in a new file of mode 0600. Raises `StateError` when one is there."""
        seed = bytes(SigningKey.generate())
        text = base64.b32encode(seed).decode("ascii").rstrip("=").lower()
        write_private(path, f"{_MARK} {text}\n".encode())
        return cls(seed)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a key file. Raises `StateError` when it is missing, damaged, or readable by others."""
        mark, _, text = read_private(path).decode("ascii", "replace").strip().partition(" ")
        try:
            seed = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
        except (binascii.Error, ValueError):
            seed = b""
        if mark != _MARK or len(seed) != SEED_BYTES:
            raise StateError(f"{path} is not a whole key file; restore it from a backup")
        return cls(seed)

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """Return the key that an interrupted attempt left, or a new one."""
        return cls.load(path) if path.exists() else cls.create(path)

    @property
    def id(self) -> IslandId:
        """The name that follows from the public half."""
        return island_id(self.public)

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of a message."""
        return self._signing.sign(message).signature

    def derived(self, purpose: str) -> bytes:
        """Return 32 secret bytes for one named purpose; they say nothing about the key itself."""
        label = f"islandrun/v1/derived/{purpose}".encode()
        return hashlib.blake2b(label, key=bytes(self._signing), digest_size=32).digest()

    def for_x509(self) -> Ed25519PrivateKey:
        """Return the key in the form that signs certificates; callers do not keep it."""
        return Ed25519PrivateKey.from_private_bytes(bytes(self._signing))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id[:8]}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} cannot be pickled or copied")


class IslandKey(SecretKey):
    """The identity of one island."""


class OwnerKey(SecretKey):
    """The key that admits islands to a mesh and takes admissions back."""


class JoinKey(SecretKey):
    """What the holder of a join token proves: it lives as long as the token."""


@dataclass(frozen=True, slots=True)
class Membership:
    """What a home that belongs to a mesh holds; `owner` only on the owner's machine."""

    genesis: Genesis
    key: IslandKey
    owner: OwnerKey | None


def load_membership(home: Home) -> Membership:
    """Read the membership of a home. Raises `StateError` when it has none or a file is damaged."""
    if not home.is_member:
        raise StateError(
            f"{home.path} belongs to no mesh; run `islandrun-node init` or `islandrun-node join` first"
        )
    owner = OwnerKey.load(home.owner_key) if home.owner_key.exists() else None
    genesis = _read_genesis_file(home.genesis)
    if owner is not None and owner.public != genesis.owner:
        raise StateError(f"{home.owner_key} is the key of another mesh; restore the right one or remove it")
    return Membership(genesis, IslandKey.load(home.island_key), owner)


def genesis_file(genesis: Genesis) -> bytes:
    """Return what the file of a genesis holds."""
    message = attestation_pb2.SignedGenesis(payload=genesis.payload, signature=genesis.signature)
    return message.SerializeToString()


def _read_genesis_file(path: Path) -> Genesis:
    try:
        message = attestation_pb2.SignedGenesis.FromString(read_private(path))
        return read_genesis(message.payload, message.signature, hashlib.sha256(message.payload).digest())
    except (DecodeError, RejectedMessage) as error:
        raise StateError(f"{path} is damaged: {error}; restore it from a backup, or join again") from error
