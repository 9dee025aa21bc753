"""Islands that keep things back: what their honest half would say, less what they do not want to be known.

Each is a function: a message of the honest half -> what is really sent, or None for nothing. They cannot be
caught by looking at a message: every statement in it is genuine. Others have to tell what they kept back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

from islandrun.v1 import attestation_pb2, mesh_pb2
from islandrun.vocabulary import PublicKey

Censor = Callable[[mesh_pb2.GossipMessage, Collection[PublicKey]], mesh_pb2.GossipMessage | None]
"""What is really sent instead of a message; the keys are those of all liars of this mesh."""

_COMPARISONS: Final = frozenset({"digest", "bucket_list"})


def say_all(message: mesh_pb2.GossipMessage, gang: Collection[PublicKey]) -> mesh_pb2.GossipMessage | None:
    """Keep nothing back."""
    return message


def withhold_revocations(
    message: mesh_pb2.GossipMessage, gang: Collection[PublicKey]
) -> mesh_pb2.GossipMessage | None:
    """Freeze the others: nothing that takes trust away is passed on, nor a table in which it would show."""
    body = message.WhichOneof("body")
    if body == "equivocation" or body in _COMPARISONS:
        return None
    return _only(message, lambda record: record.kind != "authority") if body == "push" else message


def hide_the_honest(
    message: mesh_pb2.GossipMessage, gang: Collection[PublicKey]
) -> mesh_pb2.GossipMessage | None:
    """Eclipse the others: answer probes and take links, but pass on nothing that is not of the gang."""
    body = message.WhichOneof("body")
    if body == "equivocation" or body in _COMPARISONS:
        return None
    return _only(message, lambda record: record.issuer in gang) if body == "push" else message


CENSORS: Final[Mapping[str, Censor]] = {
    "eclipse": hide_the_honest,
    "freeze": withhold_revocations,
    "old-view": withhold_revocations,
}
"""What the tellers of some lies keep back; the others keep nothing."""


def _only(
    message: mesh_pb2.GossipMessage, is_passed: Callable[[attestation_pb2.SignedAttestation], bool]
) -> mesh_pb2.GossipMessage | None:
    records = [record for record in message.push.attestations if is_passed(record)]
    return mesh_pb2.GossipMessage(push=mesh_pb2.Push(attestations=records)) if records else None
