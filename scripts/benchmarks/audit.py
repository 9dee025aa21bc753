"""What a receipt costs: python scripts/benchmarks/audit.py [--receipts 4000] [--islands 10].

`loop` is how long the event loop stood still at a time while receipts came as fast as it takes them: with
each signed and written where it comes, and through the log. Files lie in the folder for temporary files.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from islandrun.agents.agent import Objective, Veto, VetoReason
from islandrun.audit.log import receipt_leaf
from islandrun.audit.tree import check_inclusion, inclusion_proof
from islandrun.routing.decision import CandidateReport, Decision
from islandrun.routing.receipt import Receipt, sign_receipt
from islandrun.trust.naming import island_id
from islandrun.vocabulary import Ppm, PublicKey, Tier
from islandrun_node.audit_files import check_store
from islandrun_node.identity import IslandKey
from islandrun_node.receipt_log import ReceiptLog
from islandrun_node.stores.database import Database
from islandrun_node.stores.heads import HeadStore
from islandrun_node.stores.receipts import ReceiptStore
from islandrun_node.stores.schema import RECEIPTS


def report(number: int) -> CandidateReport:
    """Return what a decision says of one island: every third is a candidate, the others have a veto."""
    key = PublicKey(number.to_bytes(32, "big"))
    is_able = number % 3 == 0
    veto = Veto(VetoReason.TRUST_BELOW_SENSITIVITY, "trusted 0.20 < 0.60 that stays visible")
    return CandidateReport(
        island=island_id(key),
        key=key,
        name=f"island-{number}",
        tier=Tier.EDGE,
        trust_ppm=Ppm(800_000),
        visible_ppm=Ppm(600_000),
        masked=False,
        model="model-8b",
        vetoes=() if is_able else (veto,),
        cost_microusd=1_000,
        latency_ms=900,
        normalised=tuple((objective, 200_000) for objective in Objective) if is_able else (),
        total_ppm=300_000 if is_able else 0,
        rank=number + 1 if is_able else 0,
    )


def receipts(count: int, islands: int, key: IslandKey) -> list[Receipt]:
    """Return receipts of decisions over so many islands."""
    reports = tuple(report(number) for number in range(islands))
    decision = Decision(
        "r", "r", 1, "balanced", Ppm(600_000), (), reports, reports[0], (), "island-0 runs it"
    )
    return [
        Receipt(f"r-{number:08d}", 1_000 + number, key.public, (decision,), "answered")
        for number in range(count)
    ]


def timed(work: Callable[[], object], count: int = 1) -> float:
    """Return the microseconds of one of `count` pieces of work."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) / count * 1e6


async def pauses(take: Callable[[Receipt], object], made: list[Receipt]) -> tuple[float, float]:
    """Return the 99th percentile and the longest of the loop's pauses, in milliseconds."""
    seen: list[float] = []
    last = time.perf_counter()
    for receipt in made:
        take(receipt)
        await asyncio.sleep(0)
        now = time.perf_counter()
        seen.append((now - last) * 1e3)
        last = now
    seen.sort()
    return seen[len(seen) * 99 // 100], seen[-1]


async def measure(folder: Path, count: int, islands: int) -> None:
    key = IslandKey.generate()
    made = receipts(count, islands, key)
    signed = [sign_receipt(receipt, key.public, key.sign) for receipt in made]
    sizes = [len(one.payload) for one in signed]
    print(f"a receipt over {islands} islands: {sum(sizes) // count} bytes")
    signing = timed(lambda: [sign_receipt(one, key.public, key.sign) for one in made[:500]], 500)
    print(f"encode and sign   {signing:8.1f} us")
    for group in (1, 16, 256):
        store = ReceiptStore(Database.open(folder / f"group-{group}.db", RECEIPTS))
        rows = [(one.id, one.issued_at_ms, two) for one, two in zip(made, signed, strict=True)][: group * 20]

        def write(store: ReceiptStore = store, rows: list = rows, group: int = group) -> None:
            for at in range(0, len(rows), group):
                store.append(rows[at : at + group])

        print(f"write, {group:3} at once {timed(write, len(rows)):8.1f} us")
        store.database.close()
    direct = ReceiptStore(Database.open(folder / "direct.db", RECEIPTS))

    def at_once(receipt: Receipt) -> None:
        direct.append([(receipt.id, 1, sign_receipt(receipt, key.public, key.sign))])

    p99, worst = await pauses(at_once, made)
    print(f"loop, at once     {p99:8.2f} ms p99, {worst:.2f} ms at most")
    direct.database.close()
    log = ReceiptLog(ReceiptStore(Database.open(folder / "log.db", RECEIPTS)), key.public, key.sign)
    p99, worst = await pauses(log.take, made)
    await log.settled()
    print(f"loop, by the log  {p99:8.2f} ms p99, {worst:.2f} ms at most")
    store, size = log.store, log.store.size()
    root = store.tree.root()
    proving = timed(
        lambda: [inclusion_proof(store.read_nodes, at, size) for at in range(0, size, 50)], size // 50
    )
    proof, leaf = inclusion_proof(store.read_nodes, 7, size), receipt_leaf(signed[7])
    print(f"prove one         {proving:8.1f} us of {size}")
    print(f"check a proof     {timed(lambda: check_inclusion(leaf, 7, size, proof, root)):8.1f} us")
    checking = timed(lambda: check_store(store, HeadStore(store.database), (key.public,)), size)
    print(f"audit verify      {checking:8.1f} us a receipt")
    await log.close()
    store.database.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--receipts", type=int, default=4_000)
    options.add_argument("--islands", type=int, default=10)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), chosen.receipts, chosen.islands))


if __name__ == "__main__":
    main()
