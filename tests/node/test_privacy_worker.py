"""The privacy worker fails closed: whatever a detector does, the request is restricted and others go on."""

import asyncio
import gc
import logging
import threading
import time
from collections.abc import Iterator

import pytest

from islandrun.errors import Overloaded, PrivacyFault, StateError
from islandrun.privacy.detect import RULES
from islandrun.privacy.sensitivity import CHARACTERS_MAX, WITHHELD, assess
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import PPM_MAX, Message, Ppm, Prompt
from islandrun_node.detectors import Watch
from islandrun_node.privacy_worker import PrivacyLimits, PrivacyWorker
from tests.node.broken_detectors import GARBAGE, Broken, raised

QUICK = PrivacyLimits(seconds_min=0.2, seconds_max=0.2, wait_seconds_max=5, retry_seconds=())


@pytest.fixture(autouse=True, scope="module")
def nothing_old_to_collect() -> Iterator[None]:
    """Leave what other tests made out of collections: one of all that took longer than `QUICK` allows."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def prompt(text: str) -> Prompt:
    return Prompt((Message("user", text),))


PROMPT = prompt("call me at +49 30 901820, password: hunter2")


class Names:
    """A detector that finds nothing, and looks for names."""

    name, finds_names = "names", True

    def __call__(self, text: str):
        return ()


def worker_of(*detectors, limits: PrivacyLimits = QUICK) -> PrivacyWorker:
    return PrivacyWorker(lambda: Watch(detectors), limits)


@pytest.mark.parametrize("fault", raised(), ids=lambda fault: type(fault).__name__)
async def test_a_detector_that_raises_anything_restricts_one_request(
    fault: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    worker = worker_of(RULES, Broken(fault, "trigger"))
    assert await worker.assess(prompt("trigger hunter2"), Ppm(0)) is WITHHELD
    assert any(type(fault).__name__ in line for line in worker.degraded())
    assert (await worker.assess(PROMPT, Ppm(0))).findings
    assert worker.degraded() == ()
    assert type(fault).__name__ in caplog.text
    assert "hunter2" not in caplog.text
    worker.close()


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
async def test_a_detector_that_returns_nonsense_restricts(garbage: object) -> None:
    worker = worker_of(Broken(garbage), Names())
    assert await worker.assess(prompt("hello"), Ppm(0)) is WITHHELD
    worker.close()


async def test_a_detector_without_an_end_of_findings_is_a_fault() -> None:
    worker = worker_of(Broken("endless"), limits=PrivacyLimits())
    assert await worker.assess(prompt("hello"), Ppm(0)) is WITHHELD
    assert worker.degraded() == ("the last privacy check failed: ValueError",)
    worker.close()


async def test_a_check_that_hangs_is_given_up_and_others_go_on() -> None:
    bad = Broken("hang", "trigger")
    worker = worker_of(bad)
    assert await worker.assess(prompt("trigger"), Ppm(0)) is WITHHELD
    assert any("hangs" in line for line in worker.degraded())
    assert await worker.assess(prompt("all is well"), Ppm(0)) is not WITHHELD
    bad.release.set()
    await _until(lambda: worker.degraded() == ())
    worker.close()


async def test_the_number_of_threads_left_behind_is_bounded_and_it_recovers() -> None:
    bad = Broken("hang", "trigger")
    worker = worker_of(bad)
    before = threading.active_count()
    for number in range(8):
        assert await worker.assess(prompt(f"trigger {number}"), Ppm(0)) is WITHHELD
    assert threading.active_count() - before <= 4
    assert bad.calls == 4
    assert await worker.assess(prompt("all is well"), Ppm(0)) is WITHHELD
    assert any("no more are started" in line for line in worker.degraded())
    told = await worker.sanitize(PROMPT, WITHHELD, PPM_MAX, Vault())
    assert told.prompt == PROMPT
    bad.release.set()
    await _until(lambda: len(worker.degraded()) == 1)
    assert await worker.assess(prompt("all is well"), Ppm(0)) is not WITHHELD
    assert worker.degraded() == ()
    worker.close()


async def test_a_check_that_was_given_up_stops_at_its_next_text() -> None:
    bad = Broken("hang", "trigger")
    worker = worker_of(bad)
    many = Prompt(tuple(Message("user", text) for text in ("trigger", "second text", "third text")))
    assert await worker.assess(many, Ppm(0)) is WITHHELD
    bad.release.set()
    await _until(lambda: not any("hang" in line for line in worker.degraded()))
    assert bad.calls == 1
    worker.close()


async def test_too_many_waiting_are_told_so_and_the_rest_is_judged() -> None:
    bad = Broken("hang", "trigger")
    limits = PrivacyLimits(seconds_min=5, wait_seconds_max=5, waiting_max=3)
    worker = worker_of(bad, limits=limits)
    assert await worker.assess(prompt("load first"), Ppm(0)) is not WITHHELD
    running = [asyncio.create_task(worker.assess(prompt("trigger"), Ppm(0)))]
    await _until(lambda: bad.calls == 3)
    running += [asyncio.create_task(worker.assess(prompt(f"waits {n}"), Ppm(0))) for n in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="try again"):
        await worker.assess(prompt("one too many"), Ppm(0))
    bad.release.set()
    assert WITHHELD not in await asyncio.gather(*running)
    worker.close()


async def test_the_characters_that_wait_are_bounded() -> None:
    bad = Broken("hang", "trigger")
    worker = worker_of(bad, limits=PrivacyLimits(characters_max=100))
    held = asyncio.create_task(worker.assess(prompt("trigger" + "x" * 60), Ppm(0)))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await worker.assess(prompt("y" * 60), Ppm(0))
    bad.release.set()
    await held
    assert await worker.assess(prompt("y" * 60), Ppm(0)) is not WITHHELD
    worker.close()


async def test_a_caller_that_goes_away_leaves_nothing_behind() -> None:
    bad = Broken("hang", "trigger")
    worker = worker_of(bad, limits=PrivacyLimits(characters_max=100))
    held = asyncio.create_task(worker.assess(prompt("trigger" + "x" * 60), Ppm(0)))
    await _until(lambda: bad.calls == 1)
    held.cancel()
    await asyncio.gather(held, return_exceptions=True)
    bad.release.set()
    assert await worker.assess(prompt("y" * 90), Ppm(0)) is not WITHHELD
    assert worker.degraded() == ()
    worker.close()


async def test_more_than_two_million_characters_do_not_even_wait() -> None:
    bad = Broken("hang", "trigger")
    worker = worker_of(bad, limits=PrivacyLimits(waiting_max=2))
    assert await worker.assess(prompt("load first"), Ppm(0)) is not WITHHELD
    held = asyncio.create_task(worker.assess(prompt("trigger"), Ppm(0)))
    await _until(lambda: bad.calls == 3)
    waits = [asyncio.create_task(worker.assess(prompt(text), Ppm(0))) for text in "yz"]
    await asyncio.sleep(0)
    assert await worker.assess(prompt("x" * (CHARACTERS_MAX + 1)), Ppm(0)) is WITHHELD
    bad.release.set()
    await asyncio.gather(held, *waits)
    worker.close()


def test_the_time_limit_grows_with_the_text_and_ends() -> None:
    limits = PrivacyLimits()
    assert limits.seconds(0) == 5
    assert limits.seconds(CHARACTERS_MAX // 2) == 12.5
    assert limits.seconds(CHARACTERS_MAX) == limits.seconds(10**9) == 20


async def test_requests_wait_for_detectors_that_load_and_no_longer() -> None:
    go = threading.Event()

    def load():
        assert go.wait(30)
        return Watch((Names(),))

    limits = PrivacyLimits(seconds_min=0.2, seconds_max=0.2, wait_seconds_max=0.2)
    worker = PrivacyWorker(load, limits)
    worker.start()
    assert "loading" in worker.degraded()[0]
    assert await worker.assess(PROMPT, Ppm(0)) is WITHHELD
    waits = asyncio.create_task(worker.assess(PROMPT, Ppm(0)))
    await asyncio.sleep(0)
    go.set()
    assert await waits is not WITHHELD
    assert worker.degraded() == ()
    worker.close()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (StateError("model.onnx: its hash is not the one in its card; install it again"), "install it again"),
        (FileNotFoundError("hunter2"), "FileNotFoundError"),
        (SystemExit("hunter2"), "SystemExit"),
        (MemoryError(), "MemoryError"),
        (None, "there are none"),
    ],
)
async def test_detectors_that_do_not_load_restrict_everything_and_say_why(
    error: BaseException | None, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    tries = []

    def load():
        tries.append(1)
        if error is not None:
            raise error
        return Watch(())

    worker = PrivacyWorker(load, PrivacyLimits(retry_seconds=(0.01, 0.01)))
    worker.start()
    assert await worker.assess(PROMPT, Ppm(0)) is WITHHELD
    await _until(lambda: "restart the node" in caplog.text)
    assert len(tries) == 3
    assert told in worker.degraded()[0]
    assert await worker.assess(PROMPT, Ppm(0)) is WITHHELD
    assert (await worker.sanitize(PROMPT, WITHHELD, PPM_MAX, Vault())).prompt == PROMPT
    assert "hunter2" not in caplog.text + str(worker.degraded())
    worker.close()


async def test_loading_that_fails_once_is_tried_again() -> None:
    tries = []

    def load():
        tries.append(1)
        if len(tries) == 1:
            raise StateError("the model is being written")
        return Watch((Names(),))

    worker = PrivacyWorker(load, PrivacyLimits(retry_seconds=(0.01,)))
    worker.start()
    await _until(lambda: worker.degraded() == ())
    assert await worker.assess(PROMPT, Ppm(0)) is not WITHHELD
    assert len(tries) == 2
    worker.close()


async def test_loading_that_hangs_is_a_failure() -> None:
    go = threading.Event()

    def load():
        assert go.wait(30)
        return Watch((Names(),))

    worker = PrivacyWorker(load, PrivacyLimits(load_seconds_max=0.1, retry_seconds=()))
    worker.start()
    await _until(lambda: "longer than" in worker.degraded()[0])
    assert await worker.assess(PROMPT, Ppm(0)) is WITHHELD
    go.set()
    await _until(lambda: not any("hangs" in line for line in worker.degraded()))
    assert await worker.assess(PROMPT, Ppm(0)) is WITHHELD
    worker.close()


async def test_masking_that_cannot_be_right_is_a_fault() -> None:
    worker = PrivacyWorker()
    with pytest.raises(PrivacyFault, match="needs more trust"):
        await worker.sanitize(PROMPT, assess(PROMPT), Ppm(100_000), Vault())
    worker.close()


async def test_masking_that_hangs_keeps_its_conversation_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The vault of work that was given up is not used by a second thread, and is again when it ends."""
    go = threading.Event()
    one, other = Vault(), Vault()
    real = Vault.originals

    def slow(self: Vault):
        assert self is not one or go.wait(30)
        return real(self)

    monkeypatch.setattr(Vault, "originals", slow)
    worker = worker_of(Names())
    for told in ("longer than", "same conversation"):
        with pytest.raises(PrivacyFault, match=told):
            await worker.sanitize(PROMPT, assess(PROMPT), Ppm(800_000), one)
    assert await worker.sanitize(PROMPT, assess(PROMPT), Ppm(800_000), other)
    go.set()
    await _until(lambda: worker.degraded() == () or not any("hang" in line for line in worker.degraded()))
    assert await worker.sanitize(PROMPT, assess(PROMPT), Ppm(800_000), one)
    worker.close()


async def _until(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)
