"""Bytes as text that people copy: base32 in Crockford's alphabet, without letters that look like digits."""

from __future__ import annotations

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_MISREAD = str.maketrans("oil", "011")


def write(data: bytes) -> str:
    """Return the text of some bytes, in small letters, without padding."""
    bits = len(data) * 8
    padded = -bits % 5
    number = int.from_bytes(data, "big") << padded
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(bits + padded - 5, -1, -5))


def plain(text: str) -> str:
    """Return a text as `write` would have written it: small letters, and digits for what looks like one."""
    return text.lower().translate(_MISREAD)


def read(text: str) -> bytes:
    """Return the whole bytes of a text; bits that are left over are dropped.

    Raises `ValueError` at a character that is not in the alphabet. Whether the text is complete is for a
    checksum inside to say: compare `write` of the result with the text.
    """
    number, characters = 0, plain(text)
    for character in characters:
        value = _ALPHABET.find(character)
        if value < 0:
            raise ValueError("not a character of this alphabet")
        number = number << 5 | value
    size, spare = divmod(len(characters) * 5, 8)
    return (number >> spare).to_bytes(size, "big")
