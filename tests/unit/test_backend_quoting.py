"""Sentences, wishes and texts, choosing quotes: the parts of the extractive engine without its model."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.vocabulary import Message, Prompt
from islandrun_node.backends.quoting import (
    FITTING_COSINE_MIN,
    Task,
    answer_from_documents,
    answer_from_text,
    central,
    comparable,
    fitting,
    read_task,
    text_scores,
)
from islandrun_node.backends.sentences import SENTENCE_CHARS_MAX, sentences

MAIL = (
    "Dear team,\n\n[PERSON_1] called about order 4711. Two of the twelve crates were wet.\n"
    "He asks for a replacement by the end of the month.\n\nBest,\n[PERSON_2]"
)


def user(*texts: str) -> Prompt:
    return Prompt(tuple(Message("user", text) for text in texts))


def test_sentences_end_where_people_end_them():
    text = (
        "# Heading\nDr. [PERSON_1] gave, e.g., 3.5 mg at 9 a.m. on Monday. It\nhelped (mostly!) at once. "
        "Why?\n- one item\n- another item\n\n2) a third"
    )
    assert list(sentences(text)) == [
        "Dr. [PERSON_1] gave, e.g., 3.5 mg at 9 a.m. on Monday.",
        "It helped (mostly!) at once.",
        "Why?",
        "one item",
        "another item",
        "a third",
    ]


@settings(deadline=None)
@given(st.text(max_size=600))
def test_sentences_are_short_and_made_of_the_text(text):
    for sentence in sentences(text):
        assert 0 < len(sentence) <= SENTENCE_CHARS_MAX
        assert "".join(sentence.split()) in "".join(text.split())


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["[PERSON_1]", "[CARD_12]", "word", "Dr.", "end.", "!", "x" * 90]), max_size=60)
)
def test_no_placeholder_falls_apart(words):
    text = " ".join(words)
    found = " ".join(sentences(text))
    assert found.count("[PERSON_1]") == text.count("[PERSON_1]")
    assert found.count("[CARD_12]") == text.count("[CARD_12]")


@pytest.mark.parametrize(
    "text", ["!" * 400_000, "a.m. " * 80_000, '".' * 200_000, "x" * 400_000, "' " * 200_000]
)
def test_a_hostile_text_takes_linear_time(text):
    started = time.monotonic()
    for _ in sentences(text):
        pass
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("message", "question"),
    [
        (f"Summarise this mail:\n\n{MAIL}", "Summarise this mail"),
        (f"Please reply to this mail: {MAIL}", "Please reply to this mail"),
        (f"What does this say about the crates?\n{MAIL}", "What does this say about the crates?"),
        (f"{MAIL}\n\nWho called?", "Who called?"),
        (f"Shorten it. {MAIL}", "Shorten it."),
    ],
)
def test_the_wish_is_found_and_the_text_is_the_rest(message, question):
    task = read_task(user(message))
    assert task.question == question or task.question.startswith(question)
    assert any("crates were wet" in sentence for sentence in task.text)
    assert not any(question in sentence for sentence in task.text)


def test_a_question_alone_has_no_text():
    assert read_task(user("What is the capital of Australia?")) == Task(
        "What is the capital of Australia?", ()
    )


def test_a_text_in_an_earlier_message_or_a_tool_result_counts():
    assert any("crates" in one for one in read_task(user(f"Read this:\n{MAIL}", "Who called?")).text)
    tool = Prompt((Message("user", "Who called?"), Message("tool", MAIL, tool_call_id="1")))
    task = read_task(tool)
    assert task.question == "Who called?"
    assert any("crates" in one for one in task.text)


def test_system_and_assistant_messages_are_never_quoted():
    prompt = Prompt((Message("system", MAIL), Message("assistant", MAIL), Message("user", "Who called?")))
    assert read_task(prompt).text == ()


def test_a_prompt_without_a_user_has_no_task():
    assert read_task(Prompt((Message("system", "Be kind."),))) == Task("", ())


def test_a_last_sentence_can_be_the_wish():
    task = read_task(user("My patient [PERSON_1] has asthma. Draft a letter to the insurance."))
    assert task == Task("Draft a letter to the insurance.", ("My patient [PERSON_1] has asthma.",))
    assert task.is_about_whole_text


def test_fitting_takes_up_to_three_near_the_best_and_none_below_the_threshold():
    assert fitting([0.1, 0.6, 0.5, 0.44, 0.46]) == (1, 2, 4)
    assert fitting([FITTING_COSINE_MIN - 0.01]) == ()
    assert fitting([FITTING_COSINE_MIN]) == (0,)
    assert fitting([]) == ()


def test_equal_scores_keep_the_order_of_the_text():
    assert fitting([0.5, 0.5, 0.5, 0.5]) == (0, 1, 2)


def test_central_leaves_out_what_says_the_same_and_keeps_reading_order():
    vectors = np.array([[1, 0], [1, 0], [0.8, 0.6], [0, 1]], dtype=np.float32)
    assert central(vectors) == (0, 2, 3)


def test_a_word_of_the_question_lifts_a_sentence_of_the_text():
    task = Task("What about the crates?", ("The crate is wet.", "We met crates.", "No."))
    assert text_scores(task, [0.2, 0.2, 0.2]) == pytest.approx([0.2, 0.35, 0.2])


def test_a_placeholder_is_compared_as_a_word_but_quoted_as_it_is():
    assert comparable("[NATIONAL_ID_3] of [PERSON_1]") == "national id of person"
    task = Task("Who?", ("[PERSON_1] called.",))
    assert '"[PERSON_1] called."' in answer_from_text(task, (0,))


@pytest.mark.parametrize(
    "answer",
    [
        answer_from_documents([("a.md", "One.")]),
        answer_from_documents([]),
        answer_from_text(Task("Who?", ("One.",)), (0,)),
        answer_from_text(Task("Who?", ("One.",)), ()),
    ],
)
def test_every_answer_says_that_no_language_model_is_at_work(answer):
    assert "no language model" in answer.splitlines()[-1]


def test_a_task_hides_its_text_from_repr():
    assert "asthma" not in repr(Task("asthma?", ("asthma",)))


@pytest.mark.parametrize("text", ["", " ", "\n\n", "?", ".", "\x00", "[PERSON_1]"])
def test_a_message_with_nothing_in_it_is_read_all_the_same(text: str) -> None:
    assert read_task(Prompt((Message("user", text),))) is not None
