"""The hash tree against the published vectors of RFC 6962, its proofs against a tree built the long way."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.audit.tree import (
    EMPTY_ROOT,
    CompactRange,
    Node,
    check_consistency,
    check_inclusion,
    compact_range,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
)
from islandrun.errors import BadProof

ENTRIES = [
    b"",
    b"\x00",
    b"\x10",
    bytes.fromhex("2021"),
    bytes.fromhex("3031"),
    bytes.fromhex("40414243"),
    bytes.fromhex("5051525354555657"),
    bytes.fromhex("606162636465666768696a6b6c6d6e6f"),
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Roots of the first n entries, as the Certificate Transparency project publishes them."""


class Kept:
    """The nodes of a tree as a store keeps them."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.tree = CompactRange()
        self.roots = [self.tree.root()]
        for leaf in leaves:
            self.tree, stored = self.tree.append(leaf)
            self.keep(stored)
            self.roots.append(self.tree.root())

    def keep(self, stored: Sequence[Node]) -> None:
        for node in stored:
            assert (node.level, node.position) not in self.nodes
            self.nodes[node.level, node.position] = node.hash

    def read(self, level: int, first: int, count: int) -> list[bytes]:
        assert count <= 128
        return [self.nodes[level, at] for at in range(first, first + count)]


def long_way(leaves: Sequence[bytes]) -> bytes:
    """The definition of RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(long_way(leaves[:split]), long_way(leaves[split:]))


LEAVES = [leaf_hash(number.to_bytes(4, "big")) for number in range(1_000)]
KEPT = Kept(LEAVES)


def test_the_published_roots() -> None:
    assert [root.hex() for root in Kept([leaf_hash(entry) for entry in ENTRIES]).roots] == ROOTS
    assert EMPTY_ROOT.hex() == ROOTS[0]


@pytest.mark.parametrize("size", [*range(20), 255, 256, 257, 511, 512, 999, 1_000])
def test_a_root_is_the_defined_one_and_comes_back_from_the_stored_nodes(size: int) -> None:
    assert KEPT.roots[size] == long_way(LEAVES[:size])
    again = compact_range(KEPT.read, size)
    assert (again.size, again.root()) == (size, KEPT.roots[size])
    if size < 1_000:
        assert again.append(LEAVES[size])[0] == compact_range(KEPT.read, size + 1)


def test_an_entry_costs_little_room() -> None:
    assert len(KEPT.nodes) == 1_000 + 1_000 // 256


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_an_inclusion_proof_proves_this_entry_and_no_other(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 1_000))
    index = data.draw(st.integers(0, size - 1))
    proof, root = inclusion_proof(KEPT.read, index, size), KEPT.roots[size]
    check_inclusion(LEAVES[index], index, size, proof, root)
    wrong = [
        (LEAVES[index] if size == 1 else LEAVES[(index + 1) % size], index, size, proof, KEPT.roots[0]),
        (LEAVES[index], index + 1, size, proof, root),
        (LEAVES[index], index, size, (*proof, root), root),
        (LEAVES[index], index, size, proof, KEPT.roots[size - 1]),
    ]
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        wrong.append((LEAVES[index], index, size, (*proof[:at], root, *proof[at + 1 :]), root))
        wrong.append((LEAVES[index], index, size, proof[:-1], root))
    for leaf, place, count, path, top in wrong:
        with pytest.raises(BadProof):
            check_inclusion(leaf, place, count, path, top)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_a_consistency_proof_proves_these_two_sizes_and_no_others(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 1_000))
    old = data.draw(st.integers(0, new))
    proof, roots = consistency_proof(KEPT.read, old, new), KEPT.roots
    check_consistency(old, new, proof, roots[old], roots[new])
    other = leaf_hash(b"another")
    wrong = [(old, new, proof, other, roots[new]), (old, new, (*proof, other), roots[old], roots[new])]
    if old:
        wrong.append((old, new, proof, roots[old], other))
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        wrong.append((old, new, (*proof[:at], other, *proof[at + 1 :]), roots[old], roots[new]))
        wrong.append((old, new, proof[:-1], roots[old], roots[new]))
        wrong.append((old, new, (), roots[old], roots[new]))
    for first, second, path, first_root, second_root in wrong:
        with pytest.raises(BadProof):
            check_consistency(first, second, path, first_root, second_root)


def test_a_log_cannot_shrink_or_hold_what_is_behind_its_end() -> None:
    with pytest.raises(BadProof):
        check_consistency(8, 7, (), KEPT.roots[8], KEPT.roots[7])
    with pytest.raises(BadProof):
        check_inclusion(LEAVES[7], 7, 7, (), KEPT.roots[7])
