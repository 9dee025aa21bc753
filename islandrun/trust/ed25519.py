"""The one place that checks Ed25519 signatures: one library on every island, so that all agree (RFC 8032)."""

from __future__ import annotations

from collections.abc import Callable

from nacl.exceptions import CryptoError
from nacl.signing import VerifyKey

from islandrun.vocabulary import PublicKey

Signer = Callable[[bytes], bytes]
"""Signs bytes with a key that it keeps to itself; returns 64 bytes."""


def is_signed_by(key: PublicKey, message: bytes, signature: bytes) -> bool:
    """Say whether `signature` over `message` was made with the secret half of `key`."""
    try:
        VerifyKey(key).verify(message, signature)
    except (CryptoError, ValueError, TypeError):
        return False
    return True
