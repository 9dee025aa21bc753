"""A detector that remembers what it found, so that a conversation pays only for its new turn.

A text is known by a keyed hash with a key that lives as long as the process, and what is kept is findings:
places, types and topics. A fault is never remembered.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from islandrun.privacy.detect import Detector, TopicDetector
from islandrun.privacy.detect.sound import sound
from islandrun.vocabulary import Finding

_Known = tuple[tuple[Finding, ...], tuple[str, ...]]
"""Findings and topics of one text."""

TEXTS_MAX: Final = 20_000
FINDINGS_MAX: Final = 200_000


class CheckedDetector:
    """A detector whose results are checked and remembered, the least recently used forgotten first.

    `expired` is asked before each text: when it says yes the work was given up, and goes on no further.
    `fault` names the type of what the detector last raised, or is empty. Threads that were left behind may
    still be inside when another one calls.
    """

    def __init__(
        self,
        detector: Detector,
        expired: Callable[[], bool] = lambda: False,
        texts_max: int = TEXTS_MAX,
        findings_max: int = FINDINGS_MAX,
    ) -> None:
        self.name = detector.name
        self.finds_names = detector.finds_names
        self.fault = ""
        self._detector = detector
        self._expired = expired
        self._texts_max = texts_max
        self._findings_max = findings_max
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._findings = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<CheckedDetector {len(self._known)} texts, {self._findings} findings>"

    def __len__(self) -> int:
        return len(self._known)

    @property
    def findings(self) -> int:
        """How many findings are remembered."""
        return self._findings

    def __call__(self, text: str) -> tuple[Finding, ...]:
        """Return the findings of a text. Raises what the detector raises, and `ValueError` on nonsense."""
        return self._read(text)[0]

    def topics(self, text: str) -> tuple[str, ...]:
        """Return what the detector says a text is about; nothing, where it does not say such things."""
        return self._read(text)[1]

    def _read(self, text: str) -> _Known:
        if self._expired():
            raise TimeoutError("the check was given up")
        name = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32, key=self._key).digest()
        with self._lock:
            known = self._known.get(name)
            if known is not None:
                self._known.move_to_end(name)
                return known
        try:
            findings = sound(self._detector(text), text)
            topics = self._detector.topics(text) if isinstance(self._detector, TopicDetector) else ()
        except BaseException as error:
            self.fault = type(error).__name__
            raise
        self.fault = ""
        self._remember(name, (findings, topics))
        return findings, topics

    def _remember(self, name: bytes, read: _Known) -> None:
        if len(read[0]) > self._findings_max:
            return
        with self._lock:
            if name in self._known:
                return
            self._known[name] = read
            self._findings += len(read[0])
            while len(self._known) > self._texts_max or self._findings > self._findings_max:
                _, forgotten = self._known.popitem(last=False)
                self._findings -= len(forgotten[0])
