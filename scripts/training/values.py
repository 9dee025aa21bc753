"""What fills the slots of a record: another value each time, and one owner's values fit together.

Numbers are drawn from forms: `#` is a digit, `~` none to three digits, `@` a capital letter, `{word}` the
prefix of an id, `{year}` a year.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from datetime import date, timedelta

import places
from people import Person, faker_for, invent
from records import Fill
from words import has, words

_PEM = r"-----BEGIN {0}-----\nMIIEvQIBADANBgkqh0tZ\n-----END {0}-----\n".format("PRIVATE " + "KEY")
"""Made up, and put together here so that no scanner takes a text for a key."""
_NEWEST = date(2026, 6, 1)


class Values:
    """Values for the slots of one text. The same slot of the same owner keeps its value."""

    def __init__(self, language: str, chance: random.Random) -> None:
        self.language = language
        self.chance = chance
        self._people: dict[int, Person] = {}
        self._kept: dict[tuple[str, int], str] = {}

    def person(self, owner: int) -> Person:
        """Return the person with this number."""
        if owner not in self._people:
            self._people[owner] = invent(self.language, self.chance)
        return self._people[owner]

    def fill(self, slot: str, owner: int) -> tuple[str, str]:
        """Return the type and value of a slot."""
        kind, make = SLOTS[slot]
        key = (slot, owner)
        if key not in self._kept:
            self._kept[key] = make(self, owner)
        return kind, self._kept[key]

    def number(self, name: str) -> str:
        """Return a number in one of the forms of a name."""
        return self.formed(self.chance.choice(words("number " + name)))

    def formed(self, form: str) -> str:
        """Fill one form."""
        form = form.replace("{word}", self.chance.choice(words("id words"))).replace(
            "{year}", str(self.chance.randint(2010, 2026))
        )
        return "".join(self._sign(sign) for sign in form)

    def _sign(self, sign: str) -> str:
        if sign == "#":
            return self.chance.choice(string.digits)
        if sign == "@":
            return self.chance.choice(string.ascii_uppercase)
        if sign == "~":
            return "".join(self.chance.choice(string.digits) for _ in range(self.chance.randint(0, 3)))
        return sign

    def faked(self, name: str) -> str:
        """Return what Faker gives under a name in a locale of the language."""
        return str(getattr(faker_for(self.language, self.chance), name)())

    def day_of_life(self, years_min: int, years_max: int) -> date:
        """Return a day so many years ago."""
        return _NEWEST - timedelta(days=self.chance.randint(years_min * 365, years_max * 365))


Make = Callable[[Values, int], str]

# ---------------------------------------------------------------- dates and sums


def _dated(form: str, day: date, values: Values) -> str:
    name = words("months", values.language)[day.month - 1]
    ordinal = {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10 if day.day not in (11, 12, 13) else 0, "th")
    parts = {"d": day.day, "dd": f"{day.day:02d}", "m": day.month, "mm": f"{day.month:02d}", "th": ordinal}
    return form.format(**parts, y=day.year, yy=f"{day.year % 100:02d}", name=name, abc=name[:3])


def _day_in_forms(key: str, years_min: int, years_max: int) -> Make:
    def made(values: Values, owner: int) -> str:
        day = values.day_of_life(years_min, years_max)
        return _dated(values.chance.choice(words(key, values.language)), day, values)

    return made


def _time(values: Values, owner: int) -> str:
    hour, minute = (
        values.chance.randint(6, 21),
        values.chance.choice((0, 15, 30, 45, values.chance.randint(0, 59))),
    )
    parts = {"h": hour, "hh": f"{hour:02d}", "min": f"{minute:02d}", "twelve": (hour - 1) % 12 + 1}
    half = "am" if hour < 12 else "pm"
    return values.chance.choice(words("time", values.language)).format(**parts, half=half)


def _money(values: Values, owner: int) -> str:
    chance = values.chance
    size = chance.choice((999, 99_999, 9_000_000))
    amount, cent = chance.randint(size // 100 + 1, size), f"{chance.randint(0, 99):02d}"
    return chance.choice(words("money", "en" if values.language in ("en", "mix") else "de")).format(
        sign=chance.choice("$$$\u20ac\u20ac\u00a3"),
        unit=chance.choice(words("money units")),
        comma=f"{amount:,}",
        dot=f"{amount:,}".replace(",", "."),
        plain=amount,
        k=max(1, amount // 1000),
        few=chance.randint(1, 900),
        cent=cent,
        cents=f".{cent}" if chance.random() < 0.3 else "",
    )


def _phone(values: Values, owner: int) -> str:
    return values.number("phone") if values.chance.random() < 0.3 else values.faked("phone_number")


def _percent(values: Values, owner: int) -> str:
    share = values.chance.randint(1, 95)
    return values.chance.choice((f"{share}%", f"{share} percent", f"{share}.{values.chance.randint(1, 9)} %"))


def _password(values: Values, owner: int) -> str:
    chance = values.chance
    word = chance.choice((values.person(owner).first, chance.choice(words("password words"))))
    signs = string.ascii_letters + string.digits + "!?#$%&*-_+=@"
    drawn = "".join(chance.choice(signs) for _ in range(chance.randint(8, 18)))
    changed = word[:1].lower() + word[1:].replace("a", "@").replace("o", "0")
    four = "-".join(chance.choice(words("calm words")) for _ in range(4))
    forms = (f"{word}#~{chance.choice('!?$*.')}", f"{word.lower()}##~", f"{word}_##~", f"{changed}#~")
    return chance.choice((*map(values.formed, forms), drawn, drawn, four))


def _job(values: Values, owner: int) -> str:
    listed = values.language in ("en", "mix", "tr", "pl", "sv", "pt", "nl") or values.chance.random() < 0.1
    return values.chance.choice(words("jobs")) if listed else values.faked("job")


def _numbers(name: str) -> Make:
    return lambda values, _: values.number(name)


def _one_of(key: str) -> Make:
    return lambda values, _: values.chance.choice(words(key))


def _of_person(make: Callable[[Person, str, random.Random], str]) -> Make:
    return lambda values, owner: make(values.person(owner), values.language, values.chance)


def _of_language(make: Callable[[str, random.Random], str]) -> Make:
    return lambda values, _: make(values.language, values.chance)


SLOTS: dict[str, tuple[str, Make]] = {
    "full": ("PERSON", lambda values, owner: values.person(owner).full(values.chance)),
    "first": ("PERSON", lambda values, owner: values.person(owner).first),
    "last": ("PERSON", lambda values, owner: values.person(owner).last),
    "city": ("LOCATION", _of_language(places.city)),
    "region": ("LOCATION", _of_language(places.region)),
    "country": ("LOCATION", lambda values, _: places.country(values.chance)),
    "place": ("LOCATION", _of_person(places.place)),
    "address": ("ADDRESS", _of_language(places.address)),
    "street": ("ADDRESS", _of_language(places.street)),
    "postcode": ("ADDRESS", _of_language(places.postcode)),
    "company": ("ORG", _of_person(places.company)),
    "school": ("ORG", _of_person(places.school)),
    "hospital": ("ORG", _of_person(places.hospital)),
    "bank": ("ORG", _of_person(places.bank)),
    "date": ("DATE", _day_in_forms("date", 0, 25)),
    "day": ("DATE", _day_in_forms("day", 0, 2)),
    "month": ("DATE", _day_in_forms("month", 0, 20)),
    "year": ("DATE", lambda values, _: str(values.day_of_life(0, 50).year)),
    "dob": ("DATE", _day_in_forms("birth", 1, 95)),
    "time": ("DATE", _time),
    **{
        name: ("CODE", _numbers(name))
        for name in ("code", "mrn", "case", "plate", "passport", "ssn", "tracking", "serial", "digits")
    },
    **{
        name: ("CODE", _numbers("code"))
        for name in ("order", "account", "invoice", "policy", "ticket", "employee", "student")
    },
    "email": ("CONTACT", lambda values, owner: values.person(owner).email(values.chance)),
    "phone": ("CONTACT", _phone),
    "url": ("CONTACT", lambda values, owner: values.person(owner).link(values.chance)),
    "user": ("USERNAME", lambda values, owner: values.person(owner).user(values.chance)),
    "age": ("DEMOGRAPHIC", lambda values, _: str(values.chance.randint(1, 97))),
    "job": ("DEMOGRAPHIC", _job),
    "nationality": ("DEMOGRAPHIC", _one_of("nationalities")),
    "ethnicity": ("DEMOGRAPHIC", _one_of("ethnicities")),
    "religion": ("DEMOGRAPHIC", _one_of("religions")),
    "money": ("QUANTITY", _money),
    "percent": ("QUANTITY", _percent),
    "password": ("SECRET", _password),
    "pem": ("SECRET", lambda values, owner: _PEM),
}


def filler(language: str, chance: random.Random) -> Fill:
    """Return what fills the slots of one text."""
    return Values(language if has("locales", language) else "en", chance).fill
