"""Tasks are guessed with the sentence model that ships; without it, or without time, nothing is harmed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from islandrun.agents.tasks import UNKNOWN_TASK, Task
from islandrun.errors import StateError
from islandrun.vocabulary import Message, Prompt
from islandrun_node import config, task_reader
from islandrun_node.backends.embedder import Embedder
from islandrun_node.task_reader import TaskReader, head_of, read_head
from tests.node.identity_kit import until

HELD_OUT = Path(__file__).parents[2] / "scripts" / "training" / "tasks_heldout"


def said(text: str) -> Prompt:
    return Prompt((Message("user", text),))


@asynccontextmanager
async def running(reader: TaskReader) -> AsyncIterator[TaskReader]:
    task = asyncio.create_task(reader.run())
    try:
        yield reader
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_held_out_requests_are_guessed_as_well_as_it_is_said() -> None:
    head, embedder, right, counted, count = read_head(), Embedder(), 0, 0, 0
    for task in Task:
        for text in (HELD_OUT / f"{task}.txt").read_text().splitlines():
            guess = head.guess([float(value) for value in embedder.embed([text])[0]])
            right += guess.task is task
            counted += guess.counted in (task, Task.CHAT)
            count += 1
    assert count >= 8 * 20
    assert right / count >= 0.88
    assert counted / count >= 0.93


async def test_a_node_guesses_in_passing() -> None:
    async with running(TaskReader(Embedder())) as reader:
        await until(lambda: reader._head is not None, 20)
        assert (await reader.guess(said("write a Python function that sorts a list"))).task is Task.CODE
        assert (await reader.guess(said("how do you say good night in Danish?"))).task is Task.TRANSLATE
        assert await reader.guess(Prompt((Message("system", "be kind"),))) == UNKNOWN_TASK
        odd = await asyncio.gather(*(reader.guess(said(text)) for text in ("\ud800", "\0" * 9_000, " ", "?")))
        assert all(0 <= guess.confidence_ppm <= 1_000_000 for guess in odd)


class Hanging(Embedder):
    """A sentence model that answers once and then never again."""

    def __init__(self) -> None:
        super().__init__()
        self.first = True

    def embed(self, texts):
        if self.first:
            self.first = False
            return super().embed(texts)
        import time

        time.sleep(1.0)
        raise OSError("never mind")


async def test_rules_stand_in_while_it_loads_hangs_or_is_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_reader, "SECONDS_MAX", 0.05)
    reader = TaskReader(Embedder())
    assert (await reader.guess(said("summarise this"))).task is Task.SUMMARISE
    async with running(TaskReader(Hanging())) as hanging:
        await until(lambda: hanging._head is not None, 20)
        assert (await hanging.guess(said("summarise this"))).task is Task.SUMMARISE

    def damaged():
        raise StateError("damaged")

    async with running(TaskReader(Embedder(), damaged)) as broken:
        await asyncio.sleep(0.1)
        assert (await broken.guess(said("translate this"))).task is Task.TRANSLATE


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"tasks":["code"],"weights":[[1]],"bias":[1]}', b'{"tasks":["x"]}']
)
def test_a_head_of_another_shape_is_refused(content: bytes) -> None:
    with pytest.raises(StateError, match=r"head\.json"):
        head_of(content)


def test_the_owners_figures_come_from_the_settings() -> None:
    parsed = config.parse({"quality": {"qwen*": {"code": 0.9}, "*": {"math": 0.1}}}, "test")
    first, second = config.quality_table(parsed).overrides
    assert (first.pattern, first.figures) == ("qwen*", ((Task.CODE, 900_000),))
    assert (second.pattern, second.figures) == ("*", ((Task.MATH, 100_000),))
