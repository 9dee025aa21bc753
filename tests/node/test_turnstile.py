"""The way to an engine: places are held and freed whatever happens, and answers are measured."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from islandrun.errors import Overloaded, Unreachable
from islandrun.routing.admission import Left
from islandrun.vocabulary import (
    AnswerPiece,
    Finished,
    Message,
    ModelOffer,
    Ppm,
    Prompt,
    Sampling,
    TextDelta,
    Usage,
)
from islandrun_node.backends.turnstile import OWN, Asker, Turnstile

PROMPT = Prompt((Message("user", "count"),))
NORTH = Asker("north", is_own=False)


class Steps:
    """An engine that goes on only when it is told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.gate = asyncio.Event()
        self.fails = False

    def offers(self) -> tuple[ModelOffer, ...]:
        return (ModelOffer("m", 100, Ppm(1)),)

    async def generate(
        self, model: str, prompt: Prompt, sampling: Sampling, data_sets: tuple[str, ...]
    ) -> AsyncGenerator[AnswerPiece, None]:
        self.begun += 1
        await self.gate.wait()
        if self.fails:
            raise Unreachable("gone")
        yield TextDelta("one ")
        yield TextDelta("two")
        yield Finished("stop", Usage(12, 2), model)

    async def close(self) -> None:
        self.gate.set()


async def read(turnstile: Turnstile, asker: Asker = OWN) -> list[AnswerPiece]:
    async with aclosing(turnstile.generate("m", PROMPT, Sampling(), (), asker)) as pieces:
        return [piece async for piece in pieces]


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def counts(turnstile: Turnstile) -> tuple[int, int]:
    load = turnstile.load()
    return load.running, load.waiting


async def test_requests_wait_their_turn_and_too_many_are_turned_away() -> None:
    engine = Steps()
    turnstile = Turnstile(engine, 1, waiting_max=1)
    first, second = (asyncio.create_task(read(turnstile)) for _ in range(2))
    await settled()
    assert (counts(turnstile), engine.begun) == ((1, 1), 1)
    with pytest.raises(Overloaded, match="try again in") as caught:
        await read(turnstile)
    assert caught.value.retry_seconds >= 1
    engine.gate.set()
    assert len(await first) == len(await second) == 3
    assert (counts(turnstile), turnstile.turned_away) == ((0, 0), 1)


async def test_a_waiter_that_goes_away_leaves_at_once_and_so_does_one_that_runs() -> None:
    engine = Steps()
    turnstile = Turnstile(engine, 1)
    runs, waits, next_one = (asyncio.create_task(read(turnstile)) for _ in range(3))
    await settled()
    waits.cancel()
    await settled()
    assert counts(turnstile) == (1, 1)
    runs.cancel()
    await settled()
    assert (counts(turnstile), engine.begun) == ((1, 0), 2)
    engine.gate.set()
    assert len(await next_one) == 3
    assert counts(turnstile) == (0, 0)


async def test_a_place_that_is_granted_while_its_waiter_is_cancelled_is_not_lost() -> None:
    engine = Steps()
    turnstile = Turnstile(engine, 1)
    runs, waits = (asyncio.create_task(read(turnstile)) for _ in range(2))
    await settled()
    turnstile.places.tell(Left(1))  # the place goes to the waiter, whose task has not heard of it yet
    assert counts(turnstile) == (1, 0)
    waits.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits
    assert counts(turnstile) == (0, 0)
    engine.gate.set()
    assert len(await runs) == len(await read(turnstile)) == 3


async def test_an_engine_that_fails_frees_its_place() -> None:
    engine = Steps()
    engine.fails = True
    engine.gate.set()
    turnstile = Turnstile(engine, 1)
    with pytest.raises(Unreachable):
        await read(turnstile)
    assert counts(turnstile) == (0, 0)
    assert turnstile.load().models == ()


async def test_who_may_not_wait_longer_is_told_without_anybody_moving() -> None:
    turnstile = Turnstile(Steps(), 1)
    runs = asyncio.create_task(read(turnstile))
    await settled()
    with pytest.raises(Overloaded, match="in time"):
        await asyncio.wait_for(read(turnstile, Asker(seconds_max=0.02)), 5)
    runs.cancel()


async def test_others_are_refused_while_the_own_go_on() -> None:
    engine = Steps()
    engine.gate.set()
    turnstile = Turnstile(engine, 2)
    turnstile.open(2, takes_others=False)
    with pytest.raises(Overloaded, match="takes no requests"):
        await read(turnstile, NORTH)
    assert len(await read(turnstile)) == 3
    assert turnstile.load().requests_max == 2
    assert turnstile.load(is_for_others=True).requests_max == 0
    turnstile.open(2, takes_others=True)
    assert len(await read(turnstile, NORTH)) == 3


async def test_what_an_answer_took_is_told_by_model() -> None:
    engine = Steps()
    turnstile = Turnstile(engine, 1)
    assert (turnstile.load().first_token_ms, turnstile.load().token_us) == (0, 0)
    for _ in range(3):
        reading = asyncio.create_task(read(turnstile))
        await asyncio.sleep(0.03)
        engine.gate.set()
        await reading
        engine.gate.clear()
    load = turnstile.load()
    (pace,) = load.models
    assert (pace.model, pace.samples) == ("m", 3)
    assert load.first_token_ms >= 25
    assert 25 <= pace.first_token_p50_ms <= pace.first_token_p95_ms
    assert pace.base_ms >= 25


async def test_somebody_is_told_that_a_place_is_free() -> None:
    engine = Steps()
    engine.gate.set()
    turnstile, freed = Turnstile(engine, 1), []
    turnstile.when_freed(lambda: freed.append(counts(turnstile)))
    await read(turnstile)
    assert freed == [(0, 0)]
