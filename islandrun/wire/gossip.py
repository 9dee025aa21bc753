"""Gossip messages as they come from a peer: sizes and counts, before anything in them is looked at."""

from __future__ import annotations

from islandrun.errors import MalformedMessage
from islandrun.v1 import mesh_pb2
from islandrun.wire import limits
from islandrun.wire.attestations import check_signed

DIGEST_BYTES = 16


def check_gossip(message: mesh_pb2.GossipMessage) -> None:
    """Refuse a message outside the limits. Raises `MalformedMessage`."""
    if message.ByteSize() > limits.MESSAGE_BYTES_MAX:
        raise MalformedMessage(f"gossip message: larger than {limits.MESSAGE_BYTES_MAX} bytes")
    match message.WhichOneof("body"):
        case "push":
            _require(
                len(message.push.attestations) <= limits.RECORDS_PER_PUSH_MAX, "push", "has too many records"
            )
        case "digest":
            _check_digest(message.digest)
        case "bucket_list":
            _check_bucket_list(message.bucket_list)
        case "want":
            _require(len(message.want.keys) <= limits.KEYS_PER_WANT_MAX, "want", "has too many keys")
            _require(
                all(len(key) == limits.HASH_BYTES for key in message.want.keys), "want", "has a wrong key"
            )
        case "probe" | "probe_ack":
            pass
        case "equivocation":
            check_signed(message.equivocation.first)
            check_signed(message.equivocation.second)
        case _:
            raise MalformedMessage("gossip message: its body is not one this version knows")


def _check_digest(digest: mesh_pb2.Digest) -> None:
    _require(digest.buckets_log2 <= limits.BUCKETS_LOG2_MAX, "digest", "has too many buckets")
    _require(
        len(digest.bucket_hashes) == 1 << digest.buckets_log2, "digest", "does not have one hash a bucket"
    )
    _require(all(len(value) == DIGEST_BYTES for value in digest.bucket_hashes), "digest", "has a wrong hash")


def _check_bucket_list(message: mesh_pb2.BucketList) -> None:
    _require(message.buckets_log2 <= limits.BUCKETS_LOG2_MAX, "bucket list", "has too many buckets")
    _require(len(message.buckets) <= 1 << message.buckets_log2, "bucket list", "names too many buckets")
    _require(
        all(bucket < 1 << message.buckets_log2 for bucket in message.buckets),
        "bucket list",
        "is out of range",
    )
    _require(len(message.versions) <= limits.VERSIONS_PER_LIST_MAX, "bucket list", "has too many versions")
    for version in message.versions:
        sizes = len(version.key), len(version.hash8)
        _require(sizes == (limits.HASH_BYTES, limits.HASH8_BYTES), "bucket list", "has a wrong version")


def _require(condition: bool, where: str, what: str) -> None:
    if not condition:
        raise MalformedMessage(f"{where} {what}")
