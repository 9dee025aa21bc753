"""JSON lines in, JSON lines out, one for one and in order: a stream of any length in constant memory."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import msgspec

from islandrun.errors import PrivacyFault
from islandrun.vocabulary import Ppm
from islandrun_node.cli.examine import examine
from islandrun_node.detectors import Watch

LINE_BYTES_MAX: Final = 32 * 1024 * 1024
"""More than the longest text that can be judged, with every character escaped."""
READ_BYTES: Final = 256 * 1024

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it came; `data` None: it was longer than `LINE_BYTES_MAX`."""

    number: int
    data: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is written for one line of `size_bytes`, or what is wrong with it."""

    number: int
    size_bytes: int = 0
    data: bytes = field(default=b"", repr=False)
    problem: str = ""


class Entry(msgspec.Struct):
    """What is read of a line. The id is kept byte for byte, whatever it is."""

    text: str
    id: msgspec.Raw = msgspec.Raw(b'""')


_DECODER: Final = msgspec.json.Decoder(Entry)


class Lines:
    """Cuts a stream into lines as its bytes arrive; empty lines count and are left out."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._rest: list[bytes] = []
        self._rest_bytes = 0
        self._is_too_long = False
        self._number = 0

    @property
    def source(self) -> int | None:
        """What to wait on for more bytes; None when the stream is not one of the system's."""
        try:
            return self._file.fileno()
        except (OSError, io.UnsupportedOperation):
            return None

    def read(self) -> list[Line] | None:
        """Return the lines that have come, perhaps none yet; None at the end. Waits for some bytes only."""
        data = _read_some(self._file)
        if not data:
            return self._last()
        *whole, rest = data.split(b"\n")
        if whole:
            whole[0] = b"".join([*self._rest, whole[0]])
            self._rest, self._rest_bytes = [], 0
        found = [line for part in whole if (line := self._line(part)) is not None]
        self._rest.append(rest)
        self._rest_bytes += len(rest)
        if self._rest_bytes > LINE_BYTES_MAX:
            self._rest, self._rest_bytes, self._is_too_long = [], 0, True
        return found

    def _last(self) -> list[Line] | None:
        """Return the line that no line end follows; None when there is none."""
        if not self._rest_bytes and not self._is_too_long:
            return None
        last = self._line(b"".join(self._rest))
        self._rest, self._rest_bytes = [], 0
        return [] if last is None else [last]

    def _line(self, data: bytes) -> Line | None:
        self._number += 1
        if self._number == 1:
            data = data.removeprefix(_BYTE_ORDER_MARK)
        is_too_long, self._is_too_long = self._is_too_long or len(data) > LINE_BYTES_MAX, False
        if is_too_long:
            return Line(self._number, None)
        return Line(self._number, data) if data.strip() else None


def _read_some(file: BinaryIO) -> bytes:
    return file.read1(READ_BYTES) if isinstance(file, io.BufferedIOBase) else file.read(READ_BYTES)


def answers(lines: Sequence[Line], trust_ppm: Ppm, watch: Watch) -> Iterator[Answer]:
    """Answer each line, in order."""
    for line in lines:
        yield _answer(line, trust_ppm, watch)


def _answer(line: Line, trust_ppm: Ppm, watch: Watch) -> Answer:
    if line.data is None:
        return Answer(line.number, problem=f"is longer than {LINE_BYTES_MAX} bytes")
    size_bytes = len(line.data) + 1
    try:
        line.data.decode()
        entry = _DECODER.decode(line.data)
        found = examine(entry.text, trust_ppm, watch)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError, PrivacyFault) as error:
        return Answer(line.number, size_bytes, problem=_problem(error))
    written = msgspec.json.encode({"id": entry.id, **found.as_fields()}) + b"\n"
    return Answer(line.number, size_bytes, written)


def _problem(error: Exception) -> str:
    match error:
        case UnicodeDecodeError():
            return "is not UTF-8"
        case msgspec.ValidationError():
            return 'needs to be an object with a "text" that is a string'
        case PrivacyFault():
            return f"cannot be masked: {error}"
        case _:
            return "is not JSON"
