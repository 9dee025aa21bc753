"""One call of gossip: how much of it goes each way, whatever a peer would like to say at once.

Each message has limits of its own (`wire.gossip`); without one on their sum, a list of empty messages makes a
reader busy for seconds and fills its memory.
"""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.message import DecodeError

from islandrun.errors import MalformedMessage
from islandrun.v1 import mesh_pb2
from islandrun.wire.checks import require, require_count
from islandrun.wire.limits import EXCHANGE_BYTES_MAX, EXCHANGE_MESSAGES_MAX

_FRAME_BYTES = 8
"""What a message costs beside its own bytes, at most."""


def read_answer(data: bytes) -> tuple[mesh_pb2.GossipMessage, ...]:
    """Return what a peer says in answer, of the bytes as they came. Raises `MalformedMessage`."""
    require(len(data) <= EXCHANGE_BYTES_MAX, "answer to gossip", f"is over {EXCHANGE_BYTES_MAX} bytes")
    try:
        answer = mesh_pb2.ExchangeResponse.FromString(data)
    except DecodeError:
        raise MalformedMessage("an answer to gossip does not decode") from None
    require_count(answer.messages, EXCHANGE_MESSAGES_MAX, "answer to gossip")
    return tuple(answer.messages)


def fit(messages: Sequence[mesh_pb2.GossipMessage]) -> tuple[mesh_pb2.GossipMessage, ...]:
    """Return the newest messages (the last ones) that one call may carry; a comparison brings the rest."""
    kept: list[mesh_pb2.GossipMessage] = []
    room = EXCHANGE_BYTES_MAX
    for message in reversed(messages[-EXCHANGE_MESSAGES_MAX:]):
        room -= message.ByteSize() + _FRAME_BYTES
        if room < 0:
            break
        kept.append(message)
    return tuple(reversed(kept))
