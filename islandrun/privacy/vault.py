"""Placeholder <-> original, for one conversation. It stays on the origin: no print, no pickle, no copy.

A value has one placeholder for the whole conversation and a number is never used twice. Other forms of
one value share its number with a letter behind it: "Dr. Smith" after "John Smith" is `[PERSON_1b]`, when
only one person fits. Two conversations have two vaults, so nobody can link their placeholders.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Final, NoReturn, Self, TypeAlias, TypeVar

from islandrun.errors import PrivacyFault
from islandrun.privacy import placeholders
from islandrun.privacy.persons import Company, Name, addressed, fits, read_company, read_person
from islandrun.vocabulary import FindingType

ENTRIES_MAX: Final = 10_000
_NAMESAKES_MAX: Final = 64
"""When more people share a word, a form of it has a number of its own."""
_RIVALS: Final = 2
"""Two fuller names that fit are enough to know that a form is ambiguous."""

_Holder = TypeVar("_Holder", int, str)
_Entity: TypeAlias = tuple[FindingType, int]
_NUMBERS: Final = frozenset({FindingType.CARD, FindingType.IBAN, FindingType.PHONE, FindingType.NATIONAL_ID})
_CASELESS: Final = frozenset({FindingType.EMAIL, FindingType.ADDRESS})
_EXACT: Final = frozenset({FindingType.SECRET, FindingType.LITERAL})


class Vault:
    """The originals of one conversation. Used by one thread at a time; reading may go on beside it."""

    __slots__ = (
        "_companies",
        "_entities",
        "_forms",
        "_names",
        "_numbers",
        "_originals",
        "_people",
        "_placeholders",
    )

    def __init__(self) -> None:
        self._originals: dict[str, str] = {}
        self._placeholders: dict[tuple[FindingType, str], str] = {}
        self._numbers: Counter[FindingType] = Counter()
        self._entities: dict[tuple[FindingType, str], int] = {}
        self._forms: Counter[_Entity] = Counter()
        self._people: dict[str, list[int]] = {}
        self._names: dict[int, Name] = {}
        self._companies: dict[str, list[tuple[str, int]]] = {}

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

    def introduce(self, values: Iterable[tuple[FindingType, str]]) -> None:
        """Give the names of a prompt their numbers, each behind fuller ones that may mean the same.

        So "Smith" at the head of a letter shares the number of "John Smith" at its end, or has one of its
        own when "Jane Smith" is there too. Raises `PrivacyFault` as `placeholder_for` does.
        """
        new = [value for value in dict.fromkeys(values) if value not in self._placeholders]
        for text in _fuller_people_first([text for kind, text in new if kind is FindingType.PERSON]):
            self.placeholder_for(FindingType.PERSON, text)
        for text in _fuller_companies_first([text for kind, text in new if kind is FindingType.ORG]):
            self.placeholder_for(FindingType.ORG, text)

    def _number(self, kind: FindingType, original: str) -> int:
        """Return the number of the entity that a form belongs to; a new one unless it is certain."""
        if kind is FindingType.PERSON:
            return self._person(read_person(original))
        if kind is FindingType.ORG:
            return self._company(read_company(original))
        form = (kind, _normalised(kind, original))
        number = self._entities.get(form)
        if number is None or self._is_full(kind, number):
            number = self._next(kind)
            self._entities[form] = number
        return number

    def _next(self, kind: FindingType) -> int:
        self._numbers[kind] += 1
        return self._numbers[kind]

    def _is_full(self, kind: FindingType, number: int) -> bool:
        return self._forms[kind, number] >= placeholders.VARIANTS_MAX

    def _person(self, form: Name) -> int:
        """Return the one person who has this name, else the one whom it may mean, else a new one."""
        near = _namesakes(form, self._people)
        fitting = [number for number in near if fits(form, self._names[number])]
        same = [number for number in fitting if self._names[number].words == form.words]
        only = same or fitting
        if len(only) == 1 and not self._is_full(FindingType.PERSON, only[0]):
            self._names[only[0]] = addressed(self._names[only[0]], form)
            return only[0]
        number = self._next(FindingType.PERSON)
        self._names[number] = form
        for word in {*form.words, form.joined}:
            self._people.setdefault(word, []).append(number)
        return number

    def _company(self, form: Company) -> int:
        """Return the one company of this name; a name without a legal form may mean any that has one."""
        known = self._companies.setdefault(form.name, [])
        same = [number for legal, number in known if legal == form.legal]
        only = same or [number for _, number in known if not form.legal]
        if len(only) == 1 and not self._is_full(FindingType.ORG, only[0]):
            return only[0]
        number = self._next(FindingType.ORG)
        known.append((form.legal, number))
        return number


def _fuller_people_first(texts: Sequence[str]) -> Iterator[str]:
    names = {text: read_person(text) for text in texts}
    holders: dict[str, list[str]] = {}
    for text, name in names.items():
        for word in {*name.words, name.joined}:
            holders.setdefault(word, []).append(text)
    for text, name in names.items():
        near = _namesakes(name, holders)
        fuller = (one for one in near if _says_more(names[one], name) and fits(name, names[one]))
        yield from islice(fuller, _RIVALS)
        yield text


def _namesakes(form: Name, holders: Mapping[str, list[_Holder]]) -> list[_Holder]:
    """Return who holds the rarest word of a form; nobody when they are too many to tell apart."""
    near = min((holders.get(word, []) for word in form.words if len(word) > 1), key=len, default=[])
    return near if len(near) <= _NAMESAKES_MAX else []


def _says_more(full: Name, form: Name) -> bool:
    return len(full.words) > len(form.words) or len(full.joined) > len(form.joined)


def _fuller_companies_first(texts: Sequence[str]) -> Iterator[str]:
    companies = {text: read_company(text) for text in texts}
    whole: dict[str, list[str]] = {}
    for text, company in companies.items():
        if company.legal:
            whole.setdefault(company.name, []).append(text)
    for text, company in companies.items():
        if not company.legal:
            yield from whole.pop(company.name, [])
        yield text


def _normalised(kind: FindingType, original: str) -> str:
    if kind in _EXACT:
        return original
    folded = " ".join(unicodedata.normalize("NFKC", original).split())
    if kind is FindingType.PHONE:
        folded = _called(folded)
    if kind in _NUMBERS:
        return re.sub(r"[ ./()-]", "", folded).upper()
    if kind is FindingType.CODE:
        return re.sub(r"[ -]+", "-", folded).upper()
    return folded.casefold() if kind in _CASELESS else folded


def _called(number: str) -> str:
    """Return a telephone number without what is dialled in one country only: 00 for +, (0) behind it."""
    number = re.sub(r"^(?:tel:)? ?(?:00(?=[1-9]))", "+", number, flags=re.IGNORECASE)
    number = re.sub(r"^tel: ?", "", number, flags=re.IGNORECASE)
    return number.replace("(0)", "", 1) if number.startswith("+") else number
