"""What a node writes of money: every charge of a provider is covered by the ledger, which passes no limit."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from islandrun.agents.budget import Limits, Scope, Span
from islandrun.agents.lengths import EMPTY, Habit, learnt
from islandrun_node.stores.database import Database
from islandrun_node.stores.lengths import LengthStore
from islandrun_node.stores.schema import COSTS
from islandrun_node.stores.spending import SpendingStore, Tally
from tests.faults.flow import Flow, nothing, said, say

DAY = Scope(Span.DAY, "2026-11-24")
SCOPES = (DAY, Scope(Span.CLIENT_DAY, "2026-11-24 local"))
LIMITS = Limits({Span.DAY: 100})
BILL, WORST = 30, 40
HABIT = Habit("local", "chat-3", "large")


def run_money(folder: Path) -> None:
    with closing(Database.open(folder / "costs.db", COSTS)) as database:
        store = SpendingStore(database)
        store.close_open(1)
        for _ in range(3):
            name = f"m-{len(said(folder))}-{store.accounts([DAY])[DAY].used_microusd}"
            if store.reserve(name, SCOPES, WORST, LIMITS, 2):
                say(folder, "charged")
                store.settle(name, BILL, 3)
        store.sweep(4)
        store.add("2026-11-24", Tally(1, 0, BILL, 2, 50))
        say(folder, "told")


def check_money(folder: Path) -> None:
    charged, told = (said(folder).count(word) for word in ("charged", "told"))
    with closing(Database.open(folder / "costs.db", COSTS)) as database:
        store = SpendingStore(database)
        for account in store.accounts(SCOPES).values():
            assert charged * BILL <= account.used_microusd <= LIMITS.most_microusd[Span.DAY]
            assert account.reserved_microusd == 0, "a second start leaves nothing set aside"
        tally = store.tally("2026-11")
        assert tally.answers >= told
        assert tally.billed_microusd == tally.answers * BILL


def run_lengths(folder: Path) -> None:
    with closing(Database.open(folder / "costs.db", COSTS)) as database:
        LengthStore(database).save([(HABIT, learnt(EMPTY, 90))], [Habit("", "gone", "")])
    say(folder, "kept")


def check_lengths(folder: Path) -> None:
    with closing(Database.open(folder / "costs.db", COSTS)) as database:
        assert LengthStore(database).load() == ((HABIT, learnt(EMPTY, 90)),)


FLOWS_OF_MONEY = {
    "lengths": Flow(nothing, run_lengths, check_lengths),
    "money": Flow(nothing, run_money, check_money),
}
