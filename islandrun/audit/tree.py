"""A Merkle tree over a list that only grows: its root, and proofs about it (RFC 6962; RFC 9162, section 2.1).

A leaf is SHA-256(0x00 || data), a node SHA-256(0x01 || left || right). The tree is kept as the nodes of every
eighth level: what is between them is at most 128 hashes away, so a proof costs few reads and a leaf
little room.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from islandrun.errors import BadProof

TILE_LEVELS: Final = 8
SIZE_MAX: Final = 1 << 48
PROOF_HASHES_MAX: Final = 2 * 48

EMPTY_ROOT: Final = hashlib.sha256().digest()

ReadNodes = Callable[[int, int, int], Sequence[bytes]]
"""Gives stored nodes: (level, first position, count) -> so many hashes of 32 bytes."""


@dataclass(frozen=True, slots=True)
class Node:
    """The hash over the leaves [position * 2**level, (position + 1) * 2**level)."""

    level: int
    position: int
    hash: bytes


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one entry."""
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash over two neighbours."""
    return hashlib.sha256(b"\1" + left + right).digest()


@dataclass(frozen=True, slots=True)
class CompactRange:
    """All that is needed to go on with a tree of `size` leaves: its complete subtrees, largest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> tuple[CompactRange, tuple[Node, ...]]:
        """Return the tree with one more leaf, and the nodes that are to be stored for it."""
        peaks, level, position, top = list(self.peaks), 0, self.size, leaf
        stored = [Node(0, position, leaf)]
        while position & 1:
            top = node_hash(peaks.pop(), top)
            level, position = level + 1, position >> 1
            if level % TILE_LEVELS == 0:
                stored.append(Node(level, position, top))
        return CompactRange(self.size + 1, (*peaks, top)), tuple(stored)

    def root(self) -> bytes:
        """Return the root."""
        if not self.peaks:
            return EMPTY_ROOT
        top = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            top = node_hash(peak, top)
        return top


def compact_range(read: ReadNodes, size: int) -> CompactRange:
    """Return the tree of the first `size` leaves out of its stored nodes."""
    peaks, first = [], 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            peaks.append(_subtree(read, first, level))
            first += 1 << level
    return CompactRange(size, tuple(peaks))


def inclusion_proof(read: ReadNodes, index: int, size: int) -> tuple[bytes, ...]:
    """Prove that the leaf at `index` is in the tree of `size` leaves (RFC 9162, 2.1.3.1)."""
    assert 0 <= index < size <= SIZE_MAX
    proof, first, end = [], 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            proof.append(_range_root(read, middle, end))
            end = middle
        else:
            proof.append(_range_root(read, first, middle))
            first = middle
    return tuple(reversed(proof))


def consistency_proof(read: ReadNodes, old: int, new: int) -> tuple[bytes, ...]:
    """Prove that the tree of `new` leaves begins with that of `old` ones (RFC 9162, 2.1.4.1)."""
    assert 0 <= old <= new <= SIZE_MAX
    if old in (0, new):
        return ()
    proof, first, end, is_whole = [], 0, new, True
    while old - first != end - first:
        middle = first + _split(end - first)
        if old <= middle:
            proof.append(_range_root(read, middle, end))
            end = middle
        else:
            proof.append(_range_root(read, first, middle))
            first, is_whole = middle, False
    if not is_whole:
        proof.append(_range_root(read, first, end))
    return tuple(reversed(proof))


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check an inclusion proof (RFC 9162, 2.1.3.2). Raises `BadProof`."""
    if not 0 <= index < size <= SIZE_MAX:
        raise BadProof(f"entry {index} cannot be in a log of {size} entries")
    at, last, top = index, size - 1, leaf
    for neighbour in proof:
        if last == 0:
            raise BadProof("an inclusion proof is too long")
        if at & 1 or at == last:
            top = node_hash(neighbour, top)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            top = node_hash(top, neighbour)
        at, last = at >> 1, last >> 1
    if last or top != root:
        raise BadProof(f"entry {index} is not in the log of this head as the proof says")


def check_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Check a consistency proof (RFC 9162, 2.1.4.2). Raises `BadProof`."""
    if not 0 <= old <= new <= SIZE_MAX:
        raise BadProof(f"a log of {old} entries cannot be the beginning of one of {new}")
    if old in (0, new):
        if proof or (old_root != new_root if old == new else old_root != EMPTY_ROOT):
            raise BadProof(f"two heads of {old} entries differ")
        return
    if not proof:
        raise BadProof("a consistency proof is missing")
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if _folded(old, new, path) != (old_root, new_root):
        raise BadProof(f"the log of {new} entries does not begin with the {old} that were shown before")


def _folded(old: int, new: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return the two roots to which a consistency proof leads."""
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old_top = new_top = path[0]
    for neighbour in path[1:]:
        if last == 0:
            raise BadProof("a consistency proof is too long")
        if at & 1 or at == last:
            old_top, new_top = node_hash(neighbour, old_top), node_hash(neighbour, new_top)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new_top = node_hash(new_top, neighbour)
        at, last = at >> 1, last >> 1
    if last:
        raise BadProof("a consistency proof is too short")
    return old_top, new_top


def _split(count: int) -> int:
    """Return the largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def _range_root(read: ReadNodes, first: int, end: int) -> bytes:
    """Return the hash over [first, end); `first` is a multiple of the largest power of two in it."""
    tops = []
    while first < end:
        level = (end - first).bit_length() - 1
        tops.append(_subtree(read, first, level))
        first += 1 << level
    top = tops[-1]
    for left in reversed(tops[:-1]):
        top = node_hash(left, top)
    return top


def _subtree(read: ReadNodes, first: int, level: int) -> bytes:
    """Return the hash over 2**level leaves from `first`, which is a multiple of that."""
    stored = level // TILE_LEVELS * TILE_LEVELS
    row = list(read(stored, first >> stored, 1 << (level - stored)))
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]
