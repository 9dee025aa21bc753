"""Who is on this network: tags that members alone can read, and the addresses heard with them.

A tag says nothing to others and changes every ten minutes, so that nobody can follow a machine from one
network to the next. What is heard is a hint: one more address to dial for an island, where the handshake
decides as it always does. It admits nobody, and it replaces no address that works.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from islandrun.trust.claims import Removal
from islandrun.trust.genesis import Genesis
from islandrun.trust.ledger import Ledger
from islandrun.vocabulary import IslandId

EPOCH_MS: Final = 10 * 60 * 1000
TAG_BYTES: Final = 16
HINT_SECONDS: Final = 90.0
"""How long an address that was heard is worth dialling."""

HINTS_PER_ISLAND_MAX: Final = 4
ISLANDS_MAX: Final = 1024
"""Members whose tags are looked for: a mesh with more on one network finds itself by gossip."""

KEYS_MAX: Final = 4
"""Secrets under which members are looked for: the present one, and those before the last removals."""

_PURPOSE: Final = b"islandrun nearby"


def discovery_key(genesis: Genesis) -> bytes:
    """Return the 32 secret bytes that tags of a mesh are made with.

    They come from the genesis, whose salt nobody but members ever sees: the mesh id, which join tokens hold
    and certificates show in part, is only its hash. Every removal renews them, see `renewed`.
    """
    return hashlib.blake2b(genesis.payload, key=genesis.salt, person=_PURPOSE, digest_size=32).digest()


def renewed(key: bytes, ledger: Ledger) -> tuple[bytes, ...]:
    """Return the secret of a mesh as its removals have renewed it; the last ones before it follow.

    Each removal (revocation, cut-off, successor) mixes in its signature. Nobody can guess it who has not got
    the statement, and who is removed is not sent it: so a former member knows tags of those alone who have
    not heard that it is one. These are still found by the others, who look for the earlier secrets too.
    """
    signatures = sorted(
        (claims.header.issued_at_ms, signed.signature)
        for issuer in (ledger.genesis.owner, *ledger.admitters.known())
        for _, signed, claims in ledger.said_by(issuer)
        if isinstance(claims, Removal)
    )
    keys = [key]
    for _, signature in signatures:
        key = hashlib.blake2b(signature, key=key, person=_PURPOSE, digest_size=32).digest()
        keys = [key, *keys[: KEYS_MAX - 1]]
    return tuple(keys)


def epoch_of(wall_ms: int) -> int:
    """Return the number of the ten minutes in which a moment lies."""
    return wall_ms // EPOCH_MS


def tag_of(key: bytes, epoch: int, island: IslandId) -> str:
    """Return the name under which an island announces itself for ten minutes: 26 small letters and digits."""
    text = epoch.to_bytes(8, "big") + island.encode()
    digest = hashlib.blake2b(text, key=key, digest_size=TAG_BYTES).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


@dataclass(slots=True)
class _Hints:
    """What was heard of one island, newest first, and what was handed out last."""

    heard: dict[str, float]
    given: tuple[str, ...] = ()


class Nearby:
    """The hints of one network. Small whatever is heard: only members have a place. `now` is seconds."""

    def __init__(self, key: bytes, me: IslandId) -> None:
        self._keys: tuple[bytes, ...] = (key,)
        self._me = me
        self._tags: dict[str, IslandId] = {}
        self._hints: dict[IslandId, _Hints] = {}

    def renew(self, keys: tuple[bytes, ...]) -> None:
        """Take the secrets of the mesh as they are now, newest first (see `renewed`)."""
        self._keys = keys[:KEYS_MAX]

    def own_tag(self, wall_ms: int) -> str:
        """Return the name to announce now."""
        return tag_of(self._keys[0], epoch_of(wall_ms), self._me)

    def look_for(self, members: Iterable[IslandId], wall_ms: int) -> None:
        """Learn the tags that these members may show now; clocks may differ by one epoch."""
        members = sorted(members)[:ISLANDS_MAX]
        epochs = [epoch_of(wall_ms) + step for step in (-1, 0, 1)]
        self._tags = {
            tag_of(key, epoch, island): island
            for key in self._keys
            for island in members
            if island != self._me
            for epoch in epochs
            if epoch >= 0
        }
        wanted = set(members)
        self._hints = {island: hints for island, hints in self._hints.items() if island in wanted}

    def whose(self, tag: str) -> IslandId | None:
        """Return the member that shows this tag, or None for all that is not ours."""
        return self._tags.get(tag)

    def hear(self, tag: str, addresses: Iterable[str], port: int, now: float) -> IslandId | None:
        """Take in an announcement; return the member it is of. Addresses of other networks are left out."""
        island = self.whose(tag)
        if island is None or not 0 < port < 1 << 16:
            return None
        hints = self._hints.setdefault(island, _Hints({}))
        for address in list(addresses)[:HINTS_PER_ISLAND_MAX]:
            if (host := private_host(address)) is not None:
                hints.heard.pop(f"{host}:{port}", None)
                hints.heard = {f"{host}:{port}": now, **hints.heard}
        while len(hints.heard) > HINTS_PER_ISLAND_MAX:
            hints.heard.popitem()
        return island

    def endpoints(
        self, island: IslandId, told: tuple[str, ...], is_alive: bool, now: float
    ) -> tuple[str, ...]:
        """Return where to dial an island: what it told itself, then the hints.

        While the island answers, this does not change: no announcement moves a channel that works.
        """
        hints = self._hints.get(island)
        if hints is None:
            return told
        if not is_alive:
            hints.given = tuple(
                address for address, heard_at in hints.heard.items() if now - heard_at < HINT_SECONDS
            )
        return told + tuple(address for address in hints.given if address not in told)


def private_host(address: str) -> str | None:
    """Return an address as it is dialled, or None unless it is one of a private network."""
    try:
        host = ipaddress.ip_address(address)
    except ValueError:
        return None
    is_odd = host.is_loopback or host.is_link_local or host.is_multicast or host.is_unspecified
    if not host.is_private or is_odd:
        return None
    return f"[{host}]" if host.version == 6 else str(host)
