"""Signed receipts across restarts: the newest `RECEIPTS_MAX` are kept."""

from __future__ import annotations

from islandrun.v1 import chat_pb2
from islandrun_node.fail_points import Step
from islandrun_node.stores.database import Database

RECEIPTS_MAX = 100_000
PAGE_MAX = 500


class ReceiptStore:
    """The receipts of this origin, newest first."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._since_trim = 0

    def save(self, receipt_id: str, issued_at_ms: int, signed: chat_pb2.SignedReceipt) -> None:
        """Keep a receipt; an id is written once."""
        with self._database.transaction(Step.SAVE_RECEIPT) as cursor:
            cursor.execute(
                "INSERT OR IGNORE INTO receipts VALUES (?, ?, ?, ?, ?)",
                (receipt_id, issued_at_ms, signed.payload, signed.issuer, signed.signature),
            )
            self._since_trim += 1
            if self._since_trim >= 1_000:
                self._since_trim = 0
                cursor.execute(
                    "DELETE FROM receipts WHERE rowid <= (SELECT max(rowid) FROM receipts) - ?",
                    (RECEIPTS_MAX,),
                )

    def get(self, receipt_id: str) -> chat_pb2.SignedReceipt | None:
        """Return one receipt, or None."""
        rows = self._database.read(
            "SELECT payload, issuer, signature FROM receipts WHERE id = ?", (receipt_id,)
        )
        return _signed(rows[0]) if rows else None

    def page(self, size: int, before: int | None) -> tuple[tuple[chat_pb2.SignedReceipt, ...], int | None]:
        """Return up to `size` receipts older than position `before`, and the position of the next page."""
        size = max(1, min(size or 50, PAGE_MAX))
        rows = self._database.read(
            "SELECT payload, issuer, signature, rowid FROM receipts"
            " WHERE rowid < ? ORDER BY rowid DESC LIMIT ?",
            (before if before is not None else 1 << 62, size + 1),
        )
        position = rows[size - 1][3] if len(rows) > size else None
        assert position is None or isinstance(position, int)
        return tuple(_signed(row) for row in rows[:size]), position

    def count(self) -> int:
        """Return how many receipts are kept."""
        count = self._database.read("SELECT count(*) FROM receipts")[0][0]
        assert isinstance(count, int)
        return count


def _signed(row: tuple[object, ...]) -> chat_pb2.SignedReceipt:
    payload, issuer, signature = row[:3]
    assert isinstance(payload, bytes)
    assert isinstance(issuer, bytes)
    assert isinstance(signature, bytes)
    return chat_pb2.SignedReceipt(payload=payload, issuer=issuer, signature=signature)
