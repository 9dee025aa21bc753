"""Leaves of JSON are read on pages, and what is found there comes back to the leaves that it covers."""

import json

from hypothesis import given
from hypothesis import strategies as st

from islandrun.privacy.fields import Field, fields
from islandrun.privacy.pages import PAGE_CHARACTERS_MAX, Page, pages
from islandrun.privacy.sensitivity import assess
from islandrun.vocabulary import Finding, FindingType, Message, Ppm, Prompt, ToolCall

places = st.lists(
    st.builds(Field, st.text(max_size=60), st.sampled_from(["", "name: ", "key: "]), st.booleans()),
    max_size=30,
)


def finding(start: int, end: int) -> Finding:
    return Finding(start, end, FindingType.PERSON, Ppm(800_000), Ppm(600_000), "test")


@given(places)
def test_every_text_stands_once_on_a_page_with_its_context(found: list[Field]) -> None:
    seen = []
    for page in pages(found):
        for number, start, size in page.parts:
            seen.append(number)
            ahead = len(found[number].context)
            assert page.text[start - ahead : start + size] == found[number].context + found[number].text
        assert len(page.parts) == 1 or all(found[number].is_leaf for number, _, _ in page.parts)
    small = [n for n, one in enumerate(found) if n not in seen]
    assert seen == sorted(set(seen))
    assert all(
        not found[n].text or (found[n].is_leaf and found[n].text.islower()) or found[n].text.strip("_") == ""
        for n in small
    )


@given(places, st.integers(0, 400), st.integers(1, 80))
def test_a_finding_comes_back_to_the_fields_that_it_covers(found: list[Field], at: int, size: int) -> None:
    for page in pages(found):
        start, end = min(at, len(page.text) - 1), min(at + size, len(page.text))
        if start >= end:
            continue
        covered = set()
        for number, one in page.led_back([finding(start, end)]):
            assert 0 <= one.start < one.end <= len(found[number].text)
            offset = next(begin for n, begin, _ in page.parts if n == number)
            covered |= set(range(offset + one.start, offset + one.end))
        inside = {place for _, begin, length in page.parts for place in range(begin, begin + length)}
        assert covered == inside & set(range(start, end))


def test_a_page_ends_when_it_is_full_and_a_message_stands_alone() -> None:
    leaves = [Field("x" * 300, "key: ", is_leaf=True)] * 20
    laid = list(pages([*leaves, Field("a message"), *leaves]))
    assert all(len(page.text) <= PAGE_CHARACTERS_MAX for page in laid)
    assert [page.text for page in laid if len(page.parts) == 1] == ["a message"]


def test_a_thousand_rows_are_read_on_few_pages() -> None:
    rows = json.dumps([{"name": f"Person {n}", "city": "Leeds"} for n in range(1000)])
    prompt = Prompt((Message("tool", rows),))
    assert len(list(pages(fields(prompt)))) < 50


def test_a_key_says_what_its_value_is() -> None:
    call = ToolCall("c", "send", json.dumps({"to": {"customer_name": "Kern"}, "n": 1}))
    prompt = Prompt((Message("assistant", "", (call,)),))
    found = assess(prompt).findings
    texts = [place.text for place in fields(prompt)]
    hidden = {texts[n][one.start : one.end] for n, spans in enumerate(found) for one in spans}
    assert hidden == {"Kern"}


def test_a_page_shows_no_text() -> None:
    assert "Kern" not in repr(Page("Kern", ((0, 0, 4),)))
