"""The vaults of conversations across restarts: one sealed row for each, named by a keyed hash.

A row shows its expiry time and its rough size, nothing else. It opens under its own name alone. The
nonce of its seal is its version: whoever writes must name the one that was read, so two processes never
mix two vaults. Rows die when they expire; over the bounds the least recently used die first.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from islandrun.errors import PrivacyFault, StateError
from islandrun.privacy.vault import Vault
from islandrun_node.fail_points import Step
from islandrun_node.stores.database import Database
from islandrun_node.stores.schema import VAULTS
from islandrun_node.stores.sealed import Seal

CONVERSATIONS_MAX = 10_000
BYTES_MAX = 256 * 1024 * 1024
"""Of the file, free pages aside."""
VAULT_BYTES_MAX = 2 * 1024 * 1024
NEW: Final = b""
"""The mark of a conversation that has no row yet."""

Entries: TypeAlias = tuple[tuple[str, str], ...]
"""(placeholder, original) of a vault, oldest first."""

_PADDED_BYTES: Final = 256
_ROWS_AT_ONCE: Final = 500
_EVICTED_AT_ONCE: Final = 16
_PLACE: Final = b"islandrun/v1/vault/"

_UPSERT = f"""
INSERT INTO vaults (name, expires_at_ms, content) VALUES (?1, ?2, ?3)
ON CONFLICT (name) DO UPDATE SET expires_at_ms = excluded.expires_at_ms, content = excluded.content
WHERE coalesce(substr(vaults.content, 1, {Seal.NONCE_BYTES}), x'') = ?4
"""  # noqa: S608 - the only value in it is a number of ours


@dataclass(frozen=True, slots=True)
class Stored:
    """What a row holds; `vault` is None when it does not open. `mark` is what `save` must name."""

    vault: Vault | None
    mark: bytes
    expires_at_ms: int


class ConversationStore:
    """The sealed vaults of one home. Calls block on the disk: make them off the event loop."""

    def __init__(self, database: Database, key: bytes) -> None:
        self._database = database
        self._seal = Seal(key)

    def __repr__(self) -> str:
        return "<ConversationStore>"

    @classmethod
    def open(cls, path: Path, key: bytes) -> ConversationStore:
        """Open or create the file; `key` has 32 bytes and seals nothing else.

        Raises `StateError` for a damaged file, with the remedy.
        """
        try:
            return cls(Database.open(path, VAULTS), key)
        except StateError as error:
            raise StateError(
                f"{error}. Nothing but the vaults of open conversations is in this file: without it "
                "their placeholders are numbered anew"
            ) from error

    def load(self, name: bytes, now_ms: int) -> Stored | None:
        """Return the row of a conversation, or None. What has expired reads as an empty vault.

        Raises `StateError` when the disk cannot be read.
        """
        rows = self._database.read("SELECT expires_at_ms, content FROM vaults WHERE name = ?", (name,))
        if not rows:
            return None
        expires_at_ms, content = rows[0]
        assert isinstance(expires_at_ms, int)
        assert isinstance(content, bytes)
        vault = Vault() if expires_at_ms <= now_ms else self._opened(name, content)
        return Stored(vault, content[: Seal.NONCE_BYTES], expires_at_ms)

    def save(self, name: bytes, entries: Entries, mark: bytes, expires_at_ms: int) -> bytes:
        """Write a vault whole, and return its new mark; when this returns it is on the disk.

        Raises `StateError` when the disk takes nothing, and `PrivacyFault` when another process has written
        this conversation since `mark` was read, or when the vault is larger than `VAULT_BYTES_MAX`.
        """
        sealed = self._seal.close(_encoded(entries), _PLACE + name)
        if len(sealed) > VAULT_BYTES_MAX:
            raise PrivacyFault(
                f"the hidden values of a conversation have more than {VAULT_BYTES_MAX} bytes; begin a new one"
            )
        with self._database.transaction(Step.SAVE_VAULT) as cursor:
            cursor.execute(_UPSERT, (name, expires_at_ms, sealed, mark))
            if cursor.rowcount != 1:
                raise PrivacyFault("another process wrote this conversation in the meantime")
            _make_room(cursor, name)
        return sealed[: Seal.NONCE_BYTES]

    def sweep(self, now_ms: int) -> int:
        """Delete what has expired, at most a few hundred rows, and return how many there were."""
        with self._database.transaction(Step.SWEEP_VAULTS) as cursor:
            cursor.execute(
                "DELETE FROM vaults WHERE name IN"
                " (SELECT name FROM vaults WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?)",
                (now_ms, _ROWS_AT_ONCE),
            )
            deleted = cursor.rowcount
        if deleted:
            # Old pages in the write-ahead log would outlive the deletion.
            self._database.read("PRAGMA wal_checkpoint(TRUNCATE)")
        return deleted

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _opened(self, name: bytes, content: bytes) -> Vault | None:
        try:
            entries = msgspec.json.decode(
                self._seal.open(content, _PLACE + name), type=list[tuple[str, str]], strict=True
            )
            return Vault.of(entries)
        except (StateError, PrivacyFault, msgspec.DecodeError):
            return None


def _encoded(entries: Entries) -> bytes:
    """Return the entries as JSON, padded so that the size of a row says little."""
    try:
        encoded = msgspec.json.encode(entries)
    except UnicodeEncodeError:
        raise PrivacyFault("a hidden value is not valid Unicode") from None
    return encoded.ljust(-(-len(encoded) // _PADDED_BYTES) * _PADDED_BYTES)


def _make_room(cursor: sqlite3.Cursor, name: bytes) -> None:
    """Delete the least recently used of the other conversations until the bounds are kept."""
    over = _number(cursor, "SELECT count(*) FROM vaults") - CONVERSATIONS_MAX
    while over > 0 or _bytes_used(cursor) > BYTES_MAX:
        cursor.execute(
            "DELETE FROM vaults WHERE name IN"
            " (SELECT name FROM vaults WHERE name != ? ORDER BY expires_at_ms LIMIT ?)",
            (name, over if over > 0 else _EVICTED_AT_ONCE),
        )
        over = 0
        if not cursor.rowcount:
            return


def _bytes_used(cursor: sqlite3.Cursor) -> int:
    pages = _number(cursor, "PRAGMA page_count") - _number(cursor, "PRAGMA freelist_count")
    return pages * _number(cursor, "PRAGMA page_size")


def _number(cursor: sqlite3.Cursor, query: str) -> int:
    number = cursor.execute(query).fetchone()[0]
    assert isinstance(number, int)
    return number
