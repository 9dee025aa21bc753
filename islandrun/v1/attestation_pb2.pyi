from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Tier(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIER_UNSPECIFIED: _ClassVar[Tier]
    TIER_PERSONAL: _ClassVar[Tier]
    TIER_EDGE: _ClassVar[Tier]
    TIER_CLOUD: _ClassVar[Tier]

class IslandState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ISLAND_STATE_UNSPECIFIED: _ClassVar[IslandState]
    ISLAND_STATE_READY: _ClassVar[IslandState]
    ISLAND_STATE_AWAY: _ClassVar[IslandState]
    ISLAND_STATE_DRAINING: _ClassVar[IslandState]
TIER_UNSPECIFIED: Tier
TIER_PERSONAL: Tier
TIER_EDGE: Tier
TIER_CLOUD: Tier
ISLAND_STATE_UNSPECIFIED: IslandState
ISLAND_STATE_READY: IslandState
ISLAND_STATE_AWAY: IslandState
ISLAND_STATE_DRAINING: IslandState

class SignedAttestation(_message.Message):
    __slots__ = ("kind", "payload", "issuer", "signature")
    KIND_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    kind: str
    payload: bytes
    issuer: bytes
    signature: bytes
    def __init__(self, kind: _Optional[str] = ..., payload: _Optional[bytes] = ..., issuer: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class Header(_message.Message):
    __slots__ = ("mesh_id", "issuer", "subject", "slot", "epoch", "sequence", "previous_hash", "issued_at_ms", "not_before_ms", "not_after_ms", "critical")
    MESH_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_HASH_FIELD_NUMBER: _ClassVar[int]
    ISSUED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_MS_FIELD_NUMBER: _ClassVar[int]
    NOT_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    CRITICAL_FIELD_NUMBER: _ClassVar[int]
    mesh_id: bytes
    issuer: bytes
    subject: bytes
    slot: int
    epoch: int
    sequence: int
    previous_hash: bytes
    issued_at_ms: int
    not_before_ms: int
    not_after_ms: int
    critical: int
    def __init__(self, mesh_id: _Optional[bytes] = ..., issuer: _Optional[bytes] = ..., subject: _Optional[bytes] = ..., slot: _Optional[int] = ..., epoch: _Optional[int] = ..., sequence: _Optional[int] = ..., previous_hash: _Optional[bytes] = ..., issued_at_ms: _Optional[int] = ..., not_before_ms: _Optional[int] = ..., not_after_ms: _Optional[int] = ..., critical: _Optional[int] = ...) -> None: ...

class Genesis(_message.Message):
    __slots__ = ("owner", "name", "created_at_ms", "salt")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    SALT_FIELD_NUMBER: _ClassVar[int]
    owner: bytes
    name: str
    created_at_ms: int
    salt: bytes
    def __init__(self, owner: _Optional[bytes] = ..., name: _Optional[str] = ..., created_at_ms: _Optional[int] = ..., salt: _Optional[bytes] = ...) -> None: ...

class SignedGenesis(_message.Message):
    __slots__ = ("payload", "signature")
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    payload: bytes
    signature: bytes
    def __init__(self, payload: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class Endpoint(_message.Message):
    __slots__ = ("address",)
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    address: str
    def __init__(self, address: _Optional[str] = ...) -> None: ...

class ModelOffer(_message.Message):
    __slots__ = ("name", "context_tokens_max", "quality_ppm", "input_price_microusd", "output_price_microusd", "supports_tools", "is_extractive", "cached_input_price_microusd", "request_price_microusd", "work_hour_microusd", "is_price_unknown")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_TOKENS_MAX_FIELD_NUMBER: _ClassVar[int]
    QUALITY_PPM_FIELD_NUMBER: _ClassVar[int]
    INPUT_PRICE_MICROUSD_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_PRICE_MICROUSD_FIELD_NUMBER: _ClassVar[int]
    SUPPORTS_TOOLS_FIELD_NUMBER: _ClassVar[int]
    IS_EXTRACTIVE_FIELD_NUMBER: _ClassVar[int]
    CACHED_INPUT_PRICE_MICROUSD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_PRICE_MICROUSD_FIELD_NUMBER: _ClassVar[int]
    WORK_HOUR_MICROUSD_FIELD_NUMBER: _ClassVar[int]
    IS_PRICE_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    name: str
    context_tokens_max: int
    quality_ppm: int
    input_price_microusd: int
    output_price_microusd: int
    supports_tools: bool
    is_extractive: bool
    cached_input_price_microusd: int
    request_price_microusd: int
    work_hour_microusd: int
    is_price_unknown: bool
    def __init__(self, name: _Optional[str] = ..., context_tokens_max: _Optional[int] = ..., quality_ppm: _Optional[int] = ..., input_price_microusd: _Optional[int] = ..., output_price_microusd: _Optional[int] = ..., supports_tools: bool = ..., is_extractive: bool = ..., cached_input_price_microusd: _Optional[int] = ..., request_price_microusd: _Optional[int] = ..., work_hour_microusd: _Optional[int] = ..., is_price_unknown: bool = ...) -> None: ...

class DataSetOffer(_message.Message):
    __slots__ = ("name", "documents", "size_bytes", "sensitivity_ppm", "jurisdiction", "embedding_model", "description")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DOCUMENTS_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SENSITIVITY_PPM_FIELD_NUMBER: _ClassVar[int]
    JURISDICTION_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_MODEL_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    documents: int
    size_bytes: int
    sensitivity_ppm: int
    jurisdiction: str
    embedding_model: str
    description: str
    def __init__(self, name: _Optional[str] = ..., documents: _Optional[int] = ..., size_bytes: _Optional[int] = ..., sensitivity_ppm: _Optional[int] = ..., jurisdiction: _Optional[str] = ..., embedding_model: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class SelfAttestation(_message.Message):
    __slots__ = ("header", "name", "incarnation", "endpoints", "models", "data_sets", "requests_max", "claimed_jurisdictions", "software_version", "protocol_min", "protocol_max", "state", "front", "relays", "relay_endpoints")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    DATA_SETS_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_MAX_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_JURISDICTIONS_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_VERSION_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_MIN_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_MAX_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    FRONT_FIELD_NUMBER: _ClassVar[int]
    RELAYS_FIELD_NUMBER: _ClassVar[int]
    RELAY_ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    header: Header
    name: str
    incarnation: int
    endpoints: _containers.RepeatedCompositeFieldContainer[Endpoint]
    models: _containers.RepeatedCompositeFieldContainer[ModelOffer]
    data_sets: _containers.RepeatedCompositeFieldContainer[DataSetOffer]
    requests_max: int
    claimed_jurisdictions: _containers.RepeatedScalarFieldContainer[str]
    software_version: str
    protocol_min: int
    protocol_max: int
    state: IslandState
    front: bytes
    relays: _containers.RepeatedScalarFieldContainer[bytes]
    relay_endpoints: _containers.RepeatedCompositeFieldContainer[Endpoint]
    def __init__(self, header: _Optional[_Union[Header, _Mapping]] = ..., name: _Optional[str] = ..., incarnation: _Optional[int] = ..., endpoints: _Optional[_Iterable[_Union[Endpoint, _Mapping]]] = ..., models: _Optional[_Iterable[_Union[ModelOffer, _Mapping]]] = ..., data_sets: _Optional[_Iterable[_Union[DataSetOffer, _Mapping]]] = ..., requests_max: _Optional[int] = ..., claimed_jurisdictions: _Optional[_Iterable[str]] = ..., software_version: _Optional[str] = ..., protocol_min: _Optional[int] = ..., protocol_max: _Optional[int] = ..., state: _Optional[_Union[IslandState, str]] = ..., front: _Optional[bytes] = ..., relays: _Optional[_Iterable[bytes]] = ..., relay_endpoints: _Optional[_Iterable[_Union[Endpoint, _Mapping]]] = ...) -> None: ...

class Admission(_message.Message):
    __slots__ = ("header", "tier_ceiling", "group", "jurisdictions", "trust_ceiling_ppm", "certificate_der", "token_id", "number")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TIER_CEILING_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    JURISDICTIONS_FIELD_NUMBER: _ClassVar[int]
    TRUST_CEILING_PPM_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_DER_FIELD_NUMBER: _ClassVar[int]
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    header: Header
    tier_ceiling: Tier
    group: str
    jurisdictions: _containers.RepeatedScalarFieldContainer[str]
    trust_ceiling_ppm: int
    certificate_der: bytes
    token_id: bytes
    number: int
    def __init__(self, header: _Optional[_Union[Header, _Mapping]] = ..., tier_ceiling: _Optional[_Union[Tier, str]] = ..., group: _Optional[str] = ..., jurisdictions: _Optional[_Iterable[str]] = ..., trust_ceiling_ppm: _Optional[int] = ..., certificate_der: _Optional[bytes] = ..., token_id: _Optional[bytes] = ..., number: _Optional[int] = ...) -> None: ...

class AuthorityStatement(_message.Message):
    __slots__ = ("header", "revoke_island", "group_trust", "freshness", "add_authority", "revoke_authority", "successor", "renewal")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    REVOKE_ISLAND_FIELD_NUMBER: _ClassVar[int]
    GROUP_TRUST_FIELD_NUMBER: _ClassVar[int]
    FRESHNESS_FIELD_NUMBER: _ClassVar[int]
    ADD_AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    REVOKE_AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    SUCCESSOR_FIELD_NUMBER: _ClassVar[int]
    RENEWAL_FIELD_NUMBER: _ClassVar[int]
    header: Header
    revoke_island: RevokeIsland
    group_trust: GroupTrust
    freshness: Freshness
    add_authority: AddAuthority
    revoke_authority: RevokeAuthority
    successor: Successor
    renewal: Renewal
    def __init__(self, header: _Optional[_Union[Header, _Mapping]] = ..., revoke_island: _Optional[_Union[RevokeIsland, _Mapping]] = ..., group_trust: _Optional[_Union[GroupTrust, _Mapping]] = ..., freshness: _Optional[_Union[Freshness, _Mapping]] = ..., add_authority: _Optional[_Union[AddAuthority, _Mapping]] = ..., revoke_authority: _Optional[_Union[RevokeAuthority, _Mapping]] = ..., successor: _Optional[_Union[Successor, _Mapping]] = ..., renewal: _Optional[_Union[Renewal, _Mapping]] = ...) -> None: ...

class RevokeIsland(_message.Message):
    __slots__ = ("island", "reason")
    ISLAND_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    island: bytes
    reason: str
    def __init__(self, island: _Optional[bytes] = ..., reason: _Optional[str] = ...) -> None: ...

class GroupTrust(_message.Message):
    __slots__ = ("from_group", "to_group", "trust_ppm")
    FROM_GROUP_FIELD_NUMBER: _ClassVar[int]
    TO_GROUP_FIELD_NUMBER: _ClassVar[int]
    TRUST_PPM_FIELD_NUMBER: _ClassVar[int]
    from_group: str
    to_group: str
    trust_ppm: int
    def __init__(self, from_group: _Optional[str] = ..., to_group: _Optional[str] = ..., trust_ppm: _Optional[int] = ...) -> None: ...

class Freshness(_message.Message):
    __slots__ = ("set_hash", "statements")
    SET_HASH_FIELD_NUMBER: _ClassVar[int]
    STATEMENTS_FIELD_NUMBER: _ClassVar[int]
    set_hash: bytes
    statements: int
    def __init__(self, set_hash: _Optional[bytes] = ..., statements: _Optional[int] = ...) -> None: ...

class AddAuthority(_message.Message):
    __slots__ = ("key", "admissions_max", "tier_ceiling", "trust_ceiling_ppm", "groups", "jurisdictions")
    KEY_FIELD_NUMBER: _ClassVar[int]
    ADMISSIONS_MAX_FIELD_NUMBER: _ClassVar[int]
    TIER_CEILING_FIELD_NUMBER: _ClassVar[int]
    TRUST_CEILING_PPM_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    JURISDICTIONS_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    admissions_max: int
    tier_ceiling: Tier
    trust_ceiling_ppm: int
    groups: _containers.RepeatedScalarFieldContainer[str]
    jurisdictions: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, key: _Optional[bytes] = ..., admissions_max: _Optional[int] = ..., tier_ceiling: _Optional[_Union[Tier, str]] = ..., trust_ceiling_ppm: _Optional[int] = ..., groups: _Optional[_Iterable[str]] = ..., jurisdictions: _Optional[_Iterable[str]] = ...) -> None: ...

class RevokeAuthority(_message.Message):
    __slots__ = ("key", "last_good_number", "last_good_hash", "reason")
    KEY_FIELD_NUMBER: _ClassVar[int]
    LAST_GOOD_NUMBER_FIELD_NUMBER: _ClassVar[int]
    LAST_GOOD_HASH_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    last_good_number: int
    last_good_hash: bytes
    reason: str
    def __init__(self, key: _Optional[bytes] = ..., last_good_number: _Optional[int] = ..., last_good_hash: _Optional[bytes] = ..., reason: _Optional[str] = ...) -> None: ...

class Successor(_message.Message):
    __slots__ = ("old", "new", "signature")
    OLD_FIELD_NUMBER: _ClassVar[int]
    NEW_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    old: bytes
    new: bytes
    signature: bytes
    def __init__(self, old: _Optional[bytes] = ..., new: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class Renewal(_message.Message):
    __slots__ = ("island", "certificate_der")
    ISLAND_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_DER_FIELD_NUMBER: _ClassVar[int]
    island: bytes
    certificate_der: bytes
    def __init__(self, island: _Optional[bytes] = ..., certificate_der: _Optional[bytes] = ...) -> None: ...

class Certification(_message.Message):
    __slots__ = ("header", "scheme", "evidence_sha256", "level_ppm")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_SHA256_FIELD_NUMBER: _ClassVar[int]
    LEVEL_PPM_FIELD_NUMBER: _ClassVar[int]
    header: Header
    scheme: str
    evidence_sha256: bytes
    level_ppm: int
    def __init__(self, header: _Optional[_Union[Header, _Mapping]] = ..., scheme: _Optional[str] = ..., evidence_sha256: _Optional[bytes] = ..., level_ppm: _Optional[int] = ...) -> None: ...

class Vouch(_message.Message):
    __slots__ = ("header", "ceiling_ppm")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CEILING_PPM_FIELD_NUMBER: _ClassVar[int]
    header: Header
    ceiling_ppm: int
    def __init__(self, header: _Optional[_Union[Header, _Mapping]] = ..., ceiling_ppm: _Optional[int] = ...) -> None: ...

class Equivocation(_message.Message):
    __slots__ = ("first", "second")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    SECOND_FIELD_NUMBER: _ClassVar[int]
    first: SignedAttestation
    second: SignedAttestation
    def __init__(self, first: _Optional[_Union[SignedAttestation, _Mapping]] = ..., second: _Optional[_Union[SignedAttestation, _Mapping]] = ...) -> None: ...
