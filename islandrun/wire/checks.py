"""The two checks that every reader of untrusted bytes is made of."""

from __future__ import annotations

from collections.abc import Sized

from islandrun.errors import MalformedMessage


def require(condition: bool, where: str, what: str) -> None:
    """Raise `MalformedMessage` that names the field and what is wrong with it, unless the condition holds."""
    if not condition:
        raise MalformedMessage(f"{where} {what}")


def require_count(items: Sized, count_max: int, where: str) -> None:
    """Raise `MalformedMessage` when there are more entries than a limit allows."""
    require(len(items) <= count_max, where, f"has more than {count_max} entries")
