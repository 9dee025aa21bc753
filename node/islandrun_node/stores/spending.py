"""The ledger of money: reserve, then settle. An amount that is reserved cannot be reserved twice.

Whether it still fits is decided inside the transaction that takes it, so neither requests of one node nor
two processes with one home spend more than is there. A reservation whose process died counts as spent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING, Final

import msgspec

from islandrun.agents.budget import Account, Limits, Scope, Span, may_reserve
from islandrun_node.fail_points import Step
from islandrun_node.stores.database import Database

if TYPE_CHECKING:
    import sqlite3

CONVERSATIONS_MAX: Final = 100_000
CLIENTS_MAX: Final = 20_000
ACCOUNTS_MAX: Final = {
    Span.DAY: 800,
    Span.MONTH: 60,
    Span.CONVERSATION: CONVERSATIONS_MAX,
    Span.CLIENT_DAY: CLIENTS_MAX,
    Span.CLIENT_MONTH: CLIENTS_MAX,
}
"""So many accounts of a span are kept; what was not used for longest goes first."""

TALLIES_MAX: Final = 800
LOST_MS_MAX: Final = 40 * 86_400_000
"""How long a reservation that was given up is known, should its answer come to an end after all."""

_scopes = msgspec.json.Decoder(list[tuple[str, str]])


@dataclass(frozen=True, slots=True)
class Tally:
    """What some answers cost, and would have cost at the baseline, in micro-dollars."""

    answers: int = 0
    unpriced: int = 0
    billed_microusd: int = 0
    power_microusd: int = 0
    baseline_microusd: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


class SpendingStore:
    """The money of one home. Every method raises `StateError` when the disk does not do its part."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reserve(self, name: str, scopes: Iterable[Scope], amount: int, limits: Limits, at_ms: int) -> bool:
        """Set an amount aside in every account, or say that it does not fit into one of them."""
        wanted = tuple(scopes)
        kept = msgspec.json.encode([(scope.span, scope.key) for scope in wanted]).decode()
        with self._database.transaction(Step.RESERVE_MONEY) as cursor:
            accounts = {scope: _account(cursor, scope) for scope in wanted}
            if not may_reserve(limits, accounts, amount):
                return False
            cursor.execute("INSERT INTO reservations VALUES (?, ?, ?, 0, ?)", (name, amount, kept, at_ms))
            for scope, account in accounts.items():
                more = replace(account, reserved_microusd=account.reserved_microusd + amount)
                _write(cursor, scope, more, at_ms)
        return True

    def settle(self, name: str, cost: int, at_ms: int) -> None:
        """Put the bill in the place of a reservation, once; 0 gives all of it back.

        One that was given up meanwhile is corrected.
        """
        with self._database.transaction(Step.SETTLE_MONEY) as cursor:
            query = "SELECT amount, scopes, is_lost FROM reservations WHERE id = ?"
            row = cursor.execute(query, (name,)).fetchone()
            if row is None:
                return
            amount, scopes, is_lost = row
            for scope in _read_scopes(scopes):
                account = _account(cursor, scope)
                spent, reserved = account.spent_microusd, account.reserved_microusd
                taken = Account(spent - amount, reserved) if is_lost else Account(spent, reserved - amount)
                settled = replace(taken, spent_microusd=taken.spent_microusd + cost)
                _write(cursor, scope, settled, at_ms)
            cursor.execute("DELETE FROM reservations WHERE id = ?", (name,))

    def close_open(self, at_ms: int) -> tuple[int, int]:
        """Count what is still reserved as spent, and return how many reservations and how much that was."""
        with self._database.transaction(Step.CLOSE_RESERVATIONS) as cursor:
            rows = cursor.execute("SELECT amount, scopes FROM reservations WHERE is_lost = 0").fetchall()
            for amount, scopes in rows:
                for scope in _read_scopes(scopes):
                    account = _account(cursor, scope)
                    spent, reserved = account.spent_microusd + amount, account.reserved_microusd - amount
                    _write(cursor, scope, Account(spent, reserved), at_ms)
            cursor.execute("UPDATE reservations SET is_lost = 1")
        return len(rows), sum(amount for amount, _ in rows)

    def accounts(self, scopes: Iterable[Scope]) -> dict[Scope, Account]:
        """Return accounts; one that nothing was booked in is empty."""
        found = {}
        for scope in scopes:
            rows = self._database.read(
                "SELECT spent, reserved FROM accounts WHERE span = ? AND key = ?", (scope.span, scope.key)
            )
            found[scope] = _of_row(rows[0]) if rows else Account()
        return found

    def largest(self, span: Span, prefix: str, count: int) -> dict[Scope, Account]:
        """Return the accounts of a span whose key begins so in which most was used, largest first."""
        rows = self._database.read(
            "SELECT key, spent, reserved FROM accounts WHERE span = ? AND substr(key, 1, ?) = ?"
            " ORDER BY spent + reserved DESC, key LIMIT ?",
            (span, len(prefix), prefix, count),
        )
        return {Scope(span, str(key)): _of_row(row) for key, *row in rows}

    def add(self, day: str, tally: Tally) -> None:
        """Add answers to those of a day."""
        with self._database.transaction(Step.ADD_TALLY) as cursor:
            cursor.execute(
                "INSERT INTO tallies VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (day) DO UPDATE SET"
                " answers = answers + excluded.answers, unpriced = unpriced + excluded.unpriced,"
                " billed = billed + excluded.billed, power = power + excluded.power,"
                " baseline = baseline + excluded.baseline",
                (day, *astuple(tally)),
            )

    def tally(self, prefix: str) -> Tally:
        """Return what the answers of a day or a month ("2026-11") come to."""
        rows = self._database.read(
            "SELECT answers, unpriced, billed, power, baseline FROM tallies WHERE substr(day, 1, ?) = ?",
            (len(prefix), prefix),
        )
        return sum((Tally(*map(_number, row)) for row in rows), Tally())

    def sweep(self, now_ms: int) -> None:
        """Forget what is over the bounds of the tables; an account with a reservation stays."""
        with self._database.transaction(Step.SWEEP_ACCOUNTS) as cursor:
            for span, most in ACCOUNTS_MAX.items():
                cursor.execute(
                    "DELETE FROM accounts WHERE span = ? AND reserved = 0 AND key IN"
                    " (SELECT key FROM accounts WHERE span = ? ORDER BY used_at_ms DESC LIMIT -1 OFFSET ?)",
                    (span, span, most),
                )
            lost_before = now_ms - LOST_MS_MAX
            cursor.execute("DELETE FROM reservations WHERE is_lost = 1 AND at_ms < ?", (lost_before,))
            cursor.execute(
                "DELETE FROM tallies WHERE day NOT IN (SELECT day FROM tallies ORDER BY day DESC LIMIT ?)",
                (TALLIES_MAX,),
            )


def _account(cursor: sqlite3.Cursor, scope: Scope) -> Account:
    query = "SELECT spent, reserved FROM accounts WHERE span = ? AND key = ?"
    row = cursor.execute(query, (scope.span, scope.key)).fetchone()
    return _of_row(row) if row else Account()


def _write(cursor: sqlite3.Cursor, scope: Scope, account: Account, at_ms: int) -> None:
    row = (scope.span, scope.key, account.spent_microusd, account.reserved_microusd, at_ms)
    cursor.execute("INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?)", row)


def _read_scopes(text: str) -> list[Scope]:
    return [Scope(Span(span), key) for span, key in _scopes.decode(text)]


def _of_row(row: Iterable[object]) -> Account:
    return Account(*map(_number, row))


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value
