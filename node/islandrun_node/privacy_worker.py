"""The privacy library off the event loop, with limits: whatever goes wrong, the request is restricted.

Two threads: one loads the detectors and judges, one masks. Detectors are foreign and may hang, so masking
never waits for them: an island of full trust is served even when nothing can be judged any more.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, TypeAlias

from islandrun.errors import IslandRunError, Overloaded, PrivacyFault
from islandrun.privacy.sanitize import Sanitized, sanitize
from islandrun.privacy.sensitivity import CHARACTERS_MAX, WITHHELD, Assessment
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import Ppm, Prompt
from islandrun_node.detectors import Watch
from islandrun_node.expendable_thread import ExpendableThread, Pending, QueueFull, WorkFailed
from islandrun_node.findings_cache import CheckedDetector

LoadWatch: TypeAlias = Callable[[], Watch]
"""Gives the detectors with the owner's settings; runs in the thread that uses them.

It may raise: then every request is restricted.
"""

REASON_CHARACTERS_MAX: Final = 200

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PrivacyLimits:
    """Bounds on time and memory. A check has `seconds_min`, more with its length, `seconds_max` at most.

    `characters_max` may wait for a check at once; `retry_seconds` are the pauses before loading again.
    """

    seconds_min: float = 5.0
    seconds_max: float = 20.0
    wait_seconds_max: float = 20.0
    load_seconds_max: float = 120.0
    retry_seconds: tuple[float, ...] = (5.0, 30.0, 120.0)
    waiting_max: int = 64
    characters_max: int = 8 * CHARACTERS_MAX

    def seconds(self, characters: int) -> float:
        """Return how long work on so many characters may run."""
        share = min(1.0, characters / CHARACTERS_MAX)
        return self.seconds_min + share * max(0.0, self.seconds_max - self.seconds_min)


class Loading(Enum):
    """How far the detectors are."""

    WAITING = "privacy detectors are still loading"
    READY = "ready"
    FAILED = "privacy detectors could not be loaded"


class PrivacyWorker:
    """Runs `assess` and `sanitize`; a fault or a time-out never makes a request less sensitive."""

    def __init__(self, load: LoadWatch = Watch, limits: PrivacyLimits = PrivacyLimits()) -> None:
        self._load = load
        self._limits = limits
        self._watch = Watch(())
        self._checked: tuple[CheckedDetector, ...] = ()
        self._state = Loading.WAITING
        self._reason = ""
        self._last_fault = ""
        self._loader: asyncio.Task[None] | None = None
        self._thread = threading.local()
        self._judging = ExpendableThread("privacy-judge", limits.characters_max, limits.waiting_max)
        self._masking = ExpendableThread("privacy-mask", limits.characters_max * 2, limits.waiting_max * 4)

    @property
    def finds_names(self) -> bool:
        """Whether any detector in use looks for names."""
        return any(detector.finds_names for detector in self._checked)

    def start(self) -> None:
        """Begin to load the detectors, in the worker's own thread; needs a running event loop."""
        if self._loader is None:
            first = self._judging.submit(self._loaded, self._limits.load_seconds_max, 1.0)
            self._loader = asyncio.get_running_loop().create_task(self._load_all(first))

    def degraded(self) -> tuple[str, ...]:
        """Say in words what is wrong now; empty when nothing is. No word comes from a prompt."""
        told = []
        if self._state is Loading.FAILED:
            told.append(f"{self._state.value} ({self._reason}): every request counts as restricted")
        elif self._state is Loading.WAITING:
            told.append(f"{self._state.value}: requests wait for them")
        elif not self.finds_names:
            told.append("nobody looks for names in free text: it never counts as public")
        if self._judging.is_stuck or self._masking.is_stuck:
            told.append("privacy checks hang and no more are started: every request counts as restricted")
        elif self._judging.left_behind + self._masking.left_behind:
            told.append("a privacy check hangs; it was given up and its request counted as restricted")
        if self._last_fault:
            told.append(f"the last privacy check failed: {self._last_fault}")
        return tuple(told)

    async def assess(self, prompt: Prompt, sensitivity_min_ppm: Ppm) -> Assessment:
        """Judge what is in a prompt; `WITHHELD` when that cannot be known in time.

        Raises `Overloaded` when too many requests wait to be judged: nothing is known of this one.
        """
        characters = size(prompt)
        if characters > CHARACTERS_MAX:
            return _withheld(f"the prompt is longer than {CHARACTERS_MAX} characters")
        self.start()
        if self._state is Loading.FAILED:
            return _withheld(self._state.value)
        seconds = self._limits.seconds(characters)
        try:
            found, fault = await self._judging.submit(
                lambda: self._judge(prompt, sensitivity_min_ppm, seconds),
                seconds,
                self._limits.wait_seconds_max,
                characters,
            ).result()
        except QueueFull:
            raise Overloaded(
                "too many requests wait for their privacy check; try again in a moment"
            ) from None
        except WorkFailed as error:
            self._last_fault = str(error)
            return _withheld(self._last_fault)
        self._last_fault = fault
        if found is WITHHELD:
            return _withheld(fault or "it is not encodable, has too many texts, or cannot be judged")
        return found

    async def sanitize(
        self, prompt: Prompt, assessment: Assessment, trust_ppm: Ppm, vault: Vault
    ) -> Sanitized:
        """Mask a prompt for a reader of this trust. Raises `PrivacyFault` on any fault or time-out."""
        characters = size(prompt)
        fault = ""
        try:
            result = await self._masking.submit(
                lambda: _sanitized(prompt, assessment, trust_ppm, vault),
                self._limits.seconds(characters),
                self._limits.wait_seconds_max,
                min(characters, CHARACTERS_MAX),
                holds=vault,
            ).result()
        except (WorkFailed, QueueFull) as error:
            fault = f"masking failed: {error}"
        else:
            if isinstance(result, Sanitized):
                return result
            fault = result
        # Raised out here: an exception with a context would carry the frames that hold the prompt.
        raise PrivacyFault(fault)

    def close(self) -> None:
        """Stop; a check that hangs does not hold up the end of the process."""
        if self._loader is not None:
            self._loader.cancel()
        self._judging.close()
        self._masking.close()

    def _judge(self, prompt: Prompt, minimum: Ppm, seconds: float) -> tuple[Assessment, str]:
        """Return the assessment and, when a detector failed, the type of its fault. In the thread."""
        self._thread.until = time.monotonic() + seconds
        for detector in self._checked:
            detector.fault = ""
        found = self._watch.assess(prompt, minimum)
        return found, next((one.fault for one in self._checked if one.fault), "")

    def _is_over(self) -> bool:
        """Say whether the time of the check in this thread is over: it was given up and may stop."""
        until: float = getattr(self._thread, "until", float("inf"))
        return time.monotonic() > until

    async def _load_all(self, loading: Pending[str]) -> None:
        """See loading through, and begin again after a pause when it fails, so many times and no more."""
        for pause in (*self._limits.retry_seconds, None):
            self._reason = await _told(loading)
            if not self._reason:
                self._state = Loading.READY
                return
            self._state = Loading.FAILED
            again = "restart the node to try again" if pause is None else f"trying again in {pause:g} s"
            _log.error("%s: %s; %s", self._state.value, self._reason, again)
            if pause is not None:
                await asyncio.sleep(pause)
                loading = self._judging.submit(self._loaded, self._limits.load_seconds_max, 1.0)

    def _loaded(self) -> str:
        """Take the detectors into use, or say why there are none. In the thread, before any check.

        Errors of our own name file and remedy; of any other nothing but its type is told.
        """
        try:
            watch = self._load()
            checked = tuple(CheckedDetector(one, self._is_over) for one in watch.detectors)
        except IslandRunError as error:
            return str(error)
        self._checked, self._watch = checked, replace(watch, detectors=checked)
        return "" if checked else "there are none"


async def _told(loading: Pending[str]) -> str:
    """Return why loading failed, or nothing."""
    try:
        return (await loading.result())[:REASON_CHARACTERS_MAX]
    except WorkFailed as error:
        return str(error)


def _withheld(why: str) -> Assessment:
    _log.error("privacy check failed: %s; the request counts as restricted", why)
    return WITHHELD


def _sanitized(prompt: Prompt, assessment: Assessment, trust_ppm: Ppm, vault: Vault) -> Sanitized | str:
    """Mask; a fault comes back as its text, without the frames it went through."""
    try:
        return sanitize(prompt, assessment, trust_ppm, vault)
    except PrivacyFault as error:
        return str(error)


def size(prompt: Prompt) -> int:
    """Return about how many characters a prompt holds, without taking its JSON apart."""
    told = sum(
        len(message.text)
        + len(message.name)
        + sum(len(call.arguments) + len(call.name) for call in message.tool_calls)
        for message in prompt.messages
    )
    tools = sum(len(tool.name) + len(tool.description) + len(tool.parameters) for tool in prompt.tools)
    return told + tools + len(prompt.tool_choice) + len(prompt.response_format)
