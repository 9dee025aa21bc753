from islandrun.v1 import attestation_pb2 as _attestation_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProbeOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROBE_OUTCOME_UNSPECIFIED: _ClassVar[ProbeOutcome]
    PROBE_OUTCOME_ACK: _ClassVar[ProbeOutcome]
    PROBE_OUTCOME_NACK: _ClassVar[ProbeOutcome]
    PROBE_OUTCOME_BUSY: _ClassVar[ProbeOutcome]

class LinkAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LINK_ACTION_UNSPECIFIED: _ClassVar[LinkAction]
    LINK_ACTION_OFFER: _ClassVar[LinkAction]
    LINK_ACTION_ACCEPT: _ClassVar[LinkAction]
    LINK_ACTION_END: _ClassVar[LinkAction]
PROBE_OUTCOME_UNSPECIFIED: ProbeOutcome
PROBE_OUTCOME_ACK: ProbeOutcome
PROBE_OUTCOME_NACK: ProbeOutcome
PROBE_OUTCOME_BUSY: ProbeOutcome
LINK_ACTION_UNSPECIFIED: LinkAction
LINK_ACTION_OFFER: LinkAction
LINK_ACTION_ACCEPT: LinkAction
LINK_ACTION_END: LinkAction

class ExchangeRequest(_message.Message):
    __slots__ = ("messages",)
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[GossipMessage]
    def __init__(self, messages: _Optional[_Iterable[_Union[GossipMessage, _Mapping]]] = ...) -> None: ...

class ExchangeResponse(_message.Message):
    __slots__ = ("messages",)
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[GossipMessage]
    def __init__(self, messages: _Optional[_Iterable[_Union[GossipMessage, _Mapping]]] = ...) -> None: ...

class GossipMessage(_message.Message):
    __slots__ = ("push", "digest", "bucket_list", "want", "probe", "probe_ack", "equivocation", "probe_for", "probe_for_ack", "link", "have", "graft", "prune")
    PUSH_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    BUCKET_LIST_FIELD_NUMBER: _ClassVar[int]
    WANT_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    PROBE_ACK_FIELD_NUMBER: _ClassVar[int]
    EQUIVOCATION_FIELD_NUMBER: _ClassVar[int]
    PROBE_FOR_FIELD_NUMBER: _ClassVar[int]
    PROBE_FOR_ACK_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    HAVE_FIELD_NUMBER: _ClassVar[int]
    GRAFT_FIELD_NUMBER: _ClassVar[int]
    PRUNE_FIELD_NUMBER: _ClassVar[int]
    push: Push
    digest: Digest
    bucket_list: BucketList
    want: Want
    probe: Probe
    probe_ack: ProbeAck
    equivocation: _attestation_pb2.Equivocation
    probe_for: ProbeFor
    probe_for_ack: ProbeForAck
    link: Link
    have: Have
    graft: Graft
    prune: Prune
    def __init__(self, push: _Optional[_Union[Push, _Mapping]] = ..., digest: _Optional[_Union[Digest, _Mapping]] = ..., bucket_list: _Optional[_Union[BucketList, _Mapping]] = ..., want: _Optional[_Union[Want, _Mapping]] = ..., probe: _Optional[_Union[Probe, _Mapping]] = ..., probe_ack: _Optional[_Union[ProbeAck, _Mapping]] = ..., equivocation: _Optional[_Union[_attestation_pb2.Equivocation, _Mapping]] = ..., probe_for: _Optional[_Union[ProbeFor, _Mapping]] = ..., probe_for_ack: _Optional[_Union[ProbeForAck, _Mapping]] = ..., link: _Optional[_Union[Link, _Mapping]] = ..., have: _Optional[_Union[Have, _Mapping]] = ..., graft: _Optional[_Union[Graft, _Mapping]] = ..., prune: _Optional[_Union[Prune, _Mapping]] = ...) -> None: ...

class Push(_message.Message):
    __slots__ = ("attestations",)
    ATTESTATIONS_FIELD_NUMBER: _ClassVar[int]
    attestations: _containers.RepeatedCompositeFieldContainer[_attestation_pb2.SignedAttestation]
    def __init__(self, attestations: _Optional[_Iterable[_Union[_attestation_pb2.SignedAttestation, _Mapping]]] = ...) -> None: ...

class Digest(_message.Message):
    __slots__ = ("buckets_log2", "bucket_hashes")
    BUCKETS_LOG2_FIELD_NUMBER: _ClassVar[int]
    BUCKET_HASHES_FIELD_NUMBER: _ClassVar[int]
    buckets_log2: int
    bucket_hashes: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, buckets_log2: _Optional[int] = ..., bucket_hashes: _Optional[_Iterable[bytes]] = ...) -> None: ...

class BucketList(_message.Message):
    __slots__ = ("buckets_log2", "buckets", "versions")
    BUCKETS_LOG2_FIELD_NUMBER: _ClassVar[int]
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    buckets_log2: int
    buckets: _containers.RepeatedScalarFieldContainer[int]
    versions: _containers.RepeatedCompositeFieldContainer[RecordVersion]
    def __init__(self, buckets_log2: _Optional[int] = ..., buckets: _Optional[_Iterable[int]] = ..., versions: _Optional[_Iterable[_Union[RecordVersion, _Mapping]]] = ...) -> None: ...

class RecordVersion(_message.Message):
    __slots__ = ("key", "epoch", "sequence", "hash8")
    KEY_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    HASH8_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    epoch: int
    sequence: int
    hash8: bytes
    def __init__(self, key: _Optional[bytes] = ..., epoch: _Optional[int] = ..., sequence: _Optional[int] = ..., hash8: _Optional[bytes] = ...) -> None: ...

class Want(_message.Message):
    __slots__ = ("keys",)
    KEYS_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, keys: _Optional[_Iterable[bytes]] = ...) -> None: ...

class Probe(_message.Message):
    __slots__ = ("nonce", "wall_ms")
    NONCE_FIELD_NUMBER: _ClassVar[int]
    WALL_MS_FIELD_NUMBER: _ClassVar[int]
    nonce: int
    wall_ms: int
    def __init__(self, nonce: _Optional[int] = ..., wall_ms: _Optional[int] = ...) -> None: ...

class ProbeAck(_message.Message):
    __slots__ = ("nonce", "wall_ms", "incarnation", "load")
    NONCE_FIELD_NUMBER: _ClassVar[int]
    WALL_MS_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    nonce: int
    wall_ms: int
    incarnation: int
    load: Load
    def __init__(self, nonce: _Optional[int] = ..., wall_ms: _Optional[int] = ..., incarnation: _Optional[int] = ..., load: _Optional[_Union[Load, _Mapping]] = ...) -> None: ...

class ProbeFor(_message.Message):
    __slots__ = ("nonce", "island")
    NONCE_FIELD_NUMBER: _ClassVar[int]
    ISLAND_FIELD_NUMBER: _ClassVar[int]
    nonce: int
    island: str
    def __init__(self, nonce: _Optional[int] = ..., island: _Optional[str] = ...) -> None: ...

class ProbeForAck(_message.Message):
    __slots__ = ("nonce", "outcome")
    NONCE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    nonce: int
    outcome: ProbeOutcome
    def __init__(self, nonce: _Optional[int] = ..., outcome: _Optional[_Union[ProbeOutcome, str]] = ...) -> None: ...

class Link(_message.Message):
    __slots__ = ("action",)
    ACTION_FIELD_NUMBER: _ClassVar[int]
    action: LinkAction
    def __init__(self, action: _Optional[_Union[LinkAction, str]] = ...) -> None: ...

class Have(_message.Message):
    __slots__ = ("versions",)
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.RepeatedCompositeFieldContainer[RecordVersion]
    def __init__(self, versions: _Optional[_Iterable[_Union[RecordVersion, _Mapping]]] = ...) -> None: ...

class Graft(_message.Message):
    __slots__ = ("keys",)
    KEYS_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, keys: _Optional[_Iterable[bytes]] = ...) -> None: ...

class Prune(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Load(_message.Message):
    __slots__ = ("running", "waiting", "requests_max", "first_token_ms", "token_us", "cache_ppm", "headroom_ppm", "is_on_battery", "is_metered", "is_throttled", "models")
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_MAX_FIELD_NUMBER: _ClassVar[int]
    FIRST_TOKEN_MS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_US_FIELD_NUMBER: _ClassVar[int]
    CACHE_PPM_FIELD_NUMBER: _ClassVar[int]
    HEADROOM_PPM_FIELD_NUMBER: _ClassVar[int]
    IS_ON_BATTERY_FIELD_NUMBER: _ClassVar[int]
    IS_METERED_FIELD_NUMBER: _ClassVar[int]
    IS_THROTTLED_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    running: int
    waiting: int
    requests_max: int
    first_token_ms: int
    token_us: int
    cache_ppm: int
    headroom_ppm: int
    is_on_battery: bool
    is_metered: bool
    is_throttled: bool
    models: _containers.RepeatedCompositeFieldContainer[ModelPace]
    def __init__(self, running: _Optional[int] = ..., waiting: _Optional[int] = ..., requests_max: _Optional[int] = ..., first_token_ms: _Optional[int] = ..., token_us: _Optional[int] = ..., cache_ppm: _Optional[int] = ..., headroom_ppm: _Optional[int] = ..., is_on_battery: bool = ..., is_metered: bool = ..., is_throttled: bool = ..., models: _Optional[_Iterable[_Union[ModelPace, _Mapping]]] = ...) -> None: ...

class ModelPace(_message.Message):
    __slots__ = ("model", "samples", "first_token_p50_ms", "first_token_p95_ms", "token_p50_us", "token_p95_us", "base_ms", "prefill_ns", "token_us", "crowd_us")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    FIRST_TOKEN_P50_MS_FIELD_NUMBER: _ClassVar[int]
    FIRST_TOKEN_P95_MS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_P50_US_FIELD_NUMBER: _ClassVar[int]
    TOKEN_P95_US_FIELD_NUMBER: _ClassVar[int]
    BASE_MS_FIELD_NUMBER: _ClassVar[int]
    PREFILL_NS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_US_FIELD_NUMBER: _ClassVar[int]
    CROWD_US_FIELD_NUMBER: _ClassVar[int]
    model: str
    samples: int
    first_token_p50_ms: int
    first_token_p95_ms: int
    token_p50_us: int
    token_p95_us: int
    base_ms: int
    prefill_ns: int
    token_us: int
    crowd_us: int
    def __init__(self, model: _Optional[str] = ..., samples: _Optional[int] = ..., first_token_p50_ms: _Optional[int] = ..., first_token_p95_ms: _Optional[int] = ..., token_p50_us: _Optional[int] = ..., token_p95_us: _Optional[int] = ..., base_ms: _Optional[int] = ..., prefill_ns: _Optional[int] = ..., token_us: _Optional[int] = ..., crowd_us: _Optional[int] = ...) -> None: ...
