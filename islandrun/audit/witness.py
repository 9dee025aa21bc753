"""What a witness does with a head: it continues the one before, or it is evidence against its origin.

A log has one past. So for each origin a witness keeps the newest head it saw, and takes another only with the
proof that it continues it (as in https://c2sp.org/tlog-witness the origin says from where it proves). An
origin that was restored from an older copy says so in its heads, once for each time, and begins anew there:
what it lost cannot be witnessed, but neither can it be hidden, for the head before stays with the witness.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from islandrun.audit.heads import SignedHead
from islandrun.audit.tree import check_consistency
from islandrun.errors import BadProof, Contradiction, MalformedMessage
from islandrun.trust.signing import SKEW_MS
from islandrun.vocabulary import IslandId, IslandView, Reachability, Standing

WITNESSES: Final = 3
"""An origin asks so many islands to witness a head."""


class Breach(StrEnum):
    """How two heads of one origin contradict each other."""

    FORK = "two different logs of one size"
    ROLLBACK = "a log that became shorter"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Two heads that an honest origin cannot both have signed: enough to convince anybody."""

    breach: Breach
    first: SignedHead
    second: SignedHead


class BrokenLog(Contradiction):
    """The head shown contradicts the one seen before. `evidence` holds both."""

    def __init__(self, evidence: Evidence) -> None:
        super().__init__(f"the origin shows {evidence.breach}; nothing was countersigned")
        self.evidence = evidence


@dataclass(frozen=True, slots=True)
class Continued:
    """A head that was taken. `lost` counts the entries that a restored origin no longer vouches for."""

    head: SignedHead
    lost: int = 0


def judge(
    known: SignedHead | None, shown: SignedHead, from_size: int, proof: Sequence[bytes], now_ms: int
) -> Continued | None:
    """Return the head as one that continues `known`; None when the proof begins elsewhere than there.

    Raises `BrokenLog` with the evidence, `BadProof` for a proof that proves nothing (no evidence), and
    `MalformedMessage` for a head from the future.
    """
    head = shown.head
    if max(head.issued_at_ms, head.restored_at_ms) > now_ms + SKEW_MS:
        raise MalformedMessage("the head of a log is from the future; compare the clocks")
    if known is None:
        return Continued(shown)
    before = known.head
    assert before.origin == head.origin
    if head.restored_at_ms > before.restored_at_ms:
        return Continued(shown, lost=max(0, before.size - head.size))
    evidence = contradiction(known, shown)
    if evidence is not None:
        raise BrokenLog(evidence)
    if head.size < before.size or head.restored_at_ms < before.restored_at_ms:
        raise BadProof("the head of a log is older than one that was shown before")
    if from_size != before.size:
        return None
    check_consistency(before.size, head.size, proof, before.root, head.root)
    return Continued(shown)


def contradiction(first: SignedHead, second: SignedHead) -> Evidence | None:
    """Return what two heads of one origin prove against it by themselves; None when they may both be honest.

    A head that is shorter and was signed later is a rollback; one that was signed earlier only came late.
    """
    one, other = first.head, second.head
    if one.restored_at_ms != other.restored_at_ms:
        return None
    if one.size == other.size and one.root != other.root:
        return Evidence(Breach.FORK, first, second)
    shorter, longer = (one, other) if one.size < other.size else (other, one)
    if shorter.size < longer.size and shorter.issued_at_ms > longer.issued_at_ms:
        return Evidence(Breach.ROLLBACK, first, second)
    return None


def pick_witnesses(islands: Iterable[IslandView], origin: IslandId) -> tuple[IslandId, ...]:
    """Return who is asked to witness an origin's heads: `WITNESSES` that answer, the same while they do.

    Rendezvous hashing (Thaler and Ravishankar 1998) spreads the origins evenly over a mesh.
    """
    able = [
        island.id
        for island in islands
        if not island.is_local
        and not island.front
        and island.standing is Standing.ADMITTED
        and island.trust.ppm > 0
        and island.reachability is Reachability.ALIVE
    ]
    able.sort(key=lambda island: hashlib.sha256(f"{origin} {island}".encode()).digest())
    return tuple(able[:WITNESSES])
