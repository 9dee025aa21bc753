"""What goes wrong around a prompt says nothing of it: no message, repr or note, no variable of a frame."""

import asyncio
import gc
import pickle
import traceback
from collections.abc import Iterator

import pytest

from islandrun.errors import PrivacyFault
from islandrun.privacy.detect import RULES
from islandrun.privacy.sanitize import sanitize
from islandrun.privacy.sensitivity import WITHHELD, assess
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import (
    ChatRequest,
    Message,
    Ppm,
    Prompt,
    Sampling,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolDefinition,
)
from islandrun_node.answer import Restoration, StopWords
from islandrun_node.conversations import Conversation
from islandrun_node.detectors import Watch
from islandrun_node.findings_cache import CheckedDetector
from islandrun_node.privacy_worker import PrivacyLimits, PrivacyWorker
from tests.node.broken_detectors import GARBAGE, Broken, raised

CANARY = "".join(("zq", "canary", "7719"))
TEXT = f"my password is {CANARY} and the mail is {CANARY}@example.org"
QUICK = PrivacyLimits(seconds_min=0.2, seconds_max=0.2, wait_seconds_max=1, retry_seconds=())


def prompt(text: str = TEXT) -> Prompt:
    return Prompt(
        (
            Message("system", text, name=CANARY),
            Message("assistant", text, (ToolCall("1", "f", f'{{"{CANARY}": "{text}"}}'),)),
        ),
        (ToolDefinition("f", text, f'{{"enum": ["{CANARY}"]}}'),),
        f'{{"x": "{CANARY}"}}',
        f'{{"y": "{CANARY}"}}',
    )


def all_told(error: BaseException) -> Iterator[str]:
    """Yield all that a careless reporter could print of an error, its causes and contexts included."""
    seen: BaseException | None = error
    while seen is not None:
        yield str(seen)
        yield repr(seen)
        yield repr(seen.args)
        yield str(getattr(seen, "__notes__", ""))
        yield str(vars(seen))
        seen = seen.__cause__ or seen.__context__
    yield "".join(_with_variables(error))


def _with_variables(error: BaseException) -> Iterator[str]:
    """Yield a traceback with the variables of each frame of the product, as error reporters do."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    while told is not None:
        for frame in told.stack:
            if "/tests/" not in frame.filename:
                yield f"{frame.filename}:{frame.lineno} {frame.locals}"
        told = told.__cause__ or told.__context__


def check(error: BaseException) -> None:
    for told in all_told(error):
        assert CANARY not in told


FAULTS = [*raised(), *GARBAGE.values(), "endless", "hang"]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_no_fault_of_a_detector_tells_anything(
    fault: object, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    if isinstance(fault, BaseException):
        fault = type(fault)(TEXT)
    bad = Broken(fault)
    worker = PrivacyWorker(lambda: Watch((RULES, bad)), QUICK)
    assert await worker.assess(prompt(), Ppm(0)) is WITHHELD
    told = f"{worker.degraded()} {worker!r} {vars(worker)} {caplog.text} {capfd.readouterr()}"
    bad.release.set()
    await asyncio.sleep(0)
    worker.close()
    assert CANARY not in told
    for one in gc.get_objects():
        if isinstance(one, asyncio.Task | asyncio.Future):
            assert CANARY not in repr(one)


@pytest.mark.parametrize("trust_ppm", [0, 100_000, 300_000, 600_000, 899_999])
async def test_no_fault_of_masking_tells_anything(trust_ppm: int) -> None:
    worker = PrivacyWorker(limits=QUICK)
    wrong = assess(Prompt((Message("user", "pay with 4111 1111 1111 1111"),)))
    visible = assess(Prompt((Message("user", f"{TEXT} or {CANARY[::-1]}"),)))
    reversed_too = Prompt((Message("user", f"{TEXT} or {CANARY[::-1]}"),))
    for asked, assessment in ((prompt(), wrong), (prompt(), WITHHELD), (reversed_too, visible)):
        with pytest.raises(PrivacyFault) as failed:
            await worker.sanitize(asked, assessment, Ppm(trust_ppm), Vault())
        assert failed.value.__context__ is None
        check(failed.value)
    worker.close()


async def test_masking_that_breaks_inside_tells_only_the_type(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Vault, *_: object) -> str:
        raise RuntimeError(TEXT)

    monkeypatch.setattr(Vault, "placeholder_for", broken)
    worker = PrivacyWorker(limits=QUICK)
    asked = Prompt((Message("user", TEXT),))
    with pytest.raises(PrivacyFault, match="RuntimeError") as failed:
        await worker.sanitize(asked, assess(asked), Ppm(800_000), Vault())
    assert failed.value.__context__ is None
    check(failed.value)
    worker.close()


def test_the_library_says_why_and_never_what() -> None:
    for trust_ppm in (0, 100_000, 200_000):
        for assessment in (assess(prompt()), WITHHELD):
            with pytest.raises(PrivacyFault) as failed:
                sanitize(prompt(), assessment, Ppm(trust_ppm), Vault())
            assert CANARY not in str(failed.value)
            assert CANARY not in repr(failed.value)


def _holders() -> list[object]:
    """Return every value of the privacy path that holds text."""
    asked = Prompt((Message("user", TEXT),))
    vault = Vault()
    sanitized = sanitize(asked, assess(asked), Ppm(800_000), vault)
    request = ChatRequest("m", prompt(), Sampling(stop=(CANARY,)), conversation=CANARY)
    kept = Conversation(b"name", vault, 0)
    cache = CheckedDetector(RULES)
    cache(TEXT)
    restoration = Restoration(vault, (CANARY,))
    restoration.feed(TextDelta(CANARY[:4]))
    return [
        vault, sanitized, request, request.prompt, request.sampling, kept, cache, restoration,
        StopWords((CANARY,)), assess(asked), TextDelta(TEXT), ToolCallDelta(0, arguments=TEXT),
    ]  # fmt: skip


@pytest.mark.parametrize("place", range(12))
def test_nothing_that_holds_text_shows_it(place: int) -> None:
    one = _holders()[place]
    assert CANARY not in repr(one)
    assert CANARY not in str(one)
    assert CANARY not in f"{one}"


def test_a_vault_cannot_be_taken_along() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(_holders()[0])
