"""Real processes with one ledger race, and die by SIGKILL: limits hold, and every charge is covered."""

from __future__ import annotations

import asyncio
import random
import sys
from contextlib import closing
from pathlib import Path

import pytest

from islandrun.agents.budget import Scope, Span
from islandrun_node.stores.database import Database
from islandrun_node.stores.schema import COSTS
from islandrun_node.stores.spending import SpendingStore
from tests.node.spending_child import BILL, DAY, LIMITS, WORST

pytestmark = pytest.mark.slow
MOST = LIMITS.most_microusd


async def child(name: str, path: Path) -> asyncio.subprocess.Process:
    command = (sys.executable, "-m", "tests.node.spending_child", name, str(path))
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)


async def raced(path: Path, names: list[str], kill_after: dict[str, int]) -> dict[str, int]:
    """Let processes spend at one time; return what each was charged. Some die after so many charges."""
    children = {name: await child(name, path) for name in names}
    for each in children.values():
        assert each.stdin is not None
        each.stdin.write(b"go\n")

    async def charges(name: str) -> int:
        process, count = children[name], 0
        assert process.stdout is not None
        async for _ in process.stdout:
            count += 1
            if count == kill_after.get(name):
                process.kill()
        await process.wait()
        return count

    counted = await asyncio.gather(*map(charges, names))
    return dict(zip(names, counted, strict=True))


def check(path: Path, charged: dict[str, int]) -> int:
    with closing(Database.open(path, COSTS)) as database:
        store = SpendingStore(database)
        store.close_open(1)
        day = store.accounts([Scope(Span.DAY, DAY)])[Scope(Span.DAY, DAY)]
        assert sum(charged.values()) * BILL <= day.used_microusd <= MOST[Span.DAY]
        for name, count in charged.items():
            scope = Scope(Span.CLIENT_DAY, f"{DAY} {name}")
            used = store.accounts([scope])[scope].used_microusd
            assert count * BILL <= used <= MOST[Span.CLIENT_DAY]
        return day.used_microusd


async def test_two_processes_cannot_overspend(tmp_path: Path) -> None:
    Database.open(tmp_path / "costs.db", COSTS).close()
    charged = await raced(tmp_path / "costs.db", ["a", "b"], {})
    used = check(tmp_path / "costs.db", charged)
    assert used == sum(charged.values()) * BILL
    assert MOST[Span.DAY] - used < 2 * WORST, "the limit is used up to what hardly a request fits into"
    assert min(charged.values()) > 0, "both got something"


async def test_processes_that_die_leave_their_worst_case_spent(tmp_path: Path) -> None:
    Database.open(tmp_path / "costs.db", COSTS).close()
    charged = await raced(tmp_path / "costs.db", ["a", "b"], {"a": 20, "b": 31})
    used = check(tmp_path / "costs.db", charged)
    assert used <= sum(charged.values()) * BILL + 2 * WORST


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_many_processes_and_many_deaths(tmp_path: Path) -> None:
    dice = random.Random(7)
    for round_number in range(40):
        path = tmp_path / f"costs-{round_number}.db"
        Database.open(path, COSTS).close()
        names = [f"p{number}" for number in range(4)]
        kill_after = {name: dice.randint(1, 40) for name in names if dice.random() < 0.7}
        check(path, await raced(path, names, kill_after))
