"""Dates, written in figures and in words, and days of birth."""

from __future__ import annotations

import re
from typing import Final

from islandrun.privacy.detect.rule import CONTEXT, DIGIT, FORMAT, Rule
from islandrun.vocabulary import FindingType

_MONTHS: Final = (
    r"(?:jan(?:uary|uar|vier)?|ene(?:ro)?|feb(?:ruary|ruar|rero)?|f\u00e9vrier|mar(?:ch|zo)?|m\u00e4rz|"
    r"mars|apr(?:il)?|avril|abril|"
    r"may|mai|mayo|june?|juni|juin|junio|july?|juli|juillet|julio|aug(?:ust)?|ao\u00fbt|agosto|"
    r"sept?(?:ember|embre)?|septiembre|"
    r"oct(?:ober|obre|ubre)?|okt(?:ober)?|nov(?:ember|embre|iembre)?|de[cz](?:ember)?|d\u00e9cembre|"
    r"diciembre)"
)
_YEAR = r"(?:1[89]|20)[0-9]{2}"
_DATE_ISO: Final = re.compile(
    rf"(?<![0-9A-Za-z./-]){_YEAR}([-/.])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12][0-9]|3[01])(?![0-9-])"
)
_DATE_NUMERIC: Final = re.compile(
    rf"(?<![0-9A-Za-z./-])(?:0?[1-9]|[12][0-9]|3[01])([./-])(?:0?[1-9]|[12][0-9]|3[01])\1(?:{_YEAR}|"
    rf"[0-9]{{2}})(?![0-9A-Za-z/-]|\.[0-9])"
)
_DATE_WORDS: Final = re.compile(
    rf"(?<![a-z0-9])(?:[0-3]?[0-9](?:st|nd|rd|th|\.|er)?(?: of| de)? {_MONTHS}\.?(?:,? (?:de )?{_YEAR})?"
    rf"|{_MONTHS}\.? [0-3]?[0-9](?:st|nd|rd|th)?(?:,? {_YEAR})?)(?![a-z0-9])"
)
_MONTH_TRIGGERS: Final = (
    "jan",
    "ene",
    "feb",
    "f\u00e9v",
    "mar",
    "m\u00e4r",
    "apr",
    "avr",
    "abr",
    "may",
    "mai",
    "jun",
    "jui",
    "jul",
    "aug",
    "ao\u00fb",
    "ago",
    "sep",
    "oct",
    "okt",
    "nov",
    "dec",
    "dez",
    "d\u00e9c",
    "dic",
)
_BORN: Final = re.compile(
    r"(?:date of birth|birth ?date|birthday|(?<![a-z])d\.?o\.?b\.?|born(?: on| in)?|geboren(?: am)?|geb\.|"
    r"geburts(?:datum|tag)|n\u00e9e? le|nacid[oa] el|nato il|nata il|data di nascita|data de nascimento|"
    r"geboortedatum|"
    r"fecha de nacimiento|date de naissance|lahir)[\"' :=-]{1,4}(?:is |ist |on |am )?[\"']?"
    r"(?P<value>[0-9]{1,4}(?:[ ./-][0-9]{1,4}){0,2}|[0-9]{6,8})(?![0-9])"
)
_PERSONAL: Final = re.compile(
    r"(?<![a-z])(?:my|our|his|her|their|i|i'm|i've|we|me|us|he|she|mr|mrs|ms|dr|herr|frau|patient|client|"
    r"customer|employee|"
    r"born|birth|dob|admitted|diagnosed|appointment|arrested|hired|signed|married|died|ich|wir|mein|meine|"
    r"je|mon|ma|mi|"
    r"applicant|defendant|plaintiff|tenant|student|member|dear|wife|husband|son|daughter|mother|father|"
    r"passport|account|invoice|"
    r"judgment|court|appeal|lodged|dated)(?![a-z])"
)
_GENERAL: Final = re.compile(
    r"(?<![a-z])(?:what|when|who|which|why|how many|how long|did|is it|was it|convert|calculate|parse|"
    r"format|regex|iso|"
    r"histor[a-z]{1,4}|war|battle|treaty|revolution|released?|version|changelog|deprecated|since|example|"
    r"e\.g|day of the week|"
    r"weekday|leap|holiday|eclipse|olympic|world cup|election|was|wann|welche[rsn]?|warum|wie|quand|quel|"
    r"quelle|pourquoi|"
    r"cu\u00e1ndo|qu\u00e9|quando|copyright|since python|history of|independence|founded|copyright|python|"
    r"unix|utc|timestamp)(?![a-z])"
)


def _is_general(around: str) -> bool:
    """Say whether a date stands in a general question, and near nobody."""
    return _GENERAL.search(around) is not None and _PERSONAL.search(around) is None


_DATE = FindingType.DATE

RULES: Final = (
    Rule("identity.date_iso", _DATE, _DATE_ISO, FORMAT, needs=DIGIT, unless=_is_general),
    Rule("identity.date_numeric", _DATE, _DATE_NUMERIC, FORMAT, needs=DIGIT, unless=_is_general),
    Rule(
        "identity.date_words",
        _DATE,
        _DATE_WORDS,
        FORMAT,
        _MONTH_TRIGGERS,
        lower=True,
        needs=DIGIT,
        unless=_is_general,
    ),
    Rule(
        "identity.born",
        _DATE,
        _BORN,
        CONTEXT,
        (
            "birth",
            "dob",
            "d.o.b",
            "born",
            "geb",
            "n\u00e9",
            "nacid",
            "nacimiento",
            "naissance",
            "nato",
            "nata",
            "nascita",
        ),
        lower=True,
        needs=DIGIT,
    ),
)
