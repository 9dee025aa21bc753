"""The owner's key on paper: a prefix and twelve groups of five characters, with a checksum over all.

``irk1`` + base32 (Crockford's alphabet) of: version 1 | seed 32 | checksum 4.
No error text repeats a part of it.
"""

from __future__ import annotations

import hashlib
from typing import Final

from islandrun.errors import RootLocked
from islandrun_node import base32

PREFIX: Final = "irk1"
TEXT_CHARACTERS_MAX: Final = 1024
_VERSION: Final = b"\x01"
_SEED_BYTES: Final = 32
_CHECKSUM_BYTES: Final = 4
_GROUP_CHARACTERS: Final = 5


def write(seed: bytes) -> str:
    """Return a seed as text: lines of four groups, fit to be copied by hand."""
    text = base32.write(_VERSION + seed + _checksum(seed))
    groups = [text[at : at + _GROUP_CHARACTERS] for at in range(0, len(text), _GROUP_CHARACTERS)]
    lines = [" ".join(groups[at : at + 4]) for at in range(0, len(groups), 4)]
    return "\n".join([PREFIX, *lines])


def read(text: str) -> bytes:
    """Return the seed that `write` wrote; case, spaces, lines and hyphens do not matter.

    Raises `RootLocked`, which says what is wrong with the text.
    """
    compact = base32.plain("".join(text[:TEXT_CHARACTERS_MAX].split()).replace("-", ""))
    prefix = base32.plain(PREFIX)
    if not compact.startswith(prefix):
        raise RootLocked(f'an owner\'s key on paper begins with "{PREFIX}"; copy it whole')
    written = compact[len(prefix) :]
    try:
        data = base32.read(written)
    except ValueError:
        raise RootLocked("the paper key holds a character that none has; compare it again") from None
    if len(data) != len(_VERSION) + _SEED_BYTES + _CHECKSUM_BYTES:
        raise RootLocked(f"the paper key has {len(written)} characters after {PREFIX}, not 60; copy it whole")
    seed = data[len(_VERSION) : -_CHECKSUM_BYTES]
    if data[:1] != _VERSION or data[-_CHECKSUM_BYTES:] != _checksum(seed) or base32.write(data) != written:
        raise RootLocked("the paper key has a typo (its checksum is wrong); compare it again")
    return seed


def _checksum(seed: bytes) -> bytes:
    return hashlib.sha256(b"islandrun/v1/paper-key\0" + _VERSION + seed).digest()[:_CHECKSUM_BYTES]
