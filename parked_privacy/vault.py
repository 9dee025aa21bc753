"""Placeholder <-> original, for one conversation. It stays on the origin: no print, no pickle, no copy.

A value has one placeholder for the whole conversation and a number is never used twice. Two conversations
have two vaults, so nobody can link their placeholders.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NoReturn

from islandrun.errors import PrivacyFault
from islandrun.vocabulary import FindingType

ENTRIES_MAX: Final = 10_000


class Vault:
    """The originals of one conversation."""

    __slots__ = ("_counts", "_originals", "_placeholders")

    def __init__(self) -> None:
        self._originals: dict[str, str] = {}
        self._placeholders: dict[tuple[FindingType, str], str] = {}
        self._counts: Counter[FindingType] = Counter()

    def __repr__(self) -> str:
        return f"<Vault of {len(self._originals)}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Vault cannot be pickled or copied")

    def __len__(self) -> int:
        return len(self._originals)

    def placeholder_for(self, kind: FindingType, original: str) -> str:
        """Return the placeholder of a value, such as "[PERSON_1]"; the same value has the same one.

        Raises `PrivacyFault` when the conversation holds too many values.
        """
        known = self._placeholders.get((kind, original))
        if known is not None:
            return known
        if len(self._originals) >= ENTRIES_MAX:
            raise PrivacyFault(f"a conversation holds at most {ENTRIES_MAX} hidden values; begin a new one")
        self._counts[kind] += 1
        placeholder = f"[{kind.value}_{self._counts[kind]}]"
        self._originals[placeholder] = original
        self._placeholders[kind, original] = placeholder
        return placeholder

    def originals(self) -> Mapping[str, str]:
        """Return placeholder -> original, for restoring only."""
        return MappingProxyType(self._originals)
