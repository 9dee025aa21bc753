"""What a request asks for: the instruction, a head over its vector, plain rules, doubt that harms nothing."""

from __future__ import annotations

import pytest

from islandrun.agents.tasks import (
    CONFIDENCE_PPM_MIN,
    UNKNOWN_TASK,
    LinearHead,
    Task,
    TaskGuess,
    guess_by_rules,
    instruction,
)
from islandrun.vocabulary import Message, Ppm, Prompt


def test_the_instruction_is_what_the_user_said_last_from_both_ends() -> None:
    long = "translate this: " + "x" * 5_000 + " into French"
    prompt = Prompt((Message("system", "be kind"), Message("user", long), Message("assistant", "code?")))
    text = instruction(prompt)
    assert text.startswith("translate this: ")
    assert text.endswith(" into French")
    assert len(text) <= 601
    assert instruction(Prompt((Message("system", "be kind"),))) == ""


def test_a_head_says_how_sure_it_is() -> None:
    head = LinearHead((Task.CODE, Task.MATH), ((1.0, 0.0), (0.0, 1.0)), (0.0, 0.0))
    assert head.guess((9.0, 0.0)).task is Task.CODE
    assert head.guess((0.0, 9.0)).confidence_ppm > 999_000
    assert head.guess((1.0, 1.0)).confidence_ppm == 500_000
    assert head.guess((4_000.0, 0.0)).confidence_ppm == 1_000_000, "large scores overflow nothing"
    with pytest.raises(ValueError, match="argument 2"):
        head.guess((1.0,))


def test_a_doubtful_guess_counts_as_chat() -> None:
    assert TaskGuess(Task.CODE, CONFIDENCE_PPM_MIN).counted is Task.CODE
    assert TaskGuess(Task.CODE, Ppm(CONFIDENCE_PPM_MIN - 1)).counted is Task.CHAT
    assert UNKNOWN_TASK.counted is Task.CHAT


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("translate this letter into French", Task.TRANSLATE),
        ("summarise the minutes", Task.SUMMARISE),
        ("why does `def f(x):` fail in Python", Task.CODE),
        ("extract the dates as JSON", Task.EXTRACT),
        ("what is 12 * 14", Task.MATH),
        ("write a poem", Task.WRITE),
        ("Who painted Guernica?", Task.KNOWLEDGE),
        ("hello you", Task.CHAT),
    ],
)
def test_plain_rules(text: str, task: Task) -> None:
    assert guess_by_rules(text).task is task
