"""A person's name as it may stand elsewhere: in part, turned round, with initials, inside identifiers.

"Anna Kern" is also "Kern, Anna", "A. Kern", "anna_kern", "annakern" and "#AnnaKern". Words are compared
folded: case, accents and invisible characters do not count. A part that is also a word of the language
("May", "Will") counts only as it is spelled, and not where a sentence begins.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from islandrun.privacy.detect.words import AMBIGUOUS, ORDINARY, words

SPACELESS: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua9e0-\ua9ff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Scripts that put no space between words, or glue particles to names, as a range in a pattern."""
_INVISIBLE: Final = "\u00ad\u0300-\u036f\u200b-\u200d\u2060\ufeff"
WORD: Final = re.compile(
    rf"[^\W\d_{SPACELESS}](?:[^\W\d_{SPACELESS}]|['\u2019](?=[^\W\d_]{{2}})|[{_INVISIBLE}])*"
)
_SPACELESS_RUN: Final = re.compile(rf"[{SPACELESS}]+")
_HUMP: Final = re.compile(
    r"(?<=[a-z\u00df-\u00f6\u00f8-\u00ff])(?=[A-Z\u00c0-\u00de])|(?<=[A-Z])(?=[A-Z][a-z])"
)

_POSSESSIVE: Final = re.compile(r"['\u2019]s\b")

_HUMPS_TOGETHER_MAX: Final = 4
_WORDS_MAX: Final = 6
_PART_LENGTH_MIN: Final = 3
_JOINED_LENGTH_MIN: Final = 5
_PARTICLES: Final = words("von van der den del dos bin ibn ter ten the and und")
ORDINARY_WORDS: Final = AMBIGUOUS | ORDINARY
_UMLAUTS: Final = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ø": "oe", "å": "aa"}
)
_TITLE_BEFORE: Final = re.compile(r"\b(?:mr|mrs|ms|dr|prof|st|fr|hr)\.[ \u00a0]$", re.IGNORECASE)
_SENTENCE_BEFORE: Final = re.compile(r"(?:^|[.!?:;\u2026\n\r>|*#])[\s\"'\u201c\u201e\u00ab(\[*_#>-]*$")
_NAME_AFTER: Final = re.compile(r"['\u2019]s\b|[,:)\"\u201d]|\s*$|[ \t]*[\r\n]")
_BEFORE: Final = 16
_JOINT_LENGTH_MAX: Final = 6
_JOINT: Final = re.compile(r"(?:[ \t\u00a0]{1,3}|\r?\n[ \t>]{0,3}|[._+-]{1,2}|%20|)")
_COMMA: Final = re.compile(", ?")
_JOINT_OF_INITIAL: Final = re.compile(r"\.?[ \t\u00a0]{0,2}|\.?[._+-]|%20")
_TOUCHES_BEFORE: Final = re.compile(r"[@#_/\\~=]")
_TOUCHES_AFTER: Final = re.compile(r"[@_/\\0-9]|[.-](?=[^\W_])")


@dataclass(frozen=True, slots=True)
class NameForm:
    """Words to look for one after another. `spelled` is how it must be written, where that matters.

    `capital` forms are of words of the language alone: written apart, each must begin with a capital.
    `turned` forms, the last name first, may have a comma between capitalised words.
    `inside` forms are looked for only where a word touches what addresses and file names are made of.
    """

    words: tuple[str, ...] = field(repr=False)
    spelled: str = field(default="", repr=False)
    capital: bool = False
    turned: bool = False
    inside: bool = False


def plain(word: str) -> str:
    """Return a word without case, accents, apostrophes and invisible characters."""
    if word.isascii():
        return word.lower().replace("'", "")
    folded = unicodedata.normalize("NFKD", word).casefold().replace("\u2019", "").replace("'", "")
    return "".join(one for one in folded if unicodedata.category(one) not in ("Mn", "Cf"))


def forms_of(name: str) -> Iterator[NameForm]:
    """Yield what to look for because somebody has this name; at most about thirty forms."""
    found = WORD.findall(_POSSESSIVE.sub("", name))[:_WORDS_MAX]
    yield from _whole_forms(found)
    for part in found:
        folded = plain(part)
        if len(folded) < _PART_LENGTH_MIN or folded in _PARTICLES:
            continue
        if folded not in ORDINARY_WORDS:
            yield NameForm((folded,))
        elif part[:1].isupper() and (folded in AMBIGUOUS or len(found) == 1):
            yield NameForm((folded,), part)
    if any(one in name for one in "äöüÄÖÜøå"):
        yield from forms_of(name.translate(_UMLAUTS).replace("ø", "o").replace("å", "a"))


def _whole_forms(found: list[str]) -> Iterator[NameForm]:
    """Yield a name of several words as a whole: both ways round, joined, and with an initial."""
    folded = tuple(plain(word) for word in found)
    if len(folded) < 2:
        return
    orders = {folded, (folded[-1], *folded[:-1]), (folded[0], folded[-1]), (folded[-1], folded[0])}
    first, last = folded[0], folded[-1]
    capital = all(word in ORDINARY_WORDS for word in folded)
    for order in sorted(orders):
        yield NameForm(order, capital=capital, turned=order[0] == last)
        if len("".join(order)) >= _JOINED_LENGTH_MIN:
            yield NameForm(("".join(order),))
    if len(last) >= _PART_LENGTH_MIN:
        yield NameForm((first[0], last), capital=True)
        yield NameForm((last, first[0]), capital=True, turned=True)
    for joined in (first[0] + last, first + last[0]):
        if len(joined) >= _JOINED_LENGTH_MIN:
            yield NameForm((joined,), inside=True)


def spaceless_forms_of(name: str) -> Iterator[str]:
    """Yield the strings to look for when a name is written in a script without spaces."""
    runs = _SPACELESS_RUN.findall(name)
    if not runs:
        return
    whole = "".join(runs)
    yield from dict.fromkeys([whole, *runs] if len(runs) > 1 else [whole])
    if len(runs) == 1 and re.fullmatch(r"[\u3400-\u9fff\uac00-\ud7af]{3,4}", whole):
        yield from [whole[1:]] if len(whole) == 3 else [whole[:2], whole[2:]]


def humps(word: str) -> list[tuple[int, int]]:
    """Return the bounds of the words inside one like "AnnaKernCV"; none when it is one word."""
    if word.islower() or word.isupper() or word[1:].islower():
        return []
    bounds = [0, *(found.start() for found in _HUMP.finditer(word)), len(word)]
    if len(bounds) == 2:
        return []
    return [
        (bounds[left], bounds[right])
        for left in range(len(bounds) - 1)
        for right in range(left + 1, min(left + 1 + _HUMPS_TOGETHER_MAX, len(bounds)))
        if right - left < len(bounds) - 1
    ]


def is_hump(hump: str, form: NameForm) -> bool:
    """Say whether a word inside a longer one is the form; a short one must at least be capitalised."""
    if len(form.words) > 1:
        return False
    return hump == form.spelled if form.spelled else len(hump) > _PART_LENGTH_MIN or hump[0].isupper()


def end_of_form(text: str, found: Sequence[re.Match[str]], index: int, form: NameForm) -> int | None:
    """Return where a form whose first word is `found[index]` ends, if all of it stands there."""
    last = index + len(form.words) - 1
    if last >= len(found):
        return None
    for word, left, right in zip(form.words[1:], found[index:last], found[index + 1 :], strict=False):
        if plain(right[0]) != word or not _is_joined(text, left, right, form):
            return None
    start, end = found[index].start(), found[last].end()
    if len(form.words) > 1 and len(form.words[-1]) == 1:
        if text[end : end + 1] != ".":
            return None
        end += 1
    return end if _is_meant(text, start, end, form) else None


def _is_joined(text: str, left: re.Match[str], right: re.Match[str], form: NameForm) -> bool:
    if right.start() - left.end() > _JOINT_LENGTH_MAX:
        return False
    joint = text[left.end() : right.start()]
    capitals = left[0][0].isupper() and right[0][0].isupper()
    if _COMMA.fullmatch(joint):
        return form.turned and capitals
    if (_JOINT_OF_INITIAL if len(left[0]) == 1 else _JOINT).fullmatch(joint) is None:
        return False
    apart = not joint or any(map(str.isspace, joint))
    return capitals or not (form.capital and apart)


def _is_meant(text: str, start: int, end: int, form: NameForm) -> bool:
    if form.spelled:
        return text[start:end] == form.spelled and stands_as_name(text, start, end)
    if form.inside:
        before = start and _TOUCHES_BEFORE.match(text, start - 1)
        return bool(before or _TOUCHES_AFTER.match(text, end))
    return True


def stands_as_name(text: str, start: int, end: int) -> bool:
    """Say whether a capitalised word is there because it is a name, and not because a sentence begins."""
    before = text[max(0, start - _BEFORE) : start]
    if _SENTENCE_BEFORE.search(before if start > _BEFORE else "\n" + before) is None or _TITLE_BEFORE.search(
        before
    ):
        return True
    return _NAME_AFTER.match(text, end) is not None
