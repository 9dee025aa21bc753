"""`islandrun-node budget`: what was spent, is set aside and is left; what answers cost and what was saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from islandrun_node.cli.output import show, table
from islandrun_node.cli.reading import CALL_SECONDS_MAX, Stubs, with_node
from islandrun_node.cli.session import Session

if TYPE_CHECKING:
    from islandrun.v1 import status_pb2

MICRO: Final = 1_000_000


@click.command()
@click.pass_obj
def budget(session: Session) -> None:
    """Show what was spent, is set aside and is left, and what was saved."""
    from islandrun.v1 import status_pb2

    async def read(node: Stubs) -> status_pb2.GetBudgetResponse:
        request = status_pb2.GetBudgetRequest()
        response: status_pb2.GetBudgetResponse = await node.status.GetBudget(
            request, timeout=CALL_SECONDS_MAX
        )
        return response

    found = with_node(session, read).budget
    show(session, "budget/v1", _content(found), _text(found))


def _text(found: status_pb2.Budget) -> str:
    accounts = [
        (
            account.span.replace("_", " "),
            account.key,
            dollars(account.spent_microusd),
            dollars(account.reserved_microusd),
            dollars(account.limit_microusd) if account.HasField("limit_microusd") else "no limit",
            dollars(_left(account)) if account.HasField("limit_microusd") else "",
        )
        for account in found.accounts
    ]
    tallies = [
        (
            tally.period,
            str(tally.answers),
            dollars(tally.billed_microusd),
            dollars(tally.power_microusd),
            dollars(tally.baseline_microusd) if found.baseline else "",
            dollars(_saved(tally)) if found.baseline else "",
        )
        for tally in found.tallies
    ]
    lines = [
        f"US dollars; days begin at midnight in {found.time_zone}",
        table(("what", "which", "spent", "set aside", "limit", "left"), accounts),
        "",
        table(("answers of", "answers", "bills", "power", "at the baseline", "saved"), tallies),
    ]
    if found.baseline:
        lines.append(f"{found.formula}; baseline {found.baseline} of {found.baseline_source}")
    else:
        lines.append("no saving is shown: budget.baseline names no model of the price table")
    if unpriced := sum(tally.unpriced_answers for tally in found.tallies[1:]):
        lines.append(f"{unpriced} answers of this month have a price that nobody told; they count as 0")
    return "\n".join(lines)


def _content(found: status_pb2.Budget) -> dict[str, object]:
    return {
        "time_zone": found.time_zone,
        "day": found.day,
        "accounts": [
            {
                "span": account.span,
                "key": account.key,
                "spent_usd": account.spent_microusd / MICRO,
                "reserved_usd": account.reserved_microusd / MICRO,
                "limit_usd": account.limit_microusd / MICRO if account.HasField("limit_microusd") else None,
                "left_usd": _left(account) / MICRO if account.HasField("limit_microusd") else None,
            }
            for account in found.accounts
        ],
        "tallies": [
            {
                "period": tally.period,
                "answers": tally.answers,
                "unpriced_answers": tally.unpriced_answers,
                "billed_usd": tally.billed_microusd / MICRO,
                "power_usd": tally.power_microusd / MICRO,
                "baseline_usd": tally.baseline_microusd / MICRO if found.baseline else None,
                "saved_usd": _saved(tally) / MICRO if found.baseline else None,
            }
            for tally in found.tallies
        ],
        "baseline": found.baseline or None,
        "baseline_source": found.baseline_source or None,
        "formula": found.formula,
    }


def _left(account: status_pb2.BudgetAccount) -> int:
    return max(0, account.limit_microusd - account.spent_microusd - account.reserved_microusd)


def _saved(tally: status_pb2.CostTally) -> int:
    return tally.baseline_microusd - tally.billed_microusd - tally.power_microusd


def dollars(microusd: int) -> str:
    """Return an amount in US dollars with all that counts of it."""
    return f"{microusd / MICRO:.6f}".rstrip("0").ljust(4, "0") if microusd else "0"
