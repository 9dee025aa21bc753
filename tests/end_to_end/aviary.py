"""Values that exist nowhere else: planted into prompts, and looked for in every place where text could end.

Each value comes in a sentence in which it is found. Nothing here looks like a real key before it runs.
"""

from __future__ import annotations

import base64
import random
import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from islandrun.privacy.floors import DEFAULT_FLOORS
from islandrun.vocabulary import FindingType

LETTERS = string.ascii_lowercase
MIXED = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Canary:
    """A value, what it is, and a sentence with it."""

    kind: FindingType
    value: str
    sentence: str

    @property
    def floor_ppm(self) -> int:
        """The trust that a reader of the value needs."""
        return DEFAULT_FLOORS.of(self.kind)


class Aviary:
    """Makes canaries; no two are alike. `all` holds every one that was made."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self.all: list[Canary] = []

    def one(self, kind: FindingType) -> Canary:
        """Return a new canary of a kind that the rules find."""
        value, sentence = _MAKERS[kind](self._dice)
        made = Canary(kind, value, sentence.replace("{}", value))
        self.all.append(made)
        return made

    def one_of_each(self) -> list[Canary]:
        """Return a new canary of each kind."""
        return [self.one(kind) for kind in _MAKERS]

    def bare(self) -> list[Canary]:
        """Return canaries that are found without a word beside them."""
        return [self.one(kind) for kind in (FindingType.SECRET, FindingType.CARD, FindingType.EMAIL)]


def _word(dice: random.Random, size: int = 7) -> str:
    pairs = (dice.choice("bdfgklmnprstvz") + dice.choice("aeiou") for _ in range(size))
    return "".join(pairs)[:size]


def _digits(dice: random.Random, size: int) -> str:
    return "".join(dice.choice(string.digits[1:]) for _ in range(size))


def _card(dice: random.Random) -> str:
    digits = "4" + _digits(dice, 14)
    total = sum(
        sum(divmod(int(digit) * 2, 10)) if place % 2 == 0 else int(digit)
        for place, digit in enumerate(digits)
    )
    whole = digits + str(-total % 10)
    return " ".join(whole[at : at + 4] for at in range(0, 16, 4))


def _iban(dice: random.Random) -> str:
    account = _digits(dice, 18)
    return f"DE{98 - int(account + '131400') % 97:02}{account}"


def _name(dice: random.Random) -> str:
    return f"{_word(dice).capitalize()} {_word(dice, 8).capitalize()}"


def _key(dice: random.Random) -> str:
    return "sk-" + "proj-" + "".join(dice.choice(MIXED) for _ in range(40))


def _hex(dice: random.Random, size: int) -> str:
    return "".join(dice.choice("0123456789abcdef") for _ in range(size))


_MAKERS: dict[FindingType, Callable[[random.Random], tuple[str, str]]] = {
    FindingType.SECRET: lambda dice: (_key(dice), "the key is {} for now"),
    FindingType.CARD: lambda dice: (_card(dice), "pay with {} now"),
    FindingType.IBAN: lambda dice: (_iban(dice), "send it to {} please"),
    FindingType.NATIONAL_ID: lambda dice: (
        f"5{_digits(dice, 2)}-{_digits(dice, 2)}-{_digits(dice, 4)}",
        "ssn {}",
    ),
    FindingType.CRYPTO: lambda dice: ("0x" + _hex(dice, 40), "the wallet is {} of course"),
    FindingType.EMAIL: lambda dice: (
        f"{_word(dice)}.{_word(dice)}@{_word(dice)}.example.org",
        "write to {} soon",
    ),
    FindingType.PHONE: lambda dice: (f"+49 30 9018{_digits(dice, 4)}", "call {} today"),
    FindingType.PERSON: lambda dice: (_name(dice), "Dear {}, we are late with it"),
    FindingType.USERNAME: lambda dice: (f"{_word(dice)}{_digits(dice, 3)}", "username: {} there"),
    FindingType.ADDRESS: lambda dice: (
        f"{_digits(dice, 3)} {_word(dice).capitalize()} Street",
        "it is at {} now",
    ),
    FindingType.URL: lambda dice: (f"linkedin.com/in/{_word(dice)}-{_word(dice)}", "see {} for it"),
    FindingType.IP: lambda dice: (
        f"10.{_digits(dice, 2)}.{_digits(dice, 2)}.{_digits(dice, 2)}",
        "from {} today",
    ),
    FindingType.MAC: lambda dice: (":".join(_hex(dice, 2) for _ in range(6)), "the card {} is down"),
    FindingType.COORDINATES: lambda dice: (
        f"52.{_digits(dice, 5)}, 13.{_digits(dice, 5)}",
        "it lies at {} there",
    ),
    FindingType.PATH: lambda dice: (f"/home/{_word(dice)}/{_word(dice)}.pdf", "see {} there"),
    FindingType.CODE: lambda dice: (f"AB-{_digits(dice, 7)}", "order {} arrived"),
    FindingType.DATE: lambda dice: (f"1984-0{_digits(dice, 1)}-1{_digits(dice, 1)}", "dob: {} as before"),
}

COMMON = frozenset({FindingType.DATE})
"""Values of these kinds are too few to be unlike all other text of a log or a database."""

# ---------------------------------------------------------------- looking for them


def forms(value: str) -> Iterator[tuple[str, bytes]]:
    """Yield the shapes in which a value may stand in bytes: small letters but for base64."""
    plain = value.encode()
    yield "as it is", plain.lower()
    yield "reversed", plain[::-1].lower()
    yield "hex", plain.hex().encode()
    yield "percent", "".join(f"%{byte:02x}" for byte in plain).encode()
    for ahead in range(3):
        code = base64.b64encode(b"\0" * ahead + plain).rstrip(b"=")
        yield "base64", code[(0, 2, 3)[ahead] : len(code) - 1]
    bare = re.sub(rb"[^a-z0-9]", b"", plain.lower())
    if len(bare) >= 9:
        yield "bare", bare


class Haystack:
    """Bytes from one place, in which canaries are looked for in all their shapes."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._small = content.lower()
        self._bare = re.sub(rb"[^a-z0-9]", b"", self._small)

    def found(self, canary: Canary) -> str:
        """Return the shape in which a canary stands here, or nothing."""
        for name, shape in forms(canary.value):
            place = {"base64": self._content, "bare": self._bare}.get(name, self._small)
            if shape in place:
                return name
        return ""
