"""What authorities state about the mesh (kind "authority"), and the form of it on the wire.

The owner is an authority; so is each admitter, a key that the owner has given a delegation. Who may state
which of these, `signing` and `authority` say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final

from islandrun.trust.header import Header, header_from_wire
from islandrun.v1 import attestation_pb2 as pb
from islandrun.vocabulary import Ppm, PublicKey, Tier

_SUCCESSION: Final = b"islandrun/v1/successor\0"


@dataclass(frozen=True, slots=True)
class RevocationClaims:
    """An authority takes an island's admission away, for good."""

    kind: ClassVar[str] = "authority"
    header: Header
    island: PublicKey
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GroupTrustClaims:
    """How far islands of one group trust those of another; directed."""

    kind: ClassVar[str] = "authority"
    header: Header
    from_group: str
    to_group: str
    trust_ppm: Ppm


@dataclass(frozen=True, slots=True)
class FreshnessClaims:
    """What an authority has taken away in all, so that a hidden statement is missed.

    `set_hash` is SHA-256 over the sorted places of its removals, `statements` how many they are.
    """

    kind: ClassVar[str] = "authority"
    header: Header
    set_hash: bytes
    statements: int


@dataclass(frozen=True, slots=True)
class DelegationClaims:
    """The owner lets `key` admit islands: so many, and none nearer or more trusted than this."""

    kind: ClassVar[str] = "authority"
    header: Header
    key: PublicKey
    admissions_max: int
    tier: Tier
    trust_ceiling_ppm: Ppm
    groups: tuple[str, ...]
    jurisdictions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CutOffClaims:
    """The owner ends the delegation of `key`, for good.

    Of its admissions those hold that form the chain from the first to `last_good_number`, whose payload has
    the SHA-256 `last_good_hash`. With 0 and no hash none holds.
    """

    kind: ClassVar[str] = "authority"
    header: Header
    key: PublicKey
    last_good_number: int = 0
    last_good_hash: bytes = b""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SuccessorClaims:
    """An island changes its key: `old` is revoked, `new` is granted what `old` was.

    `signature` is by the old key over `succession`.
    """

    kind: ClassVar[str] = "authority"
    header: Header
    old: PublicKey
    new: PublicKey
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RenewalClaims:
    """An authority lets an island's admission run on until the end of this statement; it grants nothing."""

    kind: ClassVar[str] = "authority"
    header: Header
    island: PublicKey
    certificate_der: bytes = field(default=b"", repr=False)


Removal = RevocationClaims | CutOffClaims | SuccessorClaims
"""What takes away: for good, whatever becomes of its issuer."""

Ruling = Removal | GroupTrustClaims | FreshnessClaims | DelegationClaims | RenewalClaims


def succession(mesh_id: bytes, old: PublicKey, new: PublicKey) -> bytes:
    """Return what an island signs with its old key to be succeeded by a new one."""
    return _SUCCESSION + mesh_id + old + new


def ruling_to_wire(claims: Ruling, header: pb.Header) -> pb.AuthorityStatement:
    """Return a ruling in its form on the wire."""
    match claims:
        case RevocationClaims():
            revoked = pb.RevokeIsland(island=claims.island, reason=claims.reason)
            return pb.AuthorityStatement(header=header, revoke_island=revoked)
        case GroupTrustClaims():
            trust = pb.GroupTrust(
                from_group=claims.from_group, to_group=claims.to_group, trust_ppm=claims.trust_ppm
            )
            return pb.AuthorityStatement(header=header, group_trust=trust)
        case FreshnessClaims():
            fresh = pb.Freshness(set_hash=claims.set_hash, statements=claims.statements)
            return pb.AuthorityStatement(header=header, freshness=fresh)
        case DelegationClaims():
            return pb.AuthorityStatement(header=header, add_authority=_delegation_to_wire(claims))
        case CutOffClaims():
            cut = pb.RevokeAuthority(
                key=claims.key,
                last_good_number=claims.last_good_number,
                last_good_hash=claims.last_good_hash,
                reason=claims.reason,
            )
            return pb.AuthorityStatement(header=header, revoke_authority=cut)
        case SuccessorClaims():
            successor = pb.Successor(old=claims.old, new=claims.new, signature=claims.signature)
            return pb.AuthorityStatement(header=header, successor=successor)
        case RenewalClaims():
            renewal = pb.Renewal(island=claims.island, certificate_der=claims.certificate_der)
            return pb.AuthorityStatement(header=header, renewal=renewal)


def ruling_from_wire(message: pb.AuthorityStatement) -> Ruling:
    """Read a ruling that `wire` has checked."""
    header = header_from_wire(message.header)
    match message.WhichOneof("body"):
        case "revoke_island":
            revoked = message.revoke_island
            return RevocationClaims(header, PublicKey(revoked.island), revoked.reason)
        case "group_trust":
            trust = message.group_trust
            return GroupTrustClaims(header, trust.from_group, trust.to_group, Ppm(trust.trust_ppm))
        case "add_authority":
            return _delegation_from_wire(header, message.add_authority)
        case "revoke_authority":
            cut = message.revoke_authority
            key = PublicKey(cut.key)
            return CutOffClaims(header, key, cut.last_good_number, cut.last_good_hash, cut.reason)
        case "successor":
            body = message.successor
            return SuccessorClaims(header, PublicKey(body.old), PublicKey(body.new), body.signature)
        case "renewal":
            renewal = message.renewal
            return RenewalClaims(header, PublicKey(renewal.island), renewal.certificate_der)
        case _:
            return FreshnessClaims(header, message.freshness.set_hash, message.freshness.statements)


def _delegation_to_wire(claims: DelegationClaims) -> pb.AddAuthority:
    return pb.AddAuthority(
        key=claims.key,
        admissions_max=claims.admissions_max,
        tier_ceiling=pb.Tier.Name(claims.tier),
        trust_ceiling_ppm=claims.trust_ceiling_ppm,
        groups=claims.groups,
        jurisdictions=claims.jurisdictions,
    )


def _delegation_from_wire(header: Header, message: pb.AddAuthority) -> DelegationClaims:
    return DelegationClaims(
        header=header,
        key=PublicKey(message.key),
        admissions_max=message.admissions_max,
        tier=Tier(message.tier_ceiling),
        trust_ceiling_ppm=Ppm(message.trust_ceiling_ppm),
        groups=tuple(message.groups),
        jurisdictions=tuple(message.jurisdictions),
    )
