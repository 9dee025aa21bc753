"""The join token: who issued it, for which mesh, until when, where to call, and a secret seed.

``irj1_`` + base32 (Crockford's alphabet) of: version 1 | mesh id 32 | issuer key 32 | seed 16 | expiry u32 |
count u8, then for each door its length u8 and text | checksum 4. A door is an address of the issuer, or a
zero byte, the key 32 of a relay that carries calls to it, and its address. No error text repeats a token.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from islandrun.errors import EnrolmentRefused, MalformedMessage
from islandrun.vocabulary import PublicKey
from islandrun.wire.attestations import check_address
from islandrun.wire.limits import HASH_BYTES, KEY_BYTES
from islandrun_node import base32
from islandrun_node.identity import SEED_BYTES, JoinKey

PREFIX = "irj1_"
VERSION = 1
JOIN_SEED_BYTES = 16
TOKEN_ID_BYTES = 16
ADDRESSES_MAX = 8
TOKEN_CHARACTERS_MAX = 4096
_CHECKSUM_BYTES = 4
_EXPIRY_BYTES = 4
_FIXED_BYTES = 1 + HASH_BYTES + KEY_BYTES + JOIN_SEED_BYTES + _EXPIRY_BYTES + 1
_RELAYED = b"\0"
_ADDRESS_CHARACTERS_MAX = 255 - len(_RELAYED) - KEY_BYTES
CODE_DIGITS = 6


@dataclass(frozen=True, slots=True)
class RelayDoor:
    """A relay that carries calls to the issuer, and where that relay listens."""

    key: PublicKey
    address: str


@dataclass(frozen=True, slots=True)
class JoinToken:
    """What a token says. `expires_at` counts seconds since 1970; `issuer` is the key to pin when dialling.

    Over one of the `relays`, too, it is the issuer who is called and pinned.
    """

    mesh_id: bytes
    issuer: PublicKey
    seed: bytes = field(repr=False)
    expires_at: int
    addresses: tuple[str, ...]
    relays: tuple[RelayDoor, ...] = ()

    def join_key(self) -> JoinKey:
        """Return the key that the token stands for (HKDF, RFC 5869)."""
        expand = HKDF(SHA256(), SEED_BYTES, salt=self.mesh_id, info=b"islandrun/v1/join-key")
        return JoinKey(expand.derive(self.seed))


def token_id(join_key: PublicKey) -> bytes:
    """Return the public name of a token: 16 bytes of the hash of its join key."""
    return hashlib.sha256(join_key).digest()[:TOKEN_ID_BYTES]


def confirmation_code(issuer: PublicKey, island: PublicKey, name: bytes) -> str:
    """Return the six digits that both sides show: of who invites, who joins, and by which token.

    Whoever took the token first has another key, and so another code than the machine in front of you.
    """
    digest = hashlib.sha256(b"islandrun/v1/join-code\0" + issuer + island + name).digest()
    digits = f"{int.from_bytes(digest[:8], 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}}"
    return f"{digits[:3]} {digits[3:]}"


def encode(token: JoinToken) -> str:
    """Write a token as text. Raises `EnrolmentRefused` when its addresses do not fit."""
    _check_doors(token.addresses, token.relays)
    doors = [address.encode("ascii") for address in token.addresses]
    doors += [_RELAYED + relay.key + relay.address.encode("ascii") for relay in token.relays]
    parts = [bytes((VERSION,)), token.mesh_id, token.issuer, token.seed]
    parts += [token.expires_at.to_bytes(_EXPIRY_BYTES, "big"), bytes((len(doors),))]
    parts += [bytes((len(door),)) + door for door in doors]
    body = b"".join(parts)
    assert len(body) - sum(len(door) + 1 for door in doors) == _FIXED_BYTES
    return PREFIX + base32.write(body + _checksum(body))


def parse(text: str, now_ms: int) -> JoinToken:
    """Read a token. Raises `EnrolmentRefused`: cut short, mistyped, of another version, or expired."""
    written = _strip(text)
    data = _decode(written)
    body = data[:-_CHECKSUM_BYTES]
    if data[-_CHECKSUM_BYTES:] != _checksum(body) or base32.write(data) != base32.plain(written):
        if _is_cut_short(data):
            raise EnrolmentRefused("the join token is cut short; copy it whole")
        raise EnrolmentRefused("the join token has a typo (its checksum is wrong); copy it again")
    if body[:1] != bytes((VERSION,)):
        raise EnrolmentRefused("the join token is of another version; update islandrun on both machines")
    if _is_cut_short(data):
        raise EnrolmentRefused("the join token is not complete inside; ask for a new one")
    token = _read(body)
    if now_ms >= token.expires_at * 1000:
        minutes = (now_ms // 1000 - token.expires_at) // 60
        raise EnrolmentRefused(f"the join token expired {minutes} min ago; ask for a new one")
    return token


def _decode(text: str) -> bytes:
    try:
        return base32.read(text)
    except ValueError:
        raise EnrolmentRefused("the join token holds a character that no token has; copy it again") from None


def _strip(text: str) -> str:
    compact = "".join(text.split()).lower()
    if len(compact) > TOKEN_CHARACTERS_MAX:
        raise EnrolmentRefused(f"a join token has at most {TOKEN_CHARACTERS_MAX} characters; copy it alone")
    if not compact.startswith(PREFIX):
        raise EnrolmentRefused(f'a join token begins with "{PREFIX}"; copy it whole')
    return compact[len(PREFIX) :].replace("-", "")


def _read(body: bytes) -> JoinToken:
    at = 1
    fields = []
    for size in (HASH_BYTES, KEY_BYTES, JOIN_SEED_BYTES, _EXPIRY_BYTES):
        fields.append(body[at : at + size])
        at += size
    mesh_id, issuer, seed, expiry = fields
    addresses, relays = [], []
    count, at = body[at], at + 1
    for _ in range(count):
        size, at = body[at], at + 1
        door, at = body[at : at + size], at + size
        if door.startswith(_RELAYED):
            key, address = door[1 : 1 + KEY_BYTES], door[1 + KEY_BYTES :]
            relays.append(RelayDoor(PublicKey(key), address.decode("ascii", "replace")))
        else:
            addresses.append(door.decode("ascii", "replace"))
    if at != len(body):
        raise EnrolmentRefused("the join token holds more than it should; ask for a new one")
    _check_doors(addresses, relays)
    return JoinToken(
        mesh_id, PublicKey(issuer), seed, int.from_bytes(expiry, "big"), tuple(addresses), tuple(relays)
    )


def _check_doors(addresses: Sequence[str], relays: Sequence[RelayDoor]) -> None:
    count = len(addresses) + len(relays)
    if not 0 < count <= ADDRESSES_MAX:
        raise EnrolmentRefused(f"a join token holds 1 to {ADDRESSES_MAX} addresses, not {count}")
    if any(len(relay.key) != KEY_BYTES for relay in relays):
        raise EnrolmentRefused("a relay of the join token has no key; ask for a new one")
    for address in (*addresses, *(relay.address for relay in relays)):
        try:
            check_address(address, "an address of the join token")
        except MalformedMessage as error:
            raise EnrolmentRefused(f"{error}; write it like 192.0.2.7:8471") from None
        if len(address) > _ADDRESS_CHARACTERS_MAX:
            raise EnrolmentRefused("an address of the join token is too long")


def _is_cut_short(data: bytes) -> bool:
    """Say whether bytes are missing at the end, as far as the lengths inside tell."""
    need = _FIXED_BYTES
    if len(data) >= need:
        for _ in range(data[_FIXED_BYTES - 1]):
            if len(data) <= need:
                return True
            need += 1 + data[need]
    return len(data) < need + _CHECKSUM_BYTES


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:_CHECKSUM_BYTES]
