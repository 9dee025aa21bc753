"""What a statement says, still unsigned: one frozen type for each kind, and its form on the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar

from google.protobuf.message import Message

from islandrun.errors import MalformedMessage
from islandrun.trust.header import Header, header_from_wire, header_to_wire
from islandrun.trust.rulings import (
    CutOffClaims,
    DelegationClaims,
    FreshnessClaims,
    GroupTrustClaims,
    Removal,
    RenewalClaims,
    RevocationClaims,
    Ruling,
    SuccessorClaims,
    ruling_from_wire,
    ruling_to_wire,
)
from islandrun.v1 import attestation_pb2 as pb
from islandrun.vocabulary import DataSetOffer, ModelOffer, Ppm, PublicKey, Tier
from islandrun.wire import attestations as wire

__all__ = [
    "AdmissionClaims",
    "CertificationClaims",
    "Claims",
    "CutOffClaims",
    "DelegationClaims",
    "FreshnessClaims",
    "GroupTrustClaims",
    "Header",
    "IslandState",
    "Removal",
    "RenewalClaims",
    "RevocationClaims",
    "Ruling",
    "SelfClaims",
    "SuccessorClaims",
    "VouchClaims",
    "data_set_to_wire",
    "decode",
    "encode",
    "model_to_wire",
]


class IslandState(IntEnum):
    """What an island says of its own readiness."""

    READY = 1
    AWAY = 2
    DRAINING = 3


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
    relays: tuple[PublicKey, ...] = ()
    relay_endpoints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AdmissionClaims:
    """What an owner or an admitter grants an island: the only source of tier, group, place and ceiling.

    `number` counts the admissions of an admitter from 1; it is 0 when the owner signs.
    """

    kind: ClassVar[str] = "admission"
    header: Header
    tier: Tier
    group: str
    trust_ceiling_ppm: Ppm
    jurisdictions: tuple[str, ...] = ()
    certificate_der: bytes = field(default=b"", repr=False)
    token_id: bytes = b""
    number: int = 0


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


Claims = SelfClaims | AdmissionClaims | Ruling | CertificationClaims | VouchClaims


def encode(claims: Claims) -> bytes:
    """Return the payload of a statement: the bytes to sign, once. Raises `MalformedMessage`."""
    try:
        return _to_wire(claims, header_to_wire(claims.header)).SerializeToString()
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
                number=claims.number,
            )
        case CertificationClaims():
            return pb.Certification(
                header=header,
                scheme=claims.scheme,
                evidence_sha256=claims.evidence_sha256,
                level_ppm=claims.level_ppm,
            )
        case VouchClaims():
            return pb.Vouch(header=header, ceiling_ppm=claims.ceiling_ppm)
        case _:
            return ruling_to_wire(claims, header)


def decode(kind: str, payload: bytes) -> Claims:
    """Read a payload strictly. Raises `MalformedMessage`."""
    match kind:
        case "self":
            return _self_from_wire(wire.decode_self(payload))
        case "admission":
            admission = wire.decode_admission(payload)
            return AdmissionClaims(
                header=header_from_wire(admission.header),
                tier=Tier(admission.tier_ceiling),
                group=admission.group,
                trust_ceiling_ppm=Ppm(admission.trust_ceiling_ppm),
                jurisdictions=tuple(admission.jurisdictions),
                certificate_der=admission.certificate_der,
                token_id=admission.token_id,
                number=admission.number,
            )
        case "authority":
            return ruling_from_wire(wire.decode_authority(payload))
        case "certification":
            certified = wire.decode_certification(payload)
            return CertificationClaims(
                header_from_wire(certified.header),
                certified.scheme,
                Ppm(certified.level_ppm),
                certified.evidence_sha256,
            )
        case "vouch":
            vouch = wire.decode_vouch(payload)
            return VouchClaims(header_from_wire(vouch.header), Ppm(vouch.ceiling_ppm))
        case _:
            raise MalformedMessage("the kind of a statement is not one this version knows")


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
        relays=claims.relays,
        relay_endpoints=[pb.Endpoint(address=address) for address in claims.relay_endpoints],
    )


def _self_from_wire(message: pb.SelfAttestation) -> SelfClaims:
    return SelfClaims(
        header=header_from_wire(message.header),
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
        relays=tuple(PublicKey(key) for key in message.relays),
        relay_endpoints=tuple(endpoint.address for endpoint in message.relay_endpoints),
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
        cached_input_price_microusd=model.cached_input_price_microusd,
        request_price_microusd=model.request_price_microusd,
        work_hour_microusd=model.work_hour_microusd,
        is_price_unknown=not model.is_price_known,
    )


def _model_from_wire(model: pb.ModelOffer) -> ModelOffer:
    has_cached = model.HasField("cached_input_price_microusd")
    return ModelOffer(
        name=model.name,
        context_tokens_max=model.context_tokens_max,
        quality_ppm=Ppm(model.quality_ppm),
        input_price_microusd=model.input_price_microusd,
        output_price_microusd=model.output_price_microusd,
        supports_tools=model.supports_tools,
        is_extractive=model.is_extractive,
        cached_input_price_microusd=model.cached_input_price_microusd if has_cached else None,
        request_price_microusd=model.request_price_microusd,
        work_hour_microusd=model.work_hour_microusd,
        is_price_known=not model.is_price_unknown,
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
        description=data_set.description,
    )


def _data_set_from_wire(data_set: pb.DataSetOffer) -> DataSetOffer:
    return DataSetOffer(
        name=data_set.name,
        documents=data_set.documents,
        size_bytes=data_set.size_bytes,
        sensitivity_ppm=Ppm(data_set.sensitivity_ppm),
        jurisdiction=data_set.jurisdiction,
        embedding_model=data_set.embedding_model,
        description=data_set.description,
    )
