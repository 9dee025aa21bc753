"""Server-sent events from bytes, in any cut: a line or a character may arrive in halves.

Follows the WHATWG HTML standard, section 9.2.6: an event counts when its blank line has come, so
one that was cut off is never seen. Fields other than `event` and `data` are skipped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from islandrun.errors import MalformedMessage

LINE_BYTES_MAX = 1 << 20
EVENT_BYTES_MAX = 4 << 20

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its kind (empty when not given) and its data, lines joined by a line feed."""

    kind: str
    data: str = field(repr=False)


class EventStream:
    """Feed bytes, get events. After an error it is spent."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._ended_in_return = False  # a line feed that comes next belongs to it
        self._is_first_line = True
        self._kind = ""
        self._data: list[str] = []
        self._data_bytes = 0

    def feed(self, content: bytes) -> tuple[Event, ...]:
        """Take the next bytes and return the events that they completed.

        Raises `MalformedMessage` on a line or an event above its limit and on bytes that are not UTF-8.
        """
        if self._ended_in_return and content:
            content = content.removeprefix(b"\n")
            self._ended_in_return = False
        searched = len(self._held)
        self._held += content
        events: list[Event] = []
        start = 0
        while found := _LINE_END.search(self._held, max(start, searched)):
            event = self._take_line(bytes(self._held[start : found.start()]))
            start = found.end()
            self._ended_in_return = found[0] == b"\r" and start == len(self._held)
            if event is not None:
                events.append(event)
        del self._held[:start]
        if len(self._held) > LINE_BYTES_MAX:
            raise MalformedMessage(f"an event line is longer than {LINE_BYTES_MAX} bytes")
        return tuple(events)

    def _take_line(self, line: bytes) -> Event | None:
        if len(line) > LINE_BYTES_MAX:
            raise MalformedMessage(f"an event line is longer than {LINE_BYTES_MAX} bytes")
        if self._is_first_line:
            self._is_first_line = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data_bytes += len(line) + 1
            if self._data_bytes > EVENT_BYTES_MAX:
                raise MalformedMessage(f"an event is larger than {EVENT_BYTES_MAX} bytes")
            self._data.append(_text(value))
        elif name == b"event":
            self._kind = _text(value)
        return None

    def _dispatch(self) -> Event | None:
        event = Event(self._kind, "\n".join(self._data)) if self._data else None
        self._kind, self._data, self._data_bytes = "", [], 0
        return event


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedMessage("an event line is not UTF-8") from None
