"""A log of receipts on a disk, and islands that witness it over real gRPC, for the tests of audits."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from islandrun.errors import ForwardFailed, IslandRunError, Unreachable
from islandrun.routing.receipt import Receipt
from islandrun.v1 import audit_pb2
from islandrun.vocabulary import (
    IslandId,
    IslandView,
    Ppm,
    Reachability,
    Standing,
    Tier,
    TrustScore,
)
from islandrun_node import world_clock
from islandrun_node.auditing import Auditor, Origin
from islandrun_node.identity import IslandKey
from islandrun_node.receipt_log import ReceiptLog
from islandrun_node.stores.database import Database
from islandrun_node.stores.heads import HeadStore, WitnessStore
from islandrun_node.stores.receipts import ReceiptStore
from islandrun_node.stores.schema import RECEIPTS
from islandrun_node.witnessing import Witnessing


def view_of(key: IslandKey) -> IslandView:
    return IslandView(
        id=key.id, key=key.public, name=key.id[:8], tier=Tier.EDGE, group="", jurisdictions=(),
        standing=Standing.ADMITTED, reachability=Reachability.ALIVE, trust=TrustScore(Ppm(500_000)),
        models=(), data_sets=(), endpoints=(), requests_max=1, load=None, round_trip_ms=1,
        attested_until_ms=0, admitted_until_ms=0,
    )  # fmt: skip


@dataclass
class Witness:
    """One island that witnesses, and what it accused others of."""

    key: IslandKey
    database: Database
    accused: list[IslandId] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = WitnessStore(self.database)
        self.renew()

    def renew(self) -> None:
        """Start anew over the same file."""
        self.witnessing = Witnessing(
            self.store, self.key.public, self.key.sign, lambda island: Standing.ADMITTED, self.accused.append
        )


@dataclass
class Mesh:
    """An origin with its log, and its witnesses."""

    key: IslandKey
    folder: Path
    witnesses: list[Witness]
    refusals: list[IslandRunError] = field(default_factory=list)

    async def call(self, target: IslandId, request: audit_pb2.WitnessRequest) -> audit_pb2.WitnessResponse:
        """Ask a witness as `Peers.witness` does: its refusal comes as a call that failed."""
        witness = next(one for one in self.witnesses if one.key.id == target)
        try:
            return witness.witnessing.witness(self.key.id, request)
        except ForwardFailed:
            raise
        except IslandRunError as error:
            self.refusals.append(error)
            raise Unreachable(str(error)) from None

    @asynccontextmanager
    async def origin(
        self, file: str = "receipts.db", restored_at_ms: int = 0
    ) -> AsyncGenerator[tuple[ReceiptLog, Auditor, HeadStore]]:
        database = Database.open(self.folder / file, RECEIPTS)
        heads = HeadStore(database)
        log = ReceiptLog(ReceiptStore(database), self.key.public, self.key.sign)
        origin = Origin(self.key.id, self.key.public, self.key.sign, restored_at_ms)
        auditor = Auditor(origin, log, heads, lambda: [view_of(one.key) for one in self.witnesses], self.call)
        try:
            yield log, auditor, heads
        finally:
            await auditor.close()
            database.close()


def mesh(folder: Path, witnesses: int = 3) -> Mesh:
    made = [
        Witness(
            IslandKey.create(folder / f"witness-{number}.key"),
            Database.open(folder / f"witness-{number}.db", RECEIPTS),
        )
        for number in range(witnesses)
    ]
    return Mesh(IslandKey.create(folder / "origin.key"), folder, made)


def receipt(key: IslandKey, number: int, word: str = "r") -> Receipt:
    return Receipt(
        f"{word}-{number:06d}", world_clock.now().wall_ms, key.public, (), "answered", latency_ms=number
    )


def fill(log: ReceiptLog, key: IslandKey, count: int, word: str = "r") -> None:
    for number in range(count):
        log.take(receipt(key, number, word))
