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


def test_forms_of_a_number_are_one_value_and_secrets_are_exact() -> None:
    assert placed(CARD, "4111 1111", "41111111", "4222") == ["[CARD_1]", "[CARD_1b]", "[CARD_2]"]
    assert placed(SECRET, "Hunter2", "hunter2") == ["[SECRET_1]", "[SECRET_2]"]


def test_many_forms_of_one_value_all_come_back() -> None:
    forms = [" " * count + "4111" for count in range(720)]
    assert len(set(placed(CARD, *forms))) == len(forms)


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
