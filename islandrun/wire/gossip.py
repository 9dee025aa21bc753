"""Gossip messages as they come from a peer: sizes and counts, before anything in them is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from islandrun.errors import MalformedMessage
from islandrun.v1 import mesh_pb2
from islandrun.wire import limits
from islandrun.wire.attestations import check_signed
from islandrun.wire.checks import require, require_count
from islandrun.wire.load import check_load

DIGEST_BYTES: Final = 16
_LARGE: Final = frozenset({"push", "digest", "bucket_list", "want", "equivocation"})


def check_gossip(message: mesh_pb2.GossipMessage) -> None:
    """Refuse a message outside the limits. Raises `MalformedMessage`.

    The statements of a push are checked one by one by whoever takes them in (`check_signed` and more), so
    that a bad one does not spoil the good ones beside it.
    """
    body = message.WhichOneof("body") or ""
    size_max = limits.MESSAGE_BYTES_MAX if body in _LARGE else limits.SMALL_MESSAGE_BYTES_MAX
    require(message.ByteSize() <= size_max, "gossip message", f"is over {size_max} bytes")
    check = _CHECKS.get(body)
    if check is None:
        raise MalformedMessage("the body of a gossip message is not one this version knows")
    check(message)


def _check_push(message: mesh_pb2.GossipMessage) -> None:
    require_count(message.push.attestations, limits.RECORDS_PER_PUSH_MAX, "push")


def _check_digest(message: mesh_pb2.GossipMessage) -> None:
    digest = message.digest
    require(digest.buckets_log2 <= limits.BUCKETS_LOG2_MAX, "digest", "has too many buckets")
    hashes = len(digest.bucket_hashes)
    require(hashes == 1 << digest.buckets_log2, "digest", "does not have one hash a bucket")
    _sizes(digest.bucket_hashes, DIGEST_BYTES, "digest")


def _check_bucket_list(message: mesh_pb2.GossipMessage) -> None:
    listing = message.bucket_list
    require(listing.buckets_log2 <= limits.BUCKETS_LOG2_MAX, "bucket list", "has too many buckets")
    buckets = 1 << listing.buckets_log2
    require_count(listing.buckets, buckets, "bucket list")
    is_in_range = all(bucket < buckets for bucket in listing.buckets)
    require(is_in_range, "bucket list", "names a bucket out of range")
    require_count(listing.versions, limits.VERSIONS_PER_LIST_MAX, "bucket list")
    _check_versions(listing.versions, "bucket list")


def _check_want(message: mesh_pb2.GossipMessage) -> None:
    require_count(message.want.keys, limits.KEYS_PER_WANT_MAX, "want")
    _sizes(message.want.keys, limits.HASH_BYTES, "want")


def _check_probe(message: mesh_pb2.GossipMessage) -> None:
    _check_clock(message.probe.wall_ms)


def _check_probe_ack(message: mesh_pb2.GossipMessage) -> None:
    ack = message.probe_ack
    _check_clock(ack.wall_ms)
    require(ack.incarnation < limits.TIME_MS_MAX, "probe ack", "has an incarnation out of range")
    check_load(ack.load)


def _check_probe_for(message: mesh_pb2.GossipMessage) -> None:
    is_id = len(message.probe_for.island) == limits.ISLAND_ID_CHARACTERS
    require(is_id, "probe for another", "does not name an island")


def _check_probe_for_ack(message: mesh_pb2.GossipMessage) -> None:
    is_known = message.probe_for_ack.outcome in _OUTCOMES
    require(is_known, "answer for another", "has no outcome that this version knows")


def _check_link(message: mesh_pb2.GossipMessage) -> None:
    require(message.link.action in _LINK_ACTIONS, "link", "has no action that this version knows")


def _check_have(message: mesh_pb2.GossipMessage) -> None:
    require_count(message.have.versions, limits.VERSIONS_PER_HAVE_MAX, "list of what can be had")
    _check_versions(message.have.versions, "list of what can be had")


def _check_graft(message: mesh_pb2.GossipMessage) -> None:
    require_count(message.graft.keys, limits.VERSIONS_PER_HAVE_MAX, "graft")
    _sizes(message.graft.keys, limits.HASH_BYTES, "graft")


def _check_prune(message: mesh_pb2.GossipMessage) -> None:
    pass  # it says nothing beside its name


def _check_equivocation(message: mesh_pb2.GossipMessage) -> None:
    check_signed(message.equivocation.first)
    check_signed(message.equivocation.second)


_CHECKS: Final[dict[str, Callable[[mesh_pb2.GossipMessage], None]]] = {
    "push": _check_push,
    "digest": _check_digest,
    "bucket_list": _check_bucket_list,
    "want": _check_want,
    "probe": _check_probe,
    "probe_ack": _check_probe_ack,
    "equivocation": _check_equivocation,
    "probe_for": _check_probe_for,
    "probe_for_ack": _check_probe_for_ack,
    "link": _check_link,
    "have": _check_have,
    "graft": _check_graft,
    "prune": _check_prune,
}

_OUTCOMES: Final = frozenset(mesh_pb2.ProbeOutcome.values()) - {mesh_pb2.PROBE_OUTCOME_UNSPECIFIED}
_LINK_ACTIONS: Final = frozenset(mesh_pb2.LinkAction.values()) - {mesh_pb2.LINK_ACTION_UNSPECIFIED}


def _check_versions(versions: Sequence[mesh_pb2.RecordVersion], where: str) -> None:
    _sizes([version.key for version in versions], limits.HASH_BYTES, where)
    _sizes([version.hash8 for version in versions], limits.HASH8_BYTES, where)
    for version in versions:
        is_in_range = version.epoch <= limits.EPOCH_MAX and version.sequence < limits.TIME_MS_MAX
        require(is_in_range, where, "has a version out of range")


def _check_clock(wall_ms: int) -> None:
    require(0 <= wall_ms < limits.TIME_MS_MAX, "probe", "has a time out of range")


def _sizes(items: Sequence[bytes], size_bytes: int, where: str) -> None:
    require(all(len(item) == size_bytes for item in items), where, f"has an entry without {size_bytes} bytes")
