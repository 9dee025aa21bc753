"""What anybody checks who has a log: every signature, every leaf, every head, in one pass and in order.

Only the room of one receipt and of the tree's edge is needed, however long the log is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from islandrun.audit.heads import Cosignature, SignedHead, read_cosignature, read_head
from islandrun.audit.tree import CompactRange, check_consistency, check_inclusion, leaf_hash
from islandrun.errors import AuditBroken, RejectedMessage
from islandrun.routing.receipt import Receipt, verify_receipt
from islandrun.v1 import audit_pb2, chat_pb2
from islandrun.vocabulary import PublicKey


def entry(signed: chat_pb2.SignedReceipt) -> bytes:
    """Return the bytes of a log's entry: signature (64), issuer (32), payload."""
    return signed.signature + signed.issuer + signed.payload


def receipt_leaf(signed: chat_pb2.SignedReceipt) -> bytes:
    """Return the leaf of a receipt."""
    return leaf_hash(entry(signed))


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in order. `unwitnessed` counts the entries after the last head that others signed."""

    entries: int
    receipts: int
    heads: int
    cosignatures: int
    witnesses: tuple[PublicKey, ...]
    unsigned: int
    unwitnessed: int
    restorations: int


@dataclass(slots=True)
class LogCheck:
    """Takes a log from its begin to its end: `receipt` or `leaf` for each entry, `head` where it stands.

    `origins` are the keys that may have signed: the island's own and those that it succeeded. `start` is the
    tree of what lies before the first entry. Every method raises `AuditBroken`, which names the entry.
    """

    origins: Collection[PublicKey]
    start: CompactRange = field(default_factory=CompactRange)
    _tree: CompactRange = field(init=False)
    _receipts: int = 0
    _heads: int = 0
    _cosignatures: int = 0
    _witnesses: dict[PublicKey, None] = field(default_factory=dict)
    _signed_size: int = 0
    _witnessed_size: int = 0
    _restored_at_ms: int = 0
    _restorations: int = 0

    def __post_init__(self) -> None:
        self._tree = self.start

    @property
    def tree(self) -> CompactRange:
        """The tree over the entries so far."""
        return self._tree

    @property
    def size(self) -> int:
        """How many entries the log has so far."""
        return self._tree.size

    def receipt(self, signed: chat_pb2.SignedReceipt, leaf: bytes | None = None) -> Receipt:
        """Take the next receipt; `leaf` is the hash that was stored for it."""
        at = self.size
        try:
            receipt = verify_receipt(signed)
        except RejectedMessage as error:
            raise AuditBroken(f"entry {at}: {error}", at) from None
        if receipt.origin not in self.origins:
            raise AuditBroken(f"entry {at} ({receipt.id}) is a receipt of another origin", at)
        own = receipt_leaf(signed)
        if leaf is not None and leaf != own:
            raise AuditBroken(f"entry {at} ({receipt.id}) is not the one that was logged there", at)
        self._receipts += 1
        self.leaf(own)
        return receipt

    def leaf(self, leaf: bytes) -> None:
        """Take the next entry by its hash alone: its receipt is kept no longer."""
        self._tree, _ = self._tree.append(leaf)

    def head(
        self, wire: audit_pb2.SignedTreeHead, cosignatures: Sequence[audit_pb2.Cosignature] = ()
    ) -> SignedHead:
        """Take a head of exactly the entries so far, and who countersigned it."""
        at = self.size
        try:
            signed = read_head(wire)
            seen = [read_cosignature(one, signed) for one in cosignatures]
        except RejectedMessage as error:
            raise AuditBroken(f"the head of {at} entries: {error}", at) from None
        head = signed.head
        if head.origin not in self.origins:
            raise AuditBroken(f"the head of {at} entries is signed by another island", at)
        if (head.size, head.root) != (at, self._tree.root()):
            raise AuditBroken(
                f"the entries up to {at} are not those that the head of {head.size} was signed over", at
            )
        self._restorations += head.restored_at_ms > self._restored_at_ms
        self._restored_at_ms = max(head.restored_at_ms, self._restored_at_ms)
        self._count(seen)
        self._signed_size = at
        if seen:
            self._witnessed_size = at
        return signed

    def earlier(
        self,
        wire: audit_pb2.SignedTreeHead,
        proof: Sequence[bytes],
        later: SignedHead,
        cosignatures: Sequence[audit_pb2.Cosignature] = (),
    ) -> None:
        """Take a head from before the first entry, by the proof that `later` continues it."""
        size = later.head.size
        try:
            signed = read_head(wire)
            size = signed.head.size
            seen = [read_cosignature(one, signed) for one in cosignatures]
            check_consistency(size, later.head.size, proof, signed.head.root, later.head.root)
        except RejectedMessage as error:
            raise AuditBroken(f"the head of {size} entries: {error}", size) from None
        if signed.head.origin not in self.origins:
            raise AuditBroken(f"the head of {size} entries is signed by another island", size)
        self._count(seen)

    def finish(self) -> Checked:
        """Return what was found."""
        return Checked(
            entries=self.size,
            receipts=self._receipts,
            heads=self._heads,
            cosignatures=self._cosignatures,
            witnesses=tuple(sorted(self._witnesses)),
            unsigned=self.size - self._signed_size,
            unwitnessed=self.size - self._witnessed_size,
            restorations=self._restorations,
        )

    def _count(self, cosignatures: Sequence[Cosignature]) -> None:
        self._heads += 1
        self._cosignatures += len(cosignatures)
        self._witnesses.update(dict.fromkeys(one.witness for one in cosignatures))


@dataclass(frozen=True, slots=True)
class ReceiptProof:
    """That one receipt is in a log: its place, the way to the root, a head, and who countersigned that."""

    receipt: chat_pb2.SignedReceipt
    index: int
    proof: tuple[bytes, ...]
    head: audit_pb2.SignedTreeHead
    cosignatures: tuple[audit_pb2.Cosignature, ...] = ()

    def check(self) -> tuple[Receipt, SignedHead]:
        """Return the receipt and the head when everything belongs together. Raises `AuditBroken`."""
        try:
            receipt, signed = verify_receipt(self.receipt), read_head(self.head)
            for one in self.cosignatures:
                read_cosignature(one, signed)
            check_inclusion(
                receipt_leaf(self.receipt), self.index, signed.head.size, self.proof, signed.head.root
            )
        except RejectedMessage as error:
            raise AuditBroken(f"entry {self.index}: {error}", self.index) from None
        if receipt.origin != signed.head.origin:
            raise AuditBroken(f"entry {self.index}: the head is another island's", self.index)
        return receipt, signed
