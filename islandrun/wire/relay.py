"""Messages of relayed pipes as they come from outside: which field stands where, and how large it may be."""

from __future__ import annotations

from islandrun.v1 import relay_pb2
from islandrun.vocabulary import PublicKey
from islandrun.wire import limits
from islandrun.wire.checks import require, require_count


def dialled(message: relay_pb2.DialRequest) -> PublicKey:
    """Return whom the first message of a dialled pipe asks for. Raises `MalformedMessage`."""
    require(len(message.to) == limits.KEY_BYTES, "to", "is not a 32-byte key")
    require(not message.data, "data", "comes with the first message already")
    return PublicKey(message.to)


def taken_up(message: relay_pb2.SpliceRequest) -> bytes:
    """Return which invitation the first message of a spliced pipe takes up. Raises `MalformedMessage`."""
    _check_connection_id(message.connection_id)
    require(not message.data, "data", "comes with the first message already")
    return message.connection_id


def invited(message: relay_pb2.AttachResponse) -> tuple[bytes, PublicKey]:
    """Return the connection id of an invitation and who dials. Raises `MalformedMessage`."""
    _check_connection_id(message.connection_id)
    sender: bytes = getattr(message, "from")
    require(len(sender) == limits.KEY_BYTES, "from", "is not a 32-byte key")
    return message.connection_id, PublicKey(sender)


def expected(message: relay_pb2.ExpectRequest) -> dict[PublicKey, int]:
    """Return the join keys that may dial a caller, and when each ends (ms since 1970).

    Raises `MalformedMessage`.
    """
    require_count(message.newcomers, limits.NEWCOMERS_PER_ISLAND_MAX, "newcomers")
    for newcomer in message.newcomers:
        require(len(newcomer.join_key) == limits.KEY_BYTES, "join_key", "is not a 32-byte key")
        require(0 < newcomer.expires_at_ms < limits.TIME_MS_MAX, "expires_at_ms", "is out of range")
    return {PublicKey(one.join_key): one.expires_at_ms for one in message.newcomers}


def chunk(
    message: relay_pb2.DialRequest
    | relay_pb2.DialResponse
    | relay_pb2.SpliceRequest
    | relay_pb2.SpliceResponse,
) -> bytes:
    """Return the bytes of a later message. Raises `MalformedMessage`."""
    size = len(message.data)
    require(0 < size <= limits.CHUNK_BYTES_MAX, "data", f"does not have 1 to {limits.CHUNK_BYTES_MAX} bytes")
    match message:
        case relay_pb2.DialRequest():
            require(not message.to, "to", "is said again")
        case relay_pb2.SpliceRequest():
            require(not message.connection_id, "connection_id", "is said again")
        case _:
            pass
    return message.data


def _check_connection_id(connection_id: bytes) -> None:
    size = limits.CONNECTION_ID_BYTES
    require(len(connection_id) == size, "connection_id", f"does not have {size} bytes")
