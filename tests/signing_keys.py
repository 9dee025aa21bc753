"""Keys that sign in tests, as the parts of the trust library want them."""

from __future__ import annotations

from collections.abc import Callable

from nacl.signing import SigningKey

from islandrun.trust.naming import island_id
from islandrun.vocabulary import IslandId, PublicKey


def public(key: SigningKey) -> PublicKey:
    return PublicKey(bytes(key.verify_key))


def name(key: SigningKey) -> IslandId:
    return island_id(public(key))


def signer(key: SigningKey) -> Callable[[bytes], bytes]:
    return lambda message: key.sign(message).signature
