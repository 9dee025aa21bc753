"""Turns what happened to calls into observations of islands: only what was the island's own fault counts.

A dead or flapping network looks like an island that is silent, so silence is left to liveness. What counts
came over a channel that is pinned to the island's key, where no network can put words: an answer that does
not decode, a statement with a false signature, a model that is offered and not there. Slowness counts
when the island took the request, said nothing in all the time there is, and answers probes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from islandrun.errors import BrokenAnswer, ForwardFailed, Interrupted, NotOffered, TooSlow
from islandrun.trust.behaviour import Behaviour, Event, observe
from islandrun.vocabulary import IslandId
from islandrun.wire import limits

LIE_MS: Final = 10 * 60 * 1000
"""So long a statement may be behind: an island that changed its models says so within this time."""

DENIALS_MAX: Final = 256


class Observer:
    """What one node saw islands do. Synchronous; bounded by the number of islands in a mesh.

    `behaviours` is read by others while it changes; `take_changed` tells what is to be kept.
    """

    def __init__(self, behaviours: Mapping[IslandId, Behaviour] | None = None) -> None:
        self.behaviours: dict[IslandId, Behaviour] = dict(behaviours or {})
        self._changed: dict[IslandId, None] = {}
        self._denials: dict[tuple[IslandId, str], int] = {}

    def answered(self, island: IslandId, model: str, now_ms: int) -> None:
        """Note a whole answer."""
        self._denials.pop((island, model), None)
        self._note(island, Event.ANSWERED, now_ms)

    def failed(
        self,
        island: IslandId,
        model: str,
        failure: ForwardFailed,
        is_alive: bool,
        had_full_time: bool,
        now_ms: int,
    ) -> Event | None:
        """Note a failed call if the island is to blame for it; return as what.

        `is_alive`: it answers probes. `had_full_time`: nobody gave it less time than this node's own bound.
        """
        cause = failure.__cause__ if isinstance(failure, Interrupted) else failure
        event = None
        match cause:
            case BrokenAnswer():
                event = Event.VIOLATED_PROTOCOL
            case TooSlow() if cause is failure and is_alive and had_full_time:
                event = Event.TIMED_OUT
            case NotOffered() if self._is_lie(island, model, now_ms):
                event = Event.LIED_ABOUT_CAPABILITY
        if event is not None:
            self._note(island, event, now_ms)
        return event

    def forged(self, island: IslandId, now_ms: int) -> None:
        """Note that an island passed on a statement whose signature is false: it verifies none."""
        self._note(island, Event.FORGED, now_ms)

    def broke_protocol(self, island: IslandId, now_ms: int) -> None:
        """Note that an island answered gossip with something that is no answer, or is far too much."""
        self._note(island, Event.VIOLATED_PROTOCOL, now_ms)

    def rewrote(self, island: IslandId, now_ms: int) -> None:
        """Note that an island signed two heads of its receipts that cannot both be honest."""
        self._note(island, Event.REWROTE_RECEIPTS, now_ms)

    def take_changed(self) -> tuple[IslandId, ...]:
        """Return the islands whose behaviour changed since the last call."""
        changed = tuple(self._changed)
        self._changed.clear()
        return changed

    def _is_lie(self, island: IslandId, model: str, now_ms: int) -> bool:
        """Say whether an island still denies what its statement goes on to offer; then begin anew."""
        first_ms = self._denials.setdefault((island, model), now_ms)
        if now_ms - first_ms >= LIE_MS:
            del self._denials[(island, model)]
            return True
        while len(self._denials) > DENIALS_MAX:
            del self._denials[next(iter(self._denials))]
        return False

    def _note(self, island: IslandId, event: Event, now_ms: int) -> None:
        if island not in self.behaviours and len(self.behaviours) >= limits.ISLANDS_MAX:
            self._forget_the_best()
        self.behaviours[island] = observe(self.behaviours.get(island, Behaviour()), event, now_ms)
        self._changed[island] = None

    def _forget_the_best(self) -> None:
        """Make room: who did the least bad loses the least by being forgotten."""
        best = min(self.behaviours, key=lambda island: (self.behaviours[island].bad, island))
        del self.behaviours[best]
        self._changed[best] = None
