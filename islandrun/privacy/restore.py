"""Put the originals back into an answer, whole or while it streams.

One pass with one pattern: restored text is never scanned again, so an original that looks like a
placeholder pulls nothing. An unknown number stays as it is. While streaming, only a tail that may still
become a placeholder waits for more, never more than 32 characters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final

from islandrun.privacy.placeholders import LENGTH_MAX, PLACEHOLDER, UNFINISHED, canonical
from islandrun.privacy.vault import Vault

HELD_CHARACTERS_MAX: Final = LENGTH_MAX + 1


def restore(text: str, vault: Vault) -> str:
    """Return a text with its originals back."""
    originals = vault.originals()
    return PLACEHOLDER.sub(lambda found: originals.get(canonical(found[0]), found[0]), text)


class Restorer:
    """Restores one text that arrives in pieces. After `finish` it is spent."""

    def __init__(self, vault: Vault) -> None:
        self._originals = vault.originals()
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
            shown += [text[at : found.start()], self._original(found)]
            at = found.end()
        shown.append(text[at:edge])
        self._before, self._held = text[max(0, edge - 1) : edge], text[edge:]
        return "".join(shown)

    def _original(self, found: re.Match[str]) -> str:
        original = self._originals.get(canonical(found[0]))
        return found[0] if original is None else self._written(original)

    _written: Callable[[str], str] = staticmethod(str)


class JsonRestorer(Restorer):
    """Restores JSON text in pieces: the originals go back as the inside of a JSON string."""

    _written = staticmethod(lambda original: json.dumps(original, ensure_ascii=False)[1:-1])
