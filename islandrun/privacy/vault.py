"""Placeholder <-> original, for one conversation. It stays on the origin: no print, no pickle, no copy.

A value has one placeholder for the whole conversation and a number is never used twice. Other forms of
one value share its number with a letter behind it: "Smith" after "John Smith" is `[PERSON_1b]`, when only
one person fits. Two conversations have two vaults, so nobody can link their placeholders.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NoReturn, Self, TypeAlias

from islandrun.errors import PrivacyFault
from islandrun.privacy import placeholders
from islandrun.vocabulary import FindingType

ENTRIES_MAX: Final = 10_000

_Entity: TypeAlias = tuple[FindingType, int]
_NUMBERS: Final = frozenset(
    {FindingType.CARD, FindingType.IBAN, FindingType.PHONE, FindingType.NATIONAL_ID, FindingType.CODE}
)
_CASELESS: Final = frozenset({FindingType.PERSON, FindingType.EMAIL, FindingType.ADDRESS})
_EXACT: Final = frozenset({FindingType.SECRET, FindingType.LITERAL})
_WORD: Final = re.compile(r"[^\W_]+")


class Vault:
    """The originals of one conversation. Used by one thread at a time; reading may go on beside it."""

    __slots__ = ("_entities", "_forms", "_numbers", "_originals", "_people", "_placeholders")

    def __init__(self) -> None:
        self._originals: dict[str, str] = {}
        self._placeholders: dict[tuple[FindingType, str], str] = {}
        self._numbers: Counter[FindingType] = Counter()
        self._entities: dict[tuple[FindingType, str], int] = {}
        self._forms: Counter[_Entity] = Counter()
        self._people: dict[str, set[int]] = {}

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
        number = self._number(kind, original)
        placeholder = placeholders.write(kind, number, self._forms[kind, number])
        self._forms[kind, number] += 1
        self._originals[placeholder] = original
        self._placeholders[kind, original] = placeholder
        return placeholder

    def originals(self) -> Mapping[str, str]:
        """Return placeholder -> original; for masking and restoring only."""
        return MappingProxyType(self._originals)

    def entries(self) -> tuple[tuple[str, str], ...]:
        """Return every (placeholder, original), oldest first; for sealing only."""
        return tuple(self._originals.items())

    @classmethod
    def of(cls, entries: Iterable[tuple[str, str]]) -> Self:
        """Return a vault that goes on as the one that gave these `entries` would.

        Raises `PrivacyFault` when they are not what a vault gives: of other rules, another order, or damaged.
        """
        vault = cls()
        kinds = {kind.value: kind for kind in FindingType}
        for placeholder, original in entries:
            kind = kinds.get(placeholder[1:].rpartition("_")[0])
            if kind is None or vault.placeholder_for(kind, original) != placeholder:
                raise PrivacyFault("the entries of a vault are not as they were given")
        return vault

    def _number(self, kind: FindingType, original: str) -> int:
        """Return the number of the entity that a form belongs to; a new one unless it is certain."""
        form = (kind, _normalised(kind, original))
        words = frozenset(word.casefold() for word in _WORD.findall(original))
        number = self._entities.get(form)
        if number is None and kind is FindingType.PERSON:
            number = self._only_person(words)
        if number is None or self._forms[kind, number] > placeholders.VARIANTS_MAX:
            self._numbers[kind] += 1
            number = self._numbers[kind]
        self._entities[form] = number
        if kind is FindingType.PERSON:
            for word in sorted(words):
                self._people.setdefault(word, set()).add(number)
        return number

    def _only_person(self, words: frozenset[str]) -> int | None:
        """Return the one person whose names hold all these words, if there is exactly one."""
        holders = [self._people.get(word, set()) for word in sorted(words)]
        common = set.intersection(*holders) if holders else set()
        return next(iter(common)) if len(common) == 1 else None


def _normalised(kind: FindingType, original: str) -> str:
    if kind in _EXACT:
        return original
    folded = " ".join(unicodedata.normalize("NFKC", original).split())
    if kind in _NUMBERS:
        return re.sub(r"[ ./()-]", "", folded).upper()
    return folded.casefold() if kind in _CASELESS else folded
