"""Statements across restarts: the newest of each place, and sequences that never repeat.

A lower version never replaces a higher one, so a copy of an old statement changes nothing here either.
Two processes may write (the running node and a command); `data_version` tells one of the other.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from islandrun.errors import MalformedMessage, StateError
from islandrun.trust.claims import AdmissionClaims, decode
from islandrun.trust.ledger import key_of
from islandrun.trust.signing import SignedAttestation
from islandrun.vocabulary import PublicKey
from islandrun.wire.attestations import decode_signed
from islandrun.wire.limits import GRANTS_PER_ADMITTER_MAX, ISLANDS_MAX, RECORDS_PER_ISSUER_MAX
from islandrun_node.fail_points import Step
from islandrun_node.stores.columns import as_bytes
from islandrun_node.stores.database import Database

RECORDS_MAX = ISLANDS_MAX * RECORDS_PER_ISSUER_MAX

_UPSERT = """
INSERT INTO attestations (key, kind, payload, issuer, signature, epoch, sequence)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET
    payload = excluded.payload, issuer = excluded.issuer, signature = excluded.signature,
    epoch = excluded.epoch, sequence = excluded.sequence
WHERE (excluded.epoch, excluded.sequence) > (attestations.epoch, attestations.sequence)
"""

# Admissions before what the admitted say, so that a ledger takes everything in one pass.
_LOAD = """
SELECT kind, payload, issuer, signature FROM attestations
ORDER BY CASE kind WHEN 'admission' THEN 0 WHEN 'self' THEN 1 WHEN 'authority' THEN 3 ELSE 2 END, key LIMIT ?
"""


class AttestationStore:
    """The statements of one home."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def data_version(self) -> int:
        """Return a number that changes when another process has written."""
        return self._database.data_version()

    def save(self, signed: SignedAttestation) -> None:
        """Keep a statement, unless one of its place is as new. Raises `MalformedMessage` or `StateError`."""
        self.save_all((signed,))

    def save_all(self, statements: Iterable[SignedAttestation]) -> None:
        """Keep several statements in one write."""
        rows = [_row(signed) for signed in statements]
        with self._database.transaction(Step.SAVE_STATEMENTS) as cursor:
            cursor.executemany(_UPSERT, rows)

    def append(self, issuer: PublicKey, make: Callable[[int, bytes], SignedAttestation]) -> SignedAttestation:
        """Sign an admitter's next admission and keep it, in one write.

        `make` gets its number and the hash of the one before. What was not kept has not left this function,
        so that a crash never makes the admitter contradict itself.
        """
        with self._database.transaction(Step.APPEND_ADMISSION) as cursor:
            if cursor.execute("SELECT 1 FROM marks WHERE name = 'restored_at_ms'").fetchone():
                raise StateError(
                    "this home was restored and may have admitted others since; run its node until it has "
                    "heard other islands"
                )
            rows = cursor.execute(
                "SELECT kind, payload, issuer, signature FROM attestations"
                " WHERE issuer = ? AND kind = 'admission' LIMIT ?",
                (issuer, GRANTS_PER_ADMITTER_MAX),
            ).fetchall()
            number, last = 0, b""
            for held in map(_signed, rows):
                claims = decode(held.kind, held.payload)
                if isinstance(claims, AdmissionClaims) and claims.number > number:
                    number, last = claims.number, held.hash
            signed = make(number + 1, last)
            cursor.execute(_UPSERT, _row(signed))
        return signed

    def start_over(self, statements: Iterable[SignedAttestation]) -> None:
        """Keep these statements and drop all others: the home enters a mesh."""
        rows = [_row(signed) for signed in statements]
        with self._database.transaction(Step.ENTER_MESH) as cursor:
            cursor.execute("DELETE FROM attestations")
            cursor.execute("DELETE FROM equivocations")
            cursor.executemany(_UPSERT, rows)

    def load_all(self) -> tuple[SignedAttestation, ...]:
        """Return every statement, admissions first."""
        return tuple(_signed(row) for row in self._database.read(_LOAD, (RECORDS_MAX,)))

    def drop(self, keys: Iterable[bytes]) -> None:
        """Forget the statements of these places, as the ledger did when they expired."""
        with self._database.transaction(Step.DROP_STATEMENTS) as cursor:
            cursor.executemany("DELETE FROM attestations WHERE key = ?", [(key,) for key in keys])

    def save_equivocation(self, first: SignedAttestation, second: SignedAttestation) -> None:
        """Keep the proof that a key contradicts itself; the first proof of an issuer is enough."""
        row = (hashlib.sha256(first.issuer).digest(), _packed(first), _packed(second))
        with self._database.transaction(Step.SAVE_PROOF) as cursor:
            cursor.execute("INSERT OR IGNORE INTO equivocations VALUES (?, ?, ?)", row)

    def load_equivocations(self) -> tuple[tuple[SignedAttestation, SignedAttestation], ...]:
        """Return every proof, in a fixed order."""
        rows = self._database.read(
            "SELECT first, second FROM equivocations ORDER BY hash LIMIT ?", (ISLANDS_MAX,)
        )
        return tuple((_unpacked(first), _unpacked(second)) for first, second in rows)

    def next_sequence(self, slot: str, now_ms: int) -> int:
        """Return a number above every earlier one of this slot; it is on the disk before it is returned."""
        with self._database.transaction(Step.TAKE_SEQUENCE) as cursor:
            return take_sequence(cursor, slot, now_ms)

    def last_sequence(self, slot: str) -> int:
        """Return the highest number that was given for a slot; 0 when there was none."""
        rows = self._database.read("SELECT last FROM sequences WHERE slot = ?", (slot,))
        last = rows[0][0] if rows else 0
        assert isinstance(last, int)
        return last


def take_sequence(cursor: sqlite3.Cursor, slot: str, now_ms: int) -> int:
    """Take the next number of a slot inside a write: max(last + 1, milliseconds since 1970)."""
    row = cursor.execute(
        "INSERT INTO sequences (slot, last, hash) VALUES (?, ?, x'')"
        " ON CONFLICT (slot) DO UPDATE SET last = max(last + 1, excluded.last) RETURNING last",
        (slot, now_ms),
    ).fetchone()
    assert isinstance(row[0], int)
    return row[0]


def _row(signed: SignedAttestation) -> tuple[object, ...]:
    claims = decode(signed.kind, signed.payload)
    epoch, sequence = claims.header.version
    return key_of(claims), signed.kind, signed.payload, signed.issuer, signed.signature, epoch, sequence


def _signed(row: tuple[object, ...]) -> SignedAttestation:
    kind = row[0]
    assert isinstance(kind, str)
    payload, issuer, signature = map(as_bytes, row[1:])
    return SignedAttestation(kind, payload, PublicKey(issuer), signature)


def _packed(signed: SignedAttestation) -> bytes:
    return signed.to_wire().SerializeToString()


def _unpacked(data: object) -> SignedAttestation:
    assert isinstance(data, bytes)
    try:
        return SignedAttestation.from_wire(decode_signed(data))
    except MalformedMessage as error:
        raise StateError("a stored equivocation proof is damaged; restore state.db from a backup") from error


@contextmanager
def stored_statements(path: Path) -> Iterator[AttestationStore]:
    """Open the statements of a state file for one piece of work. Raises `StateError`."""
    with closing(Database.open(path)) as database:
        yield AttestationStore(database)
