"""How far an island is trusted from here: the minimum of all factors, never a mean.

A mean lets a strong factor hide a zero; a minimum does not. What is missing counts as 0. Nothing that a
peer states can raise a score above what the owner signed: vouches and certifications only hold it down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from islandrun.trust.behaviour import Behaviour, behaviour_ppm
from islandrun.trust.claims import AdmissionClaims, CertificationClaims, SelfClaims
from islandrun.trust.ledger import Ledger
from islandrun.trust.signing import SKEW_MS
from islandrun.trust.view import HOUR_MS, Reach, View, view
from islandrun.vocabulary import PPM_MAX, IslandId, Ppm, PublicKey, Standing, Tier, TrustFactor, TrustScore
from islandrun.wire.limits import TIME_MS_MAX

VIEW_GROUP_MS_MAX: Final = 24 * HOUR_MS
VIEW_MS_MAX: Final = 7 * 24 * HOUR_MS
FADES_MS: Final = 60_000
"""A score that counts what was observed is good for so long: in it no estimate moves by 0.0001."""


_TIER_BASE: Mapping[Tier, Ppm] = {
    Tier.PERSONAL: Ppm(1_000_000),
    Tier.EDGE: Ppm(800_000),
    Tier.CLOUD: Ppm(200_000),
}


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """The owner's rules for trust on this node.

    `jurisdictions` empty: any place. `required_schemes` must each be certified by one of `accepted_issuers`;
    their vouches count, too. A tier that `tier_base` does not name is not trusted. When the owner's newest
    view of the mesh is older than `view_group_ms_max`, only the own group is; past `view_ms_max`, nobody.
    """

    tier_base: Mapping[Tier, Ppm] = field(default_factory=lambda: dict(_TIER_BASE))
    required_schemes: tuple[str, ...] = ()
    accepted_issuers: tuple[PublicKey, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    view_group_ms_max: int = VIEW_GROUP_MS_MAX
    view_ms_max: int = VIEW_MS_MAX


def score(
    ledger: Ledger,
    island: IslandId,
    my_group: str,
    policy: TrustPolicy,
    behaviour: Behaviour | None,
    now_ms: int,
    is_self: bool = False,
) -> TrustScore:
    """Return the trust in an island with every factor of it; the first of the lowest factors is the reason.

    `my_group` is the group of the island that asks; empty means that it is not known, and trusts nobody.
    `behaviour` None means that nothing was observed here yet: the owner's admission stands for it.
    `is_self`: it is the island that asks, which needs no news to know itself.
    """
    now_ms = ledger.present_ms(now_ms)
    factors = (
        _standing(ledger, island, now_ms),
        _attested(ledger.self_claims(island), now_ms),
        *_granted(ledger, ledger.admissions(island), my_group, policy),
        _certified(ledger, island, policy, now_ms),
        _vouched(ledger, island, policy, now_ms),
        _behaved(behaviour, now_ms),
        _in_view(ledger, island, my_group, view_of(ledger, policy, now_ms), is_self),
    )
    return TrustScore(Ppm(min(factor.ppm for factor in factors)), factors)


def _standing(ledger: Ledger, island: IslandId, now_ms: int) -> TrustFactor:
    standing = ledger.standing(island, now_ms)
    return _gate("standing", standing is Standing.ADMITTED, standing.name.lower())


def _attested(claims: SelfClaims | None, now_ms: int) -> TrustFactor:
    is_fresh = claims is not None and now_ms <= claims.header.not_after_ms
    return _gate("attested", is_fresh, "fresh" if is_fresh else "no fresh statement of its own")


def _granted(
    ledger: Ledger, admissions: tuple[AdmissionClaims, ...], my_group: str, policy: TrustPolicy
) -> Iterator[TrustFactor]:
    """Yield what the owner's admissions allow: of each factor the lowest over all of them, 0 without any."""
    ceilings = [claims.trust_ceiling_ppm for claims in admissions]
    yield _lowest("admission_ceiling", ceilings, "the owner's ceiling for this island")
    tiers = sorted({claims.tier for claims in admissions})
    bases = [policy.tier_base.get(tier, Ppm(0)) for tier in tiers]
    yield _lowest("tier_base", bases, ", ".join(tier.name.lower() for tier in tiers))
    groups = sorted({claims.group for claims in admissions})
    trusts = [ledger.group_trust(my_group, group) for group in groups] if my_group else []
    yield _lowest("group", trusts, f"{my_group or 'no group'} to {', '.join(groups) or 'none'}")
    yield _located(admissions, policy)


def _located(admissions: tuple[AdmissionClaims, ...], policy: TrustPolicy) -> TrustFactor:
    """Require every place that any admission names to be allowed, and each admission to name one."""
    if not policy.jurisdictions:
        return _gate("jurisdiction", True, "any place is allowed")
    allowed = set(policy.jurisdictions)
    named = sorted({place for claims in admissions for place in claims.jurisdictions})
    is_inside = all(
        claims.jurisdictions and allowed.issuperset(claims.jurisdictions) for claims in admissions
    )
    return _gate("jurisdiction", bool(admissions) and is_inside, ", ".join(named) or "no place is attested")


def _certified(ledger: Ledger, island: IslandId, policy: TrustPolicy, now_ms: int) -> TrustFactor:
    """Return the lowest level over the required schemes; of one scheme the best valid level counts."""
    if not policy.required_schemes:
        return TrustFactor("certifications", PPM_MAX, "none required")
    valid = _certifications(ledger, island, policy, now_ms)
    levels = [
        max((claims.level_ppm for claims in valid if claims.scheme == scheme), default=Ppm(0))
        for scheme in policy.required_schemes
    ]
    return _lowest("certifications", levels, ", ".join(policy.required_schemes))


def schemes_held(ledger: Ledger, island: IslandId, policy: TrustPolicy, now_ms: int) -> tuple[str, ...]:
    """Return the schemes that accepted issuers certify of an island now, at any level above 0."""
    valid = _certifications(ledger, island, policy, ledger.present_ms(now_ms))
    return tuple(sorted({claims.scheme for claims in valid if claims.level_ppm > 0}))


def _certifications(
    ledger: Ledger, island: IslandId, policy: TrustPolicy, now_ms: int
) -> list[CertificationClaims]:
    return [
        claims
        for claims in ledger.certifications(island)
        if claims.header.issuer in policy.accepted_issuers
        and claims.header.not_before_ms - SKEW_MS <= now_ms <= claims.header.not_after_ms
    ]


def _vouched(ledger: Ledger, island: IslandId, policy: TrustPolicy, now_ms: int) -> TrustFactor:
    """Return the lowest ceiling that the owner or an accepted issuer set.

    Those of other members do not count: one bad member could hold down all others.
    """
    listened_to = {ledger.genesis.owner, *policy.accepted_issuers}
    ceilings = [
        claims.ceiling_ppm
        for claims in ledger.vouches(island)
        if claims.header.issuer in listened_to and now_ms <= claims.header.not_after_ms + SKEW_MS
    ]
    if not ceilings:
        return TrustFactor("vouches", PPM_MAX, "nobody holds it down")
    return _lowest("vouches", ceilings, f"the lowest of {len(ceilings)}")


def _behaved(behaviour: Behaviour | None, now_ms: int) -> TrustFactor:
    if behaviour is None:
        return TrustFactor("behaviour", PPM_MAX, "nothing observed yet")
    return TrustFactor("behaviour", behaviour_ppm(behaviour, now_ms), "as seen from here")


def view_of(ledger: Ledger, policy: TrustPolicy, now_ms: int) -> View:
    """Return how far trust reaches now by the age of the owner's newest view."""
    return view(ledger, policy.view_group_ms_max, policy.view_ms_max, ledger.present_ms(now_ms))


def _in_view(ledger: Ledger, island: IslandId, my_group: str, seen: View, is_self: bool) -> TrustFactor:
    if is_self:
        return TrustFactor("freshness", PPM_MAX, "it is this island")
    groups = {claims.group for claims in ledger.admissions(island)}
    needed = Reach.OWN_GROUP if groups == {my_group} else Reach.EVERYBODY
    return _gate("freshness", seen.reach >= needed, seen.reason)


def _lowest(name: str, values: list[Ppm], detail: str) -> TrustFactor:
    return TrustFactor(name, min(values, default=Ppm(0)), detail)


def _gate(name: str, is_open: bool, detail: str) -> TrustFactor:
    return TrustFactor(name, PPM_MAX if is_open else Ppm(0), detail)


def steady_until_ms(ledger: Ledger, island: IslandId, behaviour: Behaviour | None, now_ms: int) -> int:
    """Return until when `score`, as it is now, stays so if nothing new is heard and the view gets no older.

    The last millisecond by the clock that the ledger judges by (`Ledger.present_ms`). What was observed fades
    all the time, so slowly that a score which counts it is good for `FADES_MS`.
    """
    now_ms = ledger.present_ms(now_ms)
    admission, spoken = ledger.admission(island), ledger.self_claims(island)
    headers = [claims.header for claims in (admission, spoken) if claims is not None]
    headers += [claims.header for claims in ledger.certifications(island)]
    ends = [header.not_before_ms - SKEW_MS - 1 for header in headers]
    ends += [header.not_after_ms for header in headers]
    ends += [claims.header.not_after_ms + SKEW_MS for claims in ledger.vouches(island)]
    if behaviour is not None:
        ends.append(now_ms + FADES_MS)
    return min((end for end in ends if end >= now_ms), default=TIME_MS_MAX)
