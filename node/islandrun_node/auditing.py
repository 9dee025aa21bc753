"""The heads of this origin's log: signed once a minute at most, and shown to a few other islands.

Each head is asked to be countersigned with the proof that it continues what the witness saw last. When a
witness saw something that is not in our log, this home is an old copy or was changed, and the node says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

from islandrun.audit.heads import SignedHead, TreeHead, read_cosignature, read_head, sign_head
from islandrun.audit.tree import compact_range, consistency_proof
from islandrun.audit.witness import pick_witnesses
from islandrun.errors import BadProof, ForwardFailed, RejectedMessage, StateError
from islandrun.trust.ed25519 import Signer
from islandrun.v1 import audit_pb2
from islandrun.vocabulary import IslandId, IslandView, PublicKey
from islandrun_node import world_clock
from islandrun_node.journal import Journal
from islandrun_node.outlook import Outlook
from islandrun_node.receipt_log import ReceiptLog
from islandrun_node.state import State
from islandrun_node.stores.heads import HeadStore, WitnessStore
from islandrun_node.stores.marks import last_restored_ms
from islandrun_node.witnessing import Witnessing

HEAD_SECONDS = 60.0

_log = logging.getLogger(__name__)

Call = Callable[[IslandId, audit_pb2.WitnessRequest], Awaitable[audit_pb2.WitnessResponse]]
"""Asks an island to witness. Raises `ForwardFailed`."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose log it is. `restored_at_ms`: when its home last went on from an older copy."""

    id: IslandId
    key: PublicKey
    signer: Signer = field(repr=False)
    restored_at_ms: int = 0


class Auditor:
    """Signs the heads of one log and has them witnessed."""

    def __init__(
        self,
        origin: Origin,
        log: ReceiptLog,
        heads: HeadStore,
        islands: Callable[[], Sequence[IslandView]],
        call: Call,
    ) -> None:
        self._origin = origin
        self._log = log
        self._heads = heads
        self._islands = islands
        self._call = call
        self._accusers: dict[IslandId, str] = {}

    async def run(self) -> None:
        """Sign and show heads until cancelled."""
        while True:
            await asyncio.sleep(HEAD_SECONDS)
            try:
                await self.round()
            except StateError as error:
                _log.error("the head of the receipts could not be kept: %s", error)

    async def round(self) -> None:
        """Sign a head if the log grew, and ask those to witness it who did not yet. Raises `StateError`."""
        head = await self.sign()
        if head is None:
            return
        views = {view.id: view for view in self._islands()}
        asked = [views[island] for island in pick_witnesses(views.values(), self._origin.id)]
        seen = {one.witness for one in self._heads.cosignatures(head.head.size)}
        asking = (self._ask(view, head) for view in asked if view.key not in seen)
        await asyncio.gather(*asking)

    async def sign(self) -> SignedHead | None:
        """Return the head of the log as it is now, signed anew only if it changed; None for an empty log."""
        await self._log.settled()
        return await self._log.in_order(self._sign)

    async def close(self) -> None:
        """Sign a last head, so that what was written since the one before is under a signature, too."""
        try:
            await self.sign()
        except StateError as error:
            _log.error("the last head of the receipts could not be kept: %s", error)
        await self._log.close()

    def degraded(self) -> tuple[str, ...]:
        """Say who saw receipts of this island that are not in its log any more."""
        return tuple(f"the log of receipts was changed: {why}" for why in self._accusers.values())

    def _sign(self) -> SignedHead | None:
        newest, tree, origin = self._heads.newest(), self._log.store.tree, self._origin
        if tree.size == 0:
            return None
        if newest is not None and newest.head.origin == origin.key:
            before = newest.head
            if (before.size, before.restored_at_ms) == (tree.size, origin.restored_at_ms):
                return newest
        now_ms = max(world_clock.now().wall_ms, newest.head.issued_at_ms if newest else 0)
        head = TreeHead(origin.key, tree.size, tree.root(), now_ms, origin.restored_at_ms)
        signed = sign_head(head, origin.signer)
        self._heads.save(signed)
        return signed

    async def _ask(self, view: IslandView, head: SignedHead) -> None:
        """Ask one island, and once more from where it stands; what it refuses is told."""
        from_size = min(self._heads.seen_by(view.key), head.head.size)
        try:
            for _ in range(2):
                response = await self._call(view.id, await self._log.in_order(self._request(head, from_size)))
                if response.WhichOneof("body") == "cosignature":
                    await self._keep(view, head, response.cosignature)
                    return
                from_size = await self._log.in_order(self._agreed(response.known, head))
        except ForwardFailed as error:
            _log.info("island %s did not witness our receipts: %s", view.id[:8], error)
        except BadProof as error:
            self._accusers[view.id] = f"{view.name} saw {error}; was this home copied or set back?"
            _log.error("island %s saw another log of ours: %s", view.id[:8], error)
        except RejectedMessage as error:
            _log.warning("island %s answered as no witness does: %s", view.id[:8], error)

    async def _keep(self, view: IslandView, head: SignedHead, wire: audit_pb2.Cosignature) -> None:
        cosignature = read_cosignature(wire, head)
        if cosignature.witness != view.key:
            raise RejectedMessage("the countersignature is of another island")
        await self._log.in_order(partial(self._heads.cosigned, head, cosignature))
        self._accusers.pop(view.id, None)

    def _request(self, head: SignedHead, from_size: int) -> Callable[[], audit_pb2.WitnessRequest]:
        def made() -> audit_pb2.WitnessRequest:
            proof = consistency_proof(self._log.store.read_nodes, from_size, head.head.size)
            return audit_pb2.WitnessRequest(head=head.wire, from_size=from_size, proof=proof)

        return made

    def _agreed(self, wire: audit_pb2.SignedTreeHead, head: SignedHead) -> Callable[[], int]:
        """Return the size from which to prove; raises `BadProof` where our log has another past."""

        def size() -> int:
            known = read_head(wire).head
            if known.origin != self._origin.key:
                raise RejectedMessage("the head is of another island")
            if known.size > head.head.size:
                raise BadProof(f"{known.size} receipts, {known.size - head.head.size} more than there are")
            if compact_range(self._log.store.read_nodes, known.size).root() != known.root:
                raise BadProof(f"{known.size} receipts that are not those in the log")
            return known.size

        return size


def audited_journal(state: State) -> Journal:
    """Return the journal of a node whose receipts go into the log of its home."""
    key = state.membership.key
    return Journal(ReceiptLog(state.receipts, key.public, key.sign), key.public)


@dataclass(frozen=True, slots=True)
class Audit:
    """All that a node has for audits: its own log and heads, and the witness of others."""

    log: ReceiptLog
    auditor: Auditor
    witnessing: Witnessing

    def degraded(self) -> tuple[str, ...]:
        """Say what is wrong with the log, and which islands contradicted theirs."""
        return (*self.log.degraded(), *self.auditor.degraded(), *self.witnessing.degraded())


def audit_of(
    state: State,
    log: ReceiptLog,
    outlook: Outlook,
    call: Call,
    accuse: Callable[[IslandId], None],
    stack: AsyncExitStack,
) -> Audit:
    """Build what a node has for audits, which `stack` closes.

    `accuse` hears of an island that contradicted its own log.
    """
    key, database = state.membership.key, state.receipts.database
    origin = Origin(key.id, key.public, key.sign, last_restored_ms(state.database))
    auditor = Auditor(origin, log, HeadStore(database), outlook.islands, call)
    stack.push_async_callback(auditor.close)
    store = WitnessStore(database)
    return Audit(log, auditor, Witnessing(store, key.public, key.sign, outlook.standing, accuse))
