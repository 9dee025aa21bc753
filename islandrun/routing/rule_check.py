"""What is wrong with an owner's rules, found without a request: rules that say nothing, or leave nothing.

A policy that contradicts itself denies requests one by one, and nobody knows why; so it is refused as a whole
before it counts. What may be meant so is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import Final

from islandrun.agents.limits import Grant
from islandrun.privacy.data_classes import OF_CLASSES, OF_TOPICS
from islandrun.routing.countries import COUNTRIES
from islandrun.routing.rules import Rule, Rules, Window
from islandrun.vocabulary import PPM_MAX, Instant, Ppm, Tier

DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `key` is where; `is_fatal`: the policy must not count like this."""

    key: str
    what: str
    remedy: str
    is_fatal: bool = True


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The settings beside the rules that bear on them. Empty tuples restrict nothing.

    `has_issuers`: somebody's certifications count here at all.
    """

    tiers: tuple[Tier, ...]
    jurisdictions: tuple[str, ...]
    trust_jurisdictions: tuple[str, ...]
    tier_base: Mapping[Tier, Ppm]
    has_issuers: bool


def problems(rules: Rules, around: Surroundings, now: Instant) -> tuple[Problem, ...]:
    """Return all that is wrong with the rules; `now` is a moment of a week in which they are to count."""
    found: list[Problem] = []
    for number, rule in enumerate(rules.rules):
        key = f"policy.rule[{number}] ({rule.name})"
        found.extend(_says_nothing(rule, key, now))
        found.extend(_unknown_words(rule, key))
        if not rule.grant.denial:
            found.extend(_leaves_nothing(rule, key, around))
    found.extend(_contradictions(rules, now))
    found.extend(_upside_down(around))
    return tuple(found)


# ---------------------------------------------------------------- one rule


def _says_nothing(rule: Rule, key: str, now: Instant) -> Iterator[Problem]:
    """Yield why a rule never applies, or changes nothing where it does."""
    for name, window in (("during", rule.when.during), ("only_during", rule.only_during)):
        if window is not None and not _ever_opens(window):
            yield Problem(
                f"{key}.{name}", "this window never opens", "give it days, and an end after its start"
            )
    if rule.when.during and rule.only_during and not _overlap(rule.when.during, rule.only_during, now):
        what = "the rule applies only while its only_during is closed, so it always denies"
        yield Problem(f"{key}.only_during", what, "write deny = true instead")
    if rule.grant == Grant(rule.name) and rule.only_during is None:
        what = "the rule restricts nothing"
        yield Problem(key, what, "say what it allows (tiers, jurisdictions ...) or deny = true, or remove it")


def _unknown_words(rule: Rule, key: str) -> Iterator[Problem]:
    known = set(OF_TOPICS)
    for topic in rule.when.topics:
        if topic not in known:
            words = ", ".join(sorted(known))
            yield Problem(f"{key}.topics", f"no request has the topic `{topic}`", f"use one of: {words}")
    for place in rule.grant.jurisdictions:
        if place not in COUNTRIES:
            yield Problem(f"{key}.jurisdictions", f"`{place}` is no country", country_remedy(place))


def country_remedy(place: str) -> str:
    """Say what to write in place of a word that is no country's code."""
    if place in ("EU", "EEA"):
        return "name its members one by one: which they are changes, and an island stands in one country"
    if place == "UK":
        return "the code of the United Kingdom is GB"
    return "use the two-letter code of ISO 3166 for a country, such as DE"


def _leaves_nothing(rule: Rule, key: str, around: Surroundings) -> Iterator[Problem]:
    """Yield why no island can ever be within what a rule allows."""
    grant = rule.grant
    if grant.tiers and not set(grant.tiers) & set(around.tiers or Tier):
        what = "none of these tiers is in policy.tiers, so the rule leaves nothing"
        yield Problem(f"{key}.tiers", what, "name one of policy.tiers, or write deny = true")
    for name, allowed in (
        ("policy.jurisdictions", around.jurisdictions),
        ("trust.jurisdictions", around.trust_jurisdictions),
    ):
        if allowed and grant.jurisdictions and not set(grant.jurisdictions) & set(allowed):
            what = f"none of these places is in {name}, so the rule leaves nothing"
            yield Problem(f"{key}.jurisdictions", what, f"name one of {name}, or write deny = true")
    if grant.certifications and not around.has_issuers:
        what = "nobody's certifications count here, so the rule leaves nothing"
        yield Problem(f"{key}.certifications", what, "add [[trust.issuers]], or leave this out")
    yield from _never_trusted(rule, key, around)


def _never_trusted(rule: Rule, key: str, around: Surroundings) -> Iterator[Problem]:
    """Yield that no tier of a rule is trusted with its data, even when all is masked that can be."""
    if not rule.when.data:
        return
    tiers = [tier for tier in rule.grant.tiers or tuple(Tier) if not around.tiers or tier in around.tiers]
    most = max((around.tier_base.get(tier, Ppm(0)) for tier in tiers), default=Ppm(0))
    least = min(OF_CLASSES[kind].masked_floor_ppm for kind in rule.when.data)
    if tiers and most < least:
        what = (
            f"these tiers are trusted {most / PPM_MAX:.2f} at most, and this data needs {least / PPM_MAX:.2f}"
        )
        yield Problem(f"{key}.tiers", f"{what} even when masked", "allow a nearer tier, or write deny = true")


# ---------------------------------------------------------------- two rules


def _contradictions(rules: Rules, now: Instant) -> Iterator[Problem]:
    numbered = [(number, rule) for number, rule in enumerate(rules.rules) if not rule.grant.denial]
    for (_, one), (number, other) in combinations(numbered, 2):
        name = _disjoint(one.grant, other.grant)
        if name is None or not _may_meet(one, other, now):
            continue
        key = f"policy.rule[{number}] ({other.name}).{name}"
        shared = not (one.when.data and other.when.data) or set(one.when.data) & set(other.when.data)
        if shared:
            what = f"what this allows and what rule {one.name} allows have nothing in common"
            yield Problem(key, what, "give both an entry in common, or write deny = true in one of them")
        else:
            what = f"a request with data of this rule and of rule {one.name} goes nowhere"
            yield Problem(key, what, "give both an entry in common unless that is meant", is_fatal=False)


def _disjoint(one: Grant, other: Grant) -> str | None:
    """Name the first list of two grants that no island satisfies in both."""
    for name in ("tiers", "jurisdictions", "groups", "models"):
        first, second = getattr(one, name), getattr(other, name)
        if first and second and not set(first) & set(second):
            return name
    return None


def _may_meet(one: Rule, other: Rule, now: Instant) -> bool:
    """Say whether one request can be named by both rules."""
    first, second = one.when, other.when
    for mine, yours in ((first.callers, second.callers), (first.uses, second.uses)):
        if mine and yours and not set(mine) & set(yours):
            return False
    return not (first.during and second.during) or _overlap(first.during, second.during, now)


# ---------------------------------------------------------------- windows and tiers


def _ever_opens(window: Window) -> bool:
    return bool(window.days) and window.from_minute != window.to_minute


def _overlap(one: Window, other: Window, now: Instant) -> bool:
    """Say whether two windows are ever open together: they are when one is open as the other opens."""
    return any(
        second.is_open(Instant(now.seconds, opens_ms))
        for first, second in ((one, other), (other, one))
        for opens_ms in _openings_ms(first, now)
    )


def _openings_ms(window: Window, now: Instant) -> Iterator[int]:
    today = datetime.fromtimestamp(now.wall_ms / 1000, window.zone).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    for days in range(DAYS):
        day = today + timedelta(days=days)
        if day.weekday() in window.days:
            opens = day.replace(hour=window.from_minute // 60, minute=window.from_minute % 60)
            yield int(opens.timestamp() * 1000)


def _upside_down(around: Surroundings) -> Iterator[Problem]:
    """Yield tiers that are trusted more than a nearer one, and clouds that would see everything as it is."""
    trusts = [around.tier_base.get(tier, Ppm(0)) for tier in Tier]
    for nearer, farther in zip(Tier, list(Tier)[1:], strict=False):
        if trusts[farther - 1] > trusts[nearer - 1]:
            what = f"{farther.name.lower()} is trusted more than {nearer.name.lower()}"
            remedy = "lower it, unless that is meant"
            yield Problem(f"policy.tier_trust.{farther.name.lower()}", what, remedy, is_fatal=False)
    if trusts[Tier.CLOUD - 1] >= OF_CLASSES_MAX_PPM:
        what = "clouds see everything as it is: keys, cards and diagnoses, and nothing is masked for them"
        yield Problem("policy.tier_trust.cloud", what, "set it below 0.9", is_fatal=False)


OF_CLASSES_MAX_PPM: Final = max(topic.floor_ppm for topic in OF_CLASSES.values())
"""Whoever is trusted so far sees every class of data as it is."""
