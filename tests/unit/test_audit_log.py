"""A log is checked as a whole: each way to spoil it is found, and named by its first bad entry."""

from __future__ import annotations

import pytest

from islandrun.audit.log import LogCheck, ReceiptProof, receipt_leaf
from islandrun.audit.tree import compact_range, inclusion_proof
from islandrun.errors import AuditBroken
from islandrun.v1 import chat_pb2
from tests.signing_keys import public
from tests.unit.audited_logs import NOW_MS, ORIGIN, OTHER, WITNESS, Log, signed_receipt, witnessed


def checked(log: Log, receipts: list[chat_pb2.SignedReceipt]) -> LogCheck:
    check = LogCheck((public(ORIGIN),))
    for at, receipt in enumerate(receipts):
        check.receipt(receipt, log.read(0, at, 1)[0] if at < log.tree.size else None)
    return check


def test_a_log_in_order_is_counted() -> None:
    log = Log(count=10)
    check = checked(log, log.receipts)
    head = log.head()
    check.head(head.wire, [witnessed(head).to_wire()])
    for number in (10, 11):
        check.receipt(signed_receipt(number))
    found = check.finish()
    assert (found.entries, found.receipts, found.heads, found.cosignatures) == (12, 12, 1, 1)
    assert (found.unsigned, found.unwitnessed, found.restorations) == (2, 2, 0)
    assert found.witnesses == (public(WITNESS),)


def changed(receipt: chat_pb2.SignedReceipt) -> chat_pb2.SignedReceipt:
    copy = chat_pb2.SignedReceipt()
    copy.CopyFrom(receipt)
    copy.payload = copy.payload.replace(b"answered", b"refused!")
    return copy


def test_a_changed_receipt_is_named() -> None:
    log = Log(count=10)
    receipts = list(log.receipts)
    receipts[6] = changed(receipts[6])
    with pytest.raises(AuditBroken, match="entry 6: receipt: the signature") as broken:
        checked(log, receipts)
    assert broken.value.position == 6


def test_a_receipt_that_the_origin_signed_later_and_put_in_is_named() -> None:
    log = Log(count=10)
    receipts = list(log.receipts)
    receipts[3] = signed_receipt(77)
    with pytest.raises(AuditBroken, match=r"entry 3 \(r-0077\) is not the one that was logged"):
        checked(log, receipts)
    check = LogCheck((public(ORIGIN),))
    for receipt in receipts:
        check.receipt(receipt)
    with pytest.raises(AuditBroken, match="the entries up to 10 are not those"):
        check.head(log.head().wire)


def test_a_receipt_of_somebody_else_is_named() -> None:
    with pytest.raises(AuditBroken, match=r"entry 0 \(r-0001\) is a receipt of another origin"):
        LogCheck((public(ORIGIN),)).receipt(signed_receipt(1, OTHER))


def test_a_log_goes_on_under_the_key_that_succeeds() -> None:
    log = Log(count=3)
    log.add(signed_receipt(3, OTHER))
    check = LogCheck((public(OTHER), public(ORIGIN)))
    for receipt in log.receipts:
        check.receipt(receipt)
    check.head(log.head(key=OTHER).wire)
    assert check.finish().receipts == 4


def test_a_missing_entry_and_two_that_changed_places_show_at_the_head() -> None:
    log = Log(count=10)
    shifted = [*log.receipts[:4], log.receipts[5], log.receipts[4], *log.receipts[6:]]
    for receipts in (log.receipts[:9], shifted):
        check = LogCheck((public(ORIGIN),))
        for receipt in receipts:
            check.receipt(receipt)
        with pytest.raises(AuditBroken, match="are not those that the head of 10"):
            check.head(log.head().wire)


def test_a_head_or_countersignature_of_another_is_refused() -> None:
    log = Log(count=2)
    with pytest.raises(AuditBroken, match="signed by another island"):
        checked(log, log.receipts).head(log.head(key=OTHER).wire)
    elsewhere = witnessed(Log(count=3).head()).to_wire()
    with pytest.raises(AuditBroken, match="countersignature"):
        checked(log, log.receipts).head(log.head().wire, [elsewhere])


def test_restorations_are_counted() -> None:
    log = Log(count=2)
    check = checked(log, log.receipts)
    for restored_at_ms in (0, 0, NOW_MS, NOW_MS, NOW_MS + 5):
        check.head(log.head(NOW_MS, restored_at_ms).wire)
    assert check.finish().restorations == 2


def test_a_log_is_checked_from_its_middle_where_the_older_receipts_are_gone() -> None:
    log = Log(count=300)
    check = LogCheck((public(ORIGIN),), compact_range(log.read, 290))
    for receipt in log.receipts[290:]:
        check.receipt(receipt)
    later = check.head(log.head().wire)
    assert check.finish().receipts == 10
    earlier = Log(count=120).head()
    check.earlier(earlier.wire, log.proof(120), later, [witnessed(earlier).to_wire()])
    assert (check.finish().heads, check.finish().cosignatures) == (2, 1)
    with pytest.raises(AuditBroken, match="does not begin with the 119"):
        check.earlier(Log(first=1, count=119).head().wire, log.proof(119), later)
    with pytest.raises(AuditBroken, match="another island"):
        check.earlier(Log(count=120).head(key=OTHER).wire, log.proof(120), later)


# ---------------------------------------------------------------- one receipt


def proof_of(log: Log, index: int) -> ReceiptProof:
    head = log.head()
    return ReceiptProof(
        log.receipts[index],
        index,
        inclusion_proof(log.read, index, log.tree.size),
        head.wire,
        (witnessed(head).to_wire(),),
    )


def test_one_receipt_is_proved_without_the_others() -> None:
    receipt, head = proof_of(Log(count=100), 42).check()
    assert (receipt.id, head.head.size) == ("r-0042", 100)


def test_a_proof_of_one_receipt_proves_no_other() -> None:
    log, right = Log(count=100), proof_of(Log(count=100), 42)
    wrong = [
        ReceiptProof(log.receipts[43], 42, right.proof, right.head, right.cosignatures),
        ReceiptProof(log.receipts[42], 43, right.proof, right.head, right.cosignatures),
        ReceiptProof(log.receipts[42], 42, right.proof[1:], right.head, right.cosignatures),
        ReceiptProof(log.receipts[42], 42, right.proof, Log(count=99).head().wire),
        ReceiptProof(log.receipts[42], 42, right.proof, log.head(key=OTHER).wire),
        ReceiptProof(
            log.receipts[42], 42, right.proof, right.head, (witnessed(Log(count=9).head()).to_wire(),)
        ),
        ReceiptProof(changed(log.receipts[42]), 42, right.proof, right.head),
    ]
    for one in wrong:
        with pytest.raises(AuditBroken):
            one.check()


def test_a_leaf_binds_the_signature_and_the_signer() -> None:
    one, other = signed_receipt(1), signed_receipt(1)
    other.signature = bytes(64)
    assert receipt_leaf(one) != receipt_leaf(other)
    other = signed_receipt(1)
    other.issuer = public(OTHER)
    assert receipt_leaf(one) != receipt_leaf(other)
