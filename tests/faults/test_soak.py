"""What a node costs when nothing happens, and that churn leaves nothing behind in it.

ISLANDRUN_SOAK_SECONDS and ISLANDRUN_SOAK_NODES set how long and how many: a day and twelve are
`ISLANDRUN_SOAK_SECONDS=86400 ISLANDRUN_SOAK_NODES=12 scripts/test -m long tests/faults/test_soak.py`.
"""

import os
import random
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.faults.islands import Node, dead_pairs, mesh_of, on_loopback, started, until
from tests.faults.namespaces import wired

SECONDS = float(os.environ.get("ISLANDRUN_SOAK_SECONDS", "120"))
NODES = int(os.environ.get("ISLANDRUN_SOAK_NODES", "4"))
CHURN_SECONDS = max(5.0, min(60.0, SECONDS / 12))
MIB = 1024 * 1024

pytestmark = [pytest.mark.long, pytest.mark.timeout(SECONDS + 900)]


@dataclass
class Cost:
    """What one process holds."""

    rss_mib: float
    descriptors: int
    connections: int
    threads: int


def cost_of(node: Node) -> Cost:
    process = psutil.Process(node.pid)
    return Cost(
        process.memory_info().rss / MIB,
        process.num_fds(),
        sum(link.status == psutil.CONN_ESTABLISHED for link in process.net_connections("tcp")),
        process.num_threads(),
    )


def test_churn_leaves_nothing_behind(tmp_path: Path) -> None:
    dice = random.Random(19)
    with mesh_of(tmp_path, on_loopback(NODES)) as nodes:
        watched, others = nodes[0], nodes[1:]
        costs: list[Cost] = []
        until_at = time.monotonic() + SECONDS
        churned = 0
        while time.monotonic() < until_at:
            node = dice.choice(others)
            position = watched.position()
            node.kill()
            time.sleep(CHURN_SECONDS / 2)
            started([node])
            until(
                lambda node=node, at=position: watched.sees(node, at) == "alive", 35, f"{node.name} is back"
            )
            time.sleep(CHURN_SECONDS / 2)
            churned += 1
            costs.append(cost_of(watched))
        until(lambda: not dead_pairs(nodes), 35, "all alive at the end")
    early, late = costs[len(costs) // 3], costs[-1]
    print(f"\n{churned} restarts in {SECONDS:g} s among {NODES}: early {early}, at the end {late}")
    assert late.rss_mib < early.rss_mib * 1.1 + 10
    assert late.descriptors <= early.descriptors + 12
    assert late.connections <= early.connections + 12
    assert late.threads <= early.threads + 4


def test_what_an_idle_node_costs(tmp_path: Path) -> None:
    count = int(os.environ.get("ISLANDRUN_IDLE_NODES", "12"))
    with wired(count) as places:
        addresses, prefixes = [place.address for place in places], [place.prefix for place in places]
        with mesh_of(tmp_path, addresses, prefixes) as nodes:
            time.sleep(20)
            before, began = [link_bytes(node) for node in nodes], time.monotonic()
            time.sleep(60)
            took = time.monotonic() - began
            after = [link_bytes(node) for node in nodes]
            costs = [cost_of(node) for node in nodes]
    rates = [(late - early) / took for early, late in zip(before, after, strict=True)]
    print(
        f"\n{count} idle nodes: {sum(rates) / count:.0f} bytes/s each, both ways, headers of IP included "
        f"(at most {max(rates):.0f}); RSS {min(c.rss_mib for c in costs):.0f} to "
        f"{max(c.rss_mib for c in costs):.0f} MiB, rules as the detector"
    )
    assert max(rates) < 64_000


def link_bytes(node: Node) -> int:
    """Return what went over a node's cable, both ways, as its namespace counts it."""
    for line in Path(f"/proc/{node.pid}/net/dev").read_text().splitlines():
        name, _, figures = line.partition(":")
        if name.strip() == "eth0":
            numbers = figures.split()
            return int(numbers[0]) + int(numbers[8])
    raise AssertionError("no cable")
