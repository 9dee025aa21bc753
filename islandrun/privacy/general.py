"""A value in a coarser form: a date as its month or year, an age as its decade, an amount in round numbers.

The form keeps the notation of the value ("12. März 2024" becomes "März 2024", "34 ans" becomes "30-39
ans"), so that it fits the sentence in any language. What is not read for certain has no general form.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from islandrun.vocabulary import Grain

LENGTH_MAX: Final = 60
AGE_MIN, AGE_MAX = 18, 89
"""Younger are minors; older are few (HIPAA, 45 CFR 164.514(b)(2)(i)(C))."""
AMOUNT_MAX: Final = Decimal(10) ** 12
"""So few have more that the size alone names them."""


def generalise(value: str, grain: Grain) -> str | None:
    """Return a value at this grain, or `None` when it is not certain what it says; twice changes nothing."""
    if not 0 < len(value) <= LENGTH_MAX:
        return None
    return _READERS[grain](value)


# ---------------------------------------------------------------- dates

_MONTH: Final = (
    r"(?:jan(?:uary|uar|vier)?|jänner|ene(?:ro)?|feb(?:ruary|ruar|rero)?|fév(?:rier)?|mar(?:ch|zo|s)?|märz|"
    r"apr(?:il)?|avr(?:il)?|abr(?:il)?|may|mai|mayo|june?|juni|juin|junio|july?|juli|juillet|julio|"
    r"aug(?:ust)?|août|ago(?:sto)?|sep(?:t|tember|tembre|tiembre)?|o[ck]t(?:ober|obre|ubre)?|"
    r"nov(?:ember|embre|iembre)?|de[cz](?:ember)?|déc(?:embre)?|dic(?:iembre)?)"
)
_YEAR: Final = r"(?P<year>(?:1[89]|20)[0-9]{2})"
_DAY: Final = r"(?P<day>0?[1-9]|[12][0-9]|3[01])"
_YEAR_FIRST: Final = re.compile(
    rf"(?P<form>{_YEAR}(?P<mark>[-/.])(?P<month>0?[1-9]|1[0-2]))"
    rf"(?:(?P=mark){_DAY}(?:[T ][0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}})?(?:\.[0-9]{{1,6}})?(?:Z|"
    rf"[+-][0-9]{{2}}:?[0-9]{{2}})?)?)?"
)
_YEAR_LAST: Final = re.compile(rf"(?P<one>[0-9]{{1,2}})(?P<mark>[-/.])(?P<two>[0-9]{{1,2}})(?P=mark){_YEAR}")
_MONTH_AND_YEAR: Final = re.compile(rf"(?:0?[1-9]|1[0-2])[/.]{_YEAR}")
_YEAR_ALONE: Final = re.compile(_YEAR)
_WEEKDAY: Final = r"(?:[^\W\d_]{2,10}\.?, ?)?"
_DAY_FIRST: Final = re.compile(
    rf"{_WEEKDAY}(?:(?:the|den|le|el) )?{_DAY}(?:st|nd|rd|th|er|\.)? ?(?:of |de )?"
    rf"(?P<form>(?P<word>{_MONTH}\.?)(?:,? (?:de |of )?{_YEAR})?)",
    re.IGNORECASE,
)
_MONTH_FIRST: Final = re.compile(
    rf"{_WEEKDAY}(?P<word>{_MONTH}\.?) {_DAY}(?:st|nd|rd|th)?(?:,? {_YEAR})?", re.IGNORECASE
)
_MONTH_ALONE: Final = re.compile(rf"(?P<form>{_MONTH}\.?(?:,? (?:de |of )?{_YEAR})?)", re.IGNORECASE)


def _month(value: str) -> str | None:
    found = _YEAR_FIRST.fullmatch(value)
    if found is not None:
        return found["form"] if _is_day(found["year"], found["month"], found["day"] or "1") else None
    found = _YEAR_LAST.fullmatch(value)
    if found is not None:
        return _month_of_numbers(found["one"], found["two"], found["year"], found["mark"])
    if _MONTH_AND_YEAR.fullmatch(value) or _YEAR_ALONE.fullmatch(value):
        return value
    found = _DAY_FIRST.fullmatch(value) or _MONTH_ALONE.fullmatch(value)
    if found is not None:
        return found["form"]
    found = _MONTH_FIRST.fullmatch(value)
    return None if found is None else " ".join(filter(None, (found["word"], found["year"])))


def _month_of_numbers(one: str, two: str, year: str, mark: str) -> str | None:
    """Read day and month. With a slash or a dash either may stand first; where both may, only the year."""
    months = {month for day, month in ((one, two), (two, one)) if _is_day(year, month, day)}
    if mark == ".":
        months &= {two}
    if not months:
        return None
    return (
        year
        if len(months) > 1 and int(one) != int(two)
        else f"{min(months)}{'/' if mark == '-' else mark}{year}"
    )


def _is_day(year: str, month: str, day: str) -> bool:
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True


def _year(value: str) -> str | None:
    month = _month(value)
    found = None if month is None else re.search(_YEAR, month)
    return None if found is None else found["year"]


# ---------------------------------------------------------------- ages

_AGE_BEFORE: Final = r"(?P<before>(?:aged?|age of|âgée? de|edad:?|alter:?)[ :]{1,2})?"
_AGE_AFTER: Final = (
    r"(?P<after>[ -]?(?:years?[ -]old|years?(?: of age)?|yo|y/o|yrs?(?: old)?|jahre(?: alt)?|"
    r"jährige?[rsn]?|ans|años))?"
)
_AGE: Final = re.compile(rf"{_AGE_BEFORE}(?P<age>[1-9][0-9]){_AGE_AFTER}", re.IGNORECASE)
_DECADE: Final = re.compile(rf"{_AGE_BEFORE}(?P<tens>[1-8])0-(?P=tens)9{_AGE_AFTER}", re.IGNORECASE)


def _decade(value: str) -> str | None:
    if _DECADE.fullmatch(value):
        return value
    found = _AGE.fullmatch(value)
    if found is None or not AGE_MIN <= int(found["age"]) <= AGE_MAX:
        return None
    tens = found["age"][0]
    return f"{found['before'] or ''}{tens}0-{tens}9{found['after'] or ''}"


# ---------------------------------------------------------------- amounts

_ABOUT: Final = "about "
_SPACE: Final = r"[ \u00a0\u202f]"
_CURRENCY: Final = (
    r"(?:us\$|[$€£¥]|usd|eur|gbp|chf|jpy|cad|aud|sek|nok|dkk|pln|mxn|inr|euros?|dollars?|pounds?|pesos?|"
    r"francs?|franken|rupees|yen)"
)
_TIMES: Final = (
    r"(?:k|m|tsd\.?|mio\.?|thousand|tausend|mille|mil|million(?:s|en)?|millón|millones)(?: (?:de|d'))?"
)
_NUMBER: Final = re.compile(
    r"(?P<whole>[0-9]{1,3}(?P<mark>[,.' \u00a0\u202f\u2019])[0-9]{3}(?:(?P=mark)[0-9]{3}){0,3}|[0-9]{1,13})"
    r"(?P<cents>[.,][0-9]{1,2})?"
)
_AMOUNT: Final = re.compile(
    rf"(?:{_ABOUT})?(?P<before>{_CURRENCY}{_SPACE}?)?"
    r"(?P<number>[0-9](?:[0-9,.' \u00a0\u202f\u2019]{0,22}[0-9])?)"
    rf"(?P<after>(?:{_SPACE}?{_TIMES})?(?P<behind>{_SPACE}?{_CURRENCY})?)",
    re.IGNORECASE,
)
_PERCENT: Final = re.compile(
    rf"(?:{_ABOUT})?(?P<number>[0-9]{{1,2}}|100)(?P<part>[.,][0-9]{{1,2}})?"
    rf"(?P<unit>{_SPACE}?(?:%|percent|per cent|prozent|pour ?cent|por ciento))",
    re.IGNORECASE,
)


def _magnitude(value: str) -> str | None:
    found = _PERCENT.fullmatch(value)
    if found is not None:
        return _percent(value, found)
    found = _AMOUNT.fullmatch(value)
    if found is None or bool(found["before"]) == bool(found["behind"]):
        return None  # no currency, or two
    number = _NUMBER.fullmatch(found["number"])
    if number is None or (number["cents"] or "")[:1] == number["mark"]:
        return None
    mark = number["mark"] or ""
    whole = number["whole"].replace(mark, "") if mark else number["whole"]
    exact = Decimal(whole + (number["cents"] or "").replace(",", "."))
    if not 0 < exact < AMOUNT_MAX:
        return None
    return f"{_ABOUT}{found['before'] or ''}{_grouped(_one_digit(exact), mark)}{found['after']}"


def _one_digit(exact: Decimal) -> str:
    """Write a number with one digit that is not zero."""
    step = Decimal(1).scaleb(exact.adjusted())
    return f"{(exact / step).quantize(Decimal(1), ROUND_HALF_UP) * step:f}"


def _grouped(digits: str, mark: str) -> str:
    return f"{int(digits):,}".replace(",", mark) if "." not in digits else digits


def _percent(value: str, found: re.Match[str]) -> str | None:
    """Round to whole ones below ten and to fives above."""
    exact = Decimal(found["number"] + (found["part"] or "").replace(",", "."))
    step = 1 if exact < 10 else 5
    rounded = int((exact / step).quantize(Decimal(1), ROUND_HALF_UP)) * step
    if rounded == 0:
        return None
    return value if exact == rounded else f"{_ABOUT}{rounded}{found['unit']}"


_READERS: Final[dict[Grain, Callable[[str], str | None]]] = {
    Grain.YEAR: _year,
    Grain.MONTH: _month,
    Grain.DECADE: _decade,
    Grain.MAGNITUDE: _magnitude,
}
