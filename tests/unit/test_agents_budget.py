"""What may still be spent: accounts, limits, the owner's days, and the bound of a prompt's tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from islandrun.agents.budget import (
    Account,
    Limits,
    Purse,
    Scope,
    Span,
    Spender,
    day_of,
    input_tokens_max,
    left,
    may_reserve,
    scopes,
)
from islandrun.vocabulary import Message, Prompt, ToolCall, ToolDefinition
from islandrun_node.backends import embedder

BERLIN = ZoneInfo("Europe/Berlin")


def ms(text: str, zone=UTC) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1_000)


def test_a_day_is_the_owners_own() -> None:
    assert day_of(ms("2026-11-24T23:30"), UTC) == "2026-11-24"
    assert day_of(ms("2026-11-24T23:30"), BERLIN) == "2026-11-25"
    assert day_of(ms("2026-11-30T23:00"), BERLIN) == "2026-12-01"


def test_a_day_has_as_many_hours_as_the_clocks_give_it() -> None:
    for day, hours in (("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-24", 24)):
        start = datetime.fromisoformat(day).replace(tzinfo=BERLIN)
        first = ms(day, BERLIN)
        last = ms((start + timedelta(days=1)).date().isoformat(), BERLIN)
        counted = sum(day_of(at, BERLIN) == day for at in range(first - 7_200_000, last + 7_200_000, 60_000))
        assert counted == hours * 60
        assert last - first == hours * 3_600_000


def test_a_bill_counts_in_every_account_and_conversations_only_where_they_are_limited() -> None:
    limits = Limits({Span.CONVERSATION: 5})
    counted = scopes(Spender("phone", "talk"), "2026-11-24", limits)
    assert [(scope.span, scope.key) for scope in counted] == [
        (Span.DAY, "2026-11-24"), (Span.MONTH, "2026-11"), (Span.CLIENT_DAY, "2026-11-24 phone"),
        (Span.CLIENT_MONTH, "2026-11 phone"), (Span.CONVERSATION, "talk"),
    ]  # fmt: skip
    assert len(scopes(Spender("phone"), "2026-11-24", limits)) == 4
    assert len(scopes(Spender("phone", "talk"), "2026-11-24", Limits())) == 4


def test_the_least_of_all_accounts_is_left_and_reserved_money_is_gone() -> None:
    day, month = Scope(Span.DAY, "d"), Scope(Span.MONTH, "m")
    limits = Limits({Span.DAY: 100, Span.MONTH: 150})
    accounts = {day: Account(20, 30), month: Account(100, 30)}
    assert left(limits, accounts) == (20, Span.MONTH)
    assert may_reserve(limits, accounts, 20)
    assert not may_reserve(limits, accounts, 21)
    assert left(limits, {day: Account(101, 0), month: Account()}) == (0, Span.DAY)
    assert left(Limits(), accounts) == (None, None)
    assert may_reserve(Limits(), accounts, 10**15)
    assert Purse(0, Span.CLIENT_DAY).of_what == " of this client day"
    assert Purse(0).of_what == ""


TOKENIZER = Tokenizer.from_file(str(Path(embedder.__file__).parent / "minilm" / "tokenizer.json"))


@given(st.lists(st.text(max_size=40), max_size=4))
@settings(deadline=None, max_examples=100)
def test_no_tokenizer_makes_more_tokens_than_the_bound(texts: list[str]) -> None:
    prompt = Prompt(
        tuple(Message("user", text, (ToolCall(text, text, text),)) for text in texts),
        tuple(ToolDefinition(text, text, text) for text in texts),
    )
    words = [word for text in texts for word in ["user", *[text] * 7]]
    counted = sum(len(TOKENIZER.encode(word, add_special_tokens=False).ids) for word in words)
    assert counted <= input_tokens_max(prompt)
    assert counted + 4 * len(texts) * 3 <= input_tokens_max(prompt)
