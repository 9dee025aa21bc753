"""An answer on its way back: originals restored piece by piece, stop words applied to what the reader sees.

Stop words are applied here as well as at the backend, because a target that sees placeholders is never
told a stop word: it may hold a user's text.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from islandrun.privacy.restore import JsonRestorer, Restorer
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import AnswerPiece, Finished, TextDelta, ToolCallDelta, Usage

CHARACTERS_PER_TOKEN = 4


class StopWords:
    """Lets text through up to the first stop word, across any cut."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self._words = tuple(word for word in words if word)
        self._held = ""
        self.hit = False

    def feed(self, text: str) -> str:
        """Return what can be shown now; sets `hit` when a stop word came."""
        text = self._held + text
        places = [place for word in self._words if (place := text.find(word)) >= 0]
        if places:
            self.hit, self._held = True, ""
            return text[: min(places)]
        edge = len(text) - max((self._overlap(text, word) for word in self._words), default=0)
        self._held = text[edge:]
        return text[:edge]

    def finish(self) -> str:
        """Return the tail that was held back; no stop word came."""
        tail, self._held = self._held, ""
        return tail

    @staticmethod
    def _overlap(text: str, word: str) -> int:
        """Count the characters at the end of `text` that begin `word`."""
        return next((n for n in range(min(len(word) - 1, len(text)), 0, -1) if text.endswith(word[:n])), 0)


async def restored(
    pieces: AsyncGenerator[AnswerPiece], vault: Vault, stop: tuple[str, ...]
) -> AsyncGenerator[AnswerPiece]:
    """Put the originals of `vault` back into an answer while it streams; it ends with `Finished`."""
    text = Restorer(vault)
    calls: dict[int, JsonRestorer] = {}
    words = StopWords(stop)
    shown = 0
    async with aclosing(pieces):
        async for piece in pieces:
            match piece:
                case TextDelta():
                    ready = words.feed(text.feed(piece.text))
                    shown += len(ready)
                    if ready:
                        yield TextDelta(ready)
                    if words.hit:
                        yield Finished("stop", Usage(0, shown // CHARACTERS_PER_TOKEN), "")
                        return
                case ToolCallDelta():
                    arguments = calls.setdefault(piece.index, JsonRestorer(vault)).feed(piece.arguments)
                    if arguments or piece.id or piece.name:
                        yield ToolCallDelta(piece.index, piece.id, piece.name, arguments)
                case Finished():
                    for tail in _tails(text, words, calls):
                        yield tail
                    yield piece
                    return


def _tails(text: Restorer, words: StopWords, calls: dict[int, JsonRestorer]) -> list[AnswerPiece]:
    """Return what the restorers still held back when the answer ended."""
    ready = words.feed(text.finish())
    ready += "" if words.hit else words.finish()
    tails: list[AnswerPiece] = [TextDelta(ready)] if ready else []
    for index, restorer in sorted(calls.items()):
        if arguments := restorer.finish():
            tails.append(ToolCallDelta(index, arguments=arguments))
    return tails
