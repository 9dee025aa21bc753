"""Restoring is exact: any cut gives the same, hostile originals pull nothing, unknown numbers stay."""

import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.privacy.placeholders import LENGTH_MAX, PLACEHOLDER
from islandrun.privacy.restore import JsonRestorer, Restorer, restore
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import FindingType

HOSTILE = ["Anna Kern", "[EMAIL_1]", "PERSON_2", 'O\'Brien "x"', "a\\b", "[", "PERSON", "Größe\n2"]
PIECES = [
    "[PERSON_1]",
    "[person 1]",
    "PERSON_1's",
    "\\[PERSON\\_1\\]",
    "<EMAIL_1>",
    "{EMAIL-1}",
    "[PERSON_99]",
    "&#91;PERSON_1&#93;",
    "&lbrack;EMAIL",
    "%5BEMAIL_1%5D",
    "[**PERSON_1's**]",
    "[`",
    "&#9",
    "%5",
    "\uff3bPERSON _ 1\uff3d",
    "XPERSON_1",
    "PERSON_12",
    "[NATIONAL_ID_1]",
    "[[",
    "[PER",
    " word ",
    "\\",
    "ß",
    "_1",
    "1",
]


def vault_of(person: str, mail: str) -> Vault:
    vault = Vault()
    vault.placeholder_for(FindingType.PERSON, person)
    vault.placeholder_for(FindingType.EMAIL, mail)
    vault.placeholder_for(FindingType.NATIONAL_ID, "id")
    return vault


@given(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=60),
    st.lists(st.integers(1, 5), max_size=60),
    st.sampled_from(HOSTILE),
    st.sampled_from(HOSTILE),
)
@settings(deadline=None, max_examples=600, derandomize=True)
def test_any_cut_gives_what_the_whole_gives(text: str, cuts: list[int], person: str, mail: str) -> None:
    vault = vault_of(person, mail)
    restorer = Restorer(vault)
    shown, at = "", 0
    for size in [*cuts, len(text)]:
        shown += restorer.feed(text[at : at + size])
        at += size
    assert shown + restorer.finish() == restore(text, vault)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[PERSON_1] and [PERSON_2]", "Anna and [PERSON_2]"),
        ("[person 1], PERSON_1's, \\[PERSON\\_1\\], <PERSON-1>", "Anna, Anna's, Anna, Anna"),
        ("[[PERSON_1]]", "[Anna]"),
        ("PERSON_12 XPERSON_1 PERSON_1x", "PERSON_12 XPERSON_1 PERSON_1x"),
        ("[NATIONAL_ID_1]", "id"),
        ("[EMAIL_1]", "[PERSON_1]"),
    ],
)
def test_spellings(text: str, expected: str) -> None:
    assert restore(text, vault_of("Anna", "[PERSON_1]")) == expected


def test_json_stays_json() -> None:
    restorer = JsonRestorer(vault_of('A "B"\n', "x"))
    text = restorer.feed('{"to": "[PERS') + restorer.feed('ON_1]"}') + restorer.finish()
    assert json.loads(text) == {"to": 'A "B"\n'}


def test_a_vault_is_stable_and_keeps_to_itself() -> None:
    vault = vault_of("Anna", "a@b.c")
    assert vault.placeholder_for(FindingType.PERSON, "Anna") == "[PERSON_1]"
    assert vault.placeholder_for(FindingType.PERSON, "Ben") == "[PERSON_2]"
    assert "Anna" not in repr(vault)
    with pytest.raises(TypeError):
        pickle.dumps(vault)


@pytest.mark.parametrize(
    "text",
    [
        "&#91;PERSON_1&#93;", "&lbrack;PERSON_1&rbrack;", "&#x5B;person_1&#x5d;", "&lt;PERSON_1&gt;",
        "%5BPERSON_1%5D",
        "\uff3bPERSON_1\uff3d", "\u3010Person 1\u3011", "\uff1cPERSON_1\uff1e", "[**PERSON_1**]",
        "[`PERSON_1`]",
        "[PERSON _ 1]", "[ person-1 ]", "\\\\[PERSON\\\\_1\\\\]", "{ PERSON_1 }",
    ],
)  # fmt: skip
def test_a_placeholder_is_read_in_every_dress(text: str) -> None:
    vault = vault_of('"Anna" [EMAIL_1]', "x")
    assert restore(f"a {text}, {text}'s", vault) == 'a "Anna" [EMAIL_1], "Anna" [EMAIL_1]\'s'
    unknown = text.replace("1", "7")
    if "&" not in text and "%" not in text:
        assert restore(unknown, vault) == unknown


@pytest.mark.parametrize(
    "text",
    ["[PERSON_1&#93;", "%5BPERSON_1]", "[PERSON_]", "[PERSON_0]", "[PERSONS_1]", "person_1",
        "[PERSON_100000]",
     "[[*PERSON1]"],
)  # fmt: skip
def test_what_is_nearly_a_placeholder_gives_no_wrong_text(text: str) -> None:
    shown = restore(text, vault_of("Anna", "x"))
    assert shown in (text, text.replace("PERSON_1", "Anna"))


def test_the_longest_way_of_reading_is_as_long_as_said() -> None:
    word = "&lbrack; *** NATIONAL \\\\_ ID \\\\_ 12345ab's*** &rbrack;"
    assert PLACEHOLDER.fullmatch(word) is not None
    assert len(word) == LENGTH_MAX


JSON_PIECES = [
    '{"a": "',
    '", "b": ',
    '"}',
    '"',
    "[PERSON_1]",
    "\\u005bPERSON_1\\u005D",
    "P\\u0045RSON_1",
    "\\ud83d\\ude00",
    "\\ud83d",
    "\\\\[PERSON\\\\_1\\\\]",
    "\\[PERSON\\_1\\]",
    "\\n",
    "\\q",
    '{\\"x\\": \\"[PERSON_1]\\"}',
    '[\\"',
    "[",
    "{",
    " ",
    "EMAIL_1",
    "\u00fc",
    "4",
]


@given(
    st.lists(st.sampled_from(JSON_PIECES), max_size=12).map("".join),
    st.lists(st.integers(1, 7), max_size=60),
    st.sampled_from(HOSTILE),
)
@settings(deadline=None, max_examples=600, derandomize=True)
def test_any_cut_of_json_gives_what_the_whole_gives(text: str, cuts: list[int], person: str) -> None:
    vault = vault_of(person, "x")
    whole, parts, at, shown = JsonRestorer(vault), JsonRestorer(vault), 0, ""
    for size in [*cuts, len(text)]:
        shown += parts.feed(text[at : at + size])
        at += size
    assert shown + parts.finish() == whole.feed(text) + whole.finish()


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ('{"a": [CARD_1], "b": CARD_1, "c": [[CARD_1], 2]}', {"a": "4\"1", "b": "4\"1", "c": ["4\"1", 2]}),
        ('{"[CARD_1]": "\\u005bCARD_1\\u005d"}', {"4\"1": "4\"1"}),
        ('{"a": "[CARD_1] [x] {y", "b": "[ ] {"}', {"a": "4\"1 [x] {y", "b": "[ ] {"}),
        ('{"a": "\\ud83d \\/ \\q"}', {"a": "\ud83d / \\q"}),
        (json.dumps({"a": json.dumps({"b": json.dumps(["[CARD_1]"])})}),
         {"a": json.dumps({"b": json.dumps(["4\"1"])})}),
    ],
)  # fmt: skip
def test_what_a_tool_call_may_look_like(sent: str, meant: object) -> None:
    vault = Vault()
    vault.placeholder_for(FindingType.CARD, '4"1')
    restorer = JsonRestorer(vault)
    shown = restorer.feed(sent) + restorer.finish()
    assert json.loads(shown) == meant
    assert "\ud83d" not in shown


def test_arguments_that_are_no_json_and_calls_that_hide_nothing_stay_as_they_are() -> None:
    restorer = JsonRestorer(vault_of('"A"', "x"))
    assert restorer.feed(' say "PERSON_') + restorer.feed('1"') + restorer.finish() == ' say ""A""'
    text, untouched = '{"a": "\\u00e9\\/ \\q [PERSON_1', JsonRestorer(Vault())
    assert untouched.feed(text) + untouched.finish() == text
