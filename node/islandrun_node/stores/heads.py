"""Heads: this origin's own with who countersigned them, and the newest head of each origin witnessed here."""

from __future__ import annotations

from collections.abc import Iterator

from islandrun.audit.heads import Cosignature, SignedHead, read_head
from islandrun.audit.witness import Breach, Continued, Evidence
from islandrun.errors import RejectedMessage, StateError
from islandrun.v1 import audit_pb2
from islandrun.vocabulary import PublicKey
from islandrun_node.fail_points import Step
from islandrun_node.stores.columns import as_bytes, as_int
from islandrun_node.stores.database import Database

HEADS_MAX = 10_000
"""Own heads that are kept, the newest: a week of one a minute. Each proves all that lies before it."""

ORIGINS_MAX = 4_096
"""Origins whose newest head is kept here; beyond that the one that was silent longest is forgotten."""

BREACHES_MAX = 256

_HEADS = "SELECT payload, issuer, signature FROM heads"


class HeadStore:
    """The heads that this origin signed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, signed: SignedHead) -> None:
        """Keep a head; it takes the place of an earlier one of the same size."""
        head, wire = signed.head, signed.wire
        with self._database.transaction(Step.SAVE_HEAD) as cursor:
            cursor.execute("DELETE FROM cosignatures WHERE size = ?", (head.size,))
            cursor.execute(
                "INSERT OR REPLACE INTO heads VALUES (?, ?, ?, ?)",
                (head.size, wire.payload, wire.issuer, wire.signature),
            )
            old = "(SELECT size FROM heads ORDER BY size DESC LIMIT -1 OFFSET ?)"
            cursor.execute(f"DELETE FROM cosignatures WHERE size IN {old}", (HEADS_MAX,))  # noqa: S608
            cursor.execute(f"DELETE FROM heads WHERE size IN {old}", (HEADS_MAX,))  # noqa: S608

    def cosigned(self, signed: SignedHead, cosignature: Cosignature) -> None:
        """Keep who countersigned a head."""
        row = (signed.head.size, cosignature.witness, cosignature.at_ms, cosignature.signature)
        with self._database.transaction(Step.SAVE_COSIGNATURE) as cursor:
            cursor.execute("INSERT OR REPLACE INTO cosignatures VALUES (?, ?, ?, ?)", row)

    def newest(self) -> SignedHead | None:
        """Return the newest head, or None. Raises `StateError` when it is not as it was signed."""
        rows = self._database.read(f"{_HEADS} ORDER BY size DESC LIMIT 1")
        return _read(_wire(rows[0])) if rows else None

    def all(self) -> Iterator[audit_pb2.SignedTreeHead]:
        """Yield every head, as stored, by size."""
        for (size,) in self._database.read("SELECT size FROM heads ORDER BY size LIMIT ?", (HEADS_MAX,)):
            for row in self._database.read(f"{_HEADS} WHERE size = ?", (size,)):
                yield _wire(row)

    def first_over(self, size: int) -> audit_pb2.SignedTreeHead | None:
        """Return the countersigned head that is the first to hold so many entries, else the first at all."""
        rows = self._database.read(
            "SELECT payload, issuer, signature FROM heads WHERE size >= ?"
            " ORDER BY size NOT IN (SELECT size FROM cosignatures), size LIMIT 1",
            (size,),
        )
        return _wire(rows[0]) if rows else None

    def cosignatures(self, size: int) -> tuple[audit_pb2.Cosignature, ...]:
        """Return who countersigned the head of this size."""
        rows = self._database.read(
            "SELECT witness, at_ms, signature FROM cosignatures WHERE size = ? ORDER BY witness", (size,)
        )
        return tuple(
            audit_pb2.Cosignature(
                witness=as_bytes(witness), at_ms=as_int(at_ms), signature=as_bytes(signature)
            )
            for witness, at_ms, signature in rows
        )

    def seen_by(self, witness: PublicKey) -> int:
        """Return the size of the newest head that a witness countersigned; 0 for none."""
        rows = self._database.read("SELECT max(size) FROM cosignatures WHERE witness = ?", (witness,))
        size = rows[0][0]
        return size if isinstance(size, int) else 0


class WitnessStore:
    """What this node saw of the logs of others, and the evidence against those that lied."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, origin: PublicKey) -> SignedHead | None:
        """Return the newest head that was seen of an origin, or None. Raises `StateError`."""
        rows = self._database.read(
            "SELECT payload, origin, signature FROM witnessed WHERE origin = ?", (origin,)
        )
        return _read(_wire(rows[0])) if rows else None

    def save(self, taken: Continued, now_ms: int) -> None:
        """Keep a head as the newest of its origin."""
        wire, origin = taken.head.wire, taken.head.head.origin
        with self._database.transaction(Step.SAVE_WITNESSED) as cursor:
            cursor.execute(
                "INSERT INTO witnessed VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET"
                " payload = excluded.payload, signature = excluded.signature, at_ms = excluded.at_ms,"
                " lost = lost + excluded.lost",
                (origin, wire.payload, wire.signature, now_ms, taken.lost),
            )
            cursor.execute(
                "DELETE FROM witnessed WHERE origin IN"
                " (SELECT origin FROM witnessed ORDER BY at_ms DESC, origin LIMIT -1 OFFSET ?)",
                (ORIGINS_MAX,),
            )

    def accuse(self, evidence: Evidence, now_ms: int) -> None:
        """Keep the first evidence of each kind against an origin."""
        first, second = evidence.first.wire, evidence.second.wire
        row = (first.issuer, evidence.breach.name, first.payload, first.signature, second.payload)
        with self._database.transaction(Step.SAVE_EVIDENCE) as cursor:
            cursor.execute(
                "INSERT OR IGNORE INTO breaches VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*row, second.signature, now_ms),
            )
            cursor.execute(
                "DELETE FROM breaches WHERE rowid IN"
                " (SELECT rowid FROM breaches ORDER BY at_ms LIMIT -1 OFFSET ?)",
                (BREACHES_MAX,),
            )

    def evidence(self) -> tuple[Evidence, ...]:
        """Return all evidence, oldest first. Raises `StateError` when it is not as it was signed."""
        rows = self._database.read(
            "SELECT origin, breach, first, first_signature, second, second_signature FROM breaches"
            " ORDER BY at_ms LIMIT ?",
            (BREACHES_MAX,),
        )
        return tuple(
            Evidence(
                Breach[str(breach)],
                _read(_wire((first, origin, first_signature))),
                _read(_wire((second, origin, second_signature))),
            )
            for origin, breach, first, first_signature, second, second_signature in rows
        )

    def losses(self) -> dict[PublicKey, int]:
        """Return the origins that went on from an older copy, and how many receipts each lost by that."""
        rows = self._database.read(
            "SELECT origin, lost FROM witnessed WHERE lost > 0 ORDER BY origin LIMIT ?", (ORIGINS_MAX,)
        )
        return {PublicKey(as_bytes(origin)): as_int(lost) for origin, lost in rows}


def _read(wire: audit_pb2.SignedTreeHead) -> SignedHead:
    try:
        return read_head(wire)
    except RejectedMessage as error:
        raise StateError(
            f"a head in receipts.db is not as it was signed ({error}); run `islandrun-node audit verify`"
        ) from error


def _wire(row: tuple[object, ...]) -> audit_pb2.SignedTreeHead:
    payload, issuer, signature = map(as_bytes, row)
    return audit_pb2.SignedTreeHead(payload=payload, issuer=issuer, signature=signature)
