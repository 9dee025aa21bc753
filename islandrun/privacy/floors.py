"""How much trust a reader needs to see a finding: one table, which the owner may change.

A floor belongs to a type, not to a place in the text: the same value has the same floor everywhere.
A general form of a value ("March 2024") has a floor of its own, below that of the value.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from islandrun.vocabulary import FindingType, Grain, Ppm

_RESTRICTED = Ppm(900_000)
_TERM = Ppm(700_000)
_CONFIDENTIAL = Ppm(600_000)
_QUASI = Ppm(400_000)
_GENERAL = Ppm(200_000)

GENERAL_BELOW: Final = _CONFIDENTIAL
"""Only values whose own floor is lower than this have general forms."""


@dataclass(frozen=True, slots=True)
class Floors:
    """The lowest trust (ppm) that may see a value, by type; each field is a `FindingType` in lower case.

    Below them: the trust that may see a date as its month or year, an age as its decade, an amount in its
    order of magnitude, and a place that a journey goes to while nothing says whose it is.

    `literal` is zero: text that only looks like a placeholder is no secret. It is masked for every
    reader all the same, so that it comes back as it was (see `sanitize`).
    """

    secret: Ppm = _RESTRICTED
    card: Ppm = _RESTRICTED
    iban: Ppm = _RESTRICTED
    national_id: Ppm = _RESTRICTED
    crypto: Ppm = _RESTRICTED
    term: Ppm = _TERM
    person: Ppm = _CONFIDENTIAL
    email: Ppm = _CONFIDENTIAL
    phone: Ppm = _CONFIDENTIAL
    address: Ppm = _CONFIDENTIAL
    username: Ppm = _CONFIDENTIAL
    path: Ppm = _CONFIDENTIAL
    url: Ppm = _CONFIDENTIAL
    ip: Ppm = _CONFIDENTIAL
    mac: Ppm = _CONFIDENTIAL
    coordinates: Ppm = _CONFIDENTIAL
    code: Ppm = _CONFIDENTIAL
    date: Ppm = _QUASI
    org: Ppm = _QUASI
    location: Ppm = _QUASI
    quantity: Ppm = _QUASI
    demographic: Ppm = _QUASI
    literal: Ppm = Ppm(0)
    general_date: Ppm = _GENERAL
    general_age: Ppm = _GENERAL
    general_amount: Ppm = _GENERAL
    planned_location: Ppm = _GENERAL

    def __post_init__(self) -> None:
        for place in fields(self):
            value = getattr(self, place.name)
            if not 0 <= value <= 1_000_000:
                raise ValueError(f"floor of {place.name} is {value}; it must be 0 to 1,000,000 ppm")

    def of(self, kind: FindingType) -> Ppm:
        """Return the floor of a type."""
        floor: Ppm = getattr(self, kind.value.lower())
        return floor

    def of_general(self, grain: Grain) -> Ppm:
        """Return the floor of a general form."""
        if grain is Grain.DECADE:
            return self.general_age
        return self.general_amount if grain is Grain.MAGNITUDE else self.general_date


DEFAULT_FLOORS = Floors()
