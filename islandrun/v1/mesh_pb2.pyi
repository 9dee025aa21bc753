from islandrun.v1 import attestation_pb2 as _attestation_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

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
    __slots__ = ("push", "digest", "bucket_list", "want", "probe", "probe_ack", "equivocation")
    PUSH_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    BUCKET_LIST_FIELD_NUMBER: _ClassVar[int]
    WANT_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    PROBE_ACK_FIELD_NUMBER: _ClassVar[int]
    EQUIVOCATION_FIELD_NUMBER: _ClassVar[int]
    push: Push
    digest: Digest
    bucket_list: BucketList
    want: Want
    probe: Probe
    probe_ack: ProbeAck
    equivocation: _attestation_pb2.Equivocation
    def __init__(self, push: _Optional[_Union[Push, _Mapping]] = ..., digest: _Optional[_Union[Digest, _Mapping]] = ..., bucket_list: _Optional[_Union[BucketList, _Mapping]] = ..., want: _Optional[_Union[Want, _Mapping]] = ..., probe: _Optional[_Union[Probe, _Mapping]] = ..., probe_ack: _Optional[_Union[ProbeAck, _Mapping]] = ..., equivocation: _Optional[_Union[_attestation_pb2.Equivocation, _Mapping]] = ...) -> None: ...

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

class Load(_message.Message):
    __slots__ = ("running", "waiting", "requests_max", "first_token_ms", "token_us")
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_MAX_FIELD_NUMBER: _ClassVar[int]
    FIRST_TOKEN_MS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_US_FIELD_NUMBER: _ClassVar[int]
    running: int
    waiting: int
    requests_max: int
    first_token_ms: int
    token_us: int
    def __init__(self, running: _Optional[int] = ..., waiting: _Optional[int] = ..., requests_max: _Optional[int] = ..., first_token_ms: _Optional[int] = ..., token_us: _Optional[int] = ...) -> None: ...
