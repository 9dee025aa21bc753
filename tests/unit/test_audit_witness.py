"""What a witness does with the heads of honest, forgetful and lying origins."""

from __future__ import annotations

from dataclasses import replace

import pytest
from nacl.signing import SigningKey

from islandrun.audit.heads import TreeHead, cosign, read_cosignature, read_head, sign_head
from islandrun.audit.witness import Breach, BrokenLog, contradiction, judge, pick_witnesses
from islandrun.errors import BadProof, BadSignature, MalformedMessage
from islandrun.v1 import audit_pb2
from islandrun.vocabulary import IslandView, Ppm, Reachability, Standing, Tier, TrustScore
from tests.signing_keys import name, public, signer
from tests.unit.audited_logs import NOW_MS, ORIGIN, OTHER, WITNESS, Log, signed_receipt, witnessed


def test_an_honest_log_goes_on() -> None:
    log = Log(count=5)
    first = log.head()
    assert judge(None, first, 0, (), NOW_MS) is not None
    log.add(signed_receipt(5))
    second = log.head(NOW_MS + 60_000)
    taken = judge(first, second, 5, log.proof(5), NOW_MS + 60_000)
    assert taken is not None
    assert (taken.head, taken.lost) == (second, 0)


def test_a_proof_from_elsewhere_is_asked_for_again() -> None:
    log = Log(count=5)
    first = log.head()
    log.add(signed_receipt(5))
    assert judge(first, log.head(NOW_MS + 1), 3, log.proof(3), NOW_MS) is None


def test_a_log_that_was_rewritten_is_refused_whatever_the_proof() -> None:
    first, rewritten = Log(count=5).head(), Log(first=100, count=6)
    with pytest.raises(BadProof):
        judge(first, rewritten.head(NOW_MS + 1), 5, rewritten.proof(5), NOW_MS)
    with pytest.raises(BadProof):
        judge(first, rewritten.head(NOW_MS + 1), 5, (), NOW_MS)


def test_two_logs_of_one_size_are_evidence() -> None:
    first, fork = Log(count=5).head(), Log(first=100, count=5).head(NOW_MS + 1)
    with pytest.raises(BrokenLog) as broken:
        judge(first, fork, 5, (), NOW_MS)
    evidence = broken.value.evidence
    assert (evidence.breach, evidence.first, evidence.second) == (Breach.FORK, first, fork)


def test_a_log_that_became_shorter_is_evidence() -> None:
    first, shorter = Log(count=5).head(), Log(count=4).head(NOW_MS + 1)
    with pytest.raises(BrokenLog) as broken:
        judge(first, shorter, 4, (), NOW_MS)
    assert broken.value.evidence.breach is Breach.ROLLBACK


def test_an_older_head_that_comes_late_is_no_evidence_and_is_not_countersigned() -> None:
    log = Log(count=4)
    early = log.head(NOW_MS)
    log.add(signed_receipt(4))
    late = log.head(NOW_MS + 1)
    assert contradiction(late, early) is None
    with pytest.raises(BadProof):
        judge(late, early, 5, (), NOW_MS)


def test_a_restored_origin_begins_anew_once_and_the_loss_is_counted() -> None:
    first = Log(count=9).head(NOW_MS)
    restored = Log(count=4)
    head = restored.head(NOW_MS + 1, restored_at_ms=NOW_MS + 1)
    taken = judge(first, head, 0, (), NOW_MS)
    assert taken is not None
    assert taken.lost == 5
    shorter = Log(count=3).head(NOW_MS + 2, restored_at_ms=NOW_MS + 1)
    with pytest.raises(BrokenLog):
        judge(taken.head, shorter, 4, (), NOW_MS)
    with pytest.raises(BadProof):
        judge(taken.head, Log(count=9).head(NOW_MS + 3), 4, (), NOW_MS)


def test_a_head_from_the_future_is_refused() -> None:
    for head in (Log(count=1).head(NOW_MS + 600_000), Log(count=1).head(NOW_MS, NOW_MS + 600_000)):
        with pytest.raises(MalformedMessage):
            judge(None, head, 0, (), NOW_MS)


# ---------------------------------------------------------------- signatures


def test_a_head_and_a_countersignature_come_back_as_they_were() -> None:
    head = Log(count=3).head()
    assert read_head(head.wire) == head
    own = witnessed(head)
    assert read_cosignature(own.to_wire(), head) == own


def test_a_head_with_another_signer_bytes_or_label_is_refused() -> None:
    head = Log(count=3).head()
    spoilt = audit_pb2.SignedTreeHead(
        payload=head.wire.payload[:-1] + b"\x01", issuer=head.wire.issuer, signature=head.wire.signature
    )
    other = audit_pb2.SignedTreeHead(
        payload=head.wire.payload, issuer=public(OTHER), signature=head.wire.signature
    )
    unlabelled = audit_pb2.SignedTreeHead(
        payload=head.wire.payload, issuer=public(ORIGIN), signature=signer(ORIGIN)(head.wire.payload)
    )
    for wire in (spoilt, other, unlabelled):
        with pytest.raises(BadSignature):
            read_head(wire)
    foreign = sign_head(replace(head.head, origin=public(OTHER)), signer(OTHER)).wire
    foreign.issuer = public(ORIGIN)
    with pytest.raises(BadSignature):
        read_head(foreign)


def test_a_head_out_of_its_limits_is_refused() -> None:
    for head in (
        TreeHead(public(ORIGIN), 1 << 49, bytes(32), NOW_MS),
        TreeHead(public(ORIGIN), 1, bytes(31), NOW_MS),
        TreeHead(public(ORIGIN), 1, bytes(32), -1),
        TreeHead(public(ORIGIN), 1, bytes(32), NOW_MS, 1 << 60),
    ):
        with pytest.raises(MalformedMessage):
            read_head(sign_head(head, signer(ORIGIN)).wire)


def test_a_countersignature_holds_for_its_head_time_and_witness_alone() -> None:
    head, next_head = Log(count=3).head(), Log(count=4).head()
    own = witnessed(head).to_wire()
    later = audit_pb2.Cosignature(witness=own.witness, at_ms=own.at_ms + 1, signature=own.signature)
    for wire, of in ((own, next_head), (later, head)):
        with pytest.raises(BadSignature):
            read_cosignature(wire, of)
    with pytest.raises(MalformedMessage):
        read_cosignature(cosign(head, public(ORIGIN), signer(ORIGIN), NOW_MS).to_wire(), head)


# ---------------------------------------------------------------- who is asked


def island(number: int, **changes: object) -> IslandView:
    key = SigningKey(bytes([number]) * 32)
    view = IslandView(
        id=name(key), key=public(key), name=f"island-{number}", tier=Tier.EDGE, group="", jurisdictions=(),
        standing=Standing.ADMITTED, reachability=Reachability.ALIVE, trust=TrustScore(Ppm(500_000)),
        models=(), data_sets=(), endpoints=(), requests_max=1, load=None, round_trip_ms=1,
        attested_until_ms=0, admitted_until_ms=0,
    )  # fmt: skip
    return replace(view, **changes)


def test_a_few_that_answer_are_asked_and_the_same_ones_whatever_the_order() -> None:
    islands = [island(number) for number in range(1, 21)]
    picked = pick_witnesses(islands, name(ORIGIN))
    assert len(picked) == 3
    assert pick_witnesses(reversed(islands), name(ORIGIN)) == picked
    assert pick_witnesses([one for one in islands if one.id in picked], name(ORIGIN)) == picked
    assert {pick_witnesses(islands, name(SigningKey(bytes([k]) * 32))) for k in range(40, 50)} != {picked}


def test_nobody_is_asked_who_cannot_or_must_not_witness() -> None:
    unfit = [
        island(1, is_local=True),
        island(2, front=name(WITNESS)),
        island(3, standing=Standing.REVOKED),
        island(4, trust=TrustScore(Ppm(0))),
        island(5, reachability=Reachability.AWAY),
    ]
    assert pick_witnesses(unfit, name(ORIGIN)) == ()
