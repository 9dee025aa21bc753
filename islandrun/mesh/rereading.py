"""When what is kept on the disk is read again: some of it the present clock may have refused.

A node that starts with a wrong clock leaves out what seems to come from the future, or to have ended. All of
it is looked at again once the clock was set, and each statement when its own time comes.
"""

from __future__ import annotations

from islandrun.mesh import pace
from islandrun.trust.claims import decode
from islandrun.trust.signing import SKEW_MS, SignedAttestation
from islandrun.vocabulary import Instant


class Rereading:
    """Decides when to read again. The first reading is due at once."""

    def __init__(self) -> None:
        self._ahead_ms: int | None = None
        self._begins_at_ms: int | None = None

    def begin(self, now: Instant) -> None:
        """Note that everything is being read now."""
        self._ahead_ms = _ahead_ms(now)
        self._begins_at_ms = None

    def left_out(self, signed: SignedAttestation, now: Instant) -> None:
        """Note that a statement was outside its window in this reading."""
        header = decode(signed.kind, signed.payload).header
        begins_at_ms = max(header.issued_at_ms, header.not_before_ms) - SKEW_MS
        if begins_at_ms > now.wall_ms:
            self._begins_at_ms = min(begins_at_ms, self._begins_at_ms or begins_at_ms)

    def mended(self) -> None:
        """Take in that the others call our clock right again."""
        self._ahead_ms = None

    def is_due(self, now: Instant) -> bool:
        """Say whether to read again: the wall clock was set, or something that was left out begins."""
        if self._ahead_ms is None or abs(_ahead_ms(now) - self._ahead_ms) > pace.CLOCK_DOUBT_MS:
            return True
        return self._begins_at_ms is not None and now.wall_ms >= self._begins_at_ms


def _ahead_ms(now: Instant) -> int:
    """Return by how much the wall clock is ahead of the one that nobody sets."""
    return now.wall_ms - round(now.seconds * 1000)
