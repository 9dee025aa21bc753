"""What the owner adds to the rules: terms, own patterns, and values that need no protection.

Terms are names of customers and projects: whole words, in any case, joined by blanks or by joints as in
`project_falcon`. Patterns run in RE2, whose searches take linear time and know no look-around. An allowed
value is never masked, unless a type that stands for harm (a key, a card) covers it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

import re2

from islandrun.errors import ConfigError, PrivacyFault
from islandrun.privacy.detect.reading import Reading, read
from islandrun.privacy.detect.rule import CONTEXT, FORMAT
from islandrun.privacy.floors import DEFAULT_FLOORS
from islandrun.vocabulary import Finding, FindingType

TERMS_MAX: Final = 5_000
ALLOWED_MAX: Final = 5_000
PATTERNS_MAX: Final = 100
VALUE_CHARACTERS_MAX: Final = 200
PATTERN_CHARACTERS_MAX: Final = 1_000
PATTERN_BYTES_MAX: Final = 1 << 20
"""Memory that one compiled pattern may take."""
MATCHES_MAX: Final = 10_000
"""Most matches of one pattern in one text; more is a fault, so the request is restricted."""

NEVER_ALLOWED: Final = frozenset(
    {
        FindingType.SECRET,
        FindingType.CARD,
        FindingType.IBAN,
        FindingType.NATIONAL_ID,
        FindingType.CRYPTO,
        FindingType.LITERAL,
    }
)
"""Types that an allowed value cannot free. A literal is masked so that it comes back, not to hide it."""

_TOKEN: Final = re.compile(r"[^\W_]+")
_JOINT: Final = re.compile(r"[\s_-]+")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_Index = Mapping[str, tuple[tuple[int, re.Pattern[str]], ...]]


@dataclass(frozen=True, slots=True)
class OwnerPattern:
    """A regular expression (RE2) of the owner. The value is the group `value`, else the whole match."""

    name: str
    pattern: str = field(repr=False)
    type: FindingType = FindingType.TERM


@dataclass(frozen=True, slots=True)
class OwnerRules:
    """The owner's terms, patterns and allowed values; a `Detector` named "owner" that finds no names.

    Raises `ConfigError` when there are too many of them, when one is too long or says nothing, when a
    pattern is not RE2 or matches the empty text, and when a value is both a term and allowed. The error
    names the key and the remedy; who reads the file adds its name.
    """

    terms: tuple[str, ...] = field(default=(), repr=False)
    patterns: tuple[OwnerPattern, ...] = ()
    allow: tuple[str, ...] = field(default=(), repr=False)
    _places: _Index = field(init=False, repr=False, compare=False)
    _searches: tuple[tuple[OwnerPattern, re2._Regexp], ...] = field(init=False, repr=False, compare=False)
    _allowed: frozenset[str] = field(init=False, repr=False, compare=False)

    name: ClassVar[str] = "owner"
    finds_names: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _check_values("terms", self.terms, TERMS_MAX)
        _check_values("allow", self.allow, ALLOWED_MAX)
        if len(self.patterns) > PATTERNS_MAX:
            raise ConfigError(f"patterns: {len(self.patterns)} patterns; keep at most {PATTERNS_MAX}")
        allowed = frozenset(map(_folded, self.allow))
        for number, term in enumerate(self.terms):
            if _folded(term) in allowed:
                raise ConfigError(f"terms[{number}] stands in allow too; remove it from one of them")
        object.__setattr__(self, "_places", _index(self.terms))
        object.__setattr__(self, "_searches", tuple(_compiled(n, one) for n, one in enumerate(self.patterns)))
        object.__setattr__(self, "_allowed", allowed)

    def __bool__(self) -> bool:
        """Say whether there is anything in it."""
        return bool(self.terms or self.patterns or self.allow)

    def __call__(self, text: str) -> tuple[Finding, ...]:
        """Return the places of terms and patterns, overlaps and all; offsets in code points of `text`.

        Raises `PrivacyFault` when a pattern matches more than `MATCHES_MAX` times.
        """
        reading = read(text)
        return (*self._find_terms(reading), *self._find_patterns(reading))

    def without_allowed(self, text: str, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Return the findings of one text without those whose whole value is allowed.

        A longer value that holds an allowed word stays, and so does every type of `NEVER_ALLOWED`.
        """
        if not self._allowed:
            return tuple(findings)
        return tuple(
            one
            for one in findings
            if one.type in NEVER_ALLOWED or _folded(text[one.start : one.end]) not in self._allowed
        )

    def _find_terms(self, reading: Reading) -> Iterator[Finding]:
        if not self._places:
            return
        lower = reading.lower
        floor = DEFAULT_FLOORS.of(FindingType.TERM)
        for word in _TOKEN.finditer(lower):
            for offset, pattern in self._places.get(word[0], ()):
                found = pattern.match(lower, word.start() - offset) if word.start() >= offset else None
                if found is not None:
                    start, end = reading.span(found.start(), found.end())
                    yield Finding(start, end, FindingType.TERM, FORMAT, floor, "owner.term")

    def _find_patterns(self, reading: Reading) -> Iterator[Finding]:
        text = _SURROGATE.sub("\ufffd", reading.text)
        for owned, search in self._searches:
            floor = DEFAULT_FLOORS.of(owned.type)
            group = search.groupindex.get("value", 0)
            for number, found in enumerate(search.finditer(text)):
                if number >= MATCHES_MAX:
                    raise PrivacyFault(
                        f"pattern {owned.name} matches more than {MATCHES_MAX} times in one text"
                    )
                first, last = found.span(group)
                if 0 <= first < last:
                    start, end = reading.span(first, last)
                    yield Finding(start, end, owned.type, CONTEXT, floor, f"owner.{owned.name}")


def _folded(value: str) -> str:
    """Return a value as it is compared: folded, in small letters, with single blanks."""
    return " ".join(unicodedata.normalize("NFC", read(value).text).casefold().split())


def _check_values(key: str, values: Sequence[str], count_max: int) -> None:
    if len(values) > count_max:
        raise ConfigError(f"{key}: {len(values)} values; keep at most {count_max}")
    for number, value in enumerate(values):
        if len(value) > VALUE_CHARACTERS_MAX:
            raise ConfigError(
                f"{key}[{number}]: longer than {VALUE_CHARACTERS_MAX} characters; "
                "name the value itself, not a text that holds it"
            )
        if sum(map(str.isalnum, value)) < 2:
            raise ConfigError(
                f"{key}[{number}]: holds fewer than two letters or digits; write the whole value"
            )


def _index(terms: Sequence[str]) -> _Index:
    """Return the terms by their first word, each with the place of that word and how to match it."""
    places: dict[str, dict[str, tuple[int, re.Pattern[str]]]] = {}
    for term in terms:
        for form in {unicodedata.normalize(name, term) for name in ("NFC", "NFD")}:
            lower = _JOINT.sub(" ", read(form).lower.strip())
            word = _TOKEN.search(lower)
            if word is not None:
                places.setdefault(word[0], {})[lower] = (word.start(), _whole_words(lower))
    return {word: tuple(forms.values()) for word, forms in places.items()}


def _whole_words(lower: str) -> re.Pattern[str]:
    """Return how to match a term from its beginning, which the index has found to begin a word."""
    joined = r"[\s_-]{1,4}".join(map(re.escape, lower.split(" ")))
    after = r"(?![^\W_])" if lower[-1].isalnum() else ""
    return re.compile(joined + after)


def _compiled(number: int, owned: OwnerPattern) -> tuple[OwnerPattern, re2._Regexp]:
    """Compile one pattern of the owner. The error tells what RE2 said, which is about the pattern alone."""
    where = f"patterns[{number}] ({owned.name})"
    if len(owned.pattern) > PATTERN_CHARACTERS_MAX:
        raise ConfigError(f"{where}: longer than {PATTERN_CHARACTERS_MAX} characters; split it into several")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_BYTES_MAX
    try:
        search = re2.compile(owned.pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        told = (
            error.args[0].decode("utf-8", "replace")
            if isinstance(error.args[0], bytes)
            else "not Unicode text"
        )
        raise ConfigError(
            f"{where}: {told}; write it in the syntax of RE2, which has no look-around and no back-references"
        ) from None
    if search.search("") is not None:
        raise ConfigError(f"{where}: matches the empty text; require at least one character")
    if owned.type is FindingType.LITERAL:
        raise ConfigError(f"{where}: LITERAL is no type of the owner's; use TERM")
    return owned, search


NO_OWNER_RULES: Final = OwnerRules()
"""Nothing added, nothing allowed."""
