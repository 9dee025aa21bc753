"""What the database files of a home hold: one list of versions for each kind of file, oldest first.

A released version is never edited: a change is one more entry, which turns the version before into it. The
versions are tried in order, in one transaction, so a file has one version or the next and nothing between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Schema:
    """One kind of file. `versions[n]` are the statements that turn version n into n + 1.

    `application_id` stands in the header of the file (https://www.sqlite.org/pragma.html#pragma_application_id)
    and tells our files from others, and one kind from another.
    """

    application_id: int
    versions: tuple[str, ...]

    @property
    def newest(self) -> int:
        """Return the version that this program writes."""
        return len(self.versions)


STATE: Final = Schema(
    application_id=0x49525354,  # IRST
    versions=(
        """
CREATE TABLE attestations (
    key BLOB PRIMARY KEY, kind TEXT NOT NULL, payload BLOB NOT NULL, issuer BLOB NOT NULL,
    signature BLOB NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL
) STRICT;
CREATE TABLE equivocations (
    hash BLOB PRIMARY KEY, first BLOB NOT NULL, second BLOB NOT NULL
) STRICT;
CREATE TABLE sequences (slot TEXT PRIMARY KEY, last INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE TABLE tokens (
    token_id BLOB PRIMARY KEY, join_key BLOB NOT NULL, tier INTEGER NOT NULL, island_group TEXT NOT NULL,
    trust_ceiling_ppm INTEGER NOT NULL, jurisdictions TEXT NOT NULL, expires_at_ms INTEGER NOT NULL,
    state TEXT NOT NULL, bound_key BLOB, admission BLOB
) STRICT;
CREATE TABLE receipts (
    id TEXT PRIMARY KEY, issued_at_ms INTEGER NOT NULL, payload BLOB NOT NULL, issuer BLOB NOT NULL,
    signature BLOB NOT NULL
) STRICT;
CREATE INDEX receipts_by_time ON receipts (issued_at_ms);
CREATE TABLE behaviours (
    island TEXT PRIMARY KEY, good REAL NOT NULL, bad REAL NOT NULL, at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE sealed (name TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT;
""",
        """
CREATE TABLE marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS token_questions (
    token_id BLOB PRIMARY KEY, opened_at_ms INTEGER NOT NULL, confirms INTEGER NOT NULL,
    verdict TEXT NOT NULL, others INTEGER NOT NULL
) STRICT;
""",
        """
CREATE TABLE data_sets (
    name TEXT PRIMARY KEY, path TEXT NOT NULL, sensitivity_ppm INTEGER NOT NULL,
    jurisdiction TEXT NOT NULL, description TEXT NOT NULL
) STRICT;
""",
        """
CREATE TABLE client_keys (
    name TEXT PRIMARY KEY, hash BLOB NOT NULL, created_at_ms INTEGER NOT NULL, revoked_at_ms INTEGER NOT NULL
) STRICT;
""",
    ),
)
"""`state.db`: statements, proofs, sequences, tokens, receipts, secrets, marks, data sets, client keys."""

RECEIPTS: Final = Schema(
    application_id=0x49525243,  # IRRC
    versions=(
        """
CREATE TABLE receipts (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, issued_at_ms INTEGER NOT NULL,
    payload BLOB NOT NULL, issuer BLOB NOT NULL, signature BLOB NOT NULL
) STRICT;
CREATE TABLE hashes (
    level INTEGER NOT NULL, position INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE heads (
    size INTEGER PRIMARY KEY, payload BLOB NOT NULL, issuer BLOB NOT NULL, signature BLOB NOT NULL
) STRICT;
CREATE TABLE cosignatures (
    size INTEGER NOT NULL, witness BLOB NOT NULL, at_ms INTEGER NOT NULL, signature BLOB NOT NULL,
    PRIMARY KEY (size, witness)
) STRICT, WITHOUT ROWID;
CREATE INDEX cosignatures_by_witness ON cosignatures (witness, size);
CREATE TABLE witnessed (
    origin BLOB PRIMARY KEY, payload BLOB NOT NULL, signature BLOB NOT NULL, at_ms INTEGER NOT NULL,
    lost INTEGER NOT NULL
) STRICT;
CREATE TABLE breaches (
    origin BLOB NOT NULL, breach TEXT NOT NULL, first BLOB NOT NULL, first_signature BLOB NOT NULL,
    second BLOB NOT NULL, second_signature BLOB NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (origin, breach)
) STRICT;
""",
    ),
)
"""`receipts.db`: the log of receipts with its tree and heads, and what was witnessed of others."""

VAULTS: Final = Schema(
    application_id=0x49525654,  # IRVT
    versions=(
        """
CREATE TABLE vaults (name BLOB PRIMARY KEY, expires_at_ms INTEGER NOT NULL, content BLOB NOT NULL) STRICT;
CREATE INDEX vaults_by_expiry ON vaults (expires_at_ms);
""",
    ),
)
"""`conversations.db`: the sealed vaults."""

COSTS: Final = Schema(
    application_id=0x49524353,  # IRCS
    versions=(
        """
CREATE TABLE accounts (
    span TEXT NOT NULL, key TEXT NOT NULL, spent INTEGER NOT NULL CHECK (spent >= 0),
    reserved INTEGER NOT NULL CHECK (reserved >= 0), used_at_ms INTEGER NOT NULL, PRIMARY KEY (span, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX accounts_by_use ON accounts (span, used_at_ms);
CREATE TABLE reservations (
    id TEXT PRIMARY KEY, amount INTEGER NOT NULL, scopes TEXT NOT NULL, is_lost INTEGER NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE tallies (
    day TEXT PRIMARY KEY, answers INTEGER NOT NULL, unpriced INTEGER NOT NULL, billed INTEGER NOT NULL,
    power INTEGER NOT NULL, baseline INTEGER NOT NULL
) STRICT;
CREATE TABLE lengths (
    client TEXT NOT NULL, task TEXT NOT NULL, model TEXT NOT NULL, weights BLOB NOT NULL,
    PRIMARY KEY (client, task, model)
) STRICT;
""",
    ),
)
"""`costs.db`: what was spent and is reserved, what answers cost a day, and how long answers are."""
