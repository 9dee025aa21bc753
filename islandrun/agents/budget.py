"""What may still be spent: five limits, an account for each, and the least that any of them has left.

Money is reserved at its worst case before a request leaves, and settled by the bill after it. What is
reserved counts as spent, so no order of requests can pass a limit. A day and a month are the owner's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import Final

from islandrun.vocabulary import Prompt

BYTES_PER_MESSAGE_MAX: Final = 64
"""More tokens than any chat template adds around a message or a tool."""


class Span(StrEnum):
    """Over what a limit counts."""

    DAY = "day"
    MONTH = "month"
    CONVERSATION = "conversation"
    CLIENT_DAY = "client_day"
    CLIENT_MONTH = "client_month"


@dataclass(frozen=True, slots=True)
class Scope:
    """One account: a span and which one, such as ("day", "2026-11-24")."""

    span: Span
    key: str


@dataclass(frozen=True, slots=True)
class Account:
    """What was spent and what is reserved, in micro-dollars."""

    spent_microusd: int = 0
    reserved_microusd: int = 0

    @property
    def used_microusd(self) -> int:
        """What is not free any more."""
        return self.spent_microusd + self.reserved_microusd


@dataclass(frozen=True, slots=True)
class Spender:
    """On whose behalf money is spent. `conversation` is a name without meaning, or empty."""

    client: str
    conversation: str = field(default="", repr=False)


NOBODY: Final = Spender("")


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that may be spent, in micro-dollars; what is not in the table has no limit."""

    most_microusd: Mapping[Span, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.most_microusd)


@dataclass(frozen=True, slots=True)
class Purse:
    """What one request may spend. `left_microusd` None: as much as it likes.

    `span` names the limit that has least left. The two bounds hold whatever the model does.
    """

    left_microusd: int | None = None
    span: Span | None = None
    input_tokens_max: int = 0
    output_tokens_max: int = 0
    spender: Spender = NOBODY

    @property
    def of_what(self) -> str:
        """The limit in words that follow "budget", or nothing."""
        return f" of this {self.span.replace('_', ' ')}" if self.span else ""


NO_LIMIT: Final = Purse()


def day_of(wall_ms: int, zone: tzinfo = UTC) -> str:
    """Return the owner's day at a moment, such as "2026-11-24"; it has 23 to 25 hours where clocks change."""
    return datetime.fromtimestamp(wall_ms / 1_000, zone).date().isoformat()


def scopes(spender: Spender, day: str, limits: Limits) -> tuple[Scope, ...]:
    """Return the accounts that a bill counts in. Conversations are counted only where they are limited."""
    month = day[:7]
    counted = [
        Scope(Span.DAY, day),
        Scope(Span.MONTH, month),
        Scope(Span.CLIENT_DAY, f"{day} {spender.client}"),
        Scope(Span.CLIENT_MONTH, f"{month} {spender.client}"),
    ]
    if spender.conversation and Span.CONVERSATION in limits.most_microusd:
        counted.append(Scope(Span.CONVERSATION, spender.conversation))
    return tuple(counted)


def left(limits: Limits, accounts: Mapping[Scope, Account]) -> tuple[int | None, Span | None]:
    """Return the least that is left in any of these accounts, and in which; None where nothing is limited."""
    rests = [
        (max(0, limits.most_microusd[scope.span] - account.used_microusd), scope.span)
        for scope, account in accounts.items()
        if scope.span in limits.most_microusd
    ]
    return min(rests, default=(None, None))


def may_reserve(limits: Limits, accounts: Mapping[Scope, Account], amount_microusd: int) -> bool:
    """Say whether an amount fits into every account."""
    rest, _ = left(limits, accounts)
    return rest is None or amount_microusd <= rest


def input_tokens_max(prompt: Prompt) -> int:
    """Bound the tokens of a prompt: no tokenizer in use makes more than one token of a byte.

    The rest is room for what a chat template puts around messages and tools.
    """
    texts = [prompt.tool_choice, prompt.response_format]
    for message in prompt.messages:
        texts += (message.text, message.role, message.name, message.tool_call_id)
        texts += (word for call in message.tool_calls for word in (call.id, call.name, call.arguments))
    for tool in prompt.tools:
        texts += (tool.name, tool.description, tool.parameters)
    places = len(prompt.messages) + len(prompt.tools) + sum(len(m.tool_calls) for m in prompt.messages) + 1
    return sum(len(text.encode("utf-8", "replace")) for text in texts) + places * BYTES_PER_MESSAGE_MAX
