"""The runner holds every engine to its contract: an end, in time, and an honest error otherwise."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from itertools import repeat

import pytest

from islandrun.errors import (
    BrokenAnswer,
    ForwardFailed,
    Interrupted,
    Overloaded,
    Refused,
    StateError,
    TooSlow,
    Unreachable,
)
from islandrun.privacy.sanitize import sanitize
from islandrun.privacy.sensitivity import assess
from islandrun.privacy.vault import Vault
from islandrun.routing.breaker import FAILURES_MIN, PAUSE_SECONDS, Breakers
from islandrun.routing.decision import CandidateReport
from islandrun.vocabulary import (
    AnswerPiece,
    ChatRequest,
    Finished,
    Hints,
    Instant,
    IslandId,
    Message,
    Ppm,
    Prompt,
    PublicKey,
    Sampling,
    TextDelta,
    Tier,
    Usage,
)
from islandrun_node import world_clock
from islandrun_node.request import remaining
from islandrun_node.runner import Runner, complete

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
        (3.0, TooSlow),
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
    with pytest.raises(BrokenAnswer):
        await read()


ISLAND = IslandId("a" * 52)


class Engine:
    """An engine that remembers what it was asked and answers three words."""

    def __init__(self) -> None:
        self.asked: list[Sampling] = []

    async def generate(
        self, model: str, prompt: Prompt, sampling: Sampling, data_sets: tuple[str, ...], asker: object
    ) -> AsyncGenerator[AnswerPiece]:
        self.asked.append(sampling)
        for word in ("one", "two", "three"):
            yield TextDelta(word)
        yield END


def chosen(masked: bool) -> CandidateReport:
    return CandidateReport(
        ISLAND,
        PublicKey(bytes(32)),
        "north",
        Tier.EDGE,
        Ppm(1_000_000),
        Ppm(0),
        masked,
        "m",
        (),
        0,
        0,
        (),
        0,
        1,
    )


def asked(
    engine: Engine,
    masked: bool,
    answers: Iterator[bool],
    trust: int = 1_000_000,
    breakers: Breakers | None = None,
) -> AsyncGenerator[AnswerPiece]:
    prompt = Prompt((Message("user", "count"),))
    text = sanitize(prompt, assess(prompt), Ppm(1_000_000), Vault())
    breakers = Breakers(lambda: 0.0) if breakers is None else breakers
    runner = Runner({ISLAND: engine}, None, lambda _: next(answers), 5.0, None, breakers)  # type: ignore[arg-type, dict-item]
    island = replace(chosen(masked), trust_ppm=Ppm(trust))
    settings = Sampling(stop=("hush",), seed=4_111_111_111_111_111)
    return runner.run(island, text, ChatRequest("m", prompt, settings), "r-1")


@pytest.mark.parametrize(
    ("masked", "trust", "stop"),
    [(True, 1_000_000, ()), (False, 999_999, ()), (False, 1_000_000, ("hush",))],
)
async def test_only_an_island_that_may_see_all_is_told_stop_words_and_long_seeds(
    masked: bool, trust: int, stop: tuple[str, ...]
) -> None:
    engine = Engine()
    assert len([piece async for piece in asked(engine, masked, repeat(True), trust)]) == 4
    assert engine.asked[0].stop == stop
    seed = engine.asked[0].seed
    assert seed is not None
    assert (seed >= 2**16) is bool(stop)


async def test_an_island_that_loses_its_admission_is_cut_in_its_answer() -> None:
    pieces = asked(Engine(), False, iter([True, False]))
    assert await anext(pieces) == TextDelta("one")
    with pytest.raises(Interrupted, match="not admitted any more"):
        await anext(pieces)


class Faulty(Engine):
    """An engine that fails as long as it is told to, before its first word."""

    is_down = True

    async def generate(
        self, model: str, prompt: Prompt, sampling: Sampling, data_sets: tuple[str, ...], asker: object
    ) -> AsyncGenerator[AnswerPiece]:
        self.asked.append(sampling)
        if self.is_down:
            raise Unreachable("connection refused")
        yield TextDelta("back")
        yield END


async def test_an_engine_that_fails_again_and_again_is_left_alone_and_then_probed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [100.0]
    monkeypatch.setattr(world_clock, "now", lambda: Instant(clock[0], 1_000))
    engine, breakers = Faulty(), Breakers(lambda: 0.0)
    for _ in range(FAILURES_MIN):
        with pytest.raises(Unreachable, match="connection refused"):
            await anext(asked(engine, False, repeat(True), breakers=breakers))
    with pytest.raises(Unreachable, match="left alone"):
        await anext(asked(engine, False, repeat(True), breakers=breakers))
    assert len(engine.asked) == FAILURES_MIN
    engine.is_down = False
    clock[0] += PAUSE_SECONDS
    for _ in range(2):
        answer = [piece async for piece in asked(engine, False, repeat(True), breakers=breakers)]
        assert answer == [TextDelta("back"), END]
    assert not breakers.open_now(clock[0])


def test_what_was_spent_is_taken_off_the_deadline() -> None:
    asked_at, later = Instant(10.0, 0), Instant(10.4, 400)
    assert remaining(Hints(deadline_ms=1_000), asked_at, later).deadline_ms == 600
    assert remaining(Hints(), asked_at, later).deadline_ms is None
    with pytest.raises(TooSlow, match="400 ms"):
        remaining(Hints(deadline_ms=400), Instant(10.0, 0), Instant(10.5, 500))
