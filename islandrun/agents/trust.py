"""The opinion on standing: is an island a member, is its word fresh, and does nobody rule it out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np

from islandrun.agents.agent import Case, Objection, Opinion, VetoReason, those_that_count
from islandrun.agents.columns import Figures, Mask, marked
from islandrun.agents.fleet import Fleet
from islandrun.agents.models import LOCAL, PRIVATE
from islandrun.locality.catalog import lies_within
from islandrun.vocabulary import Tier


class TrustAgent:
    """Objects to islands without good standing, in the wrong place, or ruled out by owner or client."""

    name = "trust"

    def judge(self, case: Case) -> Opinion:
        """Judge membership, residency and wishes; gives no score, since trust itself is a threshold."""
        return Opinion(
            self.name,
            (
                *case.fleet.once(_standing),
                *_validity(case),
                *_residency(case),
                *_tiers(case),
                *_hints(case),
                *_scope(case),
            ),
        )


_EXPIRED: Final = "its admission is not valid now"


def _standing(fleet: Fleet) -> tuple[Objection, ...]:
    return those_that_count(
        (
            Objection(
                VetoReason.REVOKED, fleet.is_revoked, "revoked by the owner, or it contradicted itself"
            ),
            Objection(VetoReason.NOT_ADMITTED, fleet.is_unknown, "the owner has not admitted it"),
            Objection(VetoReason.STALE_ATTESTATION, fleet.is_expired, _EXPIRED),
        )
    )


def _validity(case: Case) -> tuple[Objection, ...]:
    """Object where a statement has ended since the fleet was made; mostly none has."""
    fleet, now_ms = case.fleet, case.question.now.wall_ms
    if not np.count_nonzero(fleet.once(_first_end_ms) < now_ms):
        return ()
    is_over = (fleet.admitted_until_ms < now_ms) & ~fleet.is_expired
    is_silent = fleet.attested_until_ms < now_ms
    return (
        Objection(VetoReason.STALE_ATTESTATION, is_over, _EXPIRED),
        Objection(VetoReason.STALE_ATTESTATION, is_silent, "its own statement is not valid now"),
    )


def _first_end_ms(fleet: Fleet) -> Figures:
    """Return when the first statement of each island ends."""
    ends: Figures = np.minimum(fleet.admitted_until_ms, fleet.attested_until_ms)
    return ends


def _residency(case: Case) -> list[Objection]:
    """Require all places of an island to be allowed, since it may store in any of them."""
    asked = (("owner", case.question.policy.jurisdictions), ("client", case.question.hints.jurisdictions))
    return [
        *(case.fleet.once(_outside, who, allowed) for who, allowed in asked if allowed),
        *(case.fleet.once(_away_from, place) for place in case.question.places),
    ]


def _away_from(fleet: Fleet, place: str) -> Objection:
    """Object to islands that are not wholly where documents are bound to; this one has been shown them."""
    register = fleet.register
    is_away = np.array([not lies_within(area, place) for area in register.areas], dtype=np.bool_)
    mask = is_away.take(register.area_of) & ~fleet.is_self
    return Objection(VetoReason.RESIDENCY, mask, f"the documents are bound to {place}")


def _outside(fleet: Fleet, who: str, allowed: tuple[str, ...]) -> Objection:
    """Object to islands that are not wholly within what is allowed, and to those that nobody can place."""
    register = fleet.register
    is_outside = [not area or not set(area) <= set(allowed) for area in register.areas]

    def detail(place: int) -> str:
        area = fleet.islands[place].jurisdictions
        if not area:
            return f"no jurisdiction is attested; the {who} restricts them"
        return f"in {', '.join(area)}: not all allowed by the {who}"

    return Objection(
        VetoReason.RESIDENCY, np.array(is_outside, dtype=np.bool_).take(register.area_of), detail
    )


def _tiers(case: Case) -> list[Objection]:
    asked = (("owner", case.question.policy.tiers), ("client", case.question.hints.tiers))
    return [case.fleet.once(_excluded, who, tiers) for who, tiers in asked if tiers]


def _excluded(fleet: Fleet, who: str, tiers: tuple[Tier, ...]) -> Objection:
    is_excluded = np.array([True, *(tier not in tiers for tier in Tier)]).take(fleet.tier)
    return Objection(
        VetoReason.TIER_EXCLUDED,
        is_excluded,
        lambda place: f"tier {fleet.islands[place].tier.name.lower()} is excluded by the {who}",
    )


def _hints(case: Case) -> list[Objection]:
    hints, objections = case.question.hints, []
    if hints.only:
        objections.append(
            Objection(
                VetoReason.CLIENT_HINT,
                ~_called(case.fleet, hints.only),
                f"not among the {len(hints.only)} islands the client allows",
            )
        )
    if hints.ignore:
        ignored = _called(case.fleet, hints.ignore)
        behind = _behind(case.fleet, hints.ignore, ignored)
        objections += [
            Objection(VetoReason.CLIENT_HINT, ignored, "the client asked to leave it out"),
            Objection(VetoReason.CLIENT_HINT, behind, "the client asked to leave its front out"),
        ]
    return objections


def _called(fleet: Fleet, words: Collection[str]) -> Mask:
    return marked(len(fleet), [place for word in words for place in fleet.register.called(word)])


def _behind(fleet: Fleet, words: Collection[str], ignored: Mask) -> Mask:
    """Return what ignored islands front, so that it is left out as well."""
    fronts = {*words, *(fleet.register.ids[place] for place in ignored.nonzero()[0])}
    behind = fleet.register.behind
    return marked(len(fleet), [place for front in fronts for place in behind.get(front, ())])


def _scope(case: Case) -> list[Objection]:
    """Object where a model name keeps a request away."""
    meant, fleet, objections = case.picks.meant, case.fleet, []
    named_otherwise = None if meant.exact is None else ~meant.exact
    if meant.elsewhere is not None:
        objections.append(
            Objection(VetoReason.CLIENT_HINT, meant.elsewhere, "the model name asks for another island")
        )
    if meant.model == LOCAL:
        is_far = _both(~fleet.is_local, named_otherwise)
        objections.append(Objection(VetoReason.CLIENT_HINT, is_far, f"{LOCAL} stays on this node"))
    if meant.model in (LOCAL, PRIVATE):
        is_cloud = _both(fleet.is_cloud, named_otherwise)
        detail = f"{meant.model} excludes the cloud tier"
        objections.append(Objection(VetoReason.TIER_EXCLUDED, is_cloud, detail))
    return objections


def _both(one: Mask, other: Mask | None) -> Mask:
    return one if other is None else one & other
