from islandrun.v1 import attestation_pb2 as _attestation_pb2
from islandrun.v1 import chat_pb2 as _chat_pb2
from islandrun.v1 import mesh_pb2 as _mesh_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Reachability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REACHABILITY_UNSPECIFIED: _ClassVar[Reachability]
    REACHABILITY_ALIVE: _ClassVar[Reachability]
    REACHABILITY_SUSPECT: _ClassVar[Reachability]
    REACHABILITY_UNREACHABLE: _ClassVar[Reachability]
    REACHABILITY_AWAY: _ClassVar[Reachability]

class Standing(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STANDING_UNSPECIFIED: _ClassVar[Standing]
    STANDING_ADMITTED: _ClassVar[Standing]
    STANDING_EXPIRED: _ClassVar[Standing]
    STANDING_REVOKED: _ClassVar[Standing]
    STANDING_UNKNOWN: _ClassVar[Standing]
REACHABILITY_UNSPECIFIED: Reachability
REACHABILITY_ALIVE: Reachability
REACHABILITY_SUSPECT: Reachability
REACHABILITY_UNREACHABLE: Reachability
REACHABILITY_AWAY: Reachability
STANDING_UNSPECIFIED: Standing
STANDING_ADMITTED: Standing
STANDING_EXPIRED: Standing
STANDING_REVOKED: Standing
STANDING_UNKNOWN: Standing

class TrustFactor(_message.Message):
    __slots__ = ("name", "ppm", "detail")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PPM_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    name: str
    ppm: int
    detail: str
    def __init__(self, name: _Optional[str] = ..., ppm: _Optional[int] = ..., detail: _Optional[str] = ...) -> None: ...

class Island(_message.Message):
    __slots__ = ("key", "id", "name", "tier", "group", "standing", "reachability", "trust_ppm", "trust_factors", "models", "data_sets", "jurisdictions", "endpoints", "is_self", "front", "admitted_until_ms", "through", "load")
    KEY_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    STANDING_FIELD_NUMBER: _ClassVar[int]
    REACHABILITY_FIELD_NUMBER: _ClassVar[int]
    TRUST_PPM_FIELD_NUMBER: _ClassVar[int]
    TRUST_FACTORS_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    DATA_SETS_FIELD_NUMBER: _ClassVar[int]
    JURISDICTIONS_FIELD_NUMBER: _ClassVar[int]
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    IS_SELF_FIELD_NUMBER: _ClassVar[int]
    FRONT_FIELD_NUMBER: _ClassVar[int]
    ADMITTED_UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    THROUGH_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    id: str
    name: str
    tier: _attestation_pb2.Tier
    group: str
    standing: Standing
    reachability: Reachability
    trust_ppm: int
    trust_factors: _containers.RepeatedCompositeFieldContainer[TrustFactor]
    models: _containers.RepeatedCompositeFieldContainer[_attestation_pb2.ModelOffer]
    data_sets: _containers.RepeatedCompositeFieldContainer[_attestation_pb2.DataSetOffer]
    jurisdictions: _containers.RepeatedScalarFieldContainer[str]
    endpoints: _containers.RepeatedCompositeFieldContainer[_attestation_pb2.Endpoint]
    is_self: bool
    front: str
    admitted_until_ms: int
    through: str
    load: _mesh_pb2.Load
    def __init__(self, key: _Optional[bytes] = ..., id: _Optional[str] = ..., name: _Optional[str] = ..., tier: _Optional[_Union[_attestation_pb2.Tier, str]] = ..., group: _Optional[str] = ..., standing: _Optional[_Union[Standing, str]] = ..., reachability: _Optional[_Union[Reachability, str]] = ..., trust_ppm: _Optional[int] = ..., trust_factors: _Optional[_Iterable[_Union[TrustFactor, _Mapping]]] = ..., models: _Optional[_Iterable[_Union[_attestation_pb2.ModelOffer, _Mapping]]] = ..., data_sets: _Optional[_Iterable[_Union[_attestation_pb2.DataSetOffer, _Mapping]]] = ..., jurisdictions: _Optional[_Iterable[str]] = ..., endpoints: _Optional[_Iterable[_Union[_attestation_pb2.Endpoint, _Mapping]]] = ..., is_self: bool = ..., front: _Optional[str] = ..., admitted_until_ms: _Optional[int] = ..., through: _Optional[str] = ..., load: _Optional[_Union[_mesh_pb2.Load, _Mapping]] = ...) -> None: ...

class MeshStatus(_message.Message):
    __slots__ = ("mesh_id", "mesh_name", "self_id", "self_name", "version", "up_since_ms", "islands", "islands_alive", "requests_answered", "requests_refused", "requests_failed", "degraded", "relays", "held_back", "load")
    MESH_ID_FIELD_NUMBER: _ClassVar[int]
    MESH_NAME_FIELD_NUMBER: _ClassVar[int]
    SELF_ID_FIELD_NUMBER: _ClassVar[int]
    SELF_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UP_SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    ISLANDS_FIELD_NUMBER: _ClassVar[int]
    ISLANDS_ALIVE_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_ANSWERED_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_REFUSED_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FAILED_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    RELAYS_FIELD_NUMBER: _ClassVar[int]
    HELD_BACK_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    mesh_id: str
    mesh_name: str
    self_id: str
    self_name: str
    version: str
    up_since_ms: int
    islands: int
    islands_alive: int
    requests_answered: int
    requests_refused: int
    requests_failed: int
    degraded: _containers.RepeatedScalarFieldContainer[str]
    relays: _containers.RepeatedScalarFieldContainer[str]
    held_back: str
    load: _mesh_pb2.Load
    def __init__(self, mesh_id: _Optional[str] = ..., mesh_name: _Optional[str] = ..., self_id: _Optional[str] = ..., self_name: _Optional[str] = ..., version: _Optional[str] = ..., up_since_ms: _Optional[int] = ..., islands: _Optional[int] = ..., islands_alive: _Optional[int] = ..., requests_answered: _Optional[int] = ..., requests_refused: _Optional[int] = ..., requests_failed: _Optional[int] = ..., degraded: _Optional[_Iterable[str]] = ..., relays: _Optional[_Iterable[str]] = ..., held_back: _Optional[str] = ..., load: _Optional[_Union[_mesh_pb2.Load, _Mapping]] = ...) -> None: ...

class GetMeshStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetMeshStatusResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: MeshStatus
    def __init__(self, status: _Optional[_Union[MeshStatus, _Mapping]] = ...) -> None: ...

class WatchMeshRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WatchMeshResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: MeshStatus
    def __init__(self, status: _Optional[_Union[MeshStatus, _Mapping]] = ...) -> None: ...

class ListIslandsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListIslandsResponse(_message.Message):
    __slots__ = ("islands",)
    ISLANDS_FIELD_NUMBER: _ClassVar[int]
    islands: _containers.RepeatedCompositeFieldContainer[Island]
    def __init__(self, islands: _Optional[_Iterable[_Union[Island, _Mapping]]] = ...) -> None: ...

class ListReceiptsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListReceiptsResponse(_message.Message):
    __slots__ = ("receipts", "next_page_token")
    RECEIPTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    receipts: _containers.RepeatedCompositeFieldContainer[_chat_pb2.SignedReceipt]
    next_page_token: str
    def __init__(self, receipts: _Optional[_Iterable[_Union[_chat_pb2.SignedReceipt, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchReceiptsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WatchReceiptsResponse(_message.Message):
    __slots__ = ("receipt",)
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    receipt: _chat_pb2.SignedReceipt
    def __init__(self, receipt: _Optional[_Union[_chat_pb2.SignedReceipt, _Mapping]] = ...) -> None: ...

class GetReceiptRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetReceiptResponse(_message.Message):
    __slots__ = ("receipt",)
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    receipt: _chat_pb2.SignedReceipt
    def __init__(self, receipt: _Optional[_Union[_chat_pb2.SignedReceipt, _Mapping]] = ...) -> None: ...

class BudgetAccount(_message.Message):
    __slots__ = ("span", "key", "spent_microusd", "reserved_microusd", "limit_microusd")
    SPAN_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    SPENT_MICROUSD_FIELD_NUMBER: _ClassVar[int]
    RESERVED_MICROUSD_FIELD_NUMBER: _ClassVar[int]
    LIMIT_MICROUSD_FIELD_NUMBER: _ClassVar[int]
    span: str
    key: str
    spent_microusd: int
    reserved_microusd: int
    limit_microusd: int
    def __init__(self, span: _Optional[str] = ..., key: _Optional[str] = ..., spent_microusd: _Optional[int] = ..., reserved_microusd: _Optional[int] = ..., limit_microusd: _Optional[int] = ...) -> None: ...

class CostTally(_message.Message):
    __slots__ = ("period", "answers", "unpriced_answers", "billed_microusd", "power_microusd", "baseline_microusd")
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_ANSWERS_FIELD_NUMBER: _ClassVar[int]
    BILLED_MICROUSD_FIELD_NUMBER: _ClassVar[int]
    POWER_MICROUSD_FIELD_NUMBER: _ClassVar[int]
    BASELINE_MICROUSD_FIELD_NUMBER: _ClassVar[int]
    period: str
    answers: int
    unpriced_answers: int
    billed_microusd: int
    power_microusd: int
    baseline_microusd: int
    def __init__(self, period: _Optional[str] = ..., answers: _Optional[int] = ..., unpriced_answers: _Optional[int] = ..., billed_microusd: _Optional[int] = ..., power_microusd: _Optional[int] = ..., baseline_microusd: _Optional[int] = ...) -> None: ...

class Budget(_message.Message):
    __slots__ = ("time_zone", "day", "accounts", "tallies", "baseline", "baseline_source", "formula")
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    TALLIES_FIELD_NUMBER: _ClassVar[int]
    BASELINE_FIELD_NUMBER: _ClassVar[int]
    BASELINE_SOURCE_FIELD_NUMBER: _ClassVar[int]
    FORMULA_FIELD_NUMBER: _ClassVar[int]
    time_zone: str
    day: str
    accounts: _containers.RepeatedCompositeFieldContainer[BudgetAccount]
    tallies: _containers.RepeatedCompositeFieldContainer[CostTally]
    baseline: str
    baseline_source: str
    formula: str
    def __init__(self, time_zone: _Optional[str] = ..., day: _Optional[str] = ..., accounts: _Optional[_Iterable[_Union[BudgetAccount, _Mapping]]] = ..., tallies: _Optional[_Iterable[_Union[CostTally, _Mapping]]] = ..., baseline: _Optional[str] = ..., baseline_source: _Optional[str] = ..., formula: _Optional[str] = ...) -> None: ...

class GetBudgetRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetBudgetResponse(_message.Message):
    __slots__ = ("budget",)
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    budget: Budget
    def __init__(self, budget: _Optional[_Union[Budget, _Mapping]] = ...) -> None: ...
