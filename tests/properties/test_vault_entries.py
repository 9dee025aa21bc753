"""A vault that was written down and taken back goes on exactly as the one that was not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.errors import PrivacyFault
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import FindingType

NAMES = st.lists(
    st.sampled_from(["Anna", "Kern", "Tom", "Reed", "Dr.", "anna", "KERN,"]), min_size=1, max_size=3
)
VALUES = st.tuples(
    st.sampled_from([FindingType.PERSON, FindingType.EMAIL, FindingType.CARD, FindingType.LITERAL]),
    NAMES.map(" ".join) | st.text(min_size=1, max_size=12),
)
TURNS = st.lists(VALUES, max_size=25)


def hide(vault: Vault, values: list[tuple[FindingType, str]]) -> list[str]:
    return [vault.placeholder_for(kind, original) for kind, original in values]


@settings(deadline=None)
@given(TURNS, TURNS)
def test_a_vault_taken_back_goes_on_as_before(
    earlier: list[tuple[FindingType, str]], later: list[tuple[FindingType, str]]
) -> None:
    vault = Vault()
    given_before = hide(vault, earlier)
    back = Vault.of(vault.entries())
    assert back.entries() == vault.entries()
    assert hide(back, earlier) == given_before
    assert hide(back, later) == hide(vault, later)
    assert back.entries() == vault.entries()


@settings(deadline=None)
@given(TURNS.filter(bool), st.data())
def test_entries_that_no_vault_gave_are_refused(
    values: list[tuple[FindingType, str]], data: st.DataObject
) -> None:
    vault = Vault()
    hide(vault, values)
    entries = list(vault.entries())
    place = data.draw(st.integers(0, len(entries) - 1))
    wrong = data.draw(
        st.sampled_from(["", "[", "PERSON_1", "[PERSON_99]", "[NOBODY_1]", "[PERSON_1zz]", "[SECRET_0]"])
    )
    entries[place] = (wrong, entries[place][1])
    with pytest.raises(PrivacyFault):
        Vault.of(entries)
