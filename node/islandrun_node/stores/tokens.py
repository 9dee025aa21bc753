"""Join tokens at their issuer: OPEN -> BOUND (to the first key that redeems it) -> DONE.

Single use is one local transaction: a token is redeemable only here. The seed is not stored, only the public
join key, so a copy of this table opens no door. Beside each token stands what the owner is asked about it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from islandrun.errors import EnrolmentRefused, JoinUnconfirmed
from islandrun.vocabulary import Ppm, PublicKey, Tier
from islandrun_node.fail_points import Step
from islandrun_node.join_token import token_id as id_of
from islandrun_node.stores.columns import as_bytes, as_int
from islandrun_node.stores.database import Database

TOKENS_OPEN_MAX = 63
"""Each open token is one more root of the listener; checking a chain takes longer with each."""

KEPT_MS = 7 * 24 * 3600 * 1000
"""How long a spent or expired token is kept, so that its holder learns why it is refused."""

INVITES_READ_MAX = 4096
OTHERS_MAX = 999

# A table of its own, made where it is missing: a state file of an earlier version has none.
_WITH_QUESTIONS = """
SELECT tier, island_group, trust_ceiling_ppm, jurisdictions, expires_at_ms, state, bound_key, admission,
    coalesce(confirms, 0), coalesce(verdict, ''), tokens.token_id, coalesce(others, 0)
FROM tokens LEFT JOIN token_questions USING (token_id)
"""


class InviteState(StrEnum):
    """What became of an invitation."""

    OPEN = "open"
    PENDING = "pending"
    """Somebody redeemed it and waits for the owner's word."""
    APPROVED = "approved"
    """Nothing but the owner's signature is missing."""
    SPENT = "spent"
    REFUSED = "refused"
    EXPIRED = "expired"


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


class OpenTokens(Protocol):
    """The join tokens whose holders a listener lets in."""

    def open_tokens(self, now_ms: int) -> tuple[OpenToken, ...]:
        """Return them in a fixed order; any thread may ask."""

    def join_key(self, token_id: bytes, now_ms: int) -> PublicKey | None:
        """Return the join key of a token whose holder may still call."""

    def finish(self, island: PublicKey) -> bool:
        """Take in that an island has come as a member."""


@dataclass(frozen=True, slots=True)
class Invite:
    """A token as its owner sees it. `island` is the key that took it; `others` counts calls of other keys."""

    token_id: bytes
    state: InviteState
    grant: Grant
    expires_at_ms: int
    island: PublicKey | None
    others: int

    @property
    def name(self) -> str:
        """How people call it."""
        return self.token_id.hex()[:8]


@dataclass(frozen=True, slots=True)
class _Row:
    """One token as it is stored."""

    grant: Grant
    expires_at_ms: int
    state: str
    bound_key: PublicKey | None
    admission: bytes | None
    confirms: bool
    verdict: str
    token_id: bytes
    others: int

    def invite(self, now_ms: int) -> Invite:
        """Return what the owner is shown."""
        return Invite(
            self.token_id, self._state(now_ms), self.grant, self.expires_at_ms, self.bound_key, self.others
        )

    def _state(self, now_ms: int) -> InviteState:
        if self.state == "DONE" or self.admission is not None:
            return InviteState.SPENT
        if self.verdict == InviteState.REFUSED:
            return InviteState.REFUSED
        if now_ms >= self.expires_at_ms:
            return InviteState.EXPIRED
        if self.bound_key is None:
            return InviteState.OPEN
        is_asked = self.confirms and self.verdict != InviteState.APPROVED
        return InviteState.PENDING if is_asked else InviteState.APPROVED


class TokenStore:
    """The tokens that this home issued."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(
        self, join_key: PublicKey, grant: Grant, now_ms: int, expires_at_ms: int, confirms: bool = False
    ) -> None:
        """Keep a new token; one that `confirms` admits nobody before the owner said yes.

        Raises `EnrolmentRefused` when too many are open.
        """
        name = id_of(join_key)
        with self._database.transaction(Step.OPEN_TOKEN) as cursor:
            cursor.execute("DELETE FROM tokens WHERE expires_at_ms < ?", (now_ms - KEPT_MS,))
            cursor.execute("DELETE FROM token_questions WHERE token_id NOT IN (SELECT token_id FROM tokens)")
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
                    name,
                    join_key,
                    int(grant.tier),
                    grant.group,
                    grant.trust_ceiling_ppm,
                    json.dumps(grant.jurisdictions),
                    expires_at_ms,
                ),
            )
            cursor.execute("INSERT INTO token_questions VALUES (?, ?, ?, '', 0)", (name, now_ms, confirms))

    def open_tokens(self, now_ms: int) -> tuple[OpenToken, ...]:
        """Return the tokens whose holders the listener lets in, in a fixed order."""
        rows = self._database.read(
            "SELECT join_key, expires_at_ms FROM tokens"
            " WHERE state != 'DONE' AND expires_at_ms > ? ORDER BY token_id LIMIT ?",
            (now_ms, TOKENS_OPEN_MAX),
        )
        return tuple(OpenToken(PublicKey(as_bytes(key)), as_int(expires)) for key, expires in rows)

    def join_key(self, token_id: bytes, now_ms: int) -> PublicKey | None:
        """Return the join key of a token whose holder may still call."""
        rows = self._database.read(
            "SELECT join_key FROM tokens WHERE token_id = ? AND state != 'DONE' AND expires_at_ms > ?",
            (token_id, now_ms),
        )
        return PublicKey(as_bytes(rows[0][0])) if rows else None

    def bind(self, token_id: bytes, island: PublicKey, now_ms: int) -> tuple[Grant, bytes | None]:
        """Give a token to the first key that asks; it is on the disk when this returns or asks for a word.

        Returns what to grant, and the admission that an earlier call of the same key was given.
        Raises `EnrolmentRefused` to any other key, which is counted, and when the token is unknown, done,
        refused or expired; `JoinUnconfirmed` while the owner has not said yes.
        """
        with self._database.transaction(Step.BIND_TOKEN) as cursor:
            found = cursor.execute(_WITH_QUESTIONS + "WHERE tokens.token_id = ?", (token_id,)).fetchone()
            if found is None:
                raise EnrolmentRefused("this join token was not issued here; ask for a new one")
            row = _row(found)
            is_taken = row.bound_key is not None and row.bound_key != island
            if not is_taken:
                _require_usable(row, now_ms)
                cursor.execute(
                    "UPDATE tokens SET state = 'BOUND', bound_key = ? WHERE token_id = ?", (island, token_id)
                )
            elif row.others < OTHERS_MAX:
                cursor.execute(
                    "UPDATE token_questions SET others = others + 1 WHERE token_id = ?", (token_id,)
                )
        if is_taken:
            raise EnrolmentRefused("this join token was used by another island; ask for a new one")
        if row.confirms and row.verdict != InviteState.APPROVED and row.admission is None:
            raise JoinUnconfirmed("the owner has not confirmed this join so far; ask again")
        return row.grant, row.admission

    def decide(self, token_id: bytes, is_approved: bool) -> bool:
        """Keep the owner's word on a token; return False when it has admitted somebody already."""
        verdict = InviteState.APPROVED if is_approved else InviteState.REFUSED
        with self._database.transaction(Step.DECIDE_TOKEN) as cursor:
            changed = cursor.execute(
                "UPDATE token_questions SET verdict = ? WHERE token_id = ? AND token_id IN"
                " (SELECT token_id FROM tokens WHERE admission IS NULL)",
                (verdict.value, token_id),
            ).rowcount
        return changed == 1

    def invites(self, now_ms: int) -> tuple[Invite, ...]:
        """Return all tokens that are kept, the newest first."""
        rows = self._database.read(
            _WITH_QUESTIONS + "ORDER BY coalesce(opened_at_ms, 0) DESC, tokens.token_id LIMIT ?",
            (INVITES_READ_MAX,),
        )
        return tuple(_row(row).invite(now_ms) for row in rows)

    def is_bound(self, token_id: bytes) -> bool:
        """Say whether a token was given to a key already."""
        query = "SELECT 1 FROM tokens WHERE token_id = ? AND state != 'OPEN' LIMIT 1"
        return bool(self._database.read(query, (token_id,)))

    def keep_admission(self, token_id: bytes, admission: bytes) -> None:
        """Keep what the holder was given, so that a retry gets the same."""
        with self._database.transaction(Step.KEEP_ADMISSION) as cursor:
            cursor.execute("UPDATE tokens SET admission = ? WHERE token_id = ?", (admission, token_id))

    def finish(self, island: PublicKey) -> bool:
        """Close the tokens that this island redeemed, now that it has come as a member."""
        bound = self._database.read(
            "SELECT 1 FROM tokens WHERE state = 'BOUND' AND bound_key = ? AND admission IS NOT NULL LIMIT 1",
            (island,),
        )
        if not bound:
            return False
        with self._database.transaction(Step.FINISH_TOKEN) as cursor:
            cursor.execute(
                "UPDATE tokens SET state = 'DONE'"
                " WHERE state = 'BOUND' AND bound_key = ? AND admission IS NOT NULL",
                (island,),
            )
        return True


def _require_usable(row: _Row, now_ms: int) -> None:
    if row.state == "DONE":
        raise EnrolmentRefused("this join token was used already; ask for a new one")
    if row.verdict == InviteState.REFUSED:
        raise EnrolmentRefused("the owner refused this join; speak with the owner and ask for a new token")
    if now_ms >= row.expires_at_ms:
        raise EnrolmentRefused("this join token has expired; ask for a new one")


def _row(row: tuple[object, ...]) -> _Row:
    tier, group, ceiling, places, expires, state, bound_key, admission, confirms, verdict, name, others = row
    return _Row(
        grant=Grant(Tier(as_int(tier)), str(group), Ppm(as_int(ceiling)), tuple(json.loads(str(places)))),
        expires_at_ms=as_int(expires),
        state=str(state),
        bound_key=None if bound_key is None else PublicKey(as_bytes(bound_key)),
        admission=None if admission is None else as_bytes(admission),
        confirms=bool(confirms),
        verdict=str(verdict),
        token_id=as_bytes(name),
        others=as_int(others),
    )
