"""A client's wishes from the body's `islandrun` object and `X-IslandRun-*` headers; both given: the tighter.

A wish that is misspelt or cannot be read is an error, never ignored: ignoring it would widen the request.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Final, TypeVar

import msgspec

from islandrun.errors import BadRequest
from islandrun.vocabulary import CLASS_FLOORS, PPM_MAX, Hints, Ppm, SensitivityClass, Tier

T = TypeVar("T")

WORDS_MAX: Final = 256
WORD_CHARACTERS_MAX: Final = 64
CONVERSATION_CHARACTERS_MAX: Final = 256
DEADLINE_MS_MAX: Final = 2**32 - 1
COST_USD_MAX: Final = 1e9

Words = str | list[str] | None


class HintsBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The `islandrun` object. `sensitivity_min` is 0 to 1 or a class, `max_cost` US dollars."""

    sensitivity_min: float | str | None = None
    jurisdictions: Words = None
    only: Words = None
    ignore: Words = None
    tiers: Words = None
    max_cost: Annotated[float, msgspec.Meta(ge=0, le=COST_USD_MAX)] | None = None
    deadline_ms: Annotated[int, msgspec.Meta(ge=1, le=DEADLINE_MS_MAX)] | None = None
    datasets: Words = None
    profile: str | None = None
    wait_ms: Annotated[int, msgspec.Meta(ge=0, le=DEADLINE_MS_MAX)] | None = None
    conversation: str | None = None


_PREFIX: Final = "x-islandrun-"
_FIELD_OF_HEADER: Final = {
    "sensitivity": "sensitivity_min",
    "jurisdiction": "jurisdictions",
    "only": "only",
    "ignore": "ignore",
    "tier": "tiers",
    "max-cost": "max_cost",
    "deadline-ms": "deadline_ms",
    "datasets": "datasets",
    "profile": "profile",
    "wait": "wait_ms",
    "session": "conversation",
}
_LEAST_MS: Final = {"deadline_ms": 1, "wait_ms": 0}
_JURISDICTION: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,12}(\.\d{1,12})?", re.ASCII)


def read_hints(body: HintsBody | None, headers: Iterable[tuple[str, str]]) -> tuple[Hints, str]:
    """Return the wishes of body and headers combined, and the name of the conversation.

    `headers` are all headers of the request, names in lower case. Raises `BadRequest`, which names the
    field or header.
    """
    in_body = body or HintsBody()
    in_headers = _from_headers(headers)
    names = {field: header for header, field in _FIELD_OF_HEADER.items()}
    first = hints_of(in_body, lambda field: f"islandrun.{field}")
    second = hints_of(in_headers, lambda field: _PREFIX + names[field])
    conversation = _same(in_body.conversation or "", in_headers.conversation or "", "conversation")
    if len(conversation) > CONVERSATION_CHARACTERS_MAX:
        raise BadRequest(
            f"a conversation is named by at most {CONVERSATION_CHARACTERS_MAX} characters",
            "islandrun.conversation",
        )
    return tighter(first, second), conversation


def tighter(first: Hints, second: Hints) -> Hints:
    """Combine two sets of wishes so that both hold. Raises `BadRequest` when they exclude each other."""
    return Hints(
        sensitivity_min_ppm=max(first.sensitivity_min_ppm, second.sensitivity_min_ppm),
        jurisdictions=_both(first.jurisdictions, second.jurisdictions, "jurisdictions"),
        only=_both(first.only, second.only, "only"),
        ignore=tuple(sorted({*first.ignore, *second.ignore})),
        tiers=_both(first.tiers, second.tiers, "tiers"),
        cost_max_microusd=_lower(first.cost_max_microusd, second.cost_max_microusd),
        deadline_ms=_lower(first.deadline_ms, second.deadline_ms),
        data_sets=tuple(sorted({*first.data_sets, *second.data_sets})),
        profile=_same(first.profile, second.profile, "profile"),
        wait_ms=_lower(first.wait_ms, second.wait_ms),
    )


def _both(first: tuple[T, ...], second: tuple[T, ...], field: str) -> tuple[T, ...]:
    """Return what both allow; empty means no wish, so an empty overlap is an error and never "anything"."""
    if not first or not second:
        return first or second
    overlap = tuple(item for item in first if item in second)
    if not overlap:
        raise BadRequest(f"{field} of the body and of the header exclude each other", f"islandrun.{field}")
    return overlap


def _lower(first: int | None, second: int | None) -> int | None:
    return min((limit for limit in (first, second) if limit is not None), default=None)


def _same(first: str, second: str, field: str) -> str:
    if first and second and first != second:
        raise BadRequest(f"{field} differs between body and header; give it once", f"islandrun.{field}")
    return first or second


def _from_headers(headers: Iterable[tuple[str, str]]) -> HintsBody:
    """Read the headers into the shape of the body; a header that comes twice counts as one list."""
    given: dict[str, str] = {}
    for name, value in headers:
        if not name.startswith(_PREFIX):
            continue
        field = _FIELD_OF_HEADER.get(name.removeprefix(_PREFIX))
        if field is None:
            raise BadRequest(f"the header {name[:64]} is not known; see the list of hints", name[:64])
        given[field] = f"{given[field]},{value}" if field in given else value
    body = HintsBody()
    for field, value in given.items():
        header = _PREFIX + next(name for name, known in _FIELD_OF_HEADER.items() if known == field)
        if field == "sensitivity_min" and _NUMBER.fullmatch(value.strip()):
            body.sensitivity_min = float(value)
        elif field == "max_cost":
            body.max_cost = min(_number(value, header), COST_USD_MAX)
        elif field in _LEAST_MS:
            setattr(body, field, _milliseconds(value, header, _LEAST_MS[field]))
        else:
            setattr(body, field, value.strip())
    return body


def _number(value: str, header: str) -> float:
    if not _NUMBER.fullmatch(value.strip()):
        raise BadRequest(f"{header} is not a number", header)
    return float(value)


def _milliseconds(value: str, header: str, least: int) -> int:
    number = _number(value, header)
    if number != int(number) or not least <= number <= DEADLINE_MS_MAX:
        raise BadRequest(f"{header} is not a whole number of milliseconds of at least {least}", header)
    return int(number)


def hints_of(body: HintsBody, name: Callable[[str], str]) -> Hints:
    """Check each wish; `name` says how the client wrote a field. Raises `BadRequest`, which names it."""
    cost = body.max_cost
    return Hints(
        sensitivity_min_ppm=_sensitivity(body.sensitivity_min, name("sensitivity_min")),
        jurisdictions=tuple(
            _jurisdiction(word, name("jurisdictions"))
            for word in _words(body.jurisdictions, name("jurisdictions"))
        ),
        only=_words(body.only, name("only")),
        ignore=_words(body.ignore, name("ignore")),
        tiers=tuple(_tier(word, name("tiers")) for word in _words(body.tiers, name("tiers"))),
        cost_max_microusd=None if cost is None else math.floor(cost * 1_000_000 + 1e-6),
        deadline_ms=body.deadline_ms,
        data_sets=_words(body.datasets, name("datasets")),
        profile=_profile(body.profile, name("profile")),
        wait_ms=body.wait_ms,
    )


def _sensitivity(value: float | str | None, field: str) -> Ppm:
    """Return the least sensitivity, rounded up: a wish never shrinks."""
    if value is None:
        return Ppm(0)
    if isinstance(value, str):
        if value.upper() not in SensitivityClass.__members__:
            words = ", ".join(name.lower() for name in SensitivityClass.__members__)
            raise BadRequest(f"{field} is neither 0 to 1 nor one of {words}", field)
        return CLASS_FLOORS[SensitivityClass[value.upper()]]
    if not 0 <= value <= 1:
        raise BadRequest(f"{field} is not within 0 to 1", field)
    return Ppm(min(PPM_MAX, math.ceil(value * PPM_MAX - 1e-6)))


def _words(value: Words, field: str) -> tuple[str, ...]:
    """Return a list of words without duplicates, in order; a given but empty list is an error."""
    if value is None:
        return ()
    words = tuple(word.strip() for word in (value.split(",") if isinstance(value, str) else value))
    if not words:
        raise BadRequest(f"{field} is empty; leave it out or name at least one", field)
    if len(words) > WORDS_MAX:
        raise BadRequest(f"{field} has more than {WORDS_MAX} entries", field)
    if not all(0 < len(word) <= WORD_CHARACTERS_MAX and word.isprintable() for word in words):
        raise BadRequest(
            f"{field} has an entry that is empty, longer than {WORD_CHARACTERS_MAX} characters "
            "or not printable",
            field,
        )
    return tuple(dict.fromkeys(words))


def _jurisdiction(word: str, field: str) -> str:
    if not _JURISDICTION.fullmatch(word.upper()):
        raise BadRequest(f"{field} has an entry that is not an ISO 3166 code such as DE", field)
    return word.upper()


def _tier(word: str, field: str) -> Tier:
    if word.upper() not in Tier.__members__:
        raise BadRequest(f"{field} has an entry that is not one of personal, edge, cloud", field)
    return Tier[word.upper()]


def _profile(word: str | None, field: str) -> str:
    if word is not None and not (0 < len(word) <= WORD_CHARACTERS_MAX and word.isprintable()):
        raise BadRequest(f"{field} is not the name of a profile", field)
    return word or ""
