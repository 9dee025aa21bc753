"""How right the estimates of time are: expected over measured, for the first piece and for the whole answer.

1 is right, 2 expected twice what it took. The counts go to /metrics; nothing is decided by them.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

from islandrun.agents.latency import Pace
from islandrun.agents.pace import DecayedQuantiles

RATIOS: Final = (0.1, 0.25, 0.5, 0.8, 1.25, 2.0, 4.0, 10.0)
"""Upper bounds of the buckets; above the last lies one more."""

PARTS: Final = ("first_token", "whole")
_FINE: Final = 1_000.0


class Ratios:
    """The ratios of one part of the estimates."""

    def __init__(self) -> None:
        self.counts = [0] * (len(RATIOS) + 1)
        self.total = 0.0
        self._recent = DecayedQuantiles()

    def add(self, expected_ms: float, measured_ms: float) -> None:
        """Take in one estimate and what it took; below a millisecond counts as one."""
        ratio = max(expected_ms, 1.0) / max(measured_ms, 1.0)
        self.counts[bisect_left(RATIOS, ratio)] += 1
        self.total += ratio
        self._recent.add(ratio * _FINE)

    def quantile(self, share: float) -> float:
        """Return a quantile of the recent ratios; 0 when there are none."""
        return self._recent.quantile(share) / _FINE


@dataclass(slots=True)
class Attempt:
    """One try of a request: what was expected of it, and when its first piece came."""

    pace: Pace
    input_tokens: int
    began: float
    first: float | None = None


class Calibration:
    """The ratios of all requests that this node answered."""

    def __init__(self) -> None:
        self.parts = {part: Ratios() for part in PARTS}

    def ended(self, attempt: Attempt, output_tokens: int, now: float) -> None:
        """Compare an answer that came whole with what was expected of one of its length."""
        expected = attempt.pace.expect(attempt.input_tokens, output_tokens)
        first = now if attempt.first is None else attempt.first
        measured_ms = {"first_token": (first - attempt.began) * 1_000, "whole": (now - attempt.began) * 1_000}
        expected_ms = {"first_token": expected.until_first_ms, "whole": expected.whole_ms}
        for part, ratios in self.parts.items():
            ratios.add(expected_ms[part], measured_ms[part])
