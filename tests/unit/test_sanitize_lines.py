"""The stream of JSON lines: any cut of the bytes gives the same lines, and no line can fill the memory."""

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.vocabulary import Ppm
from islandrun_node.cli import json_lines
from islandrun_node.cli.addressee import Addressee
from islandrun_node.cli.crew import CHUNK_BYTES_MAX, CHUNK_LINES_MAX, cut
from islandrun_node.cli.examine import examine
from islandrun_node.cli.json_lines import Line, Lines, answers
from islandrun_node.cli.marked_text import show_marked
from islandrun_node.detectors import Watch

CLOUD = Ppm(200_000)


class Pieces(io.RawIOBase):
    """A stream that gives its bytes in pieces of chosen sizes."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data, self._sizes = data, sizes

    def read(self, size: int = -1) -> bytes:
        size = min(size, self._sizes.pop(0) if self._sizes else 7)
        piece, self._data = self._data[:size], self._data[size:]
        return piece


def all_lines(lines: Lines) -> list[Line]:
    found = []
    while (some := lines.read()) is not None:
        found += some
    return found


@given(
    st.lists(st.sampled_from([b"", b" ", b"\r", b"{}", b"ab\r", b"\xef\xbb\xbf{}", b"\xff"]), max_size=12),
    st.lists(st.integers(1, 9), max_size=30),
)
@settings(deadline=None)
def test_any_cut_of_the_bytes_gives_the_same_lines(parts: list[bytes], sizes: list[int]) -> None:
    data = b"\n".join(parts)
    expected = []
    for number, part in enumerate(data.split(b"\n"), 1):
        part = part.removeprefix(b"\xef\xbb\xbf") if number == 1 else part
        if part.strip():
            expected.append(Line(number, part))
    lines = Lines(Pieces(data, sizes))
    assert all_lines(lines) == expected
    assert lines.read() is None


def test_a_line_without_an_end_is_dropped_and_named(monkeypatch) -> None:
    monkeypatch.setattr(json_lines, "LINE_BYTES_MAX", 100)
    data = b'{"text": "a"}\n' + b"x" * 1_000 + b"\n" + b'{"text": "b"}\n' + b"y" * 1_000
    lines = Lines(Pieces(data, [30] * 80))
    held = []
    found = []
    while (some := lines.read()) is not None:
        held.append(sum(map(len, lines._rest)))
        found += some
    assert max(held) <= 100
    assert found == [Line(1, b'{"text": "a"}'), Line(2, None), Line(3, b'{"text": "b"}'), Line(4, None)]
    problems = [one.problem for one in answers(found, CLOUD, Watch())]
    assert problems == ["", "is longer than 100 bytes", "", "is longer than 100 bytes"]


def test_answers_say_how_much_of_the_input_they_stand_for() -> None:
    data = b'{"text": "a"}\nbad\n{"text": "b"}\n'
    found = list(answers(all_lines(Lines(io.BytesIO(data))), CLOUD, Watch()))
    assert [bool(one.problem) for one in found] == [False, True, False]
    assert sum(one.size_bytes for one in found) == len(data)


def test_every_line_fits_that_can_be_judged() -> None:
    line = json.dumps({"id": "x" * 1_000, "text": "\U0001f600" * 2_000_000})
    assert len(line) <= json_lines.LINE_BYTES_MAX


def test_chunks_are_bounded_and_lose_nothing() -> None:
    lines = [Line(number, b"x" * (number * 997 % 9_000)) for number in range(1, 200)]
    chunks = list(cut(lines))
    assert [line for chunk in chunks for line in chunk] == lines
    for chunk in chunks:
        assert len(chunk) <= CHUNK_LINES_MAX
        assert sum(len(line.data or b"") for line in chunk[:-1]) < CHUNK_BYTES_MAX


def test_no_text_shows_in_a_repr() -> None:
    found = examine("Dear Anna Kern", CLOUD, Watch())
    line = Line(1, b'{"text": "Dear Anna Kern"}')
    assert "Kern" not in repr((line, *answers([line], CLOUD, Watch()), found))


class Terminal(io.StringIO):
    """What a program takes for a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("is_coloured", [True, False])
def test_on_a_terminal_hidden_parts_are_struck_out_beside_their_placeholders(
    monkeypatch, is_coloured
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    if not is_coloured:
        monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    found = examine("Dear Anna Kern,\n\x1b]0;title\x07 " + "word " * 60 + "end", CLOUD, Watch())
    show_marked(found, Addressee("cloud", CLOUD), out)
    shown = out.getvalue()
    struck, red = "\x1b[9mAnna Kern", "\x1b[9;31mAnna Kern"
    assert (red if is_coloured else struck) in shown
    assert ("\x1b[9;31m" in shown) is is_coloured
    assert "[PERSON_1]" in shown
    assert "word " * 60 + "end\n" in shown
    assert "\x1b]0;" not in shown
    assert "\x07" not in shown
