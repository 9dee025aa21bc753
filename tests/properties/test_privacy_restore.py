"""Restoring is exact: any cut gives the same, hostile originals pull nothing, unknown numbers stay."""

import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
