"""Server-sent events in any cut of the bytes, and their limits."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.errors import MalformedMessage
from islandrun_node.backends.sse import EVENT_BYTES_MAX, LINE_BYTES_MAX, Event, EventStream

LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
TEXT = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20)
EVENTS = st.lists(
    st.tuples(st.sampled_from(["", "error"]), st.lists(TEXT, min_size=1, max_size=3)), max_size=5
)


def read(*parts: bytes) -> list[Event]:
    stream = EventStream()
    return [event for part in parts for event in stream.feed(part)]


@settings(deadline=None)
@given(events=EVENTS, end=LINE_ENDS, cuts=st.lists(st.integers(0, 400), max_size=12), noise=st.booleans())
def test_any_cut_gives_the_same_events(events, end, cuts, noise):
    text = "\ufeff" if noise else ""
    for kind, lines in events:
        text += f": a comment{end}id: 7{end}" if noise else ""
        text += f"event: {kind}{end}" if kind else ""
        text += "".join(f"data: {line}{end}" for line in lines) + end
    content = text.encode()
    places = sorted({min(cut, len(content)) for cut in cuts})
    edges = [0, *places, len(content)]
    parts = [content[left:right] for left, right in pairwise(edges)]
    assert read(*parts) == [Event(kind, "\n".join(lines)) for kind, lines in events]


def test_every_single_byte_alone_gives_the_same_events():
    content = "data: grüße 🏝\r\ndata: again\r\n\r\nevent: error\rdata: x\r\rdata:no space\n\n".encode()
    whole = read(content)
    assert whole == [Event("", "grüße 🏝\nagain"), Event("error", "x"), Event("", "no space")]
    assert read(*(content[at : at + 1] for at in range(len(content)))) == whole


def test_an_event_without_its_blank_line_is_never_seen():
    assert read(b"data: [DONE]\n") == []


def test_an_event_without_data_is_none():
    assert read(b"event: ping\n\ndata: x\n\n") == [Event("", "x")]


def test_a_line_at_the_limit_passes_and_one_above_does_not():
    longest = b"data: " + b"x" * (LINE_BYTES_MAX - 6)
    assert len(read(longest + b"\n\n")) == 1
    with pytest.raises(MalformedMessage, match="longer than"):
        read(longest + b"x\n\n")


def test_a_line_that_never_ends_is_refused_before_it_fills_the_memory():
    stream = EventStream()
    for _ in range(LINE_BYTES_MAX // 65_536):
        stream.feed(b"x" * 65_536)
    with pytest.raises(MalformedMessage, match="longer than"):
        stream.feed(b"x")


def test_many_empty_data_lines_are_bounded_too():
    stream = EventStream()
    for _ in range(EVENT_BYTES_MAX // 5_000):
        stream.feed(b"data\n" * 1_000)
    with pytest.raises(MalformedMessage, match="larger than"):
        stream.feed(b"data\n" * 1_000)


def test_bytes_that_are_not_utf8_are_refused_without_repeating_them():
    with pytest.raises(MalformedMessage, match="not UTF-8") as caught:
        read(b"data: \xff\xfe\n\n")
    assert "xff" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_event_hides_its_data_from_repr():
    assert "secret" not in repr(Event("", "secret"))
