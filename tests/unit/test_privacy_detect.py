"""Offsets, overlaps, disguises and propagation: what the table of rules rests on."""

import pytest

from islandrun.privacy.detect import detect
from islandrun.privacy.detect.merge import merge
from islandrun.privacy.detect.reading import read
from islandrun.vocabulary import Finding, FindingType, Ppm


def shown(text: str) -> list[tuple[str, str]]:
    return [(one.type.value, text[one.start : one.end]) for one in detect(text)]


@pytest.mark.parametrize(
    "card",
    [
        "4111\u200b1111\u200b1111\u200b1111",
        "\uff14" + "\uff11" * 15,
        "4111\u20111111\u20111111\u20111111",
        "\u0664" + "\u0661" * 15,
    ],
)
def test_a_disguise_does_not_hide_a_number_and_offsets_are_of_the_original(card: str) -> None:
    for ahead in ("", "ß😀 ﬁ \u200b", "日本 "):
        assert ("CARD", card) in shown(f"{ahead}{card} end")


@pytest.mark.parametrize("letter", ["\u0410", "\u0391", "A\u200d", "\u202aA\u202c", "\uff21"])
def test_a_letter_that_looks_latin_does_not_hide_a_key(letter: str) -> None:
    key = letter + "KIA" + "ABCDEFGH23456789"
    assert [
        kind for kind, value in shown(f"id {key} ok") if value.strip("\u202a\u202c") == key.strip("\u202a")
    ] == ["SECRET"]


def test_a_word_of_another_script_stays_as_it_is() -> None:
    assert read("Москва, Σωκράτης").text == "Москва, Σωκράτης"


def test_folding_keeps_a_map_for_every_character() -> None:
    text = "ﬁ\u200bİ½\uff21😀"
    reading = read(text)
    assert len(reading.text) == len(reading.lower) == len(reading.starts)
    assert [text[slice(*reading.span(at, at + 1))] for at in range(len(reading.text))] == [
        "ﬁ", "ﬁ", "İ", "½", "\uff21", "😀",
    ]  # fmt: skip


def finding(
    start: int, end: int, kind: FindingType, confidence: int = 900_000, floor: int = 600_000
) -> Finding:
    return Finding(start, end, kind, Ppm(confidence), Ppm(floor), "t")


def test_overlaps_become_one_that_covers_all_and_keeps_the_highest_floor() -> None:
    name = finding(0, 10, FindingType.PERSON, 800_000)
    secret = finding(8, 12, FindingType.SECRET, 800_000, 900_000)
    mail = finding(3, 6, FindingType.EMAIL, 950_000)
    (joined,) = merge([name, secret])
    assert (joined.start, joined.end, joined.type, joined.floor_ppm) == (0, 12, FindingType.SECRET, 900_000)
    (joined,) = merge([name, mail])
    assert (joined.start, joined.end, joined.type) == (0, 10, FindingType.EMAIL)
    assert merge([name, finding(10, 12, FindingType.DATE)]) == (name, finding(10, 12, FindingType.DATE))


def test_a_name_is_found_again_in_part_and_in_small_letters() -> None:
    text = "Dear Anna Kern, thank you. kern agreed, ANNA too; Kernel and Hannah did not."
    assert [value for _, value in shown(text)] == ["Anna Kern", "kern", "ANNA"]


def test_a_part_that_is_a_word_of_the_language_is_found_with_a_capital_only() -> None:
    text = "My name is Will Kowalski. I will ask Will to wait."
    assert [value for _, value in shown(text)] == ["Will Kowalski", "Will"]


def test_a_long_value_is_found_where_it_is_glued_to_others() -> None:
    text = "iban DE89370400440532013000 and refDE89370400440532013000x"
    assert [value for _, value in shown(text)] == ["DE89370400440532013000"] * 2


@pytest.mark.parametrize(
    "text",
    [
        "Explain how nginx works with Slack in Germany.",
        "Write a function that adds two numbers and returns 42.",
        "The year 2024 had 366 days, and 3.14159 is near pi.",
        "Use python 3.11.7 and postgres 16.2 on port 5432.",
        "What is a password? Is a token required?",
        "for i in range(10): print(items[i].key)",
        "Chapter 12 of 345 pages; room 1024, ratio 16:9.",
    ],
)
def test_harmless_text_is_left_alone(text: str) -> None:
    assert shown(text) == []


@pytest.mark.parametrize(
    "unit", ["a", "1", "1 ", "a.", "A", "Aa ", "-", "[", "@", "a@", "é", "/home/", ":", "key=", "4111 "]
)
def test_a_hostile_text_costs_time_in_its_length_alone(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    for one in detect(text):
        assert 0 <= one.start < one.end <= len(text)
