"""Comparing two tables with few bytes: a hash for each bucket, then the versions of buckets that differ.

A bucket is the keys with the same leading bits. Its hash is SHA-256[:16] over the sorted (key, epoch,
sequence, hash): a sum or XOR of hashes could be forged, a hash over the sorted list cannot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, MutableMapping
from typing import Final

from islandrun.mesh.ordered import Ordered
from islandrun.trust.layered import Layered, own
from islandrun.v1 import mesh_pb2
from islandrun.vocabulary import PublicKey
from islandrun.wire.gossip import DIGEST_BYTES
from islandrun.wire.limits import BUCKETS_LOG2_MAX, VERSIONS_PER_LIST_MAX

RECORDS_PER_BUCKET: Final = 32

Version = tuple[int, int, bytes]
"""Epoch, sequence, and the first 8 bytes of the payload's hash."""


def buckets_log2(records: int) -> int:
    """Return the logarithm of the number of buckets for a table of this size: about 32 records in each."""
    return min(BUCKETS_LOG2_MAX, max(1, records // RECORDS_PER_BUCKET).bit_length() - 1)


class Index:
    """The versions of all that is shared, sorted by key, with the bucket hashes that were asked for."""

    def __init__(self) -> None:
        self._versions: MutableMapping[bytes, Version] = {}
        self._keys: Ordered[bytes] = Ordered()
        self._places: MutableMapping[bytes, bytes] = {}
        self._hashes: dict[int, list[bytes | None]] = {}
        self._digest: mesh_pb2.Digest | None = None
        self._by_issuer: MutableMapping[PublicKey, MutableMapping[bytes, None]] = {}
        self._issuers: MutableMapping[bytes, PublicKey] = {}

    def fork(self) -> Index:
        """Return an index that begins with what this one holds; this one may not change any more."""
        self.digest()  # hashed once for all
        other = Index()
        other._digest = self._digest
        other._versions, other._places = Layered(self._versions), Layered(self._places)
        other._by_issuer, other._issuers = Layered(self._by_issuer), Layered(self._issuers)
        other._keys = self._keys.fork()
        other._hashes = {log2: list(hashes) for log2, hashes in self._hashes.items()}
        return other

    def __len__(self) -> int:
        return len(self._keys)

    def put(self, key: bytes, version: Version, issuer: PublicKey) -> None:
        """Set the version of a place; one place has one issuer."""
        before = self._versions.get(key)
        if before is None:
            self._keys.add(key)
            self._issuers[key] = issuer
            own(self._by_issuer, issuer)[key] = None
        else:
            self._places.pop(before[2], None)
        self._versions[key] = version
        self._places[version[2]] = key
        self._outdate(key)

    def drop(self, key: bytes) -> None:
        """Forget a place; it may be unknown."""
        version = self._versions.pop(key, None)
        if version is not None:
            self._keys.remove(key)
            self._places.pop(version[2], None)
            own(self._by_issuer, self._issuers.pop(key)).pop(key)
            self._outdate(key)

    def drop_issuer(self, issuer: PublicKey) -> None:
        """Forget all places of an issuer that is not heard any more."""
        for key in tuple(self._by_issuer.get(issuer, ())):
            self.drop(key)

    def get(self, key: bytes) -> Version | None:
        """Return the version of a place."""
        return self._versions.get(key)

    def lacks(self, key: bytes, version: Version) -> bool:
        """Say whether a version tells something that this table does not."""
        return _tells(version, self._versions.get(key))

    def record_versions(self, keys: Iterable[bytes]) -> list[mesh_pb2.RecordVersion]:
        """Return our versions of these places, of those that we hold."""
        return [self._record_version(key) for key in keys if key in self._versions]

    def place_of(self, payload_hash: bytes) -> bytes | None:
        """Return the place whose newest payload may have this hash; the caller compares the bytes."""
        return self._places.get(payload_hash[:8])

    def digest(self, log2: int | None = None) -> mesh_pb2.Digest:
        """Return the hash of each bucket, as many as asked or as the table needs. Nobody may change it."""
        width = buckets_log2(len(self)) if log2 is None else log2
        if self._digest is None or self._digest.buckets_log2 != width:
            hashes = [self._hash(width, bucket) for bucket in range(1 << width)]
            self._digest = mesh_pb2.Digest(buckets_log2=width, bucket_hashes=hashes)
        return self._digest

    def differing(self, digest: mesh_pb2.Digest) -> tuple[int, ...]:
        """Return the buckets in which this table is not the one that the digest is of."""
        width = digest.buckets_log2
        if digest == self._digest:
            return ()
        pairs = enumerate(digest.bucket_hashes)
        return tuple(bucket for bucket, theirs in pairs if self._hash(width, bucket) != theirs)

    def bucket_list(self, log2: int, buckets: tuple[int, ...]) -> mesh_pb2.BucketList:
        """Return our versions in these buckets: whole buckets only, as many as one message carries."""
        listed: list[int] = []
        versions: list[mesh_pb2.RecordVersion] = []
        for bucket in buckets:
            keys = self._bucket(log2, bucket)
            if len(versions) + len(keys) > VERSIONS_PER_LIST_MAX:
                break
            listed.append(bucket)
            versions.extend(self._record_version(key) for key in keys)
        return mesh_pb2.BucketList(buckets_log2=log2, buckets=listed, versions=versions)

    def compare(self, theirs: mesh_pb2.BucketList) -> tuple[dict[bytes, Version], tuple[bytes, ...]]:
        """Return (their version of each place that they hold newer, places that we hold newer), sorted.

        Two contents of one version are in both: whoever takes in the second has the proof.
        """
        listed = {entry.key: (entry.epoch, entry.sequence, entry.hash8) for entry in theirs.versions}
        buckets = sorted(set(theirs.buckets))
        ours = [key for bucket in buckets for key in self._bucket(theirs.buckets_log2, bucket)]
        newer = {key: listed[key] for key in sorted(listed) if _tells(listed[key], self._versions.get(key))}
        offered = tuple(key for key in ours if _tells(self._versions[key], listed.get(key)))
        return newer, offered

    def _bucket(self, log2: int, bucket: int) -> list[bytes]:
        if log2 == 0:
            return list(self._keys)
        shift = 16 - log2
        is_last = bucket + 1 == 1 << log2
        end = None if is_last else ((bucket + 1) << shift).to_bytes(2, "big")
        return self._keys.between((bucket << shift).to_bytes(2, "big"), end)

    def _hash(self, log2: int, bucket: int) -> bytes:
        hashes = self._hashes.setdefault(log2, [None] * (1 << log2))
        known = hashes[bucket]
        if known is None:
            digest = hashlib.sha256()
            for key in self._bucket(log2, bucket):
                epoch, sequence, hash8 = self._versions[key]
                digest.update(key + epoch.to_bytes(8, "big") + sequence.to_bytes(8, "big") + hash8)
            known = hashes[bucket] = digest.digest()[:DIGEST_BYTES]
        return known

    def _outdate(self, key: bytes) -> None:
        self._digest = None
        for log2, hashes in self._hashes.items():
            hashes[int.from_bytes(key[:2], "big") >> (16 - log2)] = None

    def _record_version(self, key: bytes) -> mesh_pb2.RecordVersion:
        epoch, sequence, hash8 = self._versions[key]
        return mesh_pb2.RecordVersion(key=key, epoch=epoch, sequence=sequence, hash8=hash8)


def _tells(one: Version, other: Version | None) -> bool:
    """Say whether a version tells something that the other one does not."""
    if other is None or one[:2] == other[:2]:
        return other is None or one[2] != other[2]
    return one[:2] > other[:2]
