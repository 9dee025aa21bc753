"""The only real clock and the only real dice of the node; everything that decides gets them as arguments."""

from __future__ import annotations

import base64
import random
import secrets
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from islandrun.vocabulary import Instant

_steady: Final[Callable[[], float]] = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
)


def now() -> Instant:
    """Read both clocks: seconds that never go back, and milliseconds since 1970.

    On Linux the seconds go on while the machine sleeps (CLOCK_BOOTTIME), so that a state machine notices it;
    the timers of the event loop do not. Only differences of two readings mean anything.
    """
    return Instant(_steady(), time.time_ns() // 1_000_000)


def boot_seconds() -> float | None:
    """Read the clock that also runs while the machine sleeps; None where there is none."""
    if sys.platform != "linux":
        return None
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def dice() -> random.Random:
    """Return a random source for a state machine, seeded by the operating system."""
    return random.Random(secrets.randbits(128))  # noqa: S311 - it shuffles gossip; keys never come from it


def fresh_id(prefix: str) -> str:
    """Return an unguessable id such as "r-6fzk2m3q7d4xw2ab"; 80 random bits."""
    return f"{prefix}-{base64.b32encode(secrets.token_bytes(10)).decode().lower()}"
