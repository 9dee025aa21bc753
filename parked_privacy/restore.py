"""Put the originals back into an answer, whole or while it streams.

One pass with one pattern: restored text is never scanned again, so an original that looks like a placeholder
pulls nothing. Case, a space or hyphen for the underscore, markdown escapes, other brackets or none are
tolerated; an unknown number stays as it is. While streaming, only a tail that may become a placeholder waits.
"""

from __future__ import annotations

import json
import re
from typing import Final

from islandrun.privacy.vault import Vault
from islandrun.vocabulary import FindingType

HELD_CHARACTERS_MAX: Final = 40
_ESCAPE: Final = "\\"
_JOINT: Final = r"(?:\\?_|[ ]|-)"
_TYPES: Final = "|".join(
    sorted((kind.value.replace("_", _JOINT) for kind in FindingType), key=len, reverse=True)
)
_WORD: Final = rf"(?:{_TYPES}){_JOINT}[0-9]{{1,6}}"
PLACEHOLDER: Final = re.compile(
    rf"(?:\\?\[(?P<square>{_WORD})\\?\]|<(?P<angle>{_WORD})>|\{{(?P<curly>{_WORD})\}}"
    rf"|(?<![A-Za-z0-9_])(?P<bare>{_WORD})(?![A-Za-z0-9_]))",
    re.ASCII | re.IGNORECASE,
)
"""Everything that restoring reads as a placeholder; the same text in a prompt of a user is masked itself."""


def canonical(found: re.Match[str]) -> str:
    """Return the placeholder that a match means, in the form of the vault."""
    word = next(group for group in found.groups() if group is not None)
    return f"[{re.sub('[ -]', '_', word.replace(_ESCAPE, '')).upper()}]"


def restore(text: str, vault: Vault) -> str:
    """Return a text with its originals back."""
    originals = vault.originals()
    return PLACEHOLDER.sub(lambda found: originals.get(canonical(found), found[0]), text)


class Restorer:
    """Restores one text that arrives in pieces. After `finish` it is spent."""

    def __init__(self, vault: Vault) -> None:
        self._originals = vault.originals()
        self._held = ""
        self._before = ""

    def feed(self, piece: str) -> str:
        """Take the next piece and return what can be shown now, perhaps nothing."""
        text = self._held + piece
        edge = self._edge(text)
        self._held = text[edge:]
        return self._shown(text[:edge])

    def finish(self) -> str:
        """Return what was held back; the text has ended."""
        tail, self._held = self._held, ""
        return self._shown(tail)

    def _edge(self, text: str) -> int:
        """Return where the tail begins that must wait for more."""
        start = max(0, len(text) - HELD_CHARACTERS_MAX)
        for at in range(start, len(text)):
            if self._may_begin(text, at):
                return at
        return len(text)

    def _may_begin(self, text: str, at: int) -> bool:
        """Say whether text[at:] may be the beginning of a placeholder, or one that could go on."""
        before = text[at - 1] if at else self._before
        tail = text[at:]
        opened = tail.lstrip("\\")[:1] in ("[", "<", "{") or not tail.strip("\\")
        if not opened and (before.isascii() and (before.isalnum() or before == "_")):
            return False
        body = tail.lstrip("\\[<{").replace("\\", "")
        if not body:
            return True
        return any(_is_prefix(body.upper(), kind.value) for kind in FindingType)

    def _shown(self, text: str) -> str:
        originals, before = self._originals, self._before

        def original(found: re.Match[str]) -> str:
            glued = (
                found.start() == 0
                and found["bare"]
                and before.isascii()
                and (before.isalnum() or before == "_")
            )
            return found[0] if glued else originals.get(canonical(found), found[0])

        if text:
            self._before = text[-1]
        return PLACEHOLDER.sub(original, text)


class JsonRestorer(Restorer):
    """Restores JSON text: the originals go back as the inside of a JSON string."""

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self._originals = {
            placeholder: json.dumps(original)[1:-1] for placeholder, original in vault.originals().items()
        }


def _is_prefix(body: str, kind: str) -> bool:
    """Say whether `body` (upper case) is a beginning of "KIND_123" in a tolerated spelling."""
    body = re.sub(r"[ -]", "_", body)
    if len(body) <= len(kind):
        return kind.startswith(body)
    number = body[len(kind) + 1 :]
    return body.startswith(f"{kind}_") and (not number or (number.isdigit() and len(number) <= 6))
