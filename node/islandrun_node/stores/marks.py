"""What happened to a home that its next start must know: that it was restored from an old copy."""

from __future__ import annotations

from islandrun_node.fail_points import Step
from islandrun_node.stores.database import Database

_RESTORED = "restored_at_ms"
_LOG_RESTORED = "log_restored_at_ms"


def note_restored(database: Database, at_ms: int) -> None:
    """Make an old copy safe to go on with, in one write, and note that it was restored.

    No join token is open any more, and every sequence goes on above `at_ms`, milliseconds since 1970.
    """
    with database.transaction(Step.NOTE_RESTORED) as cursor:
        cursor.execute("UPDATE tokens SET state = 'DONE'")
        cursor.execute("UPDATE sequences SET last = max(last, ?)", (at_ms,))
        for mark in (_RESTORED, _LOG_RESTORED):
            cursor.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (mark, at_ms))


def is_restored(database: Database) -> bool:
    """Say whether the home was restored and its node has not yet asked others what it said since."""
    return bool(database.read("SELECT 1 FROM marks WHERE name = ?", (_RESTORED,)))


def forget_restored(database: Database) -> None:
    """Note that the node has caught up."""
    with database.transaction(Step.FORGET_RESTORED) as cursor:
        cursor.execute("DELETE FROM marks WHERE name = ?", (_RESTORED,))


def last_restored_ms(database: Database) -> int:
    """Return when the home last went on from an older copy, milliseconds since 1970; 0 for never."""
    rows = database.read("SELECT value FROM marks WHERE name = ?", (_LOG_RESTORED,))
    value = rows[0][0] if rows else 0
    assert isinstance(value, int)
    return value
