"""Put the originals back into an answer, whole or while it streams.

One pass with one pattern: restored text is never scanned again, so an original that looks like a
placeholder pulls nothing. An unknown number stays as it is. While streaming, only a tail that may still
become a placeholder waits for more, never more than 55 characters. Strings of JSON are decoded, restored
and written as JSON again: a placeholder is found however it was escaped and cut.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from islandrun.privacy.placeholders import LENGTH_MAX, PLACEHOLDER, UNFINISHED, read
from islandrun.privacy.vault import Vault

HELD_CHARACTERS_MAX: Final = LENGTH_MAX + 1


def restore(text: str, vault: Vault) -> str:
    """Return a text with its originals back."""
    originals = vault.originals()
    return PLACEHOLDER.sub(lambda found: _original(found[0], originals), text)


def _original(found: str, originals: Mapping[str, str], written: Callable[[str], str] = str) -> str:
    placeholder, tail = read(found)
    original = originals.get(placeholder)
    return found if original is None else written(original + tail)


class Restorer:
    """Restores one text that arrives in pieces; `written` says how an original is written into it."""

    def __init__(self, vault: Vault, written: Callable[[str], str] = str) -> None:
        self._originals = vault.originals()
        self._written = written
        self._before = ""
        self._held = ""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} holding {len(self._held)}>"

    def feed(self, piece: str) -> str:
        """Take the next piece and return what can be shown now, perhaps nothing."""
        text = self._before + self._held + piece
        start = max(len(self._before), len(text) - HELD_CHARACTERS_MAX)
        unfinished = UNFINISHED.search(text, start)
        return self._show(text, len(text) if unfinished is None else unfinished.start())

    def finish(self) -> str:
        """Return what was held back; the text has ended."""
        text = self._before + self._held
        return self._show(text, len(text))

    def _show(self, text: str, edge: int) -> str:
        """Restore up to `edge` and keep the rest. The pattern sees one character before, and all behind."""
        shown, at = [], len(self._before)
        for found in PLACEHOLDER.finditer(text, at):
            if found.end() > edge:
                break
            shown += [text[at : found.start()], _original(found[0], self._originals, self._written)]
            at = found.end()
        shown.append(text[at:edge])
        self._before, self._held = text[max(0, edge - 1) : edge], text[edge:]
        return "".join(shown)


# ---------------------------------------------------------------- JSON: the arguments of a tool call

_CONTENT: Final = re.compile(
    r'[^"\\]+|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.', re.DOTALL
)
_CUT: Final = re.compile(
    r"\\(?:u(?:[0-9a-fA-F]{0,3}|[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?))?\Z"
)
"""An escape, or the first half of a pair, that the end of a piece has cut."""
_SHORT: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "/": "/"}
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_IS_JSON: Final = re.compile(r'\s*[\[{][\s\[{]*"')
_MAY_BE_JSON: Final = re.compile(r"(?:\s*[\[{])?[\s\[{]*")
_UNDECIDED_MAX: Final = 16
_DEPTH_MAX: Final = 4


class JsonRestorer:
    """Restores JSON that arrives in pieces, and JSON in its strings; other text is restored as it stands.

    A placeholder that stands where a value should becomes a string. With an empty vault nothing is touched.
    """

    def __init__(self, vault: Vault, depth: int = 0) -> None:
        self._vault, self._depth = vault, depth
        self._outside = Restorer(vault, _quoted)
        self._inside: _String | None = None
        self._cut = ""
        self._plain: Restorer | None = None
        self._begun = bool(depth)
        self._idle = not len(vault)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def feed(self, piece: str) -> str:
        """Take the next piece and return what can be shown now, perhaps nothing."""
        if self._idle:
            return piece
        if not self._begun and piece.strip():
            self._begun = True
            self._plain = None if piece.lstrip()[0] in '{["' else Restorer(self._vault)
        if self._plain is not None:
            return self._plain.feed(piece)
        text, self._cut = self._cut + piece, ""
        shown, at = [], 0
        while at < len(text):
            part, at = self._outside_from(text, at) if self._inside is None else self._inside_from(text, at)
            shown.append(part)
        return "".join(shown)

    def finish(self) -> str:
        """Return what was held back; the text has ended, perhaps in the middle."""
        if self._plain is not None:
            return self._plain.finish()
        if self._inside is None:
            return self._outside.finish()
        rest, self._cut = _decoded(self._cut), ""
        return _escaped((self._inside.feed(rest) if rest else "") + self._inside.finish())

    def _outside_from(self, text: str, at: int) -> tuple[str, int]:
        quote = text.find('"', at)
        if quote < 0:
            return self._outside.feed(text[at:]), len(text)
        self._inside = _String(self._vault, self._depth + 1)
        return self._outside.feed(text[at : quote + 1]), quote + 1

    def _inside_from(self, text: str, at: int) -> tuple[str, int]:
        assert self._inside is not None
        if text[at] == '"':
            shown = _escaped(self._inside.finish())
            self._inside = None
            return shown + self._outside.feed('"'), at + 1
        cut = _CUT.match(text, at)
        if cut is not None:
            self._cut = cut[0]
            return "", len(text)
        found = _CONTENT.match(text, at)
        assert found is not None, "an escape is whole or cut"
        return _escaped(self._inside.feed(_decoded(found[0]))), found.end()


class _String:
    """Restores what one string of JSON holds: text, or JSON again, which its first characters tell."""

    def __init__(self, vault: Vault, depth: int) -> None:
        self._vault, self._depth = vault, depth
        self._reader: Restorer | JsonRestorer | None = None
        self._undecided = ""

    def feed(self, piece: str) -> str:
        if self._reader is None:
            self._undecided += piece
            if len(self._undecided) < _UNDECIDED_MAX and _MAY_BE_JSON.fullmatch(self._undecided):
                return ""
            nested = self._depth <= _DEPTH_MAX and _IS_JSON.match(self._undecided)
            self._reader = JsonRestorer(self._vault, self._depth) if nested else Restorer(self._vault)
            piece, self._undecided = self._undecided, ""
        return self._reader.feed(piece)

    def finish(self) -> str:
        return self._undecided if self._reader is None else self._reader.finish()


def _quoted(original: str) -> str:
    return f'"{_escaped(original)}"'


def _escaped(text: str) -> str:
    written = json.dumps(text, ensure_ascii=False)[1:-1]
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


def _decoded(token: str) -> str:
    """Return what a piece of the inside of a string means; an escape that JSON does not know is kept."""
    if not token.startswith("\\"):
        return token
    if token[1:2] == "u" and len(token) in (6, 12):
        return str(json.loads(f'"{token}"'))
    return _SHORT.get(token[1:], token)
