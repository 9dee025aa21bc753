from islandrun.v1 import attestation_pb2 as _attestation_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JoinRequest(_message.Message):
    __slots__ = ("island_key", "token_id", "proof_of_possession")
    ISLAND_KEY_FIELD_NUMBER: _ClassVar[int]
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    PROOF_OF_POSSESSION_FIELD_NUMBER: _ClassVar[int]
    island_key: bytes
    token_id: bytes
    proof_of_possession: bytes
    def __init__(self, island_key: _Optional[bytes] = ..., token_id: _Optional[bytes] = ..., proof_of_possession: _Optional[bytes] = ...) -> None: ...

class JoinResponse(_message.Message):
    __slots__ = ("genesis", "admission", "snapshot")
    GENESIS_FIELD_NUMBER: _ClassVar[int]
    ADMISSION_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    genesis: _attestation_pb2.SignedGenesis
    admission: _attestation_pb2.SignedAttestation
    snapshot: _containers.RepeatedCompositeFieldContainer[_attestation_pb2.SignedAttestation]
    def __init__(self, genesis: _Optional[_Union[_attestation_pb2.SignedGenesis, _Mapping]] = ..., admission: _Optional[_Union[_attestation_pb2.SignedAttestation, _Mapping]] = ..., snapshot: _Optional[_Iterable[_Union[_attestation_pb2.SignedAttestation, _Mapping]]] = ...) -> None: ...
