"""A small log with its origin, and witnesses, for the tests of audits."""

from __future__ import annotations

from nacl.signing import SigningKey

from islandrun.audit.heads import Cosignature, SignedHead, TreeHead, cosign, sign_head
from islandrun.audit.log import receipt_leaf
from islandrun.audit.tree import CompactRange, consistency_proof
from islandrun.routing.receipt import Receipt, sign_receipt
from islandrun.v1 import chat_pb2
from tests.signing_keys import public, signer

ORIGIN, OTHER = SigningKey(b"o" * 32), SigningKey(b"x" * 32)
WITNESS = SigningKey(b"w" * 32)
NOW_MS = 1_800_000_000_000


def signed_receipt(number: int, key: SigningKey = ORIGIN) -> chat_pb2.SignedReceipt:
    receipt = Receipt(f"r-{number:04d}", NOW_MS + number, public(key), (), "answered", latency_ms=number)
    return sign_receipt(receipt, public(key), signer(key))


class Log:
    """A log of receipts by `ORIGIN`, the way its node keeps it."""

    def __init__(self, first: int = 0, count: int = 0) -> None:
        self.receipts: list[chat_pb2.SignedReceipt] = []
        self.tree = CompactRange()
        self.nodes: dict[tuple[int, int], bytes] = {}
        for number in range(first, first + count):
            self.add(signed_receipt(number))

    def add(self, receipt: chat_pb2.SignedReceipt) -> None:
        self.receipts.append(receipt)
        self.tree, stored = self.tree.append(receipt_leaf(receipt))
        self.nodes.update({(node.level, node.position): node.hash for node in stored})

    def read(self, level: int, first: int, count: int) -> list[bytes]:
        return [self.nodes[level, at] for at in range(first, first + count)]

    def head(self, at_ms: int = NOW_MS, restored_at_ms: int = 0, key: SigningKey = ORIGIN) -> SignedHead:
        head = TreeHead(public(key), self.tree.size, self.tree.root(), at_ms, restored_at_ms)
        return sign_head(head, signer(key))

    def proof(self, old: int) -> tuple[bytes, ...]:
        return consistency_proof(self.read, old, self.tree.size)


def witnessed(head: SignedHead, key: SigningKey = WITNESS) -> Cosignature:
    return cosign(head, public(key), signer(key), NOW_MS)
