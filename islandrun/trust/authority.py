"""What authorities state as a set: the same set gives the same state, in whatever order it arrived.

* A revocation wins over every admission, earlier or later, and for good: that key never comes back. Its
  place is the island's own, so only another revocation of that island can replace it.
* An admission by the owner in the same slot with a higher sequence replaces the one before it: a renewal,
  which may raise as well as lower. Every other slot can only lower, see `combine`; so can admitters.
* A renewal by any authority only lets time run on.
* Of two statements on the trust between two groups the newer one holds; of two as new, the lower one.
* The owner may contradict itself (one place and version, two contents). Then both statements hold, combined
  to the lower; nothing more is admitted from that key; its revocations are obeyed before and after.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from islandrun.trust.claims import AdmissionClaims, GroupTrustClaims, RenewalClaims, encode
from islandrun.vocabulary import PPM_MAX, Ppm, PublicKey

GROUP_TRUST_DEFAULT: Final = Ppm(800_000)
"""Between two groups of one owner about which the owner has said nothing."""


def combine(
    admissions: Iterable[AdmissionClaims], renewals: Iterable[RenewalClaims] = ()
) -> AdmissionClaims | None:
    """Return the one admission that several amount to, or None without any.

    The farthest tier, the lowest ceiling, and the time in which all of them are valid, or longer where a
    renewal says so. Header and group are otherwise those of the newest, and the certificate is the newest of
    admissions and renewals. Where they differ on jurisdictions none is attested: an island is refused unless
    each of its places is allowed, so that a shorter list would let more pass.
    """
    ordered = sorted(
        admissions, key=lambda claims: (claims.header.version, claims.header.slot, encode(claims))
    )
    if not ordered:
        return None
    newest = ordered[-1]
    places = {tuple(sorted(set(claims.jurisdictions))) for claims in ordered}
    renewed = sorted(renewals, key=lambda claims: (claims.header.version, encode(claims)))
    shown = [(claims.header.version, claims.certificate_der) for claims in ordered]
    shown += [(claims.header.version, claims.certificate_der) for claims in renewed]
    ends = [claims.header.not_after_ms for claims in renewed]
    header = replace(
        newest.header,
        not_before_ms=max(claims.header.not_before_ms for claims in ordered),
        not_after_ms=max([min(claims.header.not_after_ms for claims in ordered), *ends]),
    )
    return replace(
        newest,
        header=header,
        tier=max(claims.tier for claims in ordered),
        trust_ceiling_ppm=min(claims.trust_ceiling_ppm for claims in ordered),
        jurisdictions=places.pop() if len(places) == 1 else (),
        certificate_der=max((pair for pair in shown if pair[1]), default=(newest.header.version, b""))[1],
    )


def inherited(claims: AdmissionClaims, heir: PublicKey) -> AdmissionClaims:
    """Return what an island is granted that succeeded the one of this admission; the certificate is not."""
    return replace(claims, header=replace(claims.header, subject=heir), certificate_der=b"")


def group_trust(stated: Iterable[GroupTrustClaims], from_group: str, to_group: str) -> Ppm:
    """Return how far `from_group` trusts `to_group`, from all that the owner stated about this pair."""
    newest = max(stated, key=lambda claims: (claims.header.version, -claims.trust_ppm), default=None)
    if newest is not None:
        return newest.trust_ppm
    return PPM_MAX if from_group == to_group else GROUP_TRUST_DEFAULT
