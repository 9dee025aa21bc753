r"""Hidden values that are still visible in another dress: encoded, reversed, split, or in other letters.

A value that is masked in one place tells nothing if its base64 stands in the next line. The text that
stays visible is read in several ways, and each hidden value is looked for in each:

* folded: compatibility forms, any case, no invisible characters (zero-width, soft hyphen);
* compact: letters and digits alone, for values that stay themselves without their joints;
* decoded: runs of base64 and hex, percent signs, `\u0041` and `&#65;`, one inside the other twice;
* each of these from behind.

Only values that cannot stand there by chance count: six letters and digits or more. The work is linear in
the text, and bounded: values that cost more than that are a doubt, and a doubt counts as a find.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from islandrun.privacy.detect.propagate import GLUED, Value
from islandrun.vocabulary import FindingType

LENGTH_MIN: Final = 6
COMPACT_LENGTH_MIN: Final = 8
GLUED_LENGTH_MIN: Final = 12
DEPTH_MAX: Final = 2
_FEW: Final = 32
COMPARED_MAX: Final = 2_000_000
"""So many characters may be compared beyond one look at each; more is a doubt."""

_GLUED: Final = GLUED | {FindingType.URL}
"""Looked for inside longer words too."""

_COMPACT: Final = _GLUED | {FindingType.PERSON, FindingType.ADDRESS, FindingType.TERM}
"""The same value with other joints or none: "anna-kern", "4012888888881881"."""

_WORDS: Final = frozenset(
    {FindingType.ORG, FindingType.LOCATION, FindingType.DATE, FindingType.QUANTITY, FindingType.DEMOGRAPHIC}
)
"""Looked for where they are decoded only: a fruit in small letters is no disguise of a company."""

_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_JOINTS: Final = re.compile(r"[\W_]+")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2}[ :,\r\n-]{0,2}){6,}")
_ESCAPES: Final = re.compile(
    r"(?:%[0-9A-Fa-f]{2})+|(?:\\x[0-9A-Fa-f]{2})+|\\u[0-9A-Fa-f]{4}|&#(?:[0-9]{1,7}|[xX][0-9A-Fa-f]{1,6});"
)
_LINE_BREAK: Final = re.compile(r"\r?\n[ \t]*")
_BLANKS: Final = re.compile(r"\s+")


def in_disguise(values: Iterable[Value], visible: Sequence[str]) -> bool:
    """Say whether a hidden value stands in the visible texts in one of the ways above."""
    wanted = _Wanted()
    for value in values:
        wanted.add(value)
    if not wanted.decoded:
        return False
    search = _Search(
        _Words(wanted.glued), _Words(wanted.whole), _Words(wanted.decoded), _Words(wanted.compact)
    )
    return any(search.finds(text) for text in visible)


class _Wanted:
    """Values by the way in which they are looked for, folded. `decoded` holds every one of them."""

    def __init__(self) -> None:
        self.glued: set[str] = set()
        self.whole: set[str] = set()
        self.decoded: set[str] = set()
        self.compact: set[str] = set()

    def add(self, value: Value) -> None:
        """Take a value, unless it is so short that it may stand anywhere by chance."""
        plain = _folded(value.text).strip()
        bare = _JOINTS.sub("", plain)
        if len(bare) < LENGTH_MIN:
            return
        self.decoded.add(plain)
        if value.type in _WORDS:
            return
        is_word = plain.isalpha() and len(plain) < GLUED_LENGTH_MIN
        (self.glued if value.type in _GLUED and not is_word else self.whole).add(plain)
        if value.type in _COMPACT and len(bare) >= COMPACT_LENGTH_MIN and not plain.isalpha():
            self.compact.add(bare)


@dataclass(frozen=True, slots=True)
class _Search:
    """What is looked for: `glued` and `whole` in plain sight, `decoded` in what a text says decoded."""

    glued: _Words
    whole: _Words
    decoded: _Words
    compact: _Words

    def finds(self, text: str) -> bool:
        """Say whether a text holds a value, decoding included."""
        return self._stands(text, self.whole) or any(
            self._stands(told, self.decoded) for told in _decodings(text, DEPTH_MAX)
        )

    def _stands(self, text: str, words: _Words) -> bool:
        plain = _folded(text)
        return (
            words.stand_in(plain, whole=True)
            or self.glued.stand_in(plain, whole=False)
            or self.compact.stand_in(_JOINTS.sub("", plain), whole=False)
        )


class _Words:
    """Values, forwards and backwards, with an index by their first characters when they are many."""

    def __init__(self, words: Iterable[str]) -> None:
        self._heads: dict[str, dict[int, set[str]]] = {}
        every = sorted({form for word in words for form in (word, word[::-1])})
        self._few = every if len(every) <= _FEW else []
        for word in every if not self._few else ():
            self._heads.setdefault(word[:LENGTH_MIN], {}).setdefault(len(word), set()).add(word)

    def stand_in(self, text: str, *, whole: bool) -> bool:
        """Say whether any of the values stands in a text, or that bounded work cannot tell.

        `whole` takes a value only where no letter or digit goes on beside it.
        """
        left = COMPARED_MAX + len(text)
        for start, length, stands in self._places(text):
            left -= length
            if left < 0 or (stands and not (whole and _goes_on(text, start, start + length))):
                return True
        return False

    def _places(self, text: str) -> Iterator[tuple[int, int, bool]]:
        """Yield where a value may stand, the length that was compared, and whether one does."""
        for word in self._few:
            start = text.find(word)
            while start >= 0:
                yield start, len(word), True
                start = text.find(word, start + 1)
        for start in range(len(text) - LENGTH_MIN + 1) if self._heads else ():
            for length, words in self._heads.get(text[start : start + LENGTH_MIN], {}).items():
                yield start, length, text[start : start + length] in words


def _goes_on(text: str, start: int, end: int) -> bool:
    before = start > 0 and text[start].isalnum() and text[start - 1].isalnum()
    after = end < len(text) and text[end - 1].isalnum() and text[end].isalnum()
    return before or after


def _folded(text: str) -> str:
    if text.isascii():
        return _BLANKS.sub(" ", text.casefold())
    shown = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return _BLANKS.sub(" ", shown.casefold())


def _decodings(text: str, depth: int) -> Iterator[str]:
    """Yield what a text says when it is decoded, and what that says in turn."""
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    for decode in _DECODERS:
        told = decode(text)
        if told:
            yield told
            if depth > 1:
                yield from _decodings(told, depth - 1)


def _without_escapes(text: str) -> str:
    if _ESCAPES.search(text) is None:
        return ""
    return _ESCAPES.sub(_unescaped, text)


def _unescaped(found: re.Match[str]) -> str:
    whole = found[0]
    if whole.startswith(("%", "\\x")):
        return _text(bytes.fromhex(whole.replace("%", "").replace("\\x", "")))
    number = int(whole[3:-1], 16) if whole[2:3] in "xX" and whole.startswith("&") else -1
    if whole.startswith("\\u"):
        number = int(whole[2:], 16)
    elif number < 0:
        number = int(whole[2:-1])
    return chr(number) if number < 0x110000 else whole


def _from_base64(text: str) -> str:
    """Decode every run of base64; a run may be broken over lines, as mail does it."""
    runs = _BASE64.findall(_LINE_BREAK.sub("", text))
    return "\n".join(_text(piece) for run in runs for piece in _base64_of(run))


def _base64_of(run: str) -> Iterator[bytes]:
    """Decode a run of base64, either alphabet, wherever in it the code begins."""
    standard = run.replace("-", "+").replace("_", "/")
    for skipped in range(4):
        whole = standard[skipped:]
        whole = whole[: len(whole) - (len(whole) % 4 == 1)]
        yield base64.b64decode(whole + "=" * (-len(whole) % 4))


def _from_hex(text: str) -> str:
    return "\n".join(
        _text(bytes.fromhex(digits))
        for run in _HEX.findall(text)
        if (digits := re.sub("[^0-9A-Fa-f]", "", run))
    )


def _text(code: bytes) -> str:
    """Read bytes as text; UTF-16 without its zeros is ASCII."""
    return code.decode("utf-8", "replace").replace("\x00", "")


_DECODERS: Final[tuple[Callable[[str], str], ...]] = (_without_escapes, _from_base64, _from_hex)
