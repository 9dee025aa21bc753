"""Witness of others' logs: keeps the newest head of each origin, countersigns what continues it, or accuses.

Deciding is `audit.witness`; here is what is kept, what is signed and who hears of a breach.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable

from islandrun.audit.heads import cosign, read_head
from islandrun.audit.tree import PROOF_HASHES_MAX
from islandrun.audit.witness import BrokenLog, judge
from islandrun.errors import MalformedMessage, Overloaded
from islandrun.trust.ed25519 import Signer
from islandrun.trust.naming import island_id
from islandrun.v1 import audit_pb2
from islandrun.vocabulary import IslandId, PublicKey, Standing
from islandrun.wire.checks import require, require_count
from islandrun.wire.limits import HASH_BYTES
from islandrun_node import world_clock
from islandrun_node.stores.heads import ORIGINS_MAX, WitnessStore

CALLS_MAX = 8
CALLS_SECONDS = 60.0
"""One origin is served so many calls in such a time: an honest one needs two a minute."""

NAMED_MAX = 4

_log = logging.getLogger(__name__)


class Witnessing:
    """Serves the heads that other islands show. `accuse` hears of an island that contradicted itself."""

    def __init__(
        self,
        store: WitnessStore,
        key: PublicKey,
        signer: Signer,
        standing: Callable[[IslandId], Standing],
        accuse: Callable[[IslandId], None],
    ) -> None:
        self._store = store
        self._key = key
        self._signer = signer
        self._standing = standing
        self._accuse = accuse
        self._calls: OrderedDict[IslandId, tuple[float, int]] = OrderedDict()
        self._liars = {island_id(one.first.head.origin): one.breach for one in store.evidence()}

    def witness(self, caller: IslandId, request: audit_pb2.WitnessRequest) -> audit_pb2.WitnessResponse:
        """Take an island's head, or say from where it must prove.

        Raises `MalformedMessage`, `BadSignature` or `BadProof`, `BrokenLog` for heads that contradict each
        other, and `Overloaded` for a caller that asks too often.
        """
        now = world_clock.now()
        self._count(caller, now.seconds)
        require_count(request.proof, PROOF_HASHES_MAX, "witness.proof")
        require(all(len(one) == HASH_BYTES for one in request.proof), "witness.proof", "holds no hashes")
        shown = read_head(request.head)
        if island_id(shown.head.origin) != caller:
            raise MalformedMessage("the head is of another island than the caller: show your own")
        known = self._store.known(shown.head.origin)
        try:
            taken = judge(known, shown, request.from_size, tuple(request.proof), now.wall_ms)
        except BrokenLog as broken:
            self._broken(caller, broken, now.wall_ms)
            raise
        if taken is None:
            assert known is not None
            return audit_pb2.WitnessResponse(known=known.wire)
        if taken.lost:
            text = "island %s went on from an older copy: %d receipts that we saw are lost"
            _log.warning(text, caller[:8], taken.lost)
        if known is None or known.wire != shown.wire:
            self._store.save(taken, now.wall_ms)
        own = cosign(shown, self._key, self._signer, now.wall_ms)
        return audit_pb2.WitnessResponse(cosignature=own.to_wire())

    def degraded(self) -> tuple[str, ...]:
        """Name the members that contradicted themselves, for the owner to judge; empty when none did."""
        liars = [
            (island, breach)
            for island, breach in sorted(self._liars.items())
            if self._standing(island) is Standing.ADMITTED
        ]
        told = [f"island {island[:8]} showed {breach}" for island, breach in liars[:NAMED_MAX]]
        if len(liars) > NAMED_MAX:
            told.append(f"{len(liars) - NAMED_MAX} more islands showed logs that contradict each other")
        return tuple(told)

    def _broken(self, caller: IslandId, broken: BrokenLog, now_ms: int) -> None:
        _log.error("island %s showed %s; the evidence is kept", caller[:8], broken.evidence.breach)
        self._store.accuse(broken.evidence, now_ms)
        if caller not in self._liars:
            self._liars[caller] = broken.evidence.breach
            self._accuse(caller)

    def _count(self, caller: IslandId, now_seconds: float) -> None:
        since, calls = self._calls.pop(caller, (now_seconds, 0))
        if now_seconds - since >= CALLS_SECONDS:
            since, calls = now_seconds, 0
        self._calls[caller] = since, calls + 1
        while len(self._calls) > ORIGINS_MAX:
            self._calls.popitem(last=False)
        if calls >= CALLS_MAX:
            raise Overloaded(
                f"more than {CALLS_MAX} heads in {CALLS_SECONDS:.0f} s; show the next in a minute"
            )
