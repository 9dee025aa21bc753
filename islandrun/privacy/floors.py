"""How much trust a reader needs to see a finding: one table, which the owner may change.

A floor belongs to a type, not to a place in the text: the same value has the same floor everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from islandrun.vocabulary import FindingType, Ppm

_RESTRICTED = Ppm(900_000)
_TERM = Ppm(700_000)
_CONFIDENTIAL = Ppm(600_000)
_QUASI = Ppm(400_000)


@dataclass(frozen=True, slots=True)
class Floors:
    """The lowest trust (ppm) that may see a value, by type; each field is a `FindingType` in lower case.

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

    def __post_init__(self) -> None:
        for place in fields(self):
            value = getattr(self, place.name)
            if not 0 <= value <= 1_000_000:
                raise ValueError(f"floor of {place.name} is {value}; it must be 0 to 1,000,000 ppm")

    def of(self, kind: FindingType) -> Ppm:
        """Return the floor of a type."""
        floor: Ppm = getattr(self, kind.value.lower())
        return floor


DEFAULT_FLOORS = Floors()
