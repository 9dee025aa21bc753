"""How names are read: the words of a person's or a company's name, and which forms may mean the same one.

A form fits a fuller one when its words, or their initials, stand in it in the same order. Nothing is
guessed by likeness: "Joan" is not "John", and a form that says more than the fuller one never fits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

WORDS_MAX: Final = 12
"""No name has more words; a longer text is read as one."""


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_HE: Final = _set("mr mister herr herrn monsieur señor signor sir don dhr pan")
_SHE: Final = _set(
    "mrs ms miss frau mme madame mlle mademoiselle señora señorita srta sra signora dame lady doña mevr pani"
)
_TITLES: Final = (
    _HE
    | _SHE
    | _set(
        "mx dr prof professor doctor doktor med rev reverend capt captain sgt lt col judge justice nurse "
        "officer detective uncle aunt auntie grandma grandpa sr"
    )
)
_GENERATIONS: Final = {"jr": "jr", "junior": "jr", "sr": "sr", "senior": "sr", "ii": "ii", "iii": "iii"}
_DEGREES: Final = _set("phd md msc bsc ma ba mba esq dds cpa rn")
_PARTICLES: Final = _set(
    "von van de der den del della di da dos du la le el al bin ibn ter ten zu y e of the"
)
_HUMP: Final = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]{2,})*")
_POSSESSIVE: Final = re.compile(r"(?:['\u2019]s|(?<=s)['\u2019])$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Name:
    """The words of a name, folded and in the order of speech; an initial is one letter.

    `generation` is "jr", "sr", "ii", "iii" or nothing, `address` is "he", "she" or nothing.
    """

    words: tuple[str, ...] = field(repr=False)
    generation: str = ""
    address: str = ""

    @property
    def joined(self) -> str:
        """The name as it stands in an identifier, without any joint."""
        return "".join(self.words)


def fold(word: str) -> str:
    """Return a word as names are compared: compatibility forms and case folded, apostrophes gone."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    return folded.replace("'", "").replace("\u2019", "")


def read_person(text: str) -> Name:
    """Read a person's name in any of its forms: "Dr. Smith", "SMITH, John", "J. Smith's", "JohnSmith"."""
    text = _POSSESSIVE.sub("", unicodedata.normalize("NFKC", text).strip())
    found, generation = _without_ends(list(_split(text.replace(",", " , "))))
    if found.count(",") == 1:
        comma = found.index(",")
        found = found[comma + 1 :] + found[:comma]
    address, found = _without_titles([word for word in found if word != ","])
    if not found or len(found) > WORDS_MAX:
        return Name((fold(text),))
    return Name(tuple(found), generation, address)


def _without_ends(found: list[str]) -> tuple[list[str], str]:
    """Return the words, commas among them, without degrees and what tells father from son."""
    generation = ""
    while len(found) > 1 and (found[-1] in _GENERATIONS or found[-1] in _DEGREES or found[-1] == ","):
        generation = _GENERATIONS.get(found.pop(), generation)
    return found, generation


def _without_titles(found: list[str]) -> tuple[str, list[str]]:
    address = ""
    while len(found) > 1 and found[0] in _TITLES:
        title, found = found[0], found[1:]
        address = "he" if title in _HE else "she" if title in _SHE else address
    return address, found


def _split(text: str) -> Iterator[str]:
    """Yield folded words, parted at joints and humps, and the comma where there is one."""
    for piece in text.split():
        degree = piece.replace(".", "").casefold()
        if piece == "," or degree in _DEGREES:
            yield degree
            continue
        for word in _WORD.findall(piece):
            yield from map(fold, (word,) if word.isupper() else _HUMP.split(word))


def fits(form: Name, full: Name) -> bool:
    """Say whether a form may mean the one that a fuller name means."""
    if form.generation and form.generation != full.generation:
        return False
    if form.address and full.address and form.address != full.address:
        return False
    if len(form.words) == 1 and form.words[0] == full.joined:
        return True
    if not any(len(word) > 1 and word not in _PARTICLES for word in form.words):
        return False
    rest = iter(full.words)
    return all(any(_same(word, other) for other in rest) for word in form.words)


def _same(word: str, other: str) -> bool:
    return word == other or (len(word) == 1 and other.startswith(word))


def addressed(full: Name, form: Name) -> Name:
    """Return the fuller name with what one of its forms says of the person."""
    return full if full.address or not form.address else replace(full, address=form.address)


# ---------------------------------------------------------------- companies

_LEGAL_FORMS: Final = _set(
    "corp inc ltd co llc llp plc gmbh ag kg kgaa ug ohg se sa sas sarl srl spa bv nv oy ab as aps"
)
_LEGAL: Final = {
    "corporation": "corp",
    "incorporated": "inc",
    "limited": "ltd",
    "company": "co",
    **{word: word for word in _LEGAL_FORMS},
}


@dataclass(frozen=True, slots=True)
class Company:
    """A company's name without its legal form, and that form; both folded."""

    name: str = field(repr=False)
    legal: str = ""


def read_company(text: str) -> Company:
    """Read a company's name: "The Acme Corporation" is "acme" with the form "corp"."""
    found = [fold(word).strip(",.") for word in _POSSESSIVE.sub("", text.strip()).replace(".", "").split()]
    if len(found) > 1 and found[0] == "the":
        found = found[1:]
    legal: list[str] = []
    while len(found) > 1 and found[-1] in _LEGAL:
        legal.insert(0, _LEGAL[found.pop()])
    return Company(" ".join(found), " ".join(legal))
