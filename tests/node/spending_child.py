"""A process that spends from a home's ledger as fast as it can; its name and the home are its arguments.

It prints what a provider would have charged it, a line for each request that it was let to send.
"""

from __future__ import annotations

import sys
from pathlib import Path

from islandrun.agents.budget import Limits, Span, Spender, scopes
from islandrun_node.stores.database import Database
from islandrun_node.stores.schema import COSTS
from islandrun_node.stores.spending import SpendingStore

LIMITS = Limits({Span.DAY: 2_000, Span.CLIENT_DAY: 1_500})
WORST, BILL = 50, 17
DAY = "2026-11-24"


def main() -> None:
    name, path, is_waiting = sys.argv[1], Path(sys.argv[2]), sys.stdin.readline()
    assert is_waiting
    store = SpendingStore(Database.open(path, COSTS))
    booked = scopes(Spender(name), DAY, LIMITS)
    misses = 0
    number = 0
    while misses < 40:
        number += 1
        if not store.reserve(f"{name}-{number}", booked, WORST, LIMITS, number):
            misses += 1
            continue
        print(BILL, flush=True)
        store.settle(f"{name}-{number}", BILL, number)


if __name__ == "__main__":
    main()
