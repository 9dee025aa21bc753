"""How long answers are: learnt for each client, kind of task and model, forgotten as habits change.

Each key has a histogram of token counts on a logarithmic scale whose old entries fade with every new
one; quantiles are read from it. A client that is new is judged by what others saw for the same task and
model, then for the task alone. Answers that a limit cut off count with the length at which they ended.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from islandrun.agents.tasks import Task
from islandrun.vocabulary import ChatRequest

LENGTH_DEFAULT: Final = 300
"""How long an answer is expected to be while nothing was learnt."""

KEYS_MAX: Final = 2_048
DECAY: Final = 0.97
"""What an old entry keeps for each new one: the last 33 answers make most of the picture."""

ENOUGH: Final = 2.5
"""The weight from which a histogram is believed: three answers."""

EDGES: Final = (1, *(edge for octave in range(1, 16) for edge in (1 << octave, 3 << octave - 1)), 1 << 16)
"""The upper edges of the bins, two an octave, from 1 to 65,536 tokens; the last takes what is longer."""


@dataclass(frozen=True, slots=True)
class Habit:
    """Whose answers: a client, a kind of task, a model as it was asked for. Empty: any."""

    client: str
    task: str
    model: str

    def levels(self) -> tuple[Habit, Habit, Habit]:
        """Return the keys that are asked for one another, the closest first."""
        return self, Habit("", self.task, self.model), Habit("", self.task, "")


Histogram = tuple[float, ...]
"""One weight for each of `EDGES`."""

EMPTY: Final[Histogram] = (0.0,) * len(EDGES)


def learnt(histogram: Histogram, tokens: int) -> Histogram:
    """Return a histogram with one more answer; the others fade."""
    place = next((place for place, edge in enumerate(EDGES) if tokens <= edge), len(EDGES) - 1)
    faded = [weight * DECAY for weight in histogram]
    faded[place] += 1.0
    return tuple(faded)


def quantile(histogram: Histogram, share_ppm: int) -> int:
    """Return the tokens that a share of the answers does not exceed: the upper edge of the bin."""
    wanted = sum(histogram) * share_ppm / 1_000_000
    seen = 0.0
    for edge, weight in zip(EDGES, histogram, strict=True):
        seen += weight
        if weight > 0 and seen >= wanted:
            return edge
    return EDGES[-1]


class Lengths:
    """The histograms of one node, at most `KEYS_MAX`; what was not used for longest goes first."""

    def __init__(self, known: Iterable[tuple[Habit, Histogram]] = ()) -> None:
        self._known: OrderedDict[Habit, Histogram] = OrderedDict(known)
        self._changed: set[Habit] = set()
        self._bound()

    def __len__(self) -> int:
        return len(self._known)

    def observe(self, habit: Habit, tokens: int) -> None:
        """Learn from one answer."""
        for level in habit.levels():
            self._known[level] = learnt(self._known.get(level, EMPTY), max(1, tokens))
            self._known.move_to_end(level)
            self._changed.add(level)
        self._bound()

    def expected(self, habit: Habit, tokens_max: int | None = None, share_ppm: int = 500_000) -> int:
        """Return the length to expect, at most `tokens_max`; `share_ppm` 500,000 is the median."""
        length = LENGTH_DEFAULT if tokens_max is None else tokens_max
        for level in habit.levels():
            histogram = self._known.get(level, EMPTY)
            if sum(histogram) >= ENOUGH:
                length = quantile(histogram, share_ppm)
                break
        return length if tokens_max is None else min(length, tokens_max)

    def take_changed(self) -> tuple[tuple[tuple[Habit, Histogram], ...], tuple[Habit, ...]]:
        """Return what must be written, oldest first, and what must be deleted, since the last call."""
        changed, self._changed = self._changed, set()
        kept = tuple((habit, seen) for habit, seen in self._known.items() if habit in changed)
        return kept, tuple(habit for habit in changed if habit not in self._known)

    def _bound(self) -> None:
        while len(self._known) > KEYS_MAX:
            habit, _ = self._known.popitem(last=False)
            self._changed.add(habit)


def task_of(request: ChatRequest, input_tokens: int, task: Task = Task.CHAT) -> str:
    """Name the kind of a request: what it asks for, and how long it is in powers of four.

    Its shape (documents, tools, a format) tells more than `task`, which is a guess.
    """
    if request.hints.data_sets:
        kind = "documents"
    elif request.prompt.tools:
        kind = "tools"
    else:
        kind = "format" if request.prompt.response_format else str(task)
    return f"{kind}-{(input_tokens.bit_length() + 1) // 2}"
