"""Small data that people carry from one machine to another: a prefix, base32, and a checksum at the end."""

from __future__ import annotations

import hashlib

from islandrun.errors import EnrolmentRefused
from islandrun_node import base32

CHECKSUM_BYTES = 4
CHARACTERS_MAX = 16_384


def write(prefix: str, data: bytes) -> str:
    """Return the text of some bytes; `prefix` says to people and to `read` what it is."""
    return prefix + base32.write(data + _checksum(prefix, data))


def read(prefix: str, text: str, what: str) -> bytes:
    """Return the bytes of a text that `write` made. Raises `EnrolmentRefused`, which names `what`."""
    compact = "".join(text.split()).lower()
    if not compact.startswith(prefix) or len(compact) > CHARACTERS_MAX:
        raise EnrolmentRefused(f'{what} begins with "{prefix}"; copy it whole and alone')
    try:
        data = base32.read(compact[len(prefix) :])
    except ValueError:
        raise EnrolmentRefused(f"{what} holds a character that none has; copy it again") from None
    body, checksum = data[:-CHECKSUM_BYTES], data[-CHECKSUM_BYTES:]
    if checksum != _checksum(prefix, body) or base32.write(data) != base32.plain(compact[len(prefix) :]):
        raise EnrolmentRefused(f"{what} is cut short or has a typo; copy it again")
    return body


def _checksum(prefix: str, data: bytes) -> bytes:
    return hashlib.sha256(prefix.encode() + data).digest()[:CHECKSUM_BYTES]
