"""Signed statements as they come from outside: decoded strictly, every field within its limit.

A statement is checked in two steps: `check_signed` before its signature is verified (kind and sizes), and
`decode_*` after it (the payload). Unknown fields are kept in the signed bytes and otherwise ignored;
unknown critical bits reject the statement.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, TypeVar

from google.protobuf.message import DecodeError, Message

from islandrun.errors import MalformedMessage
from islandrun.v1 import attestation_pb2 as pb
from islandrun.vocabulary import PPM_MAX
from islandrun.wire import limits
from islandrun.wire.checks import require, require_count

KINDS: Final = ("self", "admission", "authority", "certification", "vouch")
_CRITICAL_KNOWN: Final = 0
_ADDRESS: Final = re.compile(r"(\[[0-9a-fA-F:]{2,45}\]|[A-Za-z0-9.\-]{1,253}):([0-9]{1,5})", re.ASCII)
_JURISDICTION: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", re.ASCII)

M = TypeVar("M", bound=Message)


def check_signed(signed: pb.SignedAttestation) -> None:
    """Check the outside of a statement: kind and sizes. Raises `MalformedMessage`."""
    check_envelope(signed.kind, signed.payload, signed.issuer, signed.signature)


def decode_signed(data: bytes) -> pb.SignedAttestation:
    """Decode a statement as it is stored; its signature is still unchecked. Raises `MalformedMessage`."""
    message = parse(pb.SignedAttestation, data, limits.RECORD_BYTES_MAX)
    check_signed(message)
    return message


def check_envelope(kind: str, payload: bytes, issuer: bytes, signature: bytes) -> None:
    """Check kind and sizes of what a statement travels in. Raises `MalformedMessage`."""
    require(kind in KINDS, "kind", "is not one this version knows")
    size_max = limits.PAYLOAD_BYTES_MAX
    require(len(payload) <= size_max, "payload", f"is over {size_max} bytes")
    require(len(issuer) == limits.KEY_BYTES, "issuer", "is not a 32-byte key")
    require(len(signature) == limits.SIGNATURE_BYTES, "signature", "does not have 64 bytes")


def decode_self(payload: bytes) -> pb.SelfAttestation:
    """Decode what an island says about itself; it has one place for that, slot 0."""
    message = parse(pb.SelfAttestation, payload)
    _check_header(message.header)
    require(message.header.slot == 0, "header.slot", "is not 0 in a self statement")
    check_name(message.name, "name")
    require(message.incarnation < limits.TIME_MS_MAX, "incarnation", "is not within its range")
    _check_endpoints(message.endpoints, "endpoints")
    require_count(message.models, limits.MODELS_MAX, "models")
    for model in message.models:
        _check_model(model)
    require_count(message.data_sets, limits.DATA_SETS_MAX, "data_sets")
    for data_set in message.data_sets:
        _check_data_set(data_set)
    _check_jurisdictions(message.claimed_jurisdictions, "claimed_jurisdictions")
    require(message.requests_max <= limits.REQUESTS_MAX, "requests_max", "is over a million")
    _check_optional(message.software_version, limits.NAME_CHARACTERS_MAX, "software_version")
    require(message.state in (1, 2, 3), "state", "is not set or not known")
    require(len(message.front) in (0, limits.KEY_BYTES), "front", "is not a 32-byte key")
    require_count(message.relays, limits.RELAYS_MAX, "relays")
    for key in message.relays:
        require(len(key) == limits.KEY_BYTES, "relays", "holds what is not a 32-byte key")
    _check_endpoints(message.relay_endpoints, "relay_endpoints")
    return message


def decode_admission(payload: bytes) -> pb.Admission:
    """Decode what an owner or an admitter grants an island."""
    message = parse(pb.Admission, payload)
    _check_header(message.header)
    require(message.tier_ceiling in (1, 2, 3), "tier_ceiling", "is not set or not known")
    check_name(message.group, "group")
    _check_jurisdictions(message.jurisdictions, "jurisdictions")
    _check_ppm(message.trust_ceiling_ppm, "trust_ceiling_ppm")
    size = len(message.certificate_der)
    require(size <= limits.CERTIFICATE_BYTES_MAX, "certificate_der", "is larger than 4 KiB")
    require(len(message.token_id) in (0, limits.TOKEN_ID_BYTES), "token_id", "does not have 16 bytes")
    _check_chain(message)
    return message


def decode_authority(payload: bytes) -> pb.AuthorityStatement:
    """Decode what an authority states about the mesh."""
    message = parse(pb.AuthorityStatement, payload)
    _check_header(message.header)
    match message.WhichOneof("body"):
        case "revoke_island":
            body = message.revoke_island
            require(len(body.island) == limits.KEY_BYTES, "revoke_island.island", "is not a 32-byte key")
            _check_optional(body.reason, limits.REASON_CHARACTERS_MAX, "revoke_island.reason")
        case "group_trust":
            check_name(message.group_trust.from_group, "group_trust.from_group")
            check_name(message.group_trust.to_group, "group_trust.to_group")
            _check_ppm(message.group_trust.trust_ppm, "group_trust.trust_ppm")
        case "freshness":
            size = len(message.freshness.set_hash)
            require(size == limits.HASH_BYTES, "freshness.set_hash", "is not a 32-byte hash")
        case "add_authority":
            _check_add_authority(message.add_authority)
        case "revoke_authority":
            _check_revoke_authority(message.revoke_authority)
        case "successor":
            _check_successor(message.successor)
        case "renewal":
            renewal = message.renewal
            require(len(renewal.island) == limits.KEY_BYTES, "renewal.island", "is not a 32-byte key")
            size = len(renewal.certificate_der)
            require(size <= limits.CERTIFICATE_BYTES_MAX, "certificate_der", "is larger than 4 KiB")
        case _:
            raise MalformedMessage("the body of an authority statement is not one this version knows")
    return message


def decode_certification(payload: bytes) -> pb.Certification:
    """Decode what an outside issuer certifies."""
    message = parse(pb.Certification, payload)
    _check_header(message.header)
    check_name(message.scheme, "scheme")
    size = len(message.evidence_sha256)
    require(size in (0, limits.HASH_BYTES), "evidence_sha256", "is not a 32-byte hash")
    _check_ppm(message.level_ppm, "level_ppm")
    return message


def decode_vouch(payload: bytes) -> pb.Vouch:
    """Decode a ceiling that somebody sets."""
    message = parse(pb.Vouch, payload)
    _check_header(message.header)
    _check_ppm(message.ceiling_ppm, "ceiling_ppm")
    return message


def parse(kind: type[M], data: bytes, size_bytes_max: int = limits.PAYLOAD_BYTES_MAX) -> M:
    """Decode bytes as one message type; the size is checked first. Raises `MalformedMessage`."""
    if len(data) > size_bytes_max:
        raise MalformedMessage(f"{kind.__name__} is over {size_bytes_max} bytes")
    message = kind()
    try:
        message.ParseFromString(data)
    except (DecodeError, RecursionError, ValueError) as error:
        raise MalformedMessage(f"{kind.__name__}: the bytes do not decode") from error
    return message


def check_name(name: str, where: str) -> None:
    """Require a name that can be shown on one line. Raises `MalformedMessage`."""
    check_printable(name, limits.NAME_CHARACTERS_MAX, where)


def check_printable(text: str, characters_max: int, where: str) -> None:
    """Require non-empty printable text of bounded length. Raises `MalformedMessage`."""
    require(0 < len(text) <= characters_max, where, f"does not have 1 to {characters_max} characters")
    require(text.isprintable() and not text.isspace(), where, "holds characters that cannot be shown")


def check_address(address: str, where: str) -> None:
    """Require "host:port". Raises `MalformedMessage`."""
    found = _ADDRESS.fullmatch(address)
    require(found is not None and 0 < int(found[2]) < 65536, where, 'is not "host:port"')


def _check_endpoints(endpoints: Sequence[pb.Endpoint], where: str) -> None:
    require_count(endpoints, limits.ENDPOINTS_MAX, where)
    for endpoint in endpoints:
        check_address(endpoint.address, f"{where}.address")


def _check_header(header: pb.Header) -> None:
    require(len(header.mesh_id) == limits.HASH_BYTES, "header.mesh_id", "is not a 32-byte hash")
    require(len(header.issuer) == limits.KEY_BYTES, "header.issuer", "is not a 32-byte key")
    require(len(header.subject) == limits.KEY_BYTES, "header.subject", "is not a 32-byte key")
    require(header.slot <= limits.SLOT_MAX, "header.slot", "is too large")
    require(header.epoch <= limits.EPOCH_MAX, "header.epoch", "is too large")
    require(0 < header.sequence < limits.TIME_MS_MAX, "header.sequence", "is not within its range")
    size = len(header.previous_hash)
    require(size in (0, limits.HASH_BYTES), "header.previous_hash", "is not a 32-byte hash")
    require(0 < header.issued_at_ms < limits.TIME_MS_MAX, "header.issued_at_ms", "is not within its range")
    ordered = 0 < header.not_before_ms <= header.not_after_ms < limits.TIME_MS_MAX
    require(ordered, "header.not_after_ms", "is not after the begin, or not within its range")
    require(header.critical & ~_CRITICAL_KNOWN == 0, "header.critical", "needs a newer version")


def _check_chain(message: pb.Admission) -> None:
    """Require an admission before this one unless it is an admitter's first."""
    require(message.number <= limits.ADMISSIONS_PER_ADMITTER_MAX, "number", "is too large")
    if message.number:
        has_one = bool(message.header.previous_hash)
        require(has_one is (message.number > 1), "header.previous_hash", "does not fit the number")


def _check_add_authority(message: pb.AddAuthority) -> None:
    require(len(message.key) == limits.KEY_BYTES, "add_authority.key", "is not a 32-byte key")
    count = message.admissions_max
    require(count <= limits.ADMISSIONS_PER_ADMITTER_MAX, "add_authority.admissions_max", "is too large")
    require(message.tier_ceiling in (1, 2, 3), "add_authority.tier_ceiling", "is not set or not known")
    _check_ppm(message.trust_ceiling_ppm, "add_authority.trust_ceiling_ppm")
    require_count(message.groups, limits.GROUPS_MAX, "add_authority.groups")
    for group in message.groups:
        check_name(group, "add_authority.groups")
    _check_jurisdictions(message.jurisdictions, "add_authority.jurisdictions")


def _check_revoke_authority(message: pb.RevokeAuthority) -> None:
    require(len(message.key) == limits.KEY_BYTES, "revoke_authority.key", "is not a 32-byte key")
    number = message.last_good_number
    in_range = number <= limits.ADMISSIONS_PER_ADMITTER_MAX
    require(in_range, "revoke_authority.last_good_number", "is too large")
    size = limits.HASH_BYTES if number else 0
    is_fit = len(message.last_good_hash) == size
    require(is_fit, "revoke_authority.last_good_hash", "does not fit the number")
    _check_optional(message.reason, limits.REASON_CHARACTERS_MAX, "revoke_authority.reason")


def _check_successor(message: pb.Successor) -> None:
    for key in (message.old, message.new):
        require(len(key) == limits.KEY_BYTES, "successor", "does not name two 32-byte keys")
    require(message.old != message.new, "successor", "names one key twice")
    size = len(message.signature)
    require(size == limits.SIGNATURE_BYTES, "successor.signature", "does not have 64 bytes")


def _check_model(model: pb.ModelOffer) -> None:
    check_printable(model.name, limits.MODEL_NAME_CHARACTERS_MAX, "models.name")
    _check_ppm(model.quality_ppm, "models.quality_ppm")
    size = model.context_tokens_max
    require(size <= limits.CONTEXT_TOKENS_MAX, "models.context_tokens_max", "is too large")
    for price in (
        model.input_price_microusd,
        model.output_price_microusd,
        model.cached_input_price_microusd,
        model.request_price_microusd,
        model.work_hour_microusd,
    ):
        what = "is over a million dollars per million tokens, request or hour"
        require(price <= limits.PRICE_MICROUSD_MAX, "models.price", what)


def _check_data_set(data_set: pb.DataSetOffer) -> None:
    check_name(data_set.name, "data_sets.name")
    _check_ppm(data_set.sensitivity_ppm, "data_sets.sensitivity_ppm")
    require(data_set.size_bytes < limits.TIME_MS_MAX, "data_sets.size_bytes", "is too large")
    _check_jurisdictions([data_set.jurisdiction] if data_set.jurisdiction else [], "data_sets.jurisdiction")
    _check_optional(data_set.embedding_model, limits.MODEL_NAME_CHARACTERS_MAX, "data_sets.embedding_model")
    _check_optional(data_set.description, limits.DESCRIPTION_CHARACTERS_MAX, "data_sets.description")


def _check_optional(text: str, characters_max: int, where: str) -> None:
    if text:
        check_printable(text, characters_max, where)


def _check_ppm(value: int, where: str) -> None:
    require(value <= PPM_MAX, where, "is over 1,000,000")


def _check_jurisdictions(codes: Sequence[str], where: str) -> None:
    require_count(codes, limits.JURISDICTIONS_MAX, where)
    for code in codes:
        check_jurisdiction(code, where)


def check_jurisdiction(code: str, where: str) -> None:
    """Raise `MalformedMessage` unless a text has the form of an ISO 3166 code."""
    require(_JURISDICTION.fullmatch(code) is not None, where, "is not an ISO 3166 code")
