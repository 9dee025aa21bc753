"""What SQLite returns, as what the schema says that it is: its tables are STRICT."""

from __future__ import annotations


def as_bytes(value: object) -> bytes:
    """Return the value of a BLOB column."""
    assert isinstance(value, bytes)
    return value


def as_int(value: object) -> int:
    """Return the value of an INTEGER column."""
    assert isinstance(value, int)
    return value
