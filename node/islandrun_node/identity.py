"""The secret keys of a node, on disk and in memory, and the membership that they stand for.

A key file is one line of text, readable by its owner alone. A key in memory signs and derives; it never
shows itself: `repr` names its id, and pickling or copying it is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import DecodeError
from nacl.signing import SigningKey

from islandrun.errors import EnrolmentRefused, RejectedMessage, RootLocked, StateError
from islandrun.trust.genesis import Genesis, read_genesis
from islandrun.trust.naming import island_id
from islandrun.v1 import attestation_pb2
from islandrun.vocabulary import IslandId, PublicKey
from islandrun_node import locked_key, paper_key
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
        key = cls(seed)
        key.write(path)
        return key

    def write(self, path: Path) -> None:
        """Keep this key in a new file of mode 0600. Raises `StateError` when one is there."""
        text = base64.b32encode(bytes(self._signing)).decode("ascii").rstrip("=").lower()
        write_private(path, f"{_MARK} {text}\n".encode())

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
    def load_locked(cls, path: Path, passphrase: str) -> Self:
        """Read a key file under a passphrase. Raises `StateError`, or `RootLocked` for a wrong one."""
        return cls(locked_key.unlock(read_private(path), passphrase, str(path)))

    def locked(self, passphrase: str) -> bytes:
        """Return what a key file under this passphrase holds."""
        return locked_key.lock(bytes(self._signing), passphrase)

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

    @classmethod
    def from_paper(cls, text: str) -> Self:
        """Read what `on_paper` wrote. Raises `RootLocked` at a typo."""
        return cls(paper_key.read(text))

    def on_paper(self) -> str:
        """Return the key as text to print and put away: the one way in which it shows itself."""
        return paper_key.write(bytes(self._signing))


class AdmitterKey(SecretKey):
    """The key with which a node admits islands that the owner lets it admit. It is no island's identity."""


AuthorityKey = OwnerKey | AdmitterKey
"""What signs admissions and renewals."""


class JoinKey(SecretKey):
    """What the holder of a join token proves: it lives as long as the token."""


@dataclass(frozen=True, slots=True)
class Membership:
    """What a home that belongs to a mesh holds; `owner` only on the owner's machine.

    `is_locked` says that the owner's key lies here under a passphrase that was not asked for. `admitter` is
    there once this home asked to admit islands; whether it may, the ledger says.
    """

    genesis: Genesis
    key: IslandKey
    owner: OwnerKey | None
    is_locked: bool = False
    admitter: AdmitterKey | None = None

    @property
    def authority(self) -> AuthorityKey | None:
        """The key with which this home admits: the owner's where it is, else the admitter's."""
        return self.owner if self.owner is not None or self.is_locked else self.admitter

    def require_authority(self) -> AuthorityKey:
        """Return the key with which this home admits. Raises `RootLocked` or `EnrolmentRefused`."""
        return self.authority or self.require_owner()

    def require_owner(self) -> OwnerKey:
        """Return the owner's key. Raises `RootLocked` or `EnrolmentRefused`."""
        if self.owner is not None:
            return self.owner
        if self.is_locked:
            raise RootLocked("the owner's key is locked; give its passphrase")
        raise EnrolmentRefused("this home holds no owner key; do this on the machine that founded the mesh")


Passphrase = Callable[[], str]
"""Asks for the passphrase of the owner's key; called when it is needed."""


def load_membership(home: Home, passphrase: Passphrase | None = None) -> Membership:
    """Read the membership of a home, and unlock the owner's key there where a passphrase can be had.

    Raises `StateError` when the home has none or a file is damaged, `RootLocked` for a wrong passphrase.
    """
    if not home.is_member:
        raise StateError(
            f"{home.path} belongs to no mesh; run `islandrun-node init` or `islandrun-node join` first"
        )
    owner, is_locked = _load_owner(home, passphrase)
    genesis = read_genesis_file(home.genesis)
    if owner is not None and owner.public != genesis.owner:
        raise StateError(f"{home.owner_key} is the key of another mesh; restore the right one or remove it")
    admitter = AdmitterKey.load(home.admitter_key) if home.admitter_key.exists() else None
    return Membership(genesis, IslandKey.load(home.island_key), owner, is_locked, admitter)


def _load_owner(home: Home, passphrase: Passphrase | None) -> tuple[OwnerKey | None, bool]:
    """Return the owner's key, and whether it stays locked; where a lock broke off the open file counts."""
    if home.owner_key.exists():
        return OwnerKey.load(home.owner_key), False
    if not home.locked_owner_key.exists():
        return None, False
    if passphrase is None:
        read_private(home.locked_owner_key)
        return None, True
    return OwnerKey.load_locked(home.locked_owner_key, passphrase()), False


def genesis_file(genesis: Genesis) -> bytes:
    """Return what the file of a genesis holds."""
    message = attestation_pb2.SignedGenesis(payload=genesis.payload, signature=genesis.signature)
    return message.SerializeToString()


def read_genesis_file(path: Path) -> Genesis:
    """Read which mesh a home, or a backup of one, belongs to. Raises `StateError` when it is damaged."""
    try:
        message = attestation_pb2.SignedGenesis.FromString(read_private(path))
        return read_genesis(message.payload, message.signature, hashlib.sha256(message.payload).digest())
    except (DecodeError, RejectedMessage) as error:
        raise StateError(f"{path} is damaged: {error}; restore it from a backup, or join again") from error
