"""Money under any interleaving of requests, processes, deaths and days: no account passes its limit."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from islandrun.agents.budget import Account, Limits, Scope, Span, Spender, scopes
from islandrun_node.stores.database import Database
from islandrun_node.stores.schema import COSTS
from islandrun_node.stores.spending import SpendingStore

LIMITS = Limits(
    {
        Span.DAY: 100, Span.MONTH: 220, Span.CONVERSATION: 60, Span.CLIENT_DAY: 80,
        Span.CLIENT_MONTH: 150,
    }
)  # fmt: skip
DAYS = ("2026-10-31", "2026-11-01", "2026-11-02")
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


class Ledger(RuleBasedStateMachine):
    """Two processes with one home, against a model that adds up in plain dictionaries."""

    open_ones = Bundle("open_ones")

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        path = Path(self.stack.enter_context(tempfile.TemporaryDirectory(dir=IN_MEMORY))) / "costs.db"
        databases = [Database.open(path, COSTS) for _ in range(2)]
        for database in databases:
            self.stack.callback(database.close)
        self.stores = [SpendingStore(database) for database in databases]
        self.count = 0
        self.day = DAYS[0]
        self.charged: dict[Scope, int] = {}
        self.aside: dict[str, tuple[int, tuple[Scope, ...]]] = {}
        self.lost: dict[str, tuple[int, tuple[Scope, ...]]] = {}

    @initialize()
    def begin(self) -> None:
        assert self.stores[0].close_open(0) == (0, 0)

    def used(self, scope: Scope) -> int:
        held = [amount for amount, booked in (*self.aside.values(), *self.lost.values()) if scope in booked]
        return self.charged.get(scope, 0) + sum(held)

    @rule(target=open_ones, process=st.integers(0, 1), amount=st.integers(0, 60),
          client=st.sampled_from(["local", "phone"]), talk=st.sampled_from(["", "a", "b"]))  # fmt: skip
    def reserve(self, process: int, amount: int, client: str, talk: str) -> str:
        self.count += 1
        name = f"m-{self.count}"
        booked = scopes(Spender(client, talk), self.day, LIMITS)
        fits = all(self.used(scope) + amount <= LIMITS.most_microusd[scope.span] for scope in booked)
        assert self.stores[process].reserve(name, booked, amount, LIMITS, self.count) is fits
        if fits:
            self.aside[name] = (amount, booked)
        return name

    @rule(process=st.integers(0, 1), name=consumes(open_ones), share=st.integers(0, 100))
    def settle(self, process: int, name: str, share: int) -> None:
        """Settle by a bill up to the worst case, also what a death gave up, and what never was."""
        amount, booked = self.aside.pop(name, None) or self.lost.pop(name, (0, ()))
        bill = amount * share // 100
        for _ in range(2):
            self.stores[process].settle(name, bill, self.count)
        for scope in booked:
            self.charged[scope] = self.charged.get(scope, 0) + bill

    @rule(process=st.integers(0, 1))
    def start_again(self, process: int) -> None:
        """One process begins; what is set aside, by itself before or by the other, counts as spent."""
        amounts = [amount for amount, _ in self.aside.values()]
        assert self.stores[process].close_open(self.count) == (len(amounts), sum(amounts))
        self.lost |= self.aside
        self.aside.clear()

    @rule(day=st.sampled_from(DAYS))
    def another_day(self, day: str) -> None:
        self.day = day

    @rule(process=st.integers(0, 1))
    def sweep(self, process: int) -> None:
        self.stores[process].sweep(self.count)

    @invariant()
    def no_account_passes_its_limit(self) -> None:
        known = {scope for _, booked in (*self.aside.values(), *self.lost.values()) for scope in booked}
        for scope, account in self.stores[0].accounts(known | self.charged.keys()).items():
            assert account.used_microusd <= LIMITS.most_microusd[scope.span]
            assert account.used_microusd == self.used(scope)
            aside = sum(amount for amount, booked in self.aside.values() if scope in booked)
            assert account.reserved_microusd == aside

    def teardown(self) -> None:
        self.stack.close()


Ledger.TestCase.settings = settings(deadline=None, max_examples=30, stateful_step_count=30)
TestLedger = Ledger.TestCase


def test_the_tables_are_bounded_and_keep_what_is_set_aside(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("islandrun_node.stores.spending.ACCOUNTS_MAX", dict.fromkeys(Span, 3))
    database = Database.open(tmp_path / "costs.db", COSTS)
    store = SpendingStore(database)
    for number in range(8):
        booked = scopes(Spender("local", f"talk {number}"), "2026-11-24", LIMITS)
        assert store.reserve(f"m-{number}", booked, 1, LIMITS, number)
        if number != 1:
            store.settle(f"m-{number}", 1, number)
    store.sweep(100)
    kept = store.largest(Span.CONVERSATION, "", 100)
    assert {scope.key for scope in kept} == {"talk 1", "talk 5", "talk 6", "talk 7"}
    assert kept[Scope(Span.CONVERSATION, "talk 1")] == Account(0, 1)
    assert store.accounts([Scope(Span.DAY, "2026-11-24")]) == {Scope(Span.DAY, "2026-11-24"): Account(7, 1)}
    database.close()
