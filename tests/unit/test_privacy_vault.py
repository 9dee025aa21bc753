"""One value, one placeholder; other forms share its number; a vault shows nothing of itself."""

import copy
import pickle

import pytest

from islandrun.errors import PrivacyFault
from islandrun.privacy import vault as vault_module
from islandrun.privacy.placeholders import PLACEHOLDER, canonical, write
from islandrun.privacy.restore import JsonRestorer, Restorer
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import FindingType

PERSON, CARD, SECRET = FindingType.PERSON, FindingType.CARD, FindingType.SECRET
ORG, EMAIL, PHONE, CODE = FindingType.ORG, FindingType.EMAIL, FindingType.PHONE, FindingType.CODE


def placed(kind: FindingType, *originals: str) -> list[str]:
    vault = Vault()
    found = [vault.placeholder_for(kind, original) for original in originals]
    assert [vault.originals()[word] for word in found] == list(originals)
    return found


def test_a_part_of_a_name_shares_its_number_when_only_one_person_fits() -> None:
    assert placed(PERSON, "John Smith", "Smith", "JOHN SMITH", "Smith") == [
        "[PERSON_1]", "[PERSON_1b]", "[PERSON_1c]", "[PERSON_1b]",
    ]  # fmt: skip
    assert placed(PERSON, "John Smith", "Jane Smith", "Smith", "Jane", "Joan") == [
        "[PERSON_1]", "[PERSON_2]", "[PERSON_3]", "[PERSON_2b]", "[PERSON_4]",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "form",
    ["Dr. Smith", "Smith", "J. Smith", "JOHN SMITH", "Smith, John", "John Smith's", "Mr Smith", "JohnSmith",
     "john_smith", "johnsmith", "SMITH, J.", "John", "Prof. Dr. John Smith", "John S."],
)  # fmt: skip
def test_every_form_of_one_name_shares_its_number(form: str) -> None:
    assert placed(PERSON, "Ann Lee", "John Smith", form)[2] == "[PERSON_2b]"
    assert placed(PERSON, "John Smith", "Joan Smith", "John Smith Jr.", "Jo Smythe")[3] == "[PERSON_4]"


@pytest.mark.parametrize(
    ("known", "form"),
    [
        (("John Smith", "Joan Smith"), "J. Smith"),
        (("John Smith", "Joan Smith"), "Smith"),
        (("John Smith",), "Joan Smith"),
        (("John Smith",), "John Smithson"),
        (("John Smith",), "John Adam Smith"),
        (("John Smith",), "J. A. Smith"),
        (("John Smith",), "J."),
        (("John Smith",), "John Smith Jr."),
        (("John Smith Sr.",), "John Smith Jr."),
        (("Mr. Smith",), "Mrs. Smith"),
        (("James Thomas",), "Thomas James"),
        (("Ludwig van Beethoven",), "van"),
        (("Ann Akern", "Anna Kern"), "annakern"),
        (("Smith",), "John Smith"),
    ],
)
def test_a_form_that_may_mean_another_has_a_number_of_its_own(known: tuple[str, ...], form: str) -> None:
    assert placed(PERSON, *known, form)[-1] == f"[PERSON_{len(known) + 1}]"


def test_a_form_is_read_behind_the_fuller_names_of_the_prompt() -> None:
    vault = Vault()
    vault.introduce(
        [(PERSON, "Smith"), (PERSON, "Bob"), (ORG, "Acme"), (PERSON, "John Smith"), (ORG, "Acme Corp")]
    )
    assert [vault.placeholder_for(PERSON, name) for name in ("John Smith", "Smith", "Bob")] == [
        "[PERSON_1]", "[PERSON_1b]", "[PERSON_2]",
    ]  # fmt: skip
    assert [vault.placeholder_for(ORG, name) for name in ("Acme Corp", "Acme")] == ["[ORG_1]", "[ORG_1b]"]
    rivals = Vault()
    rivals.introduce(
        [(PERSON, "Smith"), (PERSON, "John Smith"), (PERSON, "Jane Smith"), (PERSON, "Jim Smith")]
    )
    assert rivals.placeholder_for(PERSON, "Smith") == "[PERSON_3]"


def test_forms_of_a_company_share_its_number_unless_the_legal_form_differs() -> None:
    assert placed(ORG, "Acme Corp", "ACME Corporation", "Acme", "Acme AG", "the Acme Corp.", "Acme Oil") == [
        "[ORG_1]", "[ORG_1b]", "[ORG_1c]", "[ORG_2]", "[ORG_1d]", "[ORG_3]",
    ]  # fmt: skip
    assert placed(ORG, "Acme Inc", "Acme AG", "Acme")[2] == "[ORG_3]"


def test_forms_of_addresses_and_numbers() -> None:
    assert placed(EMAIL, "A.Kern@Example.org", "a.kern@example.org")[1] == "[EMAIL_1b]"
    assert placed(PHONE, "+49 30 901820", "0049-30-901820", "+49 (0)30 901820", "tel:+4930901820") == [
        "[PHONE_1]", "[PHONE_1b]", "[PHONE_1c]", "[PHONE_1d]",
    ]  # fmt: skip
    assert placed(PHONE, "+49 30 901820", "030 901820", "30 901820")[1:] == ["[PHONE_2]", "[PHONE_3]"]
    assert placed(CODE, "AB 12-3", "ab-12 3", "AB-1 23", "12/3", "1/23")[1:] == [
        "[CODE_1b]", "[CODE_2]", "[CODE_3]", "[CODE_4]",
    ]  # fmt: skip


def test_forms_of_a_number_are_one_value_and_secrets_are_exact() -> None:
    assert placed(CARD, "4111 1111", "41111111", "4222") == ["[CARD_1]", "[CARD_1b]", "[CARD_2]"]
    assert placed(SECRET, "Hunter2", "hunter2") == ["[SECRET_1]", "[SECRET_2]"]


def test_many_forms_of_one_value_all_come_back() -> None:
    forms = [" " * count + "4111" for count in range(720)]
    words = placed(CARD, *forms)
    assert len(set(words)) == len(forms)
    assert all(PLACEHOLDER.fullmatch(word) for word in words)


def test_every_written_placeholder_is_read_as_itself() -> None:
    for kind in FindingType:
        for number in (1, 12, 10_000):
            for variant in (0, 1, 25, 26, 701):
                word = write(kind, number, variant)
                found = PLACEHOLDER.fullmatch(word)
                assert found is not None
                assert canonical(found[0]) == word


def test_a_vault_shows_nothing_and_stays_where_it_is() -> None:
    vault = Vault()
    vault.placeholder_for(PERSON, "Anna Kern")
    for thing in (vault, Restorer(vault), JsonRestorer(vault)):
        assert "Anna" not in repr(thing)
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leave(vault)


def test_a_vault_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_module, "ENTRIES_MAX", 2)
    vault = Vault()
    for original in ("a", "b", "a"):
        vault.placeholder_for(PERSON, original)
    with pytest.raises(PrivacyFault, match="at most 2"):
        vault.placeholder_for(PERSON, "c")


def test_a_word_that_very_many_share_tells_nobody_and_costs_little() -> None:
    many = [f"{first}{second}nna Smith" for first in "ABCDEFGHIJ" for second in "aeiouyjkl"]
    assert placed(PERSON, *many, "A. Smith", "Aanna Smith's")[-2:] == [
        f"[PERSON_{len(many) + 1}]",
        "[PERSON_1b]",
    ]
