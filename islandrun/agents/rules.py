"""The opinion on the owner's rules: is an island within what every rule that applies allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from islandrun.agents.agent import Case, Objection, Opinion, Veto, VetoReason
from islandrun.agents.columns import marked
from islandrun.agents.fleet import Fleet
from islandrun.agents.limits import Grant, Limits
from islandrun.vocabulary import IslandView

SELF: Final = "self"
"""The word in a rule for the island that asks."""

ID_PREFIX_MIN: Final = 16
"""A rule names other islands by so many characters of their id: a name is what an island says of itself."""


class PolicyAgent:
    """Objects to islands that the owner's rules keep a request from; gives no score."""

    name = "policy"

    def judge(self, case: Case) -> Opinion:
        """Judge all islands by the limits of the request; a fleet remembers what it was judged by."""
        limits = case.question.limits
        return Opinion(self.name, case.fleet.once(_judged, limits) if limits.grants else ())


def _judged(fleet: Fleet, limits: Limits) -> tuple[Objection, ...]:
    """Gather the vetoes of all islands: one objection a reason, told by place."""
    told = [vetoes(limits, island) for island in fleet.islands]
    rows = max(map(len, told), default=0)
    return tuple(_row(told, row, reason) for row in range(rows) for reason in _reasons(told, row))


def _reasons(told: Sequence[tuple[Veto, ...]], row: int) -> list[VetoReason]:
    return sorted({found[row].reason for found in told if row < len(found)})


def _row(told: Sequence[tuple[Veto, ...]], row: int, reason: VetoReason) -> Objection:
    places = [place for place, found in enumerate(told) if row < len(found) and found[row].reason is reason]
    return Objection(reason, marked(len(told), places), lambda place: told[place][row].detail)


def vetoes(limits: Limits, island: IslandView) -> tuple[Veto, ...]:
    """Say why an island may not run a request under these limits; each reason names its rule."""
    return tuple(veto for grant in limits.grants for veto in _objections(grant, island))


def is_named(island: IslandView, word: str) -> bool:
    """Say whether a rule means an island: by "self", or by 16 or more characters of its id."""
    if word == SELF:
        return island.is_self
    return len(word) >= ID_PREFIX_MIN and island.id.startswith(word)


def _denied(grant: Grant, island: IslandView) -> Iterator[tuple[VetoReason, str]]:
    if grant.denial:
        yield VetoReason.POLICY, grant.denial


def _by_tier(grant: Grant, island: IslandView) -> Iterator[tuple[VetoReason, str]]:
    if grant.tiers and island.tier not in grant.tiers:
        yield VetoReason.TIER_EXCLUDED, f"tier {island.tier.name.lower()} is excluded"


def _by_place(grant: Grant, island: IslandView) -> Iterator[tuple[VetoReason, str]]:
    """Require all places of an island, since it may store in any of them; none attested is no place."""
    if not grant.jurisdictions:
        return
    if not island.jurisdictions:
        yield VetoReason.RESIDENCY, "no jurisdiction is attested"
    elif not set(island.jurisdictions) <= set(grant.jurisdictions):
        yield VetoReason.RESIDENCY, f"in {', '.join(island.jurisdictions)}: not all allowed"


def _by_standing(grant: Grant, island: IslandView) -> Iterator[tuple[VetoReason, str]]:
    if grant.groups and island.group not in grant.groups:
        yield VetoReason.POLICY, f"group {island.group or 'none'} is not allowed"
    lacking = [scheme for scheme in grant.certifications if scheme not in island.certifications]
    if lacking:
        yield VetoReason.POLICY, f"it is not certified for {', '.join(lacking)}"
    if grant.islands and not any(is_named(island, word) for word in grant.islands):
        yield VetoReason.POLICY, f"not among the {len(grant.islands)} islands allowed"


_KEPT: Final[tuple[Callable[[Grant, IslandView], Iterator[tuple[VetoReason, str]]], ...]] = (
    _denied,
    _by_tier,
    _by_place,
    _by_standing,
)


def _objections(grant: Grant, island: IslandView) -> Iterator[Veto]:
    for objects in _KEPT:
        for reason, detail in objects(grant, island):
            yield Veto(reason, f"rule {grant.rule}: {detail}")
