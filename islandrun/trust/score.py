"""How far an island is trusted from here: the minimum of all factors, never a mean.

A mean lets a strong factor hide a zero; a minimum does not. What is missing counts as 0. Nothing that a
peer states can raise a score above what the owner signed: vouches and certifications only hold it down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from islandrun.trust.behaviour import Behaviour, behaviour_ppm
from islandrun.trust.claims import AdmissionClaims
from islandrun.trust.ledger import Ledger
from islandrun.vocabulary import PPM_MAX, IslandId, Ppm, PublicKey, Standing, Tier, TrustFactor, TrustScore

_TIER_BASE: Mapping[Tier, Ppm] = {
    Tier.PERSONAL: Ppm(1_000_000),
    Tier.EDGE: Ppm(800_000),
    Tier.CLOUD: Ppm(200_000),
}


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """The owner's rules for trust on this node.

    `jurisdictions` empty: any place. `required_schemes` must each be certified by an accepted issuer.
    """

    tier_base: Mapping[Tier, Ppm] = field(default_factory=lambda: dict(_TIER_BASE))
    required_schemes: tuple[str, ...] = ()
    accepted_issuers: tuple[PublicKey, ...] = ()
    jurisdictions: tuple[str, ...] = ()


def score(
    ledger: Ledger,
    island: IslandId,
    my_group: str,
    policy: TrustPolicy,
    behaviour: Behaviour | None,
    now_ms: int,
) -> TrustScore:
    """Return the trust in an island with every factor of it."""
    factors = tuple(_factors(ledger, island, my_group, policy, behaviour, now_ms))
    return TrustScore(Ppm(min(factor.ppm for factor in factors)), factors)


def _factors(
    ledger: Ledger,
    island: IslandId,
    my_group: str,
    policy: TrustPolicy,
    behaviour: Behaviour | None,
    now_ms: int,
) -> Iterator[TrustFactor]:
    standing = ledger.standing(island, now_ms)
    yield _gate("standing", standing is Standing.ADMITTED, standing.name.lower())
    claims = ledger.self_claims(island)
    fresh = claims is not None and now_ms <= claims.header.not_after_ms
    yield _gate("attested", fresh, "fresh" if fresh else "no fresh statement of its own")
    admission = ledger.admission(island)
    if admission is not None:
        yield from _granted(ledger, admission, my_group, policy)
    yield from _certified(ledger, island, policy)
    for vouch in ledger.vouches(island):
        yield TrustFactor("vouch", vouch.ceiling_ppm, "a ceiling that another island set")
    if behaviour is not None:
        yield TrustFactor("behaviour", behaviour_ppm(behaviour, now_ms), "as seen from here")


def _granted(
    ledger: Ledger, admission: AdmissionClaims, my_group: str, policy: TrustPolicy
) -> Iterator[TrustFactor]:
    tier = admission.tier
    yield TrustFactor("admission", admission.trust_ceiling_ppm, "the owner's ceiling for this island")
    yield TrustFactor("tier", policy.tier_base.get(tier, Ppm(0)), tier.name.lower())
    yield TrustFactor(
        "group", ledger.group_trust(my_group, admission.group), f"{my_group} to {admission.group}"
    )
    if policy.jurisdictions:
        places = admission.jurisdictions
        inside = bool(places) and set(places) <= set(policy.jurisdictions)
        yield _gate("jurisdiction", inside, ", ".join(places) or "none admitted")


def _certified(ledger: Ledger, island: IslandId, policy: TrustPolicy) -> Iterator[TrustFactor]:
    for scheme in policy.required_schemes:
        levels = [
            claims.level_ppm
            for claims in ledger.certifications(island)
            if claims.scheme == scheme and claims.header.issuer in policy.accepted_issuers
        ]
        yield TrustFactor(f"certification {scheme}", max(levels, default=Ppm(0)), "required")


def _gate(name: str, is_open: bool, detail: str) -> TrustFactor:
    return TrustFactor(name, PPM_MAX if is_open else Ppm(0), detail)
