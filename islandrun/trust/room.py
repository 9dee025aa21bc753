"""How much one ledger holds: of each issuer, of islands, and of keys that cost nothing to make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from islandrun.errors import RejectedMessage
from islandrun.trust.claims import (
    AdmissionClaims,
    CertificationClaims,
    Claims,
    DelegationClaims,
    Removal,
    SelfClaims,
    SuccessorClaims,
    VouchClaims,
)
from islandrun.trust.naming import island_id
from islandrun.trust.roster import Roster
from islandrun.vocabulary import PublicKey
from islandrun.wire import limits

_GRANTS_MAX: Final = limits.OWNER_RECORDS_MAX // 2

IsMember = Callable[[PublicKey], bool]
"""Says whether the owner, or this node's settings, stand for a key."""


def check_room(claims: Claims, used: int, owner: PublicKey, roster: Roster, is_member: IsMember) -> None:
    """Refuse one more place of an issuer that uses `used` already. Raises `RejectedMessage`."""
    issuer = claims.header.issuer
    if isinstance(claims, AdmissionClaims) and (issuer == owner or roster.admitters.is_known(issuer)):
        is_one_more = island_id(claims.header.subject) not in roster.admitted
        is_full = len(roster.admitted) >= limits.ISLANDS_MAX
        refuse(is_one_more and is_full, f"the mesh has {limits.ISLANDS_MAX} islands already")
    if issuer == owner:
        _check_owner(claims, roster)
        count_max = limits.OWNER_RECORDS_MAX if isinstance(claims, Removal) else _GRANTS_MAX
    elif roster.admitters.is_known(issuer):
        _check_admitter(claims, roster)
        count_max = limits.ADMITTER_RECORDS_MAX
    else:
        count_max = limits.RECORDS_PER_ISSUER_MAX
        _check_stranger(claims, roster, is_member)
    refuse(used >= count_max, f"the issuer has {count_max} statements here already")


def refuse(condition: bool, why: str) -> None:
    """Raise `RejectedMessage` on a condition."""
    if condition:
        raise RejectedMessage(why)


def _check_owner(claims: Claims, roster: Roster) -> None:
    if isinstance(claims, DelegationClaims) and not roster.admitters.is_known(claims.key):
        is_full = len(roster.admitters.known()) >= limits.ADMITTERS_MAX
        refuse(is_full, f"the mesh has {limits.ADMITTERS_MAX} admitters already")


def _check_admitter(claims: Claims, roster: Roster) -> None:
    issuer = claims.header.issuer
    if isinstance(claims, AdmissionClaims):
        is_full = roster.admitters.count(issuer) >= limits.GRANTS_PER_ADMITTER_MAX
        refuse(is_full, "the admitter has signed more admissions than any may")
    elif isinstance(claims, SuccessorClaims):
        is_full = roster.lineage.successions(issuer) >= limits.SUCCESSIONS_PER_ADMITTER_MAX
        refuse(is_full, "the admitter has approved more successors than any may")


def _check_stranger(claims: Claims, roster: Roster, is_member: IsMember) -> None:
    issuer = claims.header.issuer
    if is_member(issuer):
        return
    match claims:
        case SelfClaims():
            is_full = roster.waiting() >= limits.WAITING_ISLANDS_MAX
            refuse(is_full, f"{limits.WAITING_ISLANDS_MAX} islands wait for an admission already")
        case CertificationClaims() | VouchClaims():
            strangers = sum(not is_member(key) for key in roster.weighing)
            is_full = issuer not in roster.weighing and strangers >= limits.OUTSIDE_ISSUERS_MAX
            refuse(is_full, f"{limits.OUTSIDE_ISSUERS_MAX} keys from outside the mesh speak already")
        case _:
            strangers = sum(not is_member(key) for key in roster.ruling)
            is_full = issuer not in roster.ruling and strangers >= limits.WAITING_ADMITTERS_MAX
            refuse(is_full, f"{limits.WAITING_ADMITTERS_MAX} keys without a delegation rule already")
