"""Which classes of requests could reach which tier: the owner's rules as a table, worked out without a mesh.

It is an upper bound. An island of the tier may still be ruled out by its own ceiling, place or state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from islandrun.agents.limits import Limits
from islandrun.privacy.data_classes import ALL, OF_CLASSES, OF_TOPICS, DataClass
from islandrun.routing.rule_check import Surroundings
from islandrun.routing.rules import LOCAL_CALLER, USES, Facts, Rules, limits_for
from islandrun.vocabulary import (
    CLASS_FLOORS,
    PPM_MAX,
    Instant,
    Ppm,
    SensitivityClass,
    Tier,
    sensitivity_class,
)


class Sight(StrEnum):
    """What an island of a tier could see at most of a request."""

    CLEAR = "as it is"
    MASKED = "masked"
    NOTHING = "no"


@dataclass(frozen=True, slots=True)
class Row:
    """One class of requests by one caller: the rules that apply, and what each tier could see."""

    caller: str
    request: str
    rules: tuple[str, ...]
    sights: tuple[tuple[Tier, Sight], ...]
    jurisdictions: tuple[str, ...]
    denial: str


@dataclass(frozen=True, slots=True)
class _Kind:
    """A class of requests: what it needs of a reader as it is, and masked."""

    name: str
    facts: Facts
    floor_ppm: Ppm
    masked_ppm: Ppm


def reach_table(
    rules: Rules, around: Surroundings, now: Instant, callers: Sequence[str] = (LOCAL_CALLER,)
) -> tuple[Row, ...]:
    """Return a row for each class of requests and each caller, at one moment."""
    return tuple(
        _row(caller, kind, limits_for(rules, kind.facts, now), around)
        for caller in callers
        for kind in _kinds(caller)
    )


def callers_of(rules: Rules) -> tuple[str, ...]:
    """Return the callers for whom rules differ: the node's own token, then every key that a rule names."""
    named = {caller for rule in rules.rules for caller in rule.when.callers}
    return (LOCAL_CALLER, *sorted(named - {LOCAL_CALLER}))


def _kinds(caller: str) -> Iterator[_Kind]:
    for level in SensitivityClass:
        floor = CLASS_FLOORS[level]
        facts = Facts(level, frozenset(), frozenset(), caller, (), USES[0])
        yield _Kind(level.name.lower(), facts, floor, Ppm(0))
    for kind in DataClass:
        topic = OF_CLASSES[kind]
        held = OF_TOPICS.get(topic.name, frozenset()) | {kind}
        level = sensitivity_class(topic.floor_ppm)
        facts = Facts(level, held, frozenset({topic.name}), caller, (), USES[0])
        yield _Kind(str(kind), facts, topic.floor_ppm, topic.masked_floor_ppm)
    unread = Facts(SensitivityClass.RESTRICTED, ALL, frozenset(), caller, (), USES[0], is_withheld=True)
    yield _Kind("could not be judged", unread, PPM_MAX, PPM_MAX)


def _row(caller: str, kind: _Kind, limits: Limits, around: Surroundings) -> Row:
    sights = tuple((tier, _sight(tier, kind, limits, around)) for tier in Tier)
    places = _places(limits, around)
    denial = limits.denial
    if not denial and places is not None and not places:
        denial = "no place is allowed by all rules and settings"
    if denial:
        sights = tuple((tier, Sight.NOTHING) for tier in Tier)
    return Row(caller, kind.name, limits.rules, sights, tuple(sorted(places or ())), denial)


def _sight(tier: Tier, kind: _Kind, limits: Limits, around: Surroundings) -> Sight:
    trust = around.tier_base.get(tier, Ppm(0))
    is_allowed = (not around.tiers or tier in around.tiers) and (limits.tiers is None or tier in limits.tiers)
    if not is_allowed or not trust or trust < kind.masked_ppm:
        return Sight.NOTHING
    return Sight.CLEAR if trust >= kind.floor_ppm else Sight.MASKED


def _places(limits: Limits, around: Surroundings) -> frozenset[str] | None:
    """Return the places that all allow; None: any."""
    sets = [frozenset(one) for one in (around.jurisdictions, around.trust_jurisdictions) if one]
    if limits.jurisdictions is not None:
        sets.append(limits.jurisdictions)
    return frozenset.intersection(*sets) if sets else None
