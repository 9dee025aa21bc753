"""The privacy worker fails closed: a detector that raises, hangs or is slow makes a request restricted."""

import threading
import time

import pytest

from islandrun.errors import PrivacyFault
from islandrun.privacy.sensitivity import WITHHELD, assess
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import Finding, Message, Ppm, Prompt
from islandrun_node.privacy_worker import PrivacyWorker

PROMPT = Prompt((Message("user", "call me at +49 30 901820"),))


class Bad:
    """A detector that does not do its work."""

    name, finds_names = "bad", True

    def __init__(self, fault: object) -> None:
        self.fault = fault
        self.release = threading.Event()

    def __call__(self, text: str) -> tuple[Finding, ...]:
        if isinstance(self.fault, BaseException):
            raise self.fault
        self.release.wait(5)
        return ()


@pytest.mark.parametrize(
    "fault", [ValueError("the prompt said hunter2"), MemoryError(), RecursionError(), "hang"]
)
async def test_a_detector_that_fails_makes_it_restricted(
    fault: object, caplog: pytest.LogCaptureFixture
) -> None:
    bad = Bad(fault)
    worker = PrivacyWorker((bad,), seconds_max=0.1)
    began = time.monotonic()
    assert await worker.assess(PROMPT, Ppm(0)) == WITHHELD
    assert time.monotonic() - began < 2
    assert "hunter2" not in caplog.text
    bad.release.set()
    worker.close()


async def test_while_one_check_hangs_others_are_restricted_too() -> None:
    bad = Bad("hang")
    worker = PrivacyWorker((bad,), seconds_max=0.1)
    assert await worker.assess(PROMPT, Ppm(0)) == WITHHELD
    with pytest.raises(PrivacyFault):
        await worker.sanitize(PROMPT, assess(PROMPT), Ppm(800_000), Vault())
    bad.release.set()
    worker.close()


async def test_masking_that_cannot_be_right_is_a_fault() -> None:
    worker = PrivacyWorker()
    with pytest.raises(PrivacyFault):
        await worker.sanitize(PROMPT, assess(PROMPT), Ppm(100_000), Vault())
    worker.close()
