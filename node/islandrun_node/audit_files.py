"""The log of a home, checked in place or written to a file that anybody can check without a node.

A file is JSON lines: how it begins, each receipt, each head where it stands, heads from before the first
receipt with a proof, and the end. Bytes are base64. A proof of one receipt is one such line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from islandrun.audit.heads import SignedHead
from islandrun.audit.log import Checked, LogCheck, ReceiptProof
from islandrun.audit.tree import SIZE_MAX, CompactRange, compact_range, consistency_proof, inclusion_proof
from islandrun.errors import AuditBroken, StateError
from islandrun.routing.receipt import RECEIPT_BYTES_MAX, Receipt
from islandrun.v1 import audit_pb2, chat_pb2
from islandrun.vocabulary import PublicKey
from islandrun_node.stores.heads import HeadStore
from islandrun_node.stores.receipts import ReceiptStore

LOG_SCHEMA: Final = "islandrun.audit/v1"
PROOF_SCHEMA: Final = "islandrun.audit-proof/v1"
LINE_BYTES_MAX: Final = 2 * RECEIPT_BYTES_MAX


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="is"):
    """One line of a file."""


class Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Signed bytes: a receipt or a head."""

    payload: bytes
    issuer: bytes
    signature: bytes


class Witnessed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A countersignature."""

    witness: bytes
    at_ms: int
    signature: bytes


class Begin(Line, frozen=True, tag="begin"):
    """Whose log it is, and the tree of the `size` entries before the first one that follows."""

    schema: str
    origins: tuple[bytes, ...]
    size: int
    peaks: tuple[bytes, ...]


class ReceiptLine(Line, frozen=True, tag="receipt"):
    """The next entry."""

    receipt: Signed


class HeadLine(Line, frozen=True, tag="head"):
    """The head of exactly the entries so far."""

    head: Signed
    cosignatures: tuple[Witnessed, ...]


class EarlierLine(Line, frozen=True, tag="earlier-head"):
    """A head from before the first entry, with the proof that the last head continues it."""

    head: Signed
    cosignatures: tuple[Witnessed, ...]
    proof: tuple[bytes, ...]


class End(Line, frozen=True, tag="end"):
    """That nothing is missing behind: the log has `size` entries."""

    size: int


class ProofLine(Line, frozen=True, tag="proof"):
    """That one receipt is in the log of a head."""

    schema: str
    receipt: Signed
    index: int
    proof: tuple[bytes, ...]
    head: Signed
    cosignatures: tuple[Witnessed, ...]


_Any = Begin | ReceiptLine | HeadLine | EarlierLine | End | ProofLine
_decoder = msgspec.json.Decoder(_Any)


# ---------------------------------------------------------------- in place


def check_store(store: ReceiptStore, heads: HeadStore, origins: Collection[PublicKey]) -> Checked:
    """Check everything that a home holds. Raises `AuditBroken`, which names the first bad entry."""
    check, first = LogCheck(origins), store.first_kept()
    waiting = heads.all()
    head = next(waiting, None)
    for position, leaf, receipt in store.entries():
        if position != check.size:
            raise AuditBroken(f"entry {check.size} is missing from the log", check.size)
        if receipt is not None:
            check.receipt(receipt, leaf)
        elif position >= first:
            raise AuditBroken(f"the receipt of entry {position} is missing", position)
        else:
            check.leaf(leaf)
        if head is not None and _size(head) == check.size:
            check.head(head, heads.cosignatures(check.size))
            head = next(waiting, None)
    if head is not None:
        raise AuditBroken(f"the log ends after {check.size} entries, before its newest heads", check.size)
    if compact_range(store.read_nodes, check.size) != check.tree:
        raise AuditBroken("the stored nodes of the tree are not those of its entries", check.size)
    return check.finish()


# ---------------------------------------------------------------- out


def export(store: ReceiptStore, heads: HeadStore, origins: Collection[PublicKey]) -> Iterator[bytes]:
    """Yield the lines of a log, from the oldest receipt that is kept up to its newest head.

    Entries behind the newest head go with the next one. Raises `StateError` when there is no head.
    """
    newest = heads.newest()
    if newest is None:
        raise StateError("no head is signed so far; wait a minute, or stop the node, which signs one")
    size, first = newest.head.size, min(store.first_kept(), newest.head.size)
    start = compact_range(store.read_nodes, first)
    yield _line(Begin(LOG_SCHEMA, tuple(origins), start.size, start.peaks))
    signed = {_size(head): head for head in heads.all() if _size(head) <= size}
    for position, _, receipt in store.entries(first, size):
        if receipt is None:
            raise AuditBroken(f"the receipt of entry {position} is missing", position)
        yield _line(ReceiptLine(_signed(receipt)))
        if head := signed.get(position + 1):
            yield _line(HeadLine(_signed(head), _cosignatures(heads, position + 1)))
    for at, head in sorted(signed.items()):
        if at <= first < size:
            proof = consistency_proof(store.read_nodes, at, size)
            yield _line(EarlierLine(_signed(head), _cosignatures(heads, at), proof))
    yield _line(End(size))


def prove(store: ReceiptStore, heads: HeadStore, receipt_id: str) -> bytes:
    """Return the line that proves one receipt. Raises `StateError` when there is none, or no head over it."""
    position, receipt = store.position(receipt_id), store.get(receipt_id)
    if position is None or receipt is None:
        raise StateError("no receipt has that id here; receipts lie on the node that took the request")
    head = heads.first_over(position + 1)
    if head is None:
        raise StateError("no head is signed over that receipt so far; wait a minute, or stop the node")
    proof = inclusion_proof(store.read_nodes, position, _size(head))
    witnesses = _cosignatures(heads, _size(head))
    return _line(ProofLine(PROOF_SCHEMA, _signed(receipt), position, proof, _signed(head), witnesses))


# ---------------------------------------------------------------- in


def check_file(path: Path) -> tuple[Checked | tuple[Receipt, SignedHead], tuple[PublicKey, ...]]:
    """Check a file: return what a log holds, or the receipt and head of a proof; and whose keys signed.

    Whether these are the keys of the island that it should be, the reader judges. Raises `AuditBroken`, or
    `StateError` when the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            begin = _read(file, 0)
            if isinstance(begin, ProofLine):
                receipt, head = _proof(begin).check()
                return (receipt, head), (head.head.origin,)
            if not isinstance(begin, Begin) or begin.schema != LOG_SCHEMA:
                raise AuditBroken(f"{path} does not begin as {LOG_SCHEMA}: it is no log of receipts")
            return _check_lines(file, begin)
    except OSError as error:
        raise StateError(f"cannot read {path}: {error.strerror}; name another file") from error


def _check_lines(file: BinaryIO, begin: Begin) -> tuple[Checked, tuple[PublicKey, ...]]:
    if not 0 <= begin.size <= SIZE_MAX or len(begin.peaks) != begin.size.bit_count():
        raise AuditBroken("the file begins with a tree that cannot be")
    origins = tuple(map(PublicKey, begin.origins))
    check = LogCheck(origins, CompactRange(begin.size, begin.peaks))
    last: SignedHead | None = None
    while not isinstance(line := _read(file, check.size), End):
        match line:
            case ReceiptLine():
                check.receipt(_receipt(line.receipt))
            case HeadLine():
                last = check.head(_head(line.head), _from(line.cosignatures))
            case EarlierLine() if last is not None:
                check.earlier(_head(line.head), line.proof, last, _from(line.cosignatures))
            case _:
                raise AuditBroken(f"a line that does not belong behind entry {check.size}", check.size)
    if line.size != check.size or last is None or last.head.size != check.size:
        raise AuditBroken(f"the file ends after {check.size} entries without the head over them", check.size)
    return check.finish(), origins


def _read(file: BinaryIO, size: int) -> _Any:
    text = file.readline(LINE_BYTES_MAX + 1)
    if len(text) > LINE_BYTES_MAX or not text:
        why = "ends early" if not text else "has a line that is too long"
        raise AuditBroken(f"the file {why}, behind entry {size}", size)
    try:
        line: _Any = _decoder.decode(text)
    except msgspec.DecodeError as error:
        raise AuditBroken(f"a line behind entry {size} is none of an audit: {error}", size) from None
    return line


def _line(line: Line) -> bytes:
    return msgspec.json.encode(line) + b"\n"


def _size(wire: audit_pb2.SignedTreeHead) -> int:
    """Return the size in a stored head, which is checked elsewhere; damage shows as a head out of place."""
    head = audit_pb2.TreeHead()
    head.MergeFromString(wire.payload)
    return head.size


def _signed(wire: chat_pb2.SignedReceipt | audit_pb2.SignedTreeHead) -> Signed:
    return Signed(wire.payload, wire.issuer, wire.signature)


def _receipt(signed: Signed) -> chat_pb2.SignedReceipt:
    return chat_pb2.SignedReceipt(payload=signed.payload, issuer=signed.issuer, signature=signed.signature)


def _head(signed: Signed) -> audit_pb2.SignedTreeHead:
    return audit_pb2.SignedTreeHead(payload=signed.payload, issuer=signed.issuer, signature=signed.signature)


def _cosignatures(heads: HeadStore, size: int) -> tuple[Witnessed, ...]:
    return tuple(Witnessed(one.witness, one.at_ms, one.signature) for one in heads.cosignatures(size))


def _from(cosignatures: tuple[Witnessed, ...]) -> tuple[audit_pb2.Cosignature, ...]:
    try:
        return tuple(
            audit_pb2.Cosignature(witness=one.witness, at_ms=one.at_ms, signature=one.signature)
            for one in cosignatures
        )
    except ValueError:
        raise AuditBroken("a countersignature has a time out of range") from None


def _proof(line: ProofLine) -> ReceiptProof:
    if line.schema != PROOF_SCHEMA:
        raise AuditBroken("the file is a proof of another version: update islandrun")
    cosignatures = _from(line.cosignatures)
    return ReceiptProof(_receipt(line.receipt), line.index, line.proof, _head(line.head), cosignatures)
