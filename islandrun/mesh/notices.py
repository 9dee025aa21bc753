"""What the mesh tells the application: facts, in the order in which they became true.

A newer notice on the same thing replaces the older one, so that what nobody takes cannot pile up.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from islandrun.mesh import pace
from islandrun.mesh.clocks import ClockState
from islandrun.trust.signing import SignedAttestation
from islandrun.vocabulary import IslandId, PublicKey, Reachability


@dataclass(frozen=True, slots=True)
class AttestationAdmitted:
    """A statement is new in the ledger; the application keeps it on disk."""

    signed: SignedAttestation


@dataclass(frozen=True, slots=True)
class IslandRevoked:
    """An island has lost all trust: the owner revoked it, or it contradicted itself."""

    island: IslandId


@dataclass(frozen=True, slots=True)
class ReachabilityChanged:
    """What we know of the way to an island has changed."""

    island: IslandId
    reachability: Reachability


@dataclass(frozen=True, slots=True)
class Equivocated:
    """Two statements by one key that cannot both be honest; that key is not heard any more."""

    first: SignedAttestation
    second: SignedAttestation


@dataclass(frozen=True, slots=True)
class MessageRejected:
    """A statement that `source` sent was refused and neither stored nor forwarded."""

    source: IslandId
    reason: str


@dataclass(frozen=True, slots=True)
class Woke:
    """The machine slept, or stood still: the application speaks anew of itself, on new connections."""

    slept_seconds: float


@dataclass(frozen=True, slots=True)
class ClockJudged:
    """What the others' clocks say of ours has changed; they are ahead of it by `offset_ms` (median).

    While it is WRONG this island should sign nothing: nobody would take it.
    """

    state: ClockState
    offset_ms: int


Notice = (
    AttestationAdmitted
    | IslandRevoked
    | ReachabilityChanged
    | Equivocated
    | MessageRejected
    | Woke
    | ClockJudged
)


class Notices:
    """The queue of notices. Bounded: one for each record, island and key, and 64 refusals."""

    def __init__(self) -> None:
        self._queue: dict[Hashable, Notice] = {}
        self._rejections = 0

    def admitted(self, key: bytes, signed: SignedAttestation) -> None:
        """Tell that the statement of place `key` is new."""
        self._put(("record", key), AttestationAdmitted(signed))

    def revoked(self, island: IslandId) -> None:
        """Tell that an island lost all trust."""
        self._put(("revoked", island), IslandRevoked(island))

    def reachability(self, island: IslandId, state: Reachability) -> None:
        """Tell that an island is reached otherwise than before."""
        self._put(("reachability", island), ReachabilityChanged(island, state))

    def equivocated(self, key: PublicKey, first: SignedAttestation, second: SignedAttestation) -> None:
        """Tell that a key contradicted itself."""
        self._put(("equivocated", key), Equivocated(first, second))

    def rejected(self, source: IslandId, reason: str) -> None:
        """Tell that something was refused; the same reason is told once, and too many are not told."""
        slot = ("rejected", source, reason)
        if slot not in self._queue and self._rejections < pace.REJECTIONS_MAX:
            self._rejections += 1
            self._queue[slot] = MessageRejected(source, reason)

    def woke(self, slept_seconds: float) -> None:
        """Tell that this machine slept."""
        self._put("woke", Woke(slept_seconds))

    def clock(self, state: ClockState, offset_ms: int) -> None:
        """Tell what the others' clocks say of ours."""
        self._put("clock", ClockJudged(state, offset_ms))

    def take(self) -> tuple[Notice, ...]:
        """Return all notices and forget them."""
        taken = tuple(self._queue.values())
        self._queue.clear()
        self._rejections = 0
        return taken

    def _put(self, slot: Hashable, notice: Notice) -> None:
        self._queue.pop(slot, None)
        self._queue[slot] = notice
