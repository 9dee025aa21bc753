"""The owner's rules: which requests they name, what those may reach, and what is left for one request.

A rule applies when all its conditions hold; each condition holds when one of its words does. All rules that
apply count together (`agents.limits`), so the order of rules means nothing and no rule widens another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from islandrun.agents.limits import NO_LIMITS, Grant, Limits
from islandrun.privacy.data_classes import DataClass, data_classes
from islandrun.privacy.sensitivity import WITHHELD, Assessment
from islandrun.vocabulary import Instant, SensitivityClass, sensitivity_class

LOCAL_CALLER: Final = "local"
"""The word in a rule for programs with the node's own token."""

KEY_CALLER: Final = "key:"
"""How a caller begins that came with a named client key."""

USES: Final = ("chat", "tools", "read")
"""What a request does: a chat, a chat with tools, or reading on this island (embeddings, retrieval)."""

UNMATCHED: Final = "(no rule matched)"
"""The name under which a policy that denies what no rule names shows up."""


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of days in a zone; Monday is 0, `from_minute` counts and `to_minute` does not.

    A window that ends before it begins lasts into the next day, and counts to the day on which it began.
    """

    days: frozenset[int]
    from_minute: int
    to_minute: int
    zone: tzinfo

    def is_open(self, now: Instant) -> bool:
        """Say whether it is open at a moment, by the wall clock of its zone."""
        local = datetime.fromtimestamp(now.wall_ms / 1000, self.zone)
        minute = local.hour * 60 + local.minute
        if self.from_minute < self.to_minute:
            return local.weekday() in self.days and self.from_minute <= minute < self.to_minute
        yesterday = (local - timedelta(days=1)).weekday()
        is_late = local.weekday() in self.days and minute >= self.from_minute
        return is_late or (yesterday in self.days and minute < self.to_minute)


@dataclass(frozen=True, slots=True)
class Condition:
    """Which requests a rule is about; an empty tuple, None, and the class PUBLIC name all.

    `callers` holds names of client keys and `LOCAL_CALLER`; `topics` the names of topics.
    """

    sensitivity_min: SensitivityClass = SensitivityClass.PUBLIC
    data: tuple[DataClass, ...] = ()
    topics: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()
    data_sets: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    during: Window | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: whom it names and what they may reach. Outside `only_during` it denies."""

    name: str
    when: Condition
    grant: Grant
    only_during: Window | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of an owner. `denies_unmatched`: a request that no rule names goes nowhere."""

    rules: tuple[Rule, ...] = ()
    denies_unmatched: bool = False


NO_RULES: Final = Rules()


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules look at in a request: kinds and names, never text. `is_withheld`: nobody could judge it."""

    sensitivity: SensitivityClass
    data: frozenset[DataClass]
    topics: frozenset[str]
    caller: str
    data_sets: tuple[str, ...]
    use: str
    is_withheld: bool = False


def facts_of(assessment: Assessment, data_sets: Sequence[str], caller: str, use: str) -> Facts:
    """Return what rules look at; `caller` is "local", "key:" and a name, or the id of an island."""
    return Facts(
        sensitivity=sensitivity_class(assessment.sensitivity_ppm),
        data=data_classes(assessment),
        topics=frozenset(topic.name for topic in assessment.topics),
        caller=caller.removeprefix(KEY_CALLER),
        data_sets=tuple(data_sets),
        use=use,
        is_withheld=assessment is WITHHELD,
    )


def limits_for(rules: Rules, facts: Facts, now: Instant) -> Limits:
    """Say what a request may reach by the rules that apply to it now."""
    if not rules.rules and not rules.denies_unmatched:
        return NO_LIMITS
    applying = tuple(rule for rule in rules.rules if applies(rule.when, facts, now))
    if not applying and rules.denies_unmatched:
        return Limits((Grant(UNMATCHED, denial="the policy denies what no rule allows"),))
    return Limits(tuple(_granted(rule, now) for rule in applying))


def applies(when: Condition, facts: Facts, now: Instant) -> bool:
    """Say whether a rule is about a request. What nobody could judge is of every class and topic."""
    if facts.sensitivity < when.sensitivity_min:
        return False
    about = (
        (when.data, facts.data, facts.is_withheld),
        (when.topics, facts.topics, facts.is_withheld),
        (when.callers, {facts.caller}, False),
        (when.data_sets, facts.data_sets, False),
        (when.uses, {facts.use}, False),
    )
    if not all(is_any or not words or any(word in held for word in words) for words, held, is_any in about):
        return False
    return when.during is None or when.during.is_open(now)


def _granted(rule: Rule, now: Instant) -> Grant:
    if rule.only_during is not None and not rule.only_during.is_open(now):
        return Grant(rule.name, denial="it is outside the hours in which this is allowed")
    return rule.grant
