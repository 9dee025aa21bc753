"""What kind of work a request asks for: a guess that shifts expected quality, and decides nothing alone.

The guess comes of the sentence vector of the instruction (a linear head over MiniLM), or of a few plain words
where there is no vector. A doubtful guess counts as chat, which shifts nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from islandrun.vocabulary import PPM_MAX, Ppm, Prompt


class Task(StrEnum):
    """The kinds of work that models are known to differ in."""

    CHAT = "chat"
    CODE = "code"
    MATH = "math"
    SUMMARISE = "summarise"
    TRANSLATE = "translate"
    EXTRACT = "extract"
    WRITE = "write"
    KNOWLEDGE = "knowledge"


CONFIDENCE_PPM_MIN: Final = Ppm(400_000)
RULES_CONFIDENCE_PPM: Final = Ppm(500_000)
HEAD_CHARACTERS: Final = 400
TAIL_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class TaskGuess:
    """A task and how sure the guess is."""

    task: Task
    confidence_ppm: Ppm

    @property
    def counted(self) -> Task:
        """The task that counts: chat where the guess is doubtful."""
        return self.task if self.confidence_ppm >= CONFIDENCE_PPM_MIN else Task.CHAT


UNKNOWN_TASK: Final = TaskGuess(Task.CHAT, Ppm(0))


@dataclass(frozen=True, slots=True)
class LinearHead:
    """Scores of each task for a sentence vector. `weights` has one row a task, `bias` one number."""

    tasks: tuple[Task, ...]
    weights: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]

    def guess(self, vector: Sequence[float]) -> TaskGuess:
        """Return the likeliest task for a vector of as many numbers as the rows have."""
        scores = [
            bias + sum(a * b for a, b in zip(row, vector, strict=True))
            for row, bias in zip(self.weights, self.bias, strict=True)
        ]
        highest = max(scores)
        shares = [math.exp(score - highest) for score in scores]
        best = scores.index(highest)
        return TaskGuess(self.tasks[best], Ppm(round(PPM_MAX * shares[best] / sum(shares))))


def instruction(prompt: Prompt) -> str:
    """Return the text that says what is asked for: begin and end of what the user said last."""
    said = next((message.text for message in reversed(prompt.messages) if message.role == "user"), "")
    if len(said) <= HEAD_CHARACTERS + TAIL_CHARACTERS:
        return said.strip()
    return f"{said[:HEAD_CHARACTERS]} {said[-TAIL_CHARACTERS:]}".strip()


_RULES: Final = tuple(
    (task, re.compile(pattern, re.IGNORECASE))
    for task, pattern in (
        (Task.TRANSLATE, r"\b(translat|übersetz|tradui|traduc|how do (you|i) say\b)"),
        (Task.SUMMARISE, r"\b(summar|tl;?dr|key points|takeaways|zusammenfass|résum|resum)"),
        (
            Task.CODE,
            r"```|\b(python|javascript|typescript|java|rust|sql|regex|traceback|docker|git)\b"
            r"|\bdef \w+\(|#include",
        ),
        (Task.EXTRACT, r"\b(extract|list (all|every)|as json|classify|label each|into a table)\b"),
        (Task.MATH, r"\d\s*[-+*/^=]\s*\d|\b(solve|integral|derivative|probability|prove|calculate)\b"),
        (Task.WRITE, r"\b(write|draft|compose|rewrite|poem|story|essay|proofread)\b"),
        (Task.KNOWLEDGE, r"^\s*(who|what|when|where|why|which|how (does|do|is|are))\b"),
    )
)


def guess_by_rules(text: str) -> TaskGuess:
    """Guess by a few plain words, for a node whose sentence model is not at hand."""
    for task, pattern in _RULES:
        if pattern.search(text):
            return TaskGuess(task, RULES_CONFIDENCE_PPM)
    return UNKNOWN_TASK
