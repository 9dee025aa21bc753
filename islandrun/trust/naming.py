"""What islands are called: in records, in certificates, and to people.

The id is the hash of the key: nobody can choose it, no registry is needed, and it fits one DNS label.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

from islandrun.errors import MalformedMessage
from islandrun.vocabulary import IslandId, PublicKey

_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
# 256 bits fill 51 characters and one bit of the last: it is "a" or "q".
_ID: Final = re.compile(r"[a-z2-7]{51}[aq]", re.ASCII)
_GROUP_CHARACTERS: Final = 13
DOMAIN_SUFFIX: Final = ".islandrun.internal"


def island_id(key: PublicKey) -> IslandId:
    """Return the id of the island with this Ed25519 key: 52 characters."""
    return IslandId(_base32(hashlib.sha256(key).digest()))


def is_island_id(text: str) -> bool:
    """Say whether a text has the form of an id."""
    return _ID.fullmatch(text) is not None


def display_id(island: IslandId) -> str:
    """Write an id for people: four groups with a check character (Luhn modulo 32), split by hyphens."""
    upper = island.upper()
    groups = [upper[at : at + _GROUP_CHARACTERS] for at in range(0, len(upper), _GROUP_CHARACTERS)]
    checked = [group + _check_character(group) for group in groups]
    return "-".join(f"{group[:7]}-{group[7:]}" for group in checked)


def read_display_id(text: str) -> IslandId:
    """Read what `display_id` wrote; case, hyphens and spaces do not matter.

    Raises `MalformedMessage`, which names the part with the typo.
    """
    compact = text.upper().replace("-", "").replace(" ", "").strip()
    if len(compact) != 4 * (_GROUP_CHARACTERS + 1):
        raise MalformedMessage("the island id does not have 56 characters; copy it whole")
    size = _GROUP_CHARACTERS + 1
    groups = [compact[at : at + size] for at in range(0, len(compact), size)]
    for number, group in enumerate(groups, 1):
        if not set(group) <= set(_ALPHABET) or _check_character(group[:-1]) != group[-1]:
            raise MalformedMessage(f"the island id has a typo in part {number} of 4; compare it again")
    island = "".join(group[:-1] for group in groups).lower()
    if not is_island_id(island):
        raise MalformedMessage("the island id has a typo in part 4 of 4; compare it again")
    return IslandId(island)


def trust_domain(mesh_id: bytes) -> str:
    """Return the DNS domain in which the names of one mesh live."""
    return f"m{_base32(mesh_id)[:10]}{DOMAIN_SUFFIX}"


def dns_name(island: IslandId, mesh_id: bytes) -> str:
    """Return the DNS name in an island's certificate; it is never resolved."""
    return f"{island}.{trust_domain(mesh_id)}"


def spiffe_uri(island: IslandId, mesh_id: bytes) -> str:
    """Return the SPIFFE id of a certificate; the island is its host, as name constraints act on hosts."""
    return f"spiffe://{dns_name(island, mesh_id)}/island"


def island_of_spiffe_uri(uri: str, mesh_id: bytes) -> IslandId:
    """Return the island that a SPIFFE id names. Raises `MalformedMessage` unless it is exactly our form."""
    head, tail = "spiffe://", f".{trust_domain(mesh_id)}/island"
    if uri.startswith(head) and uri.endswith(tail):
        island = uri[len(head) : -len(tail)]
        if is_island_id(island):
            return IslandId(island)
    raise MalformedMessage("the certificate's URI is not an island of this mesh")


def join_name(join_key: PublicKey, mesh_id: bytes) -> str:
    """Return the DNS name of the holder of a join token."""
    return f"{island_id(join_key)}.join.{trust_domain(mesh_id)}"


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode("ascii").rstrip("=").lower()


def _check_character(group: str) -> str:
    """Return the Luhn modulo 32 check character.

    It notices every single typo, and every swap of neighbours but that of A and 7.
    """
    total = 0
    for place, character in enumerate(group):
        # Doubled at the even places, so that the last one differs in weight from the check character.
        product = _ALPHABET.index(character) * (2 - place % 2)
        total += product // 32 + product % 32
    return _ALPHABET[-total % 32]
