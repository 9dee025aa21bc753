from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TreeHead(_message.Message):
    __slots__ = ("origin", "size", "root", "issued_at_ms", "restored_at_ms")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    ISSUED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    RESTORED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    origin: bytes
    size: int
    root: bytes
    issued_at_ms: int
    restored_at_ms: int
    def __init__(self, origin: _Optional[bytes] = ..., size: _Optional[int] = ..., root: _Optional[bytes] = ..., issued_at_ms: _Optional[int] = ..., restored_at_ms: _Optional[int] = ...) -> None: ...

class SignedTreeHead(_message.Message):
    __slots__ = ("payload", "issuer", "signature")
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    payload: bytes
    issuer: bytes
    signature: bytes
    def __init__(self, payload: _Optional[bytes] = ..., issuer: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class Cosignature(_message.Message):
    __slots__ = ("witness", "at_ms", "signature")
    WITNESS_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    witness: bytes
    at_ms: int
    signature: bytes
    def __init__(self, witness: _Optional[bytes] = ..., at_ms: _Optional[int] = ..., signature: _Optional[bytes] = ...) -> None: ...

class WitnessRequest(_message.Message):
    __slots__ = ("head", "from_size", "proof")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    FROM_SIZE_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    head: SignedTreeHead
    from_size: int
    proof: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, head: _Optional[_Union[SignedTreeHead, _Mapping]] = ..., from_size: _Optional[int] = ..., proof: _Optional[_Iterable[bytes]] = ...) -> None: ...

class WitnessResponse(_message.Message):
    __slots__ = ("cosignature", "known")
    COSIGNATURE_FIELD_NUMBER: _ClassVar[int]
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    cosignature: Cosignature
    known: SignedTreeHead
    def __init__(self, cosignature: _Optional[_Union[Cosignature, _Mapping]] = ..., known: _Optional[_Union[SignedTreeHead, _Mapping]] = ...) -> None: ...
