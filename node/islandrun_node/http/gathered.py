"""A whole answer, put together from its pieces, within a limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from islandrun.errors import Interrupted
from islandrun.vocabulary import AnswerPiece, Finished, TextDelta, ToolCallDelta, Usage

ANSWER_CHARACTERS_MAX: Final = 32 * 1024 * 1024
"""The longest answer that is kept whole."""


@dataclass(frozen=True, slots=True)
class Call:
    """One whole tool call; `arguments` is JSON text."""

    id: str
    name: str
    arguments: str = field(repr=False)


@dataclass(slots=True)
class Gathered:
    """An answer so far."""

    finished: Finished = field(default_factory=lambda: Finished("stop", Usage(), ""))
    _texts: list[str] = field(default_factory=list, repr=False)
    _calls: dict[int, list[ToolCallDelta]] = field(default_factory=dict, repr=False)
    _size: int = 0

    def add(self, pieces: Sequence[AnswerPiece]) -> None:
        """Take the next pieces. Raises `Interrupted` when the answer grows too long to be kept."""
        for piece in pieces:
            match piece:
                case TextDelta():
                    self._texts.append(piece.text)
                    self._size += len(piece.text)
                case ToolCallDelta():
                    self._calls.setdefault(piece.index, []).append(piece)
                    self._size += len(piece.arguments) + 1
                case Finished():
                    self.finished = piece
        if self._size > ANSWER_CHARACTERS_MAX:
            raise Interrupted(f"the answer is longer than {ANSWER_CHARACTERS_MAX} characters; stream it")

    @property
    def text(self) -> str:
        """The text of the answer."""
        return "".join(self._texts)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The tool calls in their order."""
        return tuple(_whole(pieces) for _, pieces in sorted(self._calls.items()))


def _whole(pieces: Sequence[ToolCallDelta]) -> Call:
    return Call(
        id=next((piece.id for piece in pieces if piece.id), ""),
        name=next((piece.name for piece in pieces if piece.name), ""),
        arguments="".join(piece.arguments for piece in pieces),
    )
