from islandrun.v1 import attestation_pb2 as _attestation_pb2
from islandrun.v1 import inference_pb2 as _inference_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SensitivityClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SENSITIVITY_CLASS_UNSPECIFIED: _ClassVar[SensitivityClass]
    SENSITIVITY_CLASS_PUBLIC: _ClassVar[SensitivityClass]
    SENSITIVITY_CLASS_INTERNAL: _ClassVar[SensitivityClass]
    SENSITIVITY_CLASS_CONFIDENTIAL: _ClassVar[SensitivityClass]
    SENSITIVITY_CLASS_RESTRICTED: _ClassVar[SensitivityClass]
SENSITIVITY_CLASS_UNSPECIFIED: SensitivityClass
SENSITIVITY_CLASS_PUBLIC: SensitivityClass
SENSITIVITY_CLASS_INTERNAL: SensitivityClass
SENSITIVITY_CLASS_CONFIDENTIAL: SensitivityClass
SENSITIVITY_CLASS_RESTRICTED: SensitivityClass

class Hints(_message.Message):
    __slots__ = ("sensitivity_min_ppm", "jurisdictions", "only", "ignore", "tiers", "cost_max_microusd", "deadline_ms", "data_sets", "profile", "wait_ms")
    SENSITIVITY_MIN_PPM_FIELD_NUMBER: _ClassVar[int]
    JURISDICTIONS_FIELD_NUMBER: _ClassVar[int]
    ONLY_FIELD_NUMBER: _ClassVar[int]
    IGNORE_FIELD_NUMBER: _ClassVar[int]
    TIERS_FIELD_NUMBER: _ClassVar[int]
    COST_MAX_MICROUSD_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_MS_FIELD_NUMBER: _ClassVar[int]
    DATA_SETS_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    sensitivity_min_ppm: int
    jurisdictions: _containers.RepeatedScalarFieldContainer[str]
    only: _containers.RepeatedScalarFieldContainer[str]
    ignore: _containers.RepeatedScalarFieldContainer[str]
    tiers: _containers.RepeatedScalarFieldContainer[_attestation_pb2.Tier]
    cost_max_microusd: int
    deadline_ms: int
    data_sets: _containers.RepeatedScalarFieldContainer[str]
    profile: str
    wait_ms: int
    def __init__(self, sensitivity_min_ppm: _Optional[int] = ..., jurisdictions: _Optional[_Iterable[str]] = ..., only: _Optional[_Iterable[str]] = ..., ignore: _Optional[_Iterable[str]] = ..., tiers: _Optional[_Iterable[_Union[_attestation_pb2.Tier, str]]] = ..., cost_max_microusd: _Optional[int] = ..., deadline_ms: _Optional[int] = ..., data_sets: _Optional[_Iterable[str]] = ..., profile: _Optional[str] = ..., wait_ms: _Optional[int] = ...) -> None: ...

class ChatRequest(_message.Message):
    __slots__ = ("model", "prompt", "sampling", "hints", "conversation")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_FIELD_NUMBER: _ClassVar[int]
    HINTS_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    model: str
    prompt: _inference_pb2.Prompt
    sampling: _inference_pb2.Sampling
    hints: Hints
    conversation: str
    def __init__(self, model: _Optional[str] = ..., prompt: _Optional[_Union[_inference_pb2.Prompt, _Mapping]] = ..., sampling: _Optional[_Union[_inference_pb2.Sampling, _Mapping]] = ..., hints: _Optional[_Union[Hints, _Mapping]] = ..., conversation: _Optional[str] = ...) -> None: ...

class ChatResponse(_message.Message):
    __slots__ = ("decision", "chunks")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    decision: Decision
    chunks: Chunks
    def __init__(self, decision: _Optional[_Union[Decision, _Mapping]] = ..., chunks: _Optional[_Union[Chunks, _Mapping]] = ...) -> None: ...

class Chunks(_message.Message):
    __slots__ = ("chunks",)
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    chunks: _containers.RepeatedCompositeFieldContainer[_inference_pb2.Chunk]
    def __init__(self, chunks: _Optional[_Iterable[_Union[_inference_pb2.Chunk, _Mapping]]] = ...) -> None: ...

class PlanRequest(_message.Message):
    __slots__ = ("model", "prompt", "hints", "sampling", "conversation")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    HINTS_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    model: str
    prompt: _inference_pb2.Prompt
    hints: Hints
    sampling: _inference_pb2.Sampling
    conversation: str
    def __init__(self, model: _Optional[str] = ..., prompt: _Optional[_Union[_inference_pb2.Prompt, _Mapping]] = ..., hints: _Optional[_Union[Hints, _Mapping]] = ..., sampling: _Optional[_Union[_inference_pb2.Sampling, _Mapping]] = ..., conversation: _Optional[str] = ...) -> None: ...

class PlanResponse(_message.Message):
    __slots__ = ("decision", "visible_prompt")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    VISIBLE_PROMPT_FIELD_NUMBER: _ClassVar[int]
    decision: Decision
    visible_prompt: _inference_pb2.Prompt
    def __init__(self, decision: _Optional[_Union[Decision, _Mapping]] = ..., visible_prompt: _Optional[_Union[_inference_pb2.Prompt, _Mapping]] = ...) -> None: ...

class EmbedRequest(_message.Message):
    __slots__ = ("texts",)
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, texts: _Optional[_Iterable[str]] = ...) -> None: ...

class Vector(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, values: _Optional[_Iterable[float]] = ...) -> None: ...

class EmbedResponse(_message.Message):
    __slots__ = ("model", "vectors")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VECTORS_FIELD_NUMBER: _ClassVar[int]
    model: str
    vectors: _containers.RepeatedCompositeFieldContainer[Vector]
    def __init__(self, model: _Optional[str] = ..., vectors: _Optional[_Iterable[_Union[Vector, _Mapping]]] = ...) -> None: ...

class RetrieveRequest(_message.Message):
    __slots__ = ("data_set", "query", "passages_max")
    DATA_SET_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    PASSAGES_MAX_FIELD_NUMBER: _ClassVar[int]
    data_set: str
    query: str
    passages_max: int
    def __init__(self, data_set: _Optional[str] = ..., query: _Optional[str] = ..., passages_max: _Optional[int] = ...) -> None: ...

class RetrieveResponse(_message.Message):
    __slots__ = ("passages",)
    PASSAGES_FIELD_NUMBER: _ClassVar[int]
    passages: _containers.RepeatedCompositeFieldContainer[_inference_pb2.Passage]
    def __init__(self, passages: _Optional[_Iterable[_Union[_inference_pb2.Passage, _Mapping]]] = ...) -> None: ...

class Veto(_message.Message):
    __slots__ = ("reason", "detail")
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    reason: str
    detail: str
    def __init__(self, reason: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class CandidateReport(_message.Message):
    __slots__ = ("island", "name", "tier", "trust_ppm", "visible_sensitivity_ppm", "masked", "vetoes", "cost_ppm", "latency_ppm", "exposure_ppm", "quality_loss_ppm", "total_ppm", "rank", "expected_cost_microusd", "expected_latency_ms", "model")
    ISLAND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    TRUST_PPM_FIELD_NUMBER: _ClassVar[int]
    VISIBLE_SENSITIVITY_PPM_FIELD_NUMBER: _ClassVar[int]
    MASKED_FIELD_NUMBER: _ClassVar[int]
    VETOES_FIELD_NUMBER: _ClassVar[int]
    COST_PPM_FIELD_NUMBER: _ClassVar[int]
    LATENCY_PPM_FIELD_NUMBER: _ClassVar[int]
    EXPOSURE_PPM_FIELD_NUMBER: _ClassVar[int]
    QUALITY_LOSS_PPM_FIELD_NUMBER: _ClassVar[int]
    TOTAL_PPM_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_COST_MICROUSD_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    island: bytes
    name: str
    tier: _attestation_pb2.Tier
    trust_ppm: int
    visible_sensitivity_ppm: int
    masked: bool
    vetoes: _containers.RepeatedCompositeFieldContainer[Veto]
    cost_ppm: int
    latency_ppm: int
    exposure_ppm: int
    quality_loss_ppm: int
    total_ppm: int
    rank: int
    expected_cost_microusd: int
    expected_latency_ms: int
    model: str
    def __init__(self, island: _Optional[bytes] = ..., name: _Optional[str] = ..., tier: _Optional[_Union[_attestation_pb2.Tier, str]] = ..., trust_ppm: _Optional[int] = ..., visible_sensitivity_ppm: _Optional[int] = ..., masked: bool = ..., vetoes: _Optional[_Iterable[_Union[Veto, _Mapping]]] = ..., cost_ppm: _Optional[int] = ..., latency_ppm: _Optional[int] = ..., exposure_ppm: _Optional[int] = ..., quality_loss_ppm: _Optional[int] = ..., total_ppm: _Optional[int] = ..., rank: _Optional[int] = ..., expected_cost_microusd: _Optional[int] = ..., expected_latency_ms: _Optional[int] = ..., model: _Optional[str] = ...) -> None: ...

class MaskedCount(_message.Message):
    __slots__ = ("type", "count")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    type: str
    count: int
    def __init__(self, type: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("request_id", "receipt_id", "sensitivity_ppm", "sensitivity_class", "sensitivity_reasons", "candidates", "chosen", "chosen_name", "chosen_tier", "masked", "attempt", "summary", "profile", "task", "task_confidence_ppm", "rules")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_ID_FIELD_NUMBER: _ClassVar[int]
    SENSITIVITY_PPM_FIELD_NUMBER: _ClassVar[int]
    SENSITIVITY_CLASS_FIELD_NUMBER: _ClassVar[int]
    SENSITIVITY_REASONS_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_NAME_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_TIER_FIELD_NUMBER: _ClassVar[int]
    MASKED_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    TASK_CONFIDENCE_PPM_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    receipt_id: str
    sensitivity_ppm: int
    sensitivity_class: SensitivityClass
    sensitivity_reasons: _containers.RepeatedScalarFieldContainer[str]
    candidates: _containers.RepeatedCompositeFieldContainer[CandidateReport]
    chosen: bytes
    chosen_name: str
    chosen_tier: _attestation_pb2.Tier
    masked: _containers.RepeatedCompositeFieldContainer[MaskedCount]
    attempt: int
    summary: str
    profile: str
    task: str
    task_confidence_ppm: int
    rules: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, request_id: _Optional[str] = ..., receipt_id: _Optional[str] = ..., sensitivity_ppm: _Optional[int] = ..., sensitivity_class: _Optional[_Union[SensitivityClass, str]] = ..., sensitivity_reasons: _Optional[_Iterable[str]] = ..., candidates: _Optional[_Iterable[_Union[CandidateReport, _Mapping]]] = ..., chosen: _Optional[bytes] = ..., chosen_name: _Optional[str] = ..., chosen_tier: _Optional[_Union[_attestation_pb2.Tier, str]] = ..., masked: _Optional[_Iterable[_Union[MaskedCount, _Mapping]]] = ..., attempt: _Optional[int] = ..., summary: _Optional[str] = ..., profile: _Optional[str] = ..., task: _Optional[str] = ..., task_confidence_ppm: _Optional[int] = ..., rules: _Optional[_Iterable[str]] = ...) -> None: ...

class Receipt(_message.Message):
    __slots__ = ("id", "issued_at_ms", "origin", "decisions", "outcome", "cost_microusd", "usage", "latency_ms", "failure")
    ID_FIELD_NUMBER: _ClassVar[int]
    ISSUED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    COST_MICROUSD_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    id: str
    issued_at_ms: int
    origin: bytes
    decisions: _containers.RepeatedCompositeFieldContainer[Decision]
    outcome: str
    cost_microusd: int
    usage: _inference_pb2.Usage
    latency_ms: int
    failure: str
    def __init__(self, id: _Optional[str] = ..., issued_at_ms: _Optional[int] = ..., origin: _Optional[bytes] = ..., decisions: _Optional[_Iterable[_Union[Decision, _Mapping]]] = ..., outcome: _Optional[str] = ..., cost_microusd: _Optional[int] = ..., usage: _Optional[_Union[_inference_pb2.Usage, _Mapping]] = ..., latency_ms: _Optional[int] = ..., failure: _Optional[str] = ...) -> None: ...

class SignedReceipt(_message.Message):
    __slots__ = ("payload", "issuer", "signature")
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    payload: bytes
    issuer: bytes
    signature: bytes
    def __init__(self, payload: _Optional[bytes] = ..., issuer: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...
