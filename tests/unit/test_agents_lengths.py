"""How long answers are expected to be."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.agents import lengths
from islandrun.agents.lengths import EDGES, EMPTY, LENGTH_DEFAULT, Habit, Lengths, learnt, quantile, task_of
from islandrun.agents.tasks import Task
from islandrun.vocabulary import ChatRequest, Hints, Message, Prompt, ToolDefinition

CHAT = Habit("local", "chat-3", "large")


def taught(habit: Habit, *tokens: int) -> Lengths:
    known = Lengths()
    for count in tokens:
        known.observe(habit, count)
    return known


def test_nothing_learnt_gives_what_the_client_allows_or_the_default() -> None:
    assert Lengths().expected(CHAT) == LENGTH_DEFAULT
    assert Lengths().expected(CHAT, 7) == 7
    assert taught(CHAT, 100, 100).expected(CHAT) == LENGTH_DEFAULT


def test_three_answers_are_believed_and_never_beyond_what_the_client_allows() -> None:
    known = taught(CHAT, 90, 90, 90)
    assert known.expected(CHAT) == 96
    assert known.expected(CHAT, 4_000) == 96
    assert known.expected(CHAT, 50) == 50


def test_a_new_client_is_judged_by_the_others_and_a_new_model_by_the_task() -> None:
    known = taught(CHAT, 90, 90, 90)
    assert known.expected(Habit("phone", "chat-3", "large")) == 96
    assert known.expected(Habit("phone", "chat-3", "other")) == 96
    assert known.expected(Habit("local", "tools-3", "large")) == LENGTH_DEFAULT


def test_an_own_habit_counts_before_that_of_the_others() -> None:
    known = taught(CHAT, *[90] * 20)
    terse = Habit("phone", "chat-3", "large")
    for _ in range(3):
        known.observe(terse, 5)
    assert known.expected(terse) == 6
    assert known.expected(CHAT) == 96


def test_habits_change() -> None:
    assert taught(CHAT, *[1_000] * 100, *[10] * 24).expected(CHAT) == 12
    assert taught(CHAT, *[1_000] * 100, *[10] * 20).expected(CHAT) == 1_024


def test_quantiles_bound_the_answers_that_they_speak_of() -> None:
    known = taught(CHAT, *[10, 20, 400] * 30)
    assert known.expected(CHAT, share_ppm=300_000) == 12
    assert known.expected(CHAT, share_ppm=500_000) == 24
    assert known.expected(CHAT, share_ppm=900_000) == 512


@given(st.lists(st.integers(0, 200_000), min_size=1, max_size=60), st.integers(1, 999_999))
@settings(deadline=None)
def test_a_quantile_is_an_edge_within_what_was_seen(tokens: list[int], share: int) -> None:
    histogram = EMPTY
    for count in tokens:
        histogram = learnt(histogram, count)
    found = quantile(histogram, share)
    assert found in EDGES
    assert min(min(tokens), EDGES[-1]) <= found <= max(2 * max(tokens), 1)
    assert sum(histogram) <= 1 / (1 - lengths.DECAY) + 1e-6


def test_the_table_is_bounded_and_says_what_must_be_written(monkeypatch) -> None:
    monkeypatch.setattr(lengths, "KEYS_MAX", 6)
    known = Lengths()
    for number in range(10):
        known.observe(Habit(f"c{number}", "chat-3", "large"), 5)
    assert len(known) == 6
    kept, gone = known.take_changed()
    assert len(kept) == 6
    assert {habit.client for habit in gone} == {f"c{number}" for number in range(6)}
    assert known.take_changed() == ((), ())
    again = Lengths(kept)
    assert again.expected(Habit("c9", "chat-3", "large")) == known.expected(Habit("c9", "chat-3", "large"))


def test_a_task_is_the_shape_of_a_request() -> None:
    prompt = Prompt((Message("user", "x"),))
    tools = Prompt((), (ToolDefinition("t", "", ""),))
    assert task_of(ChatRequest("m", prompt), 0) == "chat-0"
    assert task_of(ChatRequest("m", prompt), 1_000) == "chat-5"
    assert task_of(ChatRequest("m", prompt), 1_000, Task.SUMMARISE) == "summarise-5"
    assert task_of(ChatRequest("m", tools), 3, Task.CODE) == "tools-1"
    assert task_of(ChatRequest("m", Prompt((), response_format="{}")), 3) == "format-1"
    assert task_of(ChatRequest("m", tools, hints=Hints(data_sets=("d",))), 3) == "documents-1"
