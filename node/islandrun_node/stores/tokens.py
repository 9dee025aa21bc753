"""Join tokens at their issuer: OPEN -> BOUND (to the first key that redeems it) -> DONE.

Single use is one local transaction: a token is redeemable only here. The seed is not stored, only the public
join key, so a copy of this table opens no door.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from islandrun.errors import EnrolmentRefused
from islandrun.vocabulary import Ppm, PublicKey, Tier
from islandrun_node.join_token import token_id as id_of
from islandrun_node.stores.database import Database

TOKENS_OPEN_MAX = 63
"""Each open token is one more root of the listener; checking a chain takes longer with each."""

KEPT_MS = 7 * 24 * 3600 * 1000
"""How long a spent or expired token is kept, so that its holder learns why it is refused."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token's holder will be admitted to."""

    tier: Tier
    group: str
    trust_ceiling_ppm: Ppm
    jurisdictions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenToken:
    """A token whose holder may still call: not yet done, not expired."""

    join_key: PublicKey
    expires_at_ms: int


class TokenStore:
    """The tokens that this home issued."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, join_key: PublicKey, grant: Grant, now_ms: int, expires_at_ms: int) -> None:
        """Keep a new token. Raises `EnrolmentRefused` when too many are open."""
        with self._database.transaction() as cursor:
            cursor.execute("DELETE FROM tokens WHERE expires_at_ms < ?", (now_ms - KEPT_MS,))
            count = cursor.execute(
                "SELECT count(*) FROM tokens WHERE state != 'DONE' AND expires_at_ms > ?", (now_ms,)
            ).fetchone()[0]
            if count >= TOKENS_OPEN_MAX:
                raise EnrolmentRefused(
                    f"{TOKENS_OPEN_MAX} join tokens are open already; wait until some are used or expire"
                )
            cursor.execute(
                "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, 'OPEN', NULL, NULL)",
                (
                    id_of(join_key),
                    join_key,
                    int(grant.tier),
                    grant.group,
                    grant.trust_ceiling_ppm,
                    json.dumps(grant.jurisdictions),
                    expires_at_ms,
                ),
            )

    def open_tokens(self, now_ms: int) -> tuple[OpenToken, ...]:
        """Return the tokens whose holders the listener lets in, in a fixed order."""
        rows = self._database.read(
            "SELECT join_key, expires_at_ms FROM tokens"
            " WHERE state != 'DONE' AND expires_at_ms > ? ORDER BY token_id LIMIT ?",
            (now_ms, TOKENS_OPEN_MAX),
        )
        return tuple(OpenToken(PublicKey(_bytes(key)), _int(expires)) for key, expires in rows)

    def join_key(self, token_id: bytes, now_ms: int) -> PublicKey | None:
        """Return the join key of a token whose holder may still call."""
        rows = self._database.read(
            "SELECT join_key FROM tokens WHERE token_id = ? AND state != 'DONE' AND expires_at_ms > ?",
            (token_id, now_ms),
        )
        return PublicKey(_bytes(rows[0][0])) if rows else None

    def bind(self, token_id: bytes, island: PublicKey, now_ms: int) -> tuple[Grant, bytes | None]:
        """Give a token to the first key that asks; it is on the disk when this returns.

        Returns what to grant, and the admission that an earlier call of the same key was given.
        Raises `EnrolmentRefused` to any other key, and when the token is unknown, done or expired.
        """
        with self._database.transaction() as cursor:
            row = cursor.execute(
                "SELECT tier, island_group, trust_ceiling_ppm, jurisdictions, expires_at_ms, state,"
                " bound_key, admission FROM tokens WHERE token_id = ?",
                (token_id,),
            ).fetchone()
            if row is None:
                raise EnrolmentRefused("this join token was not issued here; ask for a new one")
            tier, group, ceiling, places, expires_at_ms, state, bound_key, admission = row
            if state == "DONE" or (state == "BOUND" and bound_key != island):
                raise EnrolmentRefused("this join token was used by another island; ask for a new one")
            if now_ms >= expires_at_ms:
                raise EnrolmentRefused("this join token has expired; ask for a new one")
            cursor.execute(
                "UPDATE tokens SET state = 'BOUND', bound_key = ? WHERE token_id = ?", (island, token_id)
            )
        return Grant(Tier(tier), group, Ppm(ceiling), tuple(json.loads(places))), admission

    def keep_admission(self, token_id: bytes, admission: bytes) -> None:
        """Keep what the holder was given, so that a retry gets the same."""
        with self._database.transaction() as cursor:
            cursor.execute("UPDATE tokens SET admission = ? WHERE token_id = ?", (admission, token_id))

    def finish(self, island: PublicKey) -> bool:
        """Close the tokens that this island redeemed, now that it has come as a member."""
        bound = self._database.read(
            "SELECT 1 FROM tokens WHERE state = 'BOUND' AND bound_key = ? LIMIT 1", (island,)
        )
        if not bound:
            return False
        with self._database.transaction() as cursor:
            cursor.execute(
                "UPDATE tokens SET state = 'DONE' WHERE state = 'BOUND' AND bound_key = ?", (island,)
            )
        return True


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value
