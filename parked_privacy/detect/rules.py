"""What has a checksum, a format or a telling context: one table of patterns, each with its type and check.

Quantifiers are bounded, so the time grows with the length of the text alone.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import phonenumbers
from stdnum import iban, luhn

from islandrun.privacy.restore import PLACEHOLDER
from islandrun.vocabulary import Finding, FindingType, Ppm

FLOORS: Final[dict[FindingType, Ppm]] = {
    FindingType.SECRET: Ppm(900_000),
    FindingType.CARD: Ppm(900_000),
    FindingType.IBAN: Ppm(900_000),
    FindingType.NATIONAL_ID: Ppm(900_000),
    FindingType.CRYPTO: Ppm(900_000),
    FindingType.PERSON: Ppm(600_000),
    FindingType.EMAIL: Ppm(600_000),
    FindingType.PHONE: Ppm(600_000),
    FindingType.IP: Ppm(600_000),
    FindingType.MAC: Ppm(600_000),
    FindingType.PATH: Ppm(600_000),
    FindingType.CODE: Ppm(600_000),
    FindingType.DATE: Ppm(400_000),
    FindingType.LITERAL: Ppm(0),
}
"""The trust that a reader needs to see a value of each type."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """A pattern; its first group, or the whole match, is the value."""

    type: FindingType
    pattern: re.Pattern[str]
    check: Callable[[str], bool] | None = None


def _is_card(text: str) -> bool:
    digits = re.sub(r"[ -]", "", text)
    return 13 <= len(digits) <= 19 and digits[0] in "3456" and bool(luhn.is_valid(digits))


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_ssn(text: str) -> bool:
    area, group, serial = text.split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


_NAME: Final = r"[A-ZÀ-Þ][\w'’-]{1,30}(?:[ ](?:[A-Z]\.[ ])?[A-ZÀ-Þ][\w'’-]{1,30}){0,3}"
_RULES: Final = (
    _Rule(
        FindingType.SECRET,
        re.compile(
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]{1,16000}?-----END [A-Z ]{0,30}PRIVATE KEY-----"
        ),
    ),
    _Rule(
        FindingType.SECRET,
        re.compile(
            r"\b(?:sk-[A-Za-z0-9_-]{20,200}|(?:AKIA|ASIA)[A-Z0-9]{16}|gh[opsu]_[A-Za-z0-9]{36,255}"
            r"|github_pat_\w{22,255}|glpat-[\w-]{20,64}|xox[abprs]-[\w-]{10,250}|[sr]k_live_[A-Za-z0-9]{16,128}"
            r"|AIza[\w-]{35}|npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,300}|hf_[A-Za-z0-9]{30,64}"
            r"|eyJ[\w-]{8,2000}\.[\w-]{8,4000}\.[\w-]{8,2000})"
        ),
    ),
    _Rule(FindingType.SECRET, re.compile(r"\b[a-z][a-z0-9+]{1,20}://[^\s:/@]{1,128}:([^\s:/@]{1,256})@")),
    _Rule(
        FindingType.SECRET,
        re.compile(
            r"(?i:pass(?:word|wd|phrase)?|pwd?|secret|token|api[_-]?key|access[_-]?key)"
            r"[\"']?\s{0,3}(?:[:=]|\bis\b)\s{0,3}[\"']?([^\s\"',;]{6,256})"
        ),
    ),
    _Rule(FindingType.EMAIL, re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}\b")),
    _Rule(FindingType.CARD, re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])"), _is_card),
    _Rule(
        FindingType.IBAN,
        re.compile(r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,3})?\b"),
        lambda text: bool(iban.is_valid(text)),
    ),
    _Rule(FindingType.NATIONAL_ID, re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])"), _is_ssn),
    _Rule(FindingType.IP, re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]\d)"), _is_ip),
    _Rule(FindingType.MAC, re.compile(r"(?<![\w:])[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}(?![\w:])")),
    _Rule(FindingType.PATH, re.compile(r"(?:/home/|/Users/|[A-Z]:\\Users\\)[^\s\"'<>|]{1,255}")),
    _Rule(
        FindingType.CODE,
        re.compile(
            r"(?i:\b(?:mrn|account|customer|order|case|patient|invoice|policy)(?: (?:no|number|id))?\b\.?)"
            r"\s{0,2}[:#]?\s{0,2}([A-Z0-9][A-Z0-9/-]{3,30}\d[A-Z0-9/-]{0,10})"
        ),
    ),
    _Rule(FindingType.PERSON, re.compile(rf"\b(?:Mr|Mrs|Ms|Dr|Prof|Herr|Frau|Mme|Sr|Sra)\.?[ ]({_NAME})")),
    _Rule(FindingType.PERSON, re.compile(rf"\b(?:Dear|Hi|Hello|Hey|Liebe|Lieber|Hallo|Bonjour)[ ]({_NAME})")),
    _Rule(
        FindingType.PERSON,
        re.compile(rf"\b(?i:my name is|i am|i'm|ich heisse|ich heiße|signed,?)\s({_NAME})"),
    ),
    _Rule(
        FindingType.PERSON,
        re.compile(rf"(?m)^(?:From|To|Cc|Patient|Name|Customer|Client):[ ]{{0,3}}({_NAME})"),
    ),
    _Rule(
        FindingType.PERSON,
        re.compile(
            rf"(?:[Rr]egards|[Ss]incerely|[Cc]heers|Grüße|[Bb]est),?\s{{1,4}}({_NAME})\s{{0,3}}$",
            re.MULTILINE,
        ),
    ),
    _Rule(FindingType.LITERAL, PLACEHOLDER),
)


def find_all(text: str) -> tuple[Finding, ...]:
    """Return everything the rules find in a text; findings may overlap."""
    found = [*_by_pattern(text), *_phones(text)]
    return tuple(found + list(_again(text, found)))


def _by_pattern(text: str) -> Iterator[Finding]:
    for rule in _RULES:
        for match in rule.pattern.finditer(text):
            whole = rule.type is FindingType.LITERAL or not match.re.groups
            start, end = match.span(0 if whole else 1)
            if rule.check is None or rule.check(text[start:end]):
                yield _finding(start, end, rule.type, "rule")


def _phones(text: str) -> Iterator[Finding]:
    seen: set[tuple[int, int]] = set()
    for region in ("US", "GB", "DE", "FR"):
        for match in phonenumbers.PhoneNumberMatcher(text, region):
            if (match.start, match.end) not in seen:
                seen.add((match.start, match.end))
                yield _finding(match.start, match.end, FindingType.PHONE, "phonenumbers")


def _again(text: str, found: list[Finding]) -> Iterator[Finding]:
    """Find names again wherever else they stand, whole or in part."""
    names = {text[one.start : one.end] for one in found if one.type is FindingType.PERSON}
    parts = {part for name in names for part in (name, *name.split()) if len(part) >= 3}
    for part in sorted(parts, key=lambda part: (-len(part), part)):
        for match in re.finditer(rf"(?<!\w){re.escape(part)}(?!\w)", text, re.IGNORECASE):
            yield _finding(match.start(), match.end(), FindingType.PERSON, "again")


def _finding(start: int, end: int, kind: FindingType, source: str) -> Finding:
    return Finding(start, end, kind, Ppm(900_000), FLOORS[kind], source)
