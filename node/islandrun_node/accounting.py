"""The money of a node, built from its settings; and the same as figures for the command `budget`."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from islandrun.agents.budget import Account, Limits, Scope, Span
from islandrun.agents.prices import SAVING_FORMULA, work_hour_microusd
from islandrun.v1 import status_pb2
from islandrun_node.config import zone_of
from islandrun_node.config_tables import Budget, Config, Power
from islandrun_node.home import Home
from islandrun_node.prices import Prices
from islandrun_node.spending import Rules, Spending
from islandrun_node.stores.database import Database
from islandrun_node.stores.lengths import LengthStore
from islandrun_node.stores.schema import COSTS
from islandrun_node.stores.spending import SpendingStore, Tally

MICRO: Final = 1_000_000
LARGEST_SHOWN: Final = 10
"""So many clients and conversations are shown, those that used most."""


@dataclass(frozen=True, slots=True)
class Accounting:
    """What money there is, what things cost, and where it is written down."""

    spending: Spending
    prices: Prices
    work_hour_microusd: int
    baseline: str
    database: Database

    def degraded(self) -> tuple[str, ...]:
        """Say why no paid island runs, or what could not be written."""
        return self.spending.degraded() or self.database.degraded()

    def report(self) -> status_pb2.Budget:
        """Return limits, accounts and savings as they are now. Raises `StateError`."""
        self.spending.keep()
        day = self.prices.today()
        found = self.prices.find_baseline(self.baseline)
        return status_pb2.Budget(
            time_zone=str(self.spending.rules.zone),
            day=day,
            accounts=[self._account(scope, account) for scope, account in self._accounts(day).items()],
            tallies=[self._tally(period) for period in (day, day[:7])],
            baseline=f"{found[0].provider}/{found[0].model}" if found else "",
            baseline_source=f"{found[1].source}, {found[1].dated}".strip(", ") if found else "",
            formula=SAVING_FORMULA,
        )

    def _accounts(self, day: str) -> dict[Scope, Account]:
        store, limits = self.spending.store, self.spending.rules.limits.most_microusd
        accounts = store.accounts((Scope(Span.DAY, day), Scope(Span.MONTH, day[:7])))
        accounts |= store.largest(Span.CLIENT_DAY, f"{day} ", LARGEST_SHOWN)
        accounts |= store.largest(Span.CLIENT_MONTH, f"{day[:7]} ", LARGEST_SHOWN)
        if Span.CONVERSATION in limits:
            accounts |= store.largest(Span.CONVERSATION, "", LARGEST_SHOWN)
        return accounts

    def _account(self, scope: Scope, account: Account) -> status_pb2.BudgetAccount:
        return status_pb2.BudgetAccount(
            span=scope.span,
            key=scope.key,
            spent_microusd=account.spent_microusd,
            reserved_microusd=account.reserved_microusd,
            limit_microusd=self.spending.rules.limits.most_microusd.get(scope.span),
        )

    def _tally(self, period: str) -> status_pb2.CostTally:
        tally: Tally = self.spending.store.tally(period)
        return status_pb2.CostTally(
            period=period,
            answers=tally.answers,
            unpriced_answers=tally.unpriced,
            billed_microusd=tally.billed_microusd,
            power_microusd=tally.power_microusd,
            baseline_microusd=tally.baseline_microusd,
        )


def open_accounting(home: Home, config: Config, stack: AsyncExitStack) -> Accounting:
    """Open the ledger and the price tables of a home; `stack` closes them.

    Raises `StateError` for a ledger that is damaged or cannot be written, `ConfigError` for a price table.
    """
    budget = config.budget
    zone = zone_of(budget.time_zone)
    prices = Prices.of(home, zone)
    database = Database.open(home.costs, COSTS)
    stack.callback(database.close)
    spending = Spending(
        SpendingStore(database),
        LengthStore(database),
        Rules(limits_of(budget), zone, budget.answer_tokens_max),
        lambda: prices.baseline(budget.baseline),
    )
    stack.callback(spending.keep)
    return Accounting(spending, prices, hour_price_of(config.power), budget.baseline, database)


def limits_of(budget: Budget) -> Limits:
    """Return the owner's limits in micro-dollars."""
    wished = {
        Span.DAY: budget.day_usd,
        Span.MONTH: budget.month_usd,
        Span.CONVERSATION: budget.conversation_usd,
        Span.CLIENT_DAY: budget.client_day_usd,
        Span.CLIENT_MONTH: budget.client_month_usd,
    }
    return Limits({span: round(most * MICRO) for span, most in wished.items() if most is not None})


def hour_price_of(power: Power) -> int:
    """Return what an hour of work on this machine adds to the electricity bill, in micro-dollars."""
    kwh_usd = power.kwh_price * (power.usd_per_currency or 1.0)
    return work_hour_microusd(power.active_watts, power.idle_watts, kwh_usd)
