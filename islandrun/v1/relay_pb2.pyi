from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AttachRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AttachResponse(_message.Message):
    __slots__ = ("connection_id",)
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    connection_id: bytes
    def __init__(self, connection_id: _Optional[bytes] = ..., **kwargs) -> None: ...

class DialRequest(_message.Message):
    __slots__ = ("to", "data")
    TO_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    to: bytes
    data: bytes
    def __init__(self, to: _Optional[bytes] = ..., data: _Optional[bytes] = ...) -> None: ...

class DialResponse(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class SpliceRequest(_message.Message):
    __slots__ = ("connection_id", "data")
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    connection_id: bytes
    data: bytes
    def __init__(self, connection_id: _Optional[bytes] = ..., data: _Optional[bytes] = ...) -> None: ...

class SpliceResponse(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class ExpectRequest(_message.Message):
    __slots__ = ("newcomers",)
    NEWCOMERS_FIELD_NUMBER: _ClassVar[int]
    newcomers: _containers.RepeatedCompositeFieldContainer[Newcomer]
    def __init__(self, newcomers: _Optional[_Iterable[_Union[Newcomer, _Mapping]]] = ...) -> None: ...

class Newcomer(_message.Message):
    __slots__ = ("join_key", "expires_at_ms")
    JOIN_KEY_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_MS_FIELD_NUMBER: _ClassVar[int]
    join_key: bytes
    expires_at_ms: int
    def __init__(self, join_key: _Optional[bytes] = ..., expires_at_ms: _Optional[int] = ...) -> None: ...

class ExpectResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
