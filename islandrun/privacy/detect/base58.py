"""Base58Check: the last four bytes are the double SHA-256 of the others (Bitcoin wiki, "Base58Check")."""

from __future__ import annotations

import hashlib
from typing import Final

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_CHECK_BYTES: Final = 4


def is_base58check(value: str) -> bool:
    """Say whether a value in base 58 carries its right checksum."""
    number = 0
    for character in value:
        digit = _ALPHABET.find(character)
        if digit < 0:
            return False
        number = number * 58 + digit
    leading = len(value) - len(value.lstrip("1"))
    data = b"\x00" * leading + number.to_bytes((number.bit_length() + 7) // 8, "big")
    body, check = data[:-_CHECK_BYTES], data[-_CHECK_BYTES:]
    return bool(body) and hashlib.sha256(hashlib.sha256(body).digest()).digest()[:_CHECK_BYTES] == check
