"""Circuit breakers: what fails again and again is left alone for a while, then tried by one request.

One circuit for each model of each island. It opens when enough of the last tries failed, and stays open for a
pause that doubles each time; after it one request is the probe, whose success closes the circuit. Times are
monotonic seconds. Pattern: M. Nygard, "Release It!", 2nd ed., 2018, chapter 5.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from islandrun.errors import BrokenAnswer, ForwardFailed, Interrupted, TooSlow, Unreachable
from islandrun.vocabulary import IslandId

WINDOW_SECONDS: Final = 60.0
"""Older tries say nothing of now."""

FAILURES_MIN: Final = 5
FAILURES_SHARE_PPM: Final = 500_000
"""A circuit opens at so many failures, when they are this share of the tries in the window."""

PAUSE_SECONDS: Final = 2.0
PAUSE_SECONDS_MAX: Final = 60.0
TRIES_MAX: Final = 64
"""A circuit remembers so many tries."""

CIRCUITS_MAX: Final = 1_024
"""Those used last are kept; one that is forgotten is closed."""

Key = tuple[IslandId, str]


@dataclass(slots=True)
class _Circuit:
    """`open_until_seconds` None: closed. `is_probing`: the one request after a pause is under way."""

    tries: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=TRIES_MAX))
    open_until_seconds: float | None = None
    openings: int = 0
    is_probing: bool = False


class Breakers:
    """The circuits of one node's requests.

    `dice` gives numbers from 0 to 1, so that not all nodes probe at once.
    """

    def __init__(self, dice: Callable[[], float]) -> None:
        self._dice = dice
        self._circuits: OrderedDict[Key, _Circuit] = OrderedDict()

    def __len__(self) -> int:
        return len(self._circuits)

    def open_now(self, now_seconds: float) -> Mapping[Key, str]:
        """Return the circuits that let nothing through, and why, with figures."""
        return {
            key: _why(circuit, now_seconds)
            for key, circuit in self._circuits.items()
            if _is_shut(circuit, now_seconds)
        }

    def begin(self, island: IslandId, model: str, now_seconds: float) -> bool:
        """Let a request through, and say whether it is the probe of an open circuit.

        Raises `Unreachable` when the circuit is open. Of several that wait for the end of a pause one is let
        through. Each `begin` is followed by one `end`.
        """
        circuit = self._circuits.get((island, model))
        if circuit is None or circuit.open_until_seconds is None:
            return False
        if _is_shut(circuit, now_seconds):
            raise Unreachable(f"it is left alone: {_why(circuit, now_seconds)}")
        circuit.is_probing = True
        return True

    def end(
        self, island: IslandId, model: str, now_seconds: float, has_failed: bool | None, was_probe: bool
    ) -> None:
        """Take in how a request ended; `has_failed` None says nothing of the island: its caller left."""
        key = (island, model)
        if has_failed is None:
            if was_probe and key in self._circuits:
                self._circuits[key].is_probing = False
            return
        circuit = self._used(key)
        while circuit.tries and circuit.tries[0][0] <= now_seconds - WINDOW_SECONDS:
            circuit.tries.popleft()
        circuit.tries.append((now_seconds, has_failed))
        if was_probe:
            circuit.is_probing = False
            if has_failed:
                self._open(circuit, now_seconds)
            else:
                self._circuits[key] = _Circuit()
        elif circuit.open_until_seconds is None and has_failed and _is_too_much(circuit):
            self._open(circuit, now_seconds)

    def _used(self, key: Key) -> _Circuit:
        circuit = self._circuits.setdefault(key, _Circuit())
        self._circuits.move_to_end(key)
        if len(self._circuits) > CIRCUITS_MAX:
            self._circuits.popitem(last=False)
        return circuit

    def _open(self, circuit: _Circuit, now_seconds: float) -> None:
        """Shut it for a pause of a half to the whole of what it may be."""
        pause = min(PAUSE_SECONDS * 2.0 ** min(circuit.openings, 16), PAUSE_SECONDS_MAX)
        circuit.openings += 1
        circuit.open_until_seconds = now_seconds + pause * (0.5 + self._dice() / 2)


def is_fault(failure: ForwardFailed, had_full_time: bool) -> bool:
    """Say whether a failure is the island's: a full queue, a refusal, a caller's deadline are not."""
    if isinstance(failure, Interrupted) and isinstance(failure.__cause__, ForwardFailed):
        return is_fault(failure.__cause__, had_full_time)
    if isinstance(failure, TooSlow):
        return had_full_time
    return isinstance(failure, Unreachable | BrokenAnswer | Interrupted)


def _is_shut(circuit: _Circuit, now_seconds: float) -> bool:
    until = circuit.open_until_seconds
    return until is not None and (now_seconds < until or circuit.is_probing)


def _is_too_much(circuit: _Circuit) -> bool:
    failures = sum(has_failed for _, has_failed in circuit.tries)
    return failures >= FAILURES_MIN and failures * 1_000_000 >= FAILURES_SHARE_PPM * len(circuit.tries)


def _why(circuit: _Circuit, now_seconds: float) -> str:
    failures = sum(has_failed for _, has_failed in circuit.tries)
    count = f"{failures} of its last {len(circuit.tries)} tries failed"
    until = circuit.open_until_seconds
    left = 0.0 if until is None else max(0.0, until - now_seconds)
    return f"{count}; {'a probe is under way' if circuit.is_probing else f'tried again in {left:.1f} s'}"
