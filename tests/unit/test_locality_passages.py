"""Passages in a prompt: their form, what fits, what is cited; and that no text inside one gets out of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.locality.passages import (
    DATA_SET,
    INSTRUCTION,
    Cited,
    citations_of,
    fitted,
    joined,
    named,
    with_sources,
)
from islandrun.privacy.sanitize import sanitize
from islandrun.privacy.sensitivity import assess
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import Finished, Message, Passage, Ppm, Prompt, TextDelta, Usage

ASKED = Prompt((Message("user", "What now?"),))
END = Finished("stop", Usage(), "m")


def passage(text: str, data_set: str = "a", section: str = "") -> Passage:
    return Passage(data_set, f"{data_set}.md", text, Ppm(500_000), section)


def test_sources_stand_numbered_in_the_first_system_text() -> None:
    told = with_sources(ASKED, [passage("One.\nTwo.", section="Rules > Leave"), passage("Three.")])
    assert told.messages[0].role == "system"
    assert told.messages[0].text == f"{INSTRUCTION}\n\n[1] Rules > Leave\n> One.\n> Two.\n\n[2]\n> Three."
    assert told.messages[1:] == ASKED.messages
    before = Prompt((Message("developer", "Be short."), *ASKED.messages))
    first = with_sources(before, [passage("One.")]).messages[0]
    assert (first.role, first.text) == ("developer", f"Be short.\n\n{INSTRUCTION}\n\n[1]\n> One.")
    assert "(no source was found)" in with_sources(ASKED, []).messages[0].text
    assert "a.md" not in told.messages[0].text, "the name of a file is not for the model"


@settings(deadline=None)
@given(st.text(max_size=200), st.text(max_size=80))
def test_no_text_or_heading_gets_out_of_its_source(text: str, section: str) -> None:
    told = with_sources(ASKED, [passage(text, section=section), passage("The last one.")]).messages[0].text
    lines = told.removeprefix(INSTRUCTION).strip("\n").splitlines()
    marks = [line for line in lines if not line.startswith("> ") and line]
    assert [mark.partition(" ")[0] for mark in marks] == ["[1]", "[2]"]


def test_as_many_as_fit_are_kept_in_order() -> None:
    passages = [passage("x" * 400, str(number)) for number in range(10)]
    assert fitted(passages, 260) == tuple(passages[:2])
    assert fitted(passages, 0) == ()
    assert fitted(passages, -5) == ()


def test_two_holders_take_turns_and_a_text_comes_once() -> None:
    first = [passage("a1"), passage("same"), passage("a3")]
    second = [passage("b1", "b"), passage("same", "b")]
    assert [one.text for one in joined([first, second])] == ["a1", "b1", "same", "a3"]
    assert len(joined([first, second], passages_max=2)) == 2
    assert joined([]) == ()


@pytest.mark.parametrize("cut", range(1, 12))
def test_marks_are_seen_across_any_cut(cut: int) -> None:
    cited = Cited(citations_of([passage("a"), passage("b"), passage("c")]))
    answer = "It is [2], or [3]. [17] [x] [1"
    for start in range(0, len(answer), cut):
        piece = TextDelta(answer[start : start + cut])
        assert cited.feed(piece) == piece
    end = cited.feed(END)
    assert isinstance(end, Finished)
    assert [(one.mark, one.is_cited) for one in end.citations] == [(1, False), (2, True), (3, True)]


def test_citations_of_another_island_pass_untouched() -> None:
    told = Finished("stop", Usage(), "m", citations_of([passage("a")]))
    assert Cited(()).feed(told) is told


def test_a_data_set_is_a_floor_that_masking_does_not_lower() -> None:
    grounded = with_sources(ASKED, [passage("The boat is in the harbour.")])
    assessment = named(assess(grounded, sensitivity_min_ppm=Ppm(600_000)))
    assert (assessment.sensitivity_ppm, assessment.visible_ppm(Ppm(400_000))) == (600_000, 600_000)
    assert f"topic {DATA_SET} (confidential)" in assessment.reasons
    assert not any("client" in reason for reason in assessment.reasons)


def test_a_passage_that_holds_a_placeholder_of_its_own_keeps_it_apart() -> None:
    told = with_sources(ASKED, [passage("Pay with 4111 1111 1111 1111, never with [CARD_1].")])
    vault = Vault()
    masked = sanitize(told, assess(told), Ppm(700_000), vault)
    shown = masked.prompt.messages[0].text
    assert "> Pay with [CARD_1], never with [LITERAL_1]." in shown
    assert vault.originals()["[LITERAL_1]"] == "[CARD_1]"
