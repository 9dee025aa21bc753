"""Invented people: a name, its forms, and what is derived from it (mail address, login, link)."""

from __future__ import annotations

import random
import re
import string
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from faker import Faker
from words import has, names, words

_LISTED_SHARE = {"en": 0.3, "mix": 0.3}
_FORMS = (
    (0.06, "{first} {initial}. {last}"),
    (0.05, "{first} {middle} {last}"),
    (0.03, "{letter}. {last}"),
    (0.02, "{last}, {first}"),
    (0.02, "{first} {last} Jr."),
    (0.02, "{upper} {first}"),
    (0.03, "{first} {last}-{middle}"),
)


@dataclass(frozen=True, slots=True)
class Person:
    """One invented person."""

    first: str
    middle: str
    last: str
    full_forms: tuple[str, ...] = ()

    def full(self, chance: random.Random) -> str:
        """Return the whole name in one of its usual forms."""
        if self.full_forms:
            return chance.choice(self.full_forms).format(first=self.first, last=self.last)
        draw, form = chance.random(), "{first} {last}"
        for share, other in _FORMS:
            draw -= share
            if draw < 0:
                form = other
                break
        return form.format(
            first=self.first,
            middle=self.middle,
            last=self.last,
            initial=self.middle[0],
            letter=self.first[0],
            upper=self.last.upper(),
        )

    def user(self, chance: random.Random) -> str:
        """Return a login or handle."""
        return self._derived(chance.choice(words("user")), chance)

    def email(self, chance: random.Random) -> str:
        """Return a mail address."""
        form = f"{chance.choice(words('mail user'))}@{chance.choice(words('mail domain'))}"
        return self._derived(form, chance)

    def link(self, chance: random.Random) -> str:
        """Return a link to a page of one's own."""
        return self._derived(chance.choice(words("link")), chance)

    def _derived(self, form: str, chance: random.Random) -> str:
        filled = form.replace("{u}", chance.choice(words("user"))).format(
            f=plain(self.first), l=plain(self.last), m=plain(self.middle), i=plain(self.first)[0]
        )
        return "".join(chance.choice(string.digits) if sign == "#" else sign for sign in filled)


def plain(name: str) -> str:
    """Return a name in small letters without accents and signs."""
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z]", "", folded) or "user"


def invent(language: str, chance: random.Random) -> Person:
    """Invent a person whose name fits into a language."""
    if not has("full", language) and chance.random() < _LISTED_SHARE.get(language, 0.08):
        given, family = chance.choice(names())
        return Person(chance.choice(given), chance.choice(given), chance.choice(family))
    maker = faker_for(language, chance)
    forms = words("full", language) if has("full", language) else ()
    return Person(maker.first_name(), maker.first_name(), maker.last_name(), forms)


def faker_for(language: str, chance: random.Random) -> Faker:
    """Return Faker in a locale of the language, seeded anew."""
    maker = faker_of(chance.choice(words("locales", language)))
    maker.seed_instance(chance.getrandbits(32))
    return maker


@lru_cache(maxsize=64)
def faker_of(locale: str) -> Faker:
    """Return Faker for one locale."""
    return Faker(locale)
