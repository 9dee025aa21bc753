"""What is secret at rest: the keys of cloud APIs by name, and a seal for what other stores keep.

Sealing keys are derived from the island's own secret, so a copy of the databases alone opens nothing.
"""

from __future__ import annotations

import hashlib
from typing import NoReturn

from nacl.exceptions import CryptoError
from nacl.secret import Aead, SecretBox

from islandrun.errors import StateError
from islandrun_node.fail_points import Step
from islandrun_node.stores.database import Database

SECRET_BYTES_MAX = 16_384


class SealedStore:
    """Name -> secret text. The only way out is `open`, and only for the code that sends it."""

    def __init__(self, database: Database, island_secret: bytes) -> None:
        self._database = database
        key = hashlib.blake2b(
            b"seal", key=island_secret, digest_size=SecretBox.KEY_SIZE, person=b"islandrun-seal-1"
        )
        self._box = SecretBox(key.digest())

    def __repr__(self) -> str:
        return "<SealedStore>"

    def __reduce__(self) -> str:
        raise TypeError("a SealedStore cannot be pickled")

    def seal(self, name: str, secret: str) -> None:
        """Keep a secret; an older one of the same name is replaced."""
        encoded = secret.encode()
        if not encoded or len(encoded) > SECRET_BYTES_MAX:
            raise StateError(f"the secret for {name} must have 1 to {SECRET_BYTES_MAX} bytes")
        with self._database.transaction(Step.SEAL_SECRET) as cursor:
            cursor.execute(
                "INSERT OR REPLACE INTO sealed VALUES (?, ?)", (name, bytes(self._box.encrypt(encoded)))
            )

    def open(self, name: str) -> str | None:
        """Return a secret, or None when there is none of this name.

        Raises `StateError` when it was sealed by another island or damaged.
        """
        rows = self._database.read("SELECT content FROM sealed WHERE name = ?", (name,))
        if not rows:
            return None
        content = rows[0][0]
        assert isinstance(content, bytes)
        try:
            return self._box.decrypt(content).decode()
        except CryptoError:
            raise StateError(f"the sealed secret {name} does not open; add it again") from None

    def take_over(self, former: SealedStore) -> int:
        """Seal anew what `former` sealed in the same file, in one write; return how much that was.

        What this store sealed already stays as it is. Raises `StateError` for what neither key opens.
        """
        count = 0
        with self._database.transaction(Step.TAKE_OVER_SECRETS) as cursor:
            for name, content in cursor.execute("SELECT name, content FROM sealed").fetchall():
                if self._opens(content):
                    continue
                try:
                    secret = former._box.decrypt(content)
                except CryptoError:
                    raise StateError(f"the sealed secret {name} does not open; add it again") from None
                sealed = bytes(self._box.encrypt(secret))
                cursor.execute("UPDATE sealed SET content = ? WHERE name = ?", (sealed, name))
                count += 1
        return count

    def _opens(self, content: bytes) -> bool:
        try:
            self._box.decrypt(content)
        except CryptoError:
            return False
        return True


class Seal:
    """Seals bytes for one place: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03), a random nonce in front.

    `key` has 32 bytes and serves one purpose only. What was sealed for one place opens at no other.
    """

    NONCE_BYTES = Aead.NONCE_SIZE
    __slots__ = ("_box",)

    def __init__(self, key: bytes) -> None:
        self._box = Aead(key)

    def __repr__(self) -> str:
        return "<Seal>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Seal cannot be pickled or copied")

    def close(self, content: bytes, place: bytes) -> bytes:
        """Return the sealed form of `content`; the nonce is its first `NONCE_BYTES`."""
        return bytes(self._box.encrypt(content, place))

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """Return what was sealed for this place. Raises `StateError` for anything else."""
        try:
            return self._box.decrypt(sealed, place)
        except (CryptoError, ValueError):
            raise StateError("a sealed row does not open: damaged, moved, or of another island") from None
