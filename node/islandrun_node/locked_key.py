"""A secret key at rest under a passphrase: Argon2id (RFC 9106) makes the key of a sealed box.

One line of text: a mark, then base64 of operations u32 | memory u64 | salt 16 | sealed seed. What the
derivation costs stands in the file, so that it can be raised for new files.
"""

from __future__ import annotations

import base64
import binascii
import struct
from typing import Final

import nacl.exceptions
import nacl.pwhash.argon2id as argon2id
import nacl.secret
import nacl.utils

from islandrun.errors import RootLocked, StateError

MARK: Final = "ISLANDRUN-LOCKED-KEY-1"
OPERATIONS: Final = argon2id.OPSLIMIT_MODERATE
MEMORY_BYTES: Final = argon2id.MEMLIMIT_MODERATE
"""256 MiB and three passes: 0.5 s of one core, for the owner once and for a thief at each guess."""

OPERATIONS_MAX: Final = 64
MEMORY_BYTES_MAX: Final = 2 * 1024**3
PASSPHRASE_CHARACTERS_MIN: Final = 8
PASSPHRASE_CHARACTERS_MAX: Final = 1024
_COST: Final = struct.Struct(">IQ")


def lock(
    seed: bytes, passphrase: str, operations: int = OPERATIONS, memory_bytes: int = MEMORY_BYTES
) -> bytes:
    """Return the content of a key file. Raises `RootLocked` when the passphrase is too short or too long."""
    if not PASSPHRASE_CHARACTERS_MIN <= len(passphrase) <= PASSPHRASE_CHARACTERS_MAX:
        raise RootLocked(
            f"a passphrase has {PASSPHRASE_CHARACTERS_MIN} to {PASSPHRASE_CHARACTERS_MAX} characters; "
            "choose another, such as five words"
        )
    salt = nacl.utils.random(argon2id.SALTBYTES)
    box = _box(passphrase, salt, operations, memory_bytes)
    content = _COST.pack(operations, memory_bytes) + salt + box.encrypt(seed)
    return f"{MARK} {base64.b64encode(content).decode('ascii')}\n".encode()


def unlock(content: bytes, passphrase: str, where: str) -> bytes:
    """Return the seed. Raises `RootLocked` for a wrong passphrase, `StateError` for a damaged file."""
    mark, _, text = content.decode("ascii", "replace").strip().partition(" ")
    try:
        data = base64.b64decode(text, validate=True)
        operations, memory_bytes = _COST.unpack_from(data)
    except (binascii.Error, ValueError, struct.error):
        mark, data, operations, memory_bytes = "", b"", 0, 0
    salt, sealed = data[_COST.size : _COST.size + argon2id.SALTBYTES], data[_COST.size + argon2id.SALTBYTES :]
    is_sane = 0 < operations <= OPERATIONS_MAX and 0 < memory_bytes <= MEMORY_BYTES_MAX
    if mark != MARK or not is_sane or len(sealed) != 32 + nacl.secret.SecretBox.NONCE_SIZE + 16:
        raise StateError(f"{where} is not a whole key file; restore it from a backup or from paper")
    try:
        return _box(passphrase, salt, operations, memory_bytes).decrypt(sealed)
    except nacl.exceptions.CryptoError:
        raise RootLocked("the passphrase does not open the owner's key; try again") from None


def _box(passphrase: str, salt: bytes, operations: int, memory_bytes: int) -> nacl.secret.SecretBox:
    try:
        key = argon2id.kdf(
            nacl.secret.SecretBox.KEY_SIZE, passphrase.encode(), salt, operations, memory_bytes
        )
    except (nacl.exceptions.RuntimeError, MemoryError, ValueError) as error:
        raise RootLocked(
            f"the passphrase needs {memory_bytes >> 20} MiB of memory to be checked; free some"
        ) from error
    return nacl.secret.SecretBox(key)
