"""What kind of data a request holds, in the words in which owners and laws speak: one table.

A request may hold several kinds. What cannot be known counts as everything: where the privacy check failed,
and where a script was not read, a request is of every class, so that no rule is passed by being unreadable.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from islandrun.privacy import topics
from islandrun.privacy.floors import DEFAULT_FLOORS
from islandrun.privacy.sensitivity import WITHHELD, Assessment, Topic
from islandrun.vocabulary import FindingType, Ppm


class DataClass(StrEnum):
    """A kind of data; the words stand in the settings."""

    PHI = "PHI"
    PCI = "PCI"
    PII = "PII"
    CREDENTIALS = "CREDENTIALS"
    SOURCE_CODE = "SOURCE_CODE"
    MINORS = "MINORS"
    FINANCE = "FINANCE"
    LEGAL = "LEGAL"
    HR = "HR"
    TRADE_SECRET = "TRADE_SECRET"  # noqa: S105 - a word, not a password


ALL: Final = frozenset(DataClass)

_PII: Final = frozenset({DataClass.PII})

OF_FINDINGS: Final[Mapping[FindingType, frozenset[DataClass]]] = {
    # Who somebody is, where they are and how to reach them.
    **dict.fromkeys(
        (
            FindingType.PERSON,
            FindingType.ADDRESS,
            FindingType.EMAIL,
            FindingType.PHONE,
            FindingType.USERNAME,
            FindingType.NATIONAL_ID,
            FindingType.IP,
            FindingType.MAC,
            FindingType.COORDINATES,
        ),
        _PII,
    ),
    # A card number is card data by PCI DSS, and names its holder.
    FindingType.CARD: frozenset({DataClass.PCI, DataClass.FINANCE, DataClass.PII}),
    FindingType.IBAN: frozenset({DataClass.FINANCE, DataClass.PII}),
    FindingType.CRYPTO: frozenset({DataClass.FINANCE}),
    FindingType.SECRET: frozenset({DataClass.CREDENTIALS}),
    # A term of the owner's is what the owner wants kept: a customer, a project.
    FindingType.TERM: frozenset({DataClass.TRADE_SECRET}),
}
"""Finding type -> classes. What is not named says nothing by itself: a date, a place, an amount, a file."""

OF_TOPICS: Final[Mapping[str, frozenset[DataClass]]] = {
    # Every topic of a person is about a person, whether the name is found or not.
    topics.HEALTH.name: frozenset({DataClass.PHI, DataClass.PII}),
    topics.LAW.name: frozenset({DataClass.LEGAL, DataClass.PII}),
    topics.HUMAN_RESOURCES.name: frozenset({DataClass.HR, DataClass.PII}),
    topics.FINANCE.name: frozenset({DataClass.FINANCE, DataClass.PII}),
    topics.MINORS.name: frozenset({DataClass.MINORS, DataClass.PII}),
    topics.TRADE_SECRETS.name: frozenset({DataClass.TRADE_SECRET}),
    topics.SOURCE_CODE.name: frozenset({DataClass.SOURCE_CODE}),
    topics.LEARNED["credentials"].name: frozenset({DataClass.CREDENTIALS}),
    topics.LEARNED["private matter"].name: _PII,
    topics.LEARNED["sensitive matter"].name: _PII | {DataClass.PHI},
    # Nobody looked for names, or names may be there.
    topics.FREE_TEXT.name: _PII,
    topics.POSSIBLE_NAMES.name: _PII,
    # Nobody read it, so it may be anything.
    topics.UNREAD_SCRIPT.name: ALL,
    WITHHELD.topics[0].name: ALL,
    # The client asks for care and says nothing of what is in it.
    "asked for by the client": frozenset(),
}
"""Topic -> classes. A topic of a tool name or id carries its finding type as its first word; one that is not
here counts as everything."""

OF_CLASSES: Final[Mapping[DataClass, Topic]] = {
    DataClass.PHI: topics.HEALTH,
    DataClass.PCI: Topic("cards", DEFAULT_FLOORS.card, Ppm(0)),
    DataClass.PII: Topic("persons", DEFAULT_FLOORS.person, Ppm(0)),
    DataClass.CREDENTIALS: topics.LEARNED["credentials"],
    DataClass.SOURCE_CODE: topics.SOURCE_CODE,
    DataClass.MINORS: topics.MINORS,
    DataClass.FINANCE: topics.FINANCE,
    DataClass.LEGAL: topics.LAW,
    DataClass.HR: topics.HUMAN_RESOURCES,
    DataClass.TRADE_SECRET: topics.TRADE_SECRETS,
}
"""Class -> what a usual request of it needs of its reader, as it is and masked. Names and cards mask away."""


def data_classes(assessment: Assessment) -> frozenset[DataClass]:
    """Say which classes of data a request holds."""
    found: set[DataClass] = set()
    for spans in assessment.findings:
        for one in spans:
            found |= OF_FINDINGS.get(one.type, frozenset())
    for topic in assessment.topics:
        found |= _of_topic(topic.name)
    return frozenset(found)


def _of_topic(name: str) -> frozenset[DataClass]:
    known = OF_TOPICS.get(name)
    if known is not None:
        return known
    word = name.partition(" ")[0]
    if word in FindingType.__members__:
        return OF_FINDINGS.get(FindingType(word), frozenset())
    return ALL
