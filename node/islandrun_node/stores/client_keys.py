"""Named client keys: programs of this machine that the owner wants to tell apart, and to be able to shut out.

Only the hash of a key is kept. A key is 32 random bytes, so its hash needs neither salt nor stretching.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final

from islandrun.errors import StateError
from islandrun_node.fail_points import Step
from islandrun_node.stores.database import Database

KEYS_MAX: Final = 256
PREFIX: Final = "irk_"
_RANDOM_BYTES: Final = 32
_KEY: Final = re.compile(r"irk_[A-Za-z0-9_-]{43}", re.ASCII)
_NAME: Final = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)
RESERVED: Final = frozenset({"local"})


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A key as it is listed; `revoked_at_ms` 0: it counts."""

    name: str
    created_at_ms: int
    revoked_at_ms: int


class ClientKeyStore:
    """The keys of one home. A command adds and revokes; the running node sees it at its next request."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, now_ms: int) -> str:
        """Make a key and return it; nobody can read it again. Raises `StateError` when the name is taken."""
        if not _NAME.fullmatch(name) or name in RESERVED:
            raise StateError(f"`{name}` is no name for a key; use 1 to 32 of a-z, 0-9 and -, and not `local`")
        if any(key.name == name for key in self.listed()):
            raise StateError(f"there is a key `{name}` already, or was; use another name")
        key = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
        with self._database.transaction(Step.ADD_CLIENT_KEY) as cursor:
            if cursor.execute("SELECT count(*) FROM client_keys").fetchone()[0] >= KEYS_MAX:
                raise StateError(
                    f"there are {KEYS_MAX} keys already; `keys revoke --forget` removes old ones"
                )
            cursor.execute("INSERT INTO client_keys VALUES (?, ?, ?, 0)", (name, _hash(key), now_ms))
        return key

    def listed(self) -> tuple[ClientKey, ...]:
        """Return all keys by name, revoked ones too. Raises `StateError`."""
        rows = self._database.read(
            "SELECT name, created_at_ms, revoked_at_ms FROM client_keys ORDER BY name LIMIT ?", (KEYS_MAX,)
        )
        return tuple(ClientKey(str(name), _number(made), _number(ended)) for name, made, ended in rows)

    def revoke(self, name: str, now_ms: int, *, forget: bool = False) -> None:
        """Let a key count no more; with `forget` its name may be used again. Raises `StateError`."""
        if not any(key.name == name for key in self.listed()):
            raise StateError(f"there is no key `{name}`; `islandrun-node keys list` shows them")
        with self._database.transaction(Step.REVOKE_CLIENT_KEY) as cursor:
            if forget:
                cursor.execute("DELETE FROM client_keys WHERE name = ?", (name,))
            else:
                cursor.execute(
                    "UPDATE client_keys SET revoked_at_ms = ? WHERE name = ? AND revoked_at_ms = 0",
                    (now_ms, name),
                )

    def name_of(self, key: str) -> str | None:
        """Return the name of a key that counts, or None. Raises `StateError` when it cannot be read."""
        if not _KEY.fullmatch(key):
            return None
        hashed = _hash(key)
        rows = self._database.read(
            "SELECT name, hash FROM client_keys WHERE revoked_at_ms = 0 LIMIT ?", (KEYS_MAX,)
        )
        found: str | None = None
        for name, known in rows:  # all of them, so that the time tells nothing of which one fits
            assert isinstance(known, bytes)
            if hmac.compare_digest(known, hashed):
                found = str(name)
        return found


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value
