"""The privacy library off the event loop, with a time limit: whatever goes wrong, the request is restricted.

One thread, because the detectors hold the interpreter anyway and one vault must not be used by two at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from islandrun.errors import PrivacyFault
from islandrun.privacy.detect import RULES, Detector
from islandrun.privacy.sanitize import Sanitized, sanitize
from islandrun.privacy.sensitivity import WITHHELD, Assessment, assess
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import Ppm, Prompt

ASSESS_SECONDS_MAX = 20.0

_log = logging.getLogger(__name__)


class PrivacyWorker:
    """Runs `assess` and `sanitize`; a fault or a time-out never makes a request less sensitive."""

    def __init__(
        self, detectors: Sequence[Detector] = (RULES,), seconds_max: float = ASSESS_SECONDS_MAX
    ) -> None:
        self._detectors = tuple(detectors)
        self._seconds_max = seconds_max
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="privacy")

    @property
    def finds_names(self) -> bool:
        """Whether any detector in use looks for names."""
        return any(detector.finds_names for detector in self._detectors)

    async def assess(self, prompt: Prompt, sensitivity_min_ppm: Ppm) -> Assessment:
        """Judge what is in a prompt; `WITHHELD` when that cannot be known in time."""
        try:
            async with asyncio.timeout(self._seconds_max):
                return await asyncio.get_running_loop().run_in_executor(
                    self._threads,
                    lambda: assess(prompt, self._detectors, sensitivity_min_ppm=sensitivity_min_ppm),
                )
        except Exception as error:
            _log.error("privacy check failed: %s; the request counts as restricted", type(error).__name__)
            return WITHHELD

    async def sanitize(
        self, prompt: Prompt, assessment: Assessment, trust_ppm: Ppm, vault: Vault
    ) -> Sanitized:
        """Mask a prompt for a reader of this trust. Raises `PrivacyFault` on any fault or time-out."""
        try:
            async with asyncio.timeout(self._seconds_max):
                return await asyncio.get_running_loop().run_in_executor(
                    self._threads, sanitize, prompt, assessment, trust_ppm, vault
                )
        except PrivacyFault:
            raise
        except Exception as error:
            raise PrivacyFault(f"masking failed: {type(error).__name__}") from None

    def close(self) -> None:
        """Stop the thread; a check that hangs does not hold up the end of the process."""
        self._threads.shutdown(wait=False, cancel_futures=True)
