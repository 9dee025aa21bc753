"""Gossip messages as they come from a peer: sizes and counts, before anything in them is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from islandrun.errors import MalformedMessage
from islandrun.v1 import mesh_pb2
from islandrun.wire import limits
from islandrun.wire.attestations import check_signed
from islandrun.wire.checks import require, require_count

DIGEST_BYTES: Final = 16


def check_gossip(message: mesh_pb2.GossipMessage) -> None:
    """Refuse a message outside the limits. Raises `MalformedMessage`.

    The statements of a push are checked one by one by whoever takes them in (`check_signed` and more), so
    that a bad one does not spoil the good ones beside it.
    """
    size = message.ByteSize()
    require(size <= limits.MESSAGE_BYTES_MAX, "gossip message", f"is over {limits.MESSAGE_BYTES_MAX} bytes")
    check = _CHECKS.get(message.WhichOneof("body") or "")
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
    _sizes([version.key for version in listing.versions], limits.HASH_BYTES, "bucket list")
    _sizes([version.hash8 for version in listing.versions], limits.HASH8_BYTES, "bucket list")
    for version in listing.versions:
        is_in_range = version.epoch <= limits.EPOCH_MAX and version.sequence < limits.TIME_MS_MAX
        require(is_in_range, "bucket list", "has a version out of range")


def _check_want(message: mesh_pb2.GossipMessage) -> None:
    require_count(message.want.keys, limits.KEYS_PER_WANT_MAX, "want")
    _sizes(message.want.keys, limits.HASH_BYTES, "want")


def _check_probe(message: mesh_pb2.GossipMessage) -> None:
    _check_clock(message.probe.wall_ms)


def _check_probe_ack(message: mesh_pb2.GossipMessage) -> None:
    ack = message.probe_ack
    _check_clock(ack.wall_ms)
    require(ack.incarnation < limits.TIME_MS_MAX, "probe ack", "has an incarnation out of range")
    load = ack.load
    figures = (load.running, load.waiting, load.requests_max, load.first_token_ms, load.token_us)
    require(max(figures) <= limits.LOAD_MAX, "probe ack", "has a load out of range")


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
}


def _check_clock(wall_ms: int) -> None:
    require(0 <= wall_ms < limits.TIME_MS_MAX, "probe", "has a time out of range")


def _sizes(items: Sequence[bytes], size_bytes: int, where: str) -> None:
    require(all(len(item) == size_bytes for item in items), where, f"has an entry without {size_bytes} bytes")
