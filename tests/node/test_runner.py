"""The runner holds every engine to its contract: an end, in time, and an honest error otherwise."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from islandrun.errors import ForwardFailed, Interrupted, Overloaded, Refused, StateError, Unreachable
from islandrun.vocabulary import AnswerPiece, Finished, TextDelta, Usage
from islandrun_node.runner import complete

END = Finished("stop", Usage(1, 1), "m")


async def pieces(*steps: object) -> AsyncGenerator[AnswerPiece]:
    for step in steps:
        if isinstance(step, Exception):
            raise step
        if isinstance(step, float):
            await asyncio.sleep(step)
        else:
            assert isinstance(step, TextDelta | Finished)
            yield step


async def read(*steps: object, seconds: float = 5.0) -> list[AnswerPiece]:
    return [piece async for piece in complete(pieces(*steps), "north", seconds)]


async def test_a_whole_answer_passes() -> None:
    assert await read(TextDelta("a"), END) == [TextDelta("a"), END]


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (Overloaded("full"), Overloaded),
        (StateError("key gone"), Refused),
        (ValueError("the prompt said hunter2"), Unreachable),
        (3.0, Unreachable),
    ],
)
async def test_a_failure_before_the_first_piece_keeps_its_kind(
    step: object, kind: type[ForwardFailed], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(kind) as caught:
        await read(step, seconds=0.05)
    assert not isinstance(caught.value, Interrupted)
    assert "hunter2" not in f"{caught.value}{caplog.text}"


@pytest.mark.parametrize("step", [Overloaded("full"), ValueError("x"), 3.0, None])
async def test_a_failure_after_it_is_an_interruption(step: object) -> None:
    steps = [TextDelta("a")] if step is None else [TextDelta("a"), step]
    with pytest.raises(Interrupted, match="north"):
        await read(*steps, seconds=0.05)


async def test_an_answer_without_anything_is_no_answer() -> None:
    with pytest.raises(Unreachable):
        await read()
