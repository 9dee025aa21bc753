"""Receipts: signed, verified, told to people, and without any text of a request."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from nacl.signing import SigningKey

from islandrun.agents.fleet import fleet_of
from islandrun.agents.policy import RoutingPolicy
from islandrun.agents.question import Question
from islandrun.errors import BadSignature, MalformedMessage
from islandrun.privacy.sensitivity import Assessment
from islandrun.routing.choose import choose
from islandrun.routing.decision import Decision
from islandrun.routing.explain import explain_decision
from islandrun.routing.receipt import Receipt, explain, sign_receipt, verify_receipt
from islandrun.trust.naming import island_id
from islandrun.v1 import chat_pb2
from islandrun.vocabulary import (
    Finding,
    FindingType,
    Hints,
    Instant,
    IslandView,
    ModelOffer,
    Ppm,
    PublicKey,
    Reachability,
    Standing,
    Tier,
    TrustScore,
    Usage,
)

KEY = SigningKey(b"s" * 32)
ORIGIN = PublicKey(bytes(KEY.verify_key))
LABEL = b"islandrun/v1/receipt\0"

EMAIL = Finding(0, 5, FindingType.EMAIL, Ppm(990_000), Ppm(600_000), "rule")
WITH_EMAIL = Assessment(
    findings=((EMAIL,),), topics=(), sensitivity_ppm=Ppm(600_000), reasons=("EMAIL x1 (confidential)",)
)


def sign(message: bytes) -> bytes:
    return KEY.sign(message).signature


def view(number: int, name: str, tier: Tier, trust: int) -> IslandView:
    key = PublicKey(bytes([number]) * 32)
    return IslandView(
        id=island_id(key),
        key=key,
        name=name,
        tier=tier,
        group="family",
        jurisdictions=(),
        standing=Standing.ADMITTED,
        reachability=Reachability.ALIVE,
        trust=TrustScore(Ppm(trust)),
        models=(ModelOffer("m", 8_000, Ppm(600_000), 1_000_000, 2_000_000),),
        data_sets=(),
        endpoints=(),
        requests_max=4,
        load=None,
        round_trip_ms=10,
        attested_until_ms=10**15,
        admitted_until_ms=10**15,
    )


def receipt() -> Receipt:
    question = Question(
        request_id="request-1",
        assessment=WITH_EMAIL,
        model="m",
        hints=Hints(ignore=("gpu-box",)),
        input_tokens=200,
        output_tokens=300,
        policy=RoutingPolicy(),
        now=Instant(0.0, 1_000),
        receipt_id="receipt-1",
    )
    islands = (view(1, "gpu-box", Tier.EDGE, 800_000), view(2, "cloud", Tier.CLOUD, 200_000))
    return Receipt(
        id="receipt-1",
        issued_at_ms=1_000,
        origin=ORIGIN,
        decisions=(choose(question, fleet_of(islands)),),
        outcome="answered",
        cost_microusd=800,
        usage=Usage(200, 300),
        latency_ms=4_321,
    )


def signed() -> chat_pb2.SignedReceipt:
    return sign_receipt(receipt(), ORIGIN, sign)


def test_what_was_signed_is_what_is_read():
    assert verify_receipt(signed()) == receipt()


def test_a_refusal_travels_too():
    refused = replace(receipt(), decisions=(), outcome="refused", failure="NO_ELIGIBLE_ISLAND")
    assert verify_receipt(sign_receipt(refused, ORIGIN, sign)) == refused


@pytest.mark.parametrize("field", ["payload", "issuer", "signature"])
def test_any_changed_byte_is_noticed(field: str):
    pb = signed()
    original = getattr(pb, field)
    for position in range(0, len(original), 7):
        changed = original[:position] + bytes([original[position] ^ 1]) + original[position + 1 :]
        setattr(pb, field, changed)
        with pytest.raises(BadSignature):
            verify_receipt(pb)


def test_the_label_is_part_of_what_is_signed():
    pb = signed()
    assert KEY.verify_key.verify(LABEL + pb.payload, pb.signature)
    pb.signature = sign(pb.payload)
    with pytest.raises(BadSignature):
        verify_receipt(pb)


def resigned(payload: bytes) -> chat_pb2.SignedReceipt:
    return chat_pb2.SignedReceipt(payload=payload, issuer=ORIGIN, signature=sign(LABEL + payload))


def test_signed_nonsense_is_malformed():
    with pytest.raises(MalformedMessage, match="do not decode"):
        verify_receipt(resigned(b"\xff"))
    foreign = receipt().to_wire()
    foreign.origin = bytes(32)
    with pytest.raises(MalformedMessage, match="not its signer"):
        verify_receipt(resigned(foreign.SerializeToString()))


def test_unknown_words_are_malformed():
    def changed(**changes: str) -> chat_pb2.SignedReceipt:
        pb = receipt().to_wire()
        candidate = pb.decisions[0].candidates[0]
        match changes:
            case {"veto": word}:
                candidate.vetoes.add(reason=word)
            case {"masked": word}:
                pb.decisions[0].masked[0].type = word
            case {"chosen": _}:
                pb.decisions[0].chosen = bytes(32)
            case {"outcome": word}:
                pb.outcome = word
            case {"failure": word}:
                pb.failure = word
        return resigned(pb.SerializeToString())

    for changes in (
        {"veto": "X"},
        {"masked": "X"},
        {"chosen": ""},
        {"outcome": "x"},
        {"failure": "some text"},
    ):
        with pytest.raises(MalformedMessage):
            verify_receipt(changed(**changes))


def test_a_receipt_has_no_place_for_text():
    names = "id issued_at_ms origin decisions outcome cost_microusd usage latency_ms failure"
    assert [field.name for field in fields(Receipt)] == names.split()
    with pytest.raises(ValueError, match="upper-case reason"):
        replace(receipt(), outcome="failed", failure="could not reach jane@example.org")
    with pytest.raises(ValueError, match="outcome"):
        replace(receipt(), outcome="jane@example.org")


def test_decisions_are_bounded():
    with pytest.raises(ValueError, match="at most 16"):
        replace(receipt(), decisions=receipt().decisions * 17)


def test_explain_tells_candidates_vetoes_masking_and_attempts():
    text = explain(receipt())
    assert text.splitlines()[0] == f"Receipt receipt-1 of {island_id(ORIGIN)[:8]}: answered"
    assert "  200 tokens in, 300 out, 4321 ms, 0.0008 US dollars, 1 attempts" in text
    assert "  sensitivity 0.60 (confidential): EMAIL x1 (confidential)" in text
    assert "  masked: EMAIL x1" in text
    assert "    gpu-box (edge, trust 0.80)\n      CLIENT_HINT: the client asked to leave it out" in text
    heading, row = (line for line in text.splitlines() if line.startswith(("    rank", "    1 ")))
    assert heading.split()[:7] == ["rank", "island", "tier", "model", "trust", "visible", "masked"]
    assert row.split()[:9] == ["1", "cloud", "cloud", "m", "0.20", "0.00", "yes", "0.0008", "4310"]


def test_a_stored_receipt_explains_as_the_live_decision_does():
    told = explain(verify_receipt(signed())).splitlines()
    for decision in receipt().decisions:
        live = list(explain_decision(Decision.from_wire(decision.to_wire())))
        assert live == list(explain_decision(decision))
        assert any(told[at : at + len(live)] == live for at in range(len(told)))


def test_explain_names_the_failure():
    failed = replace(receipt(), outcome="failed", failure="UNREACHABLE")
    assert explain(failed).splitlines()[0].endswith(": failed (UNREACHABLE)")
