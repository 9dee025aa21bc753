"""An answer on its way back: originals restored piece by piece, stop words applied to what the reader sees.

Stop words are applied here as well as at the backend, because only an island of full trust is told one:
it may hold a user's text, and it is not judged.
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


class Restoration:
    """Turns the pieces of one masked answer into those the reader sees. After `done` it is spent."""

    def __init__(self, vault: Vault, stop: tuple[str, ...], input_tokens: int = 0) -> None:
        self._vault = vault
        self._input_tokens = input_tokens
        self._text = Restorer(vault)
        self._calls: dict[int, JsonRestorer] = {}
        self._words = StopWords(stop)
        self._shown = 0
        self.done = False

    def feed(self, piece: AnswerPiece) -> list[AnswerPiece]:
        """Return what can be shown after one more piece, perhaps nothing."""
        match piece:
            case TextDelta():
                return self._show(self._words.feed(self._text.feed(piece.text)))
            case ToolCallDelta():
                arguments = self._call(piece.index).feed(piece.arguments)
                shown = arguments or piece.id or piece.name
                return [ToolCallDelta(piece.index, piece.id, piece.name, arguments)] if shown else []
            case Finished():
                tails = self._tails()
                if not self.done:
                    self.done = True
                    tails.append(piece)
                return tails

    def _call(self, index: int) -> JsonRestorer:
        return self._calls.setdefault(index, JsonRestorer(self._vault))

    def _show(self, ready: str) -> list[AnswerPiece]:
        self._shown += len(ready)
        shown: list[AnswerPiece] = [TextDelta(ready)] if ready else []
        if self._words.hit:
            self.done = True
            tokens = self._shown // CHARACTERS_PER_TOKEN
            shown.append(Finished("stop", Usage(self._input_tokens, tokens, is_estimated=True), ""))
        return shown

    def _tails(self) -> list[AnswerPiece]:
        """Return what was still held back when the answer ended."""
        ready = self._words.feed(self._text.finish())
        tails = self._show(ready if self._words.hit else ready + self._words.finish())
        for index, restorer in sorted(self._calls.items()):
            if arguments := restorer.finish():
                tails.append(ToolCallDelta(index, arguments=arguments))
        return tails


async def restored(
    pieces: AsyncGenerator[AnswerPiece], vault: Vault, stop: tuple[str, ...], input_tokens: int = 0
) -> AsyncGenerator[AnswerPiece]:
    """Put the originals of `vault` back into an answer while it streams; it ends with `Finished`.

    `input_tokens` is what the prompt counts for when a stop word ends the answer before its target does.
    """
    restoration = Restoration(vault, stop, input_tokens)
    async with aclosing(pieces):
        async for piece in pieces:
            for shown in restoration.feed(piece):
                yield shown
            if restoration.done:
                return
