"""What a statement says, still unsigned: one frozen type for each kind, and its form on the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar

from google.protobuf.message import Message

from islandrun.errors import MalformedMessage
from islandrun.v1 import attestation_pb2 as pb
from islandrun.vocabulary import DataSetOffer, ModelOffer, Ppm, PublicKey, Tier
from islandrun.wire import attestations as wire


class IslandState(IntEnum):
    """What an island says of its own readiness."""

    READY = 1
    AWAY = 2
    DRAINING = 3


@dataclass(frozen=True, slots=True)
class Header:
    """What every statement says first; (epoch, sequence) orders statements of one place."""

    mesh_id: bytes
    issuer: PublicKey
    subject: PublicKey
    sequence: int
    issued_at_ms: int
    not_before_ms: int
    not_after_ms: int
    slot: int = 0
    epoch: int = 0
    previous_hash: bytes = b""

    @property
    def version(self) -> tuple[int, int]:
        """Epoch and sequence: higher is newer."""
        return self.epoch, self.sequence


@dataclass(frozen=True, slots=True)
class SelfClaims:
    """What an island says about itself."""

    kind: ClassVar[str] = "self"
    header: Header
    name: str
    incarnation: int
    endpoints: tuple[str, ...] = ()
    models: tuple[ModelOffer, ...] = ()
    data_sets: tuple[DataSetOffer, ...] = ()
    requests_max: int = 1
    jurisdictions: tuple[str, ...] = ()
    software_version: str = ""
    state: IslandState = IslandState.READY
    front: bytes = b""


@dataclass(frozen=True, slots=True)
class AdmissionClaims:
    """What an owner grants an island: the only source of tier, group, place and ceiling."""

    kind: ClassVar[str] = "admission"
    header: Header
    tier: Tier
    group: str
    trust_ceiling_ppm: Ppm
    jurisdictions: tuple[str, ...] = ()
    certificate_der: bytes = field(default=b"", repr=False)
    token_id: bytes = b""


@dataclass(frozen=True, slots=True)
class RevocationClaims:
    """An owner takes an island's admission away, for good."""

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
    """What the owner has said in all, so that a hidden statement is missed."""

    kind: ClassVar[str] = "authority"
    header: Header
    set_hash: bytes
    statements: int


@dataclass(frozen=True, slots=True)
class CertificationClaims:
    """What an outside issuer certifies of an island."""

    kind: ClassVar[str] = "certification"
    header: Header
    scheme: str
    level_ppm: Ppm
    evidence_sha256: bytes = b""


@dataclass(frozen=True, slots=True)
class VouchClaims:
    """A ceiling: it can lower trust and never raise it."""

    kind: ClassVar[str] = "vouch"
    header: Header
    ceiling_ppm: Ppm


Authority = RevocationClaims | GroupTrustClaims | FreshnessClaims
Claims = SelfClaims | AdmissionClaims | Authority | CertificationClaims | VouchClaims


def encode(claims: Claims) -> bytes:
    """Return the payload of a statement: the bytes to sign, once. Raises `MalformedMessage`."""
    try:
        return _to_wire(claims, _header_to_wire(claims.header)).SerializeToString()
    except (ValueError, TypeError, OverflowError) as error:
        raise MalformedMessage(f"a field of this {claims.kind} statement does not fit its type") from error


def _to_wire(claims: Claims, header: pb.Header) -> Message:
    match claims:
        case SelfClaims():
            return _self_to_wire(claims, header)
        case AdmissionClaims():
            return pb.Admission(
                header=header,
                tier_ceiling=pb.Tier.Name(claims.tier),
                group=claims.group,
                jurisdictions=claims.jurisdictions,
                trust_ceiling_ppm=claims.trust_ceiling_ppm,
                certificate_der=claims.certificate_der,
                token_id=claims.token_id,
            )
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
        case CertificationClaims():
            return pb.Certification(
                header=header,
                scheme=claims.scheme,
                evidence_sha256=claims.evidence_sha256,
                level_ppm=claims.level_ppm,
            )
        case VouchClaims():
            return pb.Vouch(header=header, ceiling_ppm=claims.ceiling_ppm)


def decode(kind: str, payload: bytes) -> Claims:
    """Read a payload strictly. Raises `MalformedMessage`."""
    match kind:
        case "self":
            return _self_from_wire(wire.decode_self(payload))
        case "admission":
            admission = wire.decode_admission(payload)
            return AdmissionClaims(
                header=_header_from_wire(admission.header),
                tier=Tier(admission.tier_ceiling),
                group=admission.group,
                trust_ceiling_ppm=Ppm(admission.trust_ceiling_ppm),
                jurisdictions=tuple(admission.jurisdictions),
                certificate_der=admission.certificate_der,
                token_id=admission.token_id,
            )
        case "authority":
            return _authority_from_wire(wire.decode_authority(payload))
        case "certification":
            certified = wire.decode_certification(payload)
            return CertificationClaims(
                _header_from_wire(certified.header),
                certified.scheme,
                Ppm(certified.level_ppm),
                certified.evidence_sha256,
            )
        case "vouch":
            vouch = wire.decode_vouch(payload)
            return VouchClaims(_header_from_wire(vouch.header), Ppm(vouch.ceiling_ppm))
        case _:
            raise MalformedMessage("the kind of a statement is not one this version knows")


def _header_to_wire(header: Header) -> pb.Header:
    return pb.Header(
        mesh_id=header.mesh_id,
        issuer=header.issuer,
        subject=header.subject,
        slot=header.slot,
        epoch=header.epoch,
        sequence=header.sequence,
        previous_hash=header.previous_hash,
        issued_at_ms=header.issued_at_ms,
        not_before_ms=header.not_before_ms,
        not_after_ms=header.not_after_ms,
    )


def _header_from_wire(header: pb.Header) -> Header:
    return Header(
        mesh_id=header.mesh_id,
        issuer=PublicKey(header.issuer),
        subject=PublicKey(header.subject),
        sequence=header.sequence,
        issued_at_ms=header.issued_at_ms,
        not_before_ms=header.not_before_ms,
        not_after_ms=header.not_after_ms,
        slot=header.slot,
        epoch=header.epoch,
        previous_hash=header.previous_hash,
    )


def _self_to_wire(claims: SelfClaims, header: pb.Header) -> pb.SelfAttestation:
    return pb.SelfAttestation(
        header=header,
        name=claims.name,
        incarnation=claims.incarnation,
        endpoints=[pb.Endpoint(address=address) for address in claims.endpoints],
        models=[model_to_wire(model) for model in claims.models],
        data_sets=[data_set_to_wire(data_set) for data_set in claims.data_sets],
        requests_max=claims.requests_max,
        claimed_jurisdictions=claims.jurisdictions,
        software_version=claims.software_version,
        protocol_min=1,
        protocol_max=1,
        state=pb.IslandState.Name(claims.state),
        front=claims.front,
    )


def _self_from_wire(message: pb.SelfAttestation) -> SelfClaims:
    return SelfClaims(
        header=_header_from_wire(message.header),
        name=message.name,
        incarnation=message.incarnation,
        endpoints=tuple(endpoint.address for endpoint in message.endpoints),
        models=tuple(_model_from_wire(model) for model in message.models),
        data_sets=tuple(_data_set_from_wire(data_set) for data_set in message.data_sets),
        requests_max=message.requests_max,
        jurisdictions=tuple(message.claimed_jurisdictions),
        software_version=message.software_version,
        state=IslandState(message.state),
        front=message.front,
    )


def model_to_wire(model: ModelOffer) -> pb.ModelOffer:
    """Return a model offer in its form on the wire."""
    return pb.ModelOffer(
        name=model.name,
        context_tokens_max=model.context_tokens_max,
        quality_ppm=model.quality_ppm,
        input_price_microusd=model.input_price_microusd,
        output_price_microusd=model.output_price_microusd,
        supports_tools=model.supports_tools,
        is_extractive=model.is_extractive,
    )


def _model_from_wire(model: pb.ModelOffer) -> ModelOffer:
    return ModelOffer(
        name=model.name,
        context_tokens_max=model.context_tokens_max,
        quality_ppm=Ppm(model.quality_ppm),
        input_price_microusd=model.input_price_microusd,
        output_price_microusd=model.output_price_microusd,
        supports_tools=model.supports_tools,
        is_extractive=model.is_extractive,
    )


def data_set_to_wire(data_set: DataSetOffer) -> pb.DataSetOffer:
    """Return a data set offer in its form on the wire."""
    return pb.DataSetOffer(
        name=data_set.name,
        documents=data_set.documents,
        size_bytes=data_set.size_bytes,
        sensitivity_ppm=data_set.sensitivity_ppm,
        jurisdiction=data_set.jurisdiction,
        embedding_model=data_set.embedding_model,
    )


def _data_set_from_wire(data_set: pb.DataSetOffer) -> DataSetOffer:
    return DataSetOffer(
        name=data_set.name,
        documents=data_set.documents,
        size_bytes=data_set.size_bytes,
        sensitivity_ppm=Ppm(data_set.sensitivity_ppm),
        jurisdiction=data_set.jurisdiction,
        embedding_model=data_set.embedding_model,
    )


def _authority_from_wire(message: pb.AuthorityStatement) -> Authority:
    header = _header_from_wire(message.header)
    match message.WhichOneof("body"):
        case "revoke_island":
            body = message.revoke_island
            return RevocationClaims(header, PublicKey(body.island), body.reason)
        case "group_trust":
            trust = message.group_trust
            return GroupTrustClaims(header, trust.from_group, trust.to_group, Ppm(trust.trust_ppm))
        case _:
            return FreshnessClaims(header, message.freshness.set_hash, message.freshness.statements)
