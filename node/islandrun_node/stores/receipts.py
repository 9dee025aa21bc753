"""The log of this origin's receipts: signed receipts in their order, and the hash tree over them.

A receipt and its leaf are written in one transaction. The newest `RECEIPTS_MAX` receipts are kept; the hashes
of all stay (about 45 bytes each), so that heads and proofs go on for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from islandrun.audit.log import receipt_leaf
from islandrun.audit.tree import CompactRange, compact_range
from islandrun.v1 import chat_pb2
from islandrun_node.fail_points import Step
from islandrun_node.stores.columns import as_bytes, as_int
from islandrun_node.stores.database import Database

RECEIPTS_MAX = 100_000
PAGE_MAX = 500
MOVED_AT_ONCE = 500


class ReceiptStore:
    """The receipts of this origin. One writer; readers see whole groups."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._tree: CompactRange | None = None

    @property
    def tree(self) -> CompactRange:
        """The tree over everything that was written."""
        if self._tree is None:
            self._tree = compact_range(self.read_nodes, self.size())
        return self._tree

    def append(self, receipts: Iterable[tuple[str, int, chat_pb2.SignedReceipt]]) -> None:
        """Write a group of (id, time of issue, receipt) behind all others, whole or not at all.

        An id is written once. Raises `StateError` when the disk takes nothing.
        """
        tree = self.tree
        with self.database.transaction(Step.SAVE_RECEIPT) as cursor:
            for receipt_id, issued_at_ms, signed in receipts:
                if cursor.execute("SELECT 1 FROM receipts WHERE id = ?", (receipt_id,)).fetchone():
                    continue
                row = (receipt_id, issued_at_ms, signed.payload, signed.issuer, signed.signature)
                cursor.execute("INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?)", (tree.size, *row))
                tree, stored = tree.append(receipt_leaf(signed))
                nodes = [(node.level, node.position, node.hash) for node in stored]
                cursor.executemany("INSERT INTO hashes VALUES (?, ?, ?)", nodes)
            cursor.execute("DELETE FROM receipts WHERE position < ?", (tree.size - RECEIPTS_MAX,))
        self._tree = tree

    def read_nodes(self, level: int, first: int, count: int) -> list[bytes]:
        """Return stored nodes of the tree, as `audit.tree.ReadNodes` says. Raises `StateError`."""
        rows = self.database.read(
            "SELECT hash FROM hashes WHERE level = ? AND position >= ? AND position < ? ORDER BY position",
            (level, first, first + count),
        )
        return [as_bytes(row[0]) for row in rows]

    def size(self) -> int:
        """Return how many entries the log has, those included whose receipts are kept no longer."""
        last = self.database.read("SELECT max(position) FROM hashes WHERE level = 0")[0][0]
        return last + 1 if isinstance(last, int) else 0

    def get(self, receipt_id: str) -> chat_pb2.SignedReceipt | None:
        """Return one receipt, or None."""
        rows = self.database.read(
            "SELECT payload, issuer, signature FROM receipts WHERE id = ?", (receipt_id,)
        )
        return _signed(rows[0]) if rows else None

    def position(self, receipt_id: str) -> int | None:
        """Return where in the log a receipt is, or None."""
        rows = self.database.read("SELECT position FROM receipts WHERE id = ?", (receipt_id,))
        position = rows[0][0] if rows else None
        assert position is None or isinstance(position, int)
        return position

    def page(self, size: int, before: int | None) -> tuple[tuple[chat_pb2.SignedReceipt, ...], int | None]:
        """Return up to `size` receipts older than position `before`, and the position of the next page."""
        size = max(1, min(size or 50, PAGE_MAX))
        rows = self.database.read(
            "SELECT payload, issuer, signature, position FROM receipts"
            " WHERE position < ? ORDER BY position DESC LIMIT ?",
            (before if before is not None else 1 << 62, size + 1),
        )
        position = rows[size - 1][3] if len(rows) > size else None
        assert position is None or isinstance(position, int)
        return tuple(_signed(row) for row in rows[:size]), position

    def entries(
        self, first: int = 0, end: int = 1 << 62
    ) -> Iterator[tuple[int, bytes, chat_pb2.SignedReceipt | None]]:
        """Yield place, leaf and, where it is kept, the receipt of each entry in [first, end), in order."""
        while first < end:
            rows = self.database.read(
                "SELECT hashes.position, hash, payload, issuer, signature FROM hashes"
                " LEFT JOIN receipts ON receipts.position = hashes.position"
                " WHERE level = 0 AND hashes.position >= ? AND hashes.position < ?"
                " ORDER BY hashes.position LIMIT ?",
                (first, end, PAGE_MAX),
            )
            for position, leaf, *rest in rows:
                assert isinstance(position, int)
                yield position, as_bytes(leaf), None if rest[0] is None else _signed(tuple(rest))
                first = position + 1
            if len(rows) < PAGE_MAX:
                return

    def first_kept(self) -> int:
        """Return the place of the oldest receipt that is still kept; the size of the log when none is."""
        first = self.database.read("SELECT min(position) FROM receipts")[0][0]
        return first if isinstance(first, int) else self.size()

    def count(self) -> int:
        """Return how many receipts are kept."""
        count = self.database.read("SELECT count(*) FROM receipts")[0][0]
        assert isinstance(count, int)
        return count


def take_over(state: Database, store: ReceiptStore) -> None:
    """Move the receipts that older versions kept in the state file into the log; a death repeats a step."""
    while rows := state.read(
        "SELECT rowid, id, issued_at_ms, payload, issuer, signature FROM receipts ORDER BY rowid LIMIT ?",
        (MOVED_AT_ONCE,),
    ):
        store.append((str(row[1]), as_int(row[2]), _signed(row[3:])) for row in rows)
        with state.transaction(Step.MOVE_RECEIPTS) as cursor:
            cursor.execute("DELETE FROM receipts WHERE rowid <= ?", (rows[-1][0],))


def _signed(row: tuple[object, ...]) -> chat_pb2.SignedReceipt:
    payload, issuer, signature = map(as_bytes, row[:3])
    return chat_pb2.SignedReceipt(payload=payload, issuer=issuer, signature=signature)
