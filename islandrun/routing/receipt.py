"""The durable, signed record of one request: every decision, the outcome, the cost; never text.

The signature covers a label and the bytes that travel, so two encoders need not agree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from islandrun.agents.agent import share
from islandrun.errors import BadSignature, MalformedMessage
from islandrun.routing.decision import Decision
from islandrun.routing.explain import explain_decision
from islandrun.trust.ed25519 import Signer, is_signed_by
from islandrun.trust.naming import island_id
from islandrun.v1 import chat_pb2
from islandrun.vocabulary import PublicKey, Usage
from islandrun.wire.inference import usage_to_wire

OUTCOMES: Final = ("answered", "refused", "failed", "interrupted")
DECISIONS_MAX: Final = 16
RECEIPT_BYTES_MAX: Final = 4 * 1024 * 1024

NO_USAGE: Final = Usage()

_LABEL: Final = b"islandrun/v1/receipt\0"
_FAILURE: Final = re.compile(r"[A-Z][A-Z_]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What happened to one request.

    `outcome` is one of `OUTCOMES`. `failure` is empty or the upper-case reason of the error that
    ended it (`ForwardFailed.reason`), never its text. Raises ValueError on anything else.
    """

    id: str
    issued_at_ms: int
    origin: PublicKey
    decisions: tuple[Decision, ...]
    outcome: str
    cost_microusd: int = 0
    usage: Usage = NO_USAGE
    latency_ms: int = 0
    failure: str = ""

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise ValueError(f"the outcome of a receipt must be one of {', '.join(OUTCOMES)}")
        if self.failure and not _FAILURE.fullmatch(self.failure):
            raise ValueError("the failure of a receipt must be an upper-case reason: give it error.reason")
        if len(self.decisions) > DECISIONS_MAX:
            raise ValueError(f"a receipt holds at most {DECISIONS_MAX} decisions")

    def to_wire(self) -> chat_pb2.Receipt:
        """Return it in its form on the wire."""
        return chat_pb2.Receipt(
            id=self.id,
            issued_at_ms=self.issued_at_ms,
            origin=self.origin,
            decisions=[decision.to_wire() for decision in self.decisions],
            outcome=self.outcome,
            cost_microusd=self.cost_microusd,
            usage=usage_to_wire(self.usage),
            latency_ms=self.latency_ms,
            failure=self.failure,
        )

    @classmethod
    def from_wire(cls, pb: chat_pb2.Receipt) -> Receipt:
        """Read one back. Raises `MalformedMessage` when a field is outside its limit."""
        try:
            return cls(
                id=pb.id,
                issued_at_ms=pb.issued_at_ms,
                origin=PublicKey(pb.origin),
                decisions=tuple(Decision.from_wire(decision) for decision in pb.decisions),
                outcome=pb.outcome,
                cost_microusd=pb.cost_microusd,
                usage=Usage(
                    pb.usage.input_tokens,
                    pb.usage.output_tokens,
                    pb.usage.cached_tokens,
                    pb.usage.is_estimated,
                ),
                latency_ms=pb.latency_ms,
                failure=pb.failure,
            )
        except ValueError as error:
            raise MalformedMessage(f"receipt: {error}") from error


def sign_receipt(receipt: Receipt, key: PublicKey, signer: Signer) -> chat_pb2.SignedReceipt:
    """Sign a receipt with the origin's key; `signer` holds the secret half of `key`."""
    assert key == receipt.origin, "a receipt is signed by its origin"
    payload = receipt.to_wire().SerializeToString()
    return chat_pb2.SignedReceipt(payload=payload, issuer=key, signature=signer(_LABEL + payload))


def verify_receipt(signed: chat_pb2.SignedReceipt) -> Receipt:
    """Check a receipt's signature, then read it.

    Raises `BadSignature`, or `MalformedMessage` when it is too large, does not decode, or names
    another origin than its signer. Who the signer is, the caller judges.
    """
    if len(signed.payload) > RECEIPT_BYTES_MAX:
        raise MalformedMessage(f"receipt: larger than {RECEIPT_BYTES_MAX} bytes")
    if not is_signed_by(PublicKey(signed.issuer), _LABEL + signed.payload, signed.signature):
        raise BadSignature(
            "receipt: the signature does not belong to its bytes and issuer: do not rely on it"
        )
    pb = chat_pb2.Receipt()
    try:
        pb.ParseFromString(signed.payload)
    except (DecodeError, RecursionError) as error:
        raise MalformedMessage("receipt: the bytes do not decode") from error
    if pb.origin != signed.issuer:
        raise MalformedMessage("receipt: its origin is not its signer")
    return Receipt.from_wire(pb)


def explain(receipt: Receipt) -> str:
    """Tell a receipt to people: the outcome, then each decision with its candidates and reasons."""
    usage = receipt.usage
    lines = [
        f"Receipt {receipt.id} of {island_id(receipt.origin)[:8]}: {receipt.outcome}"
        + (f" ({receipt.failure})" if receipt.failure else ""),
        f"  {usage.input_tokens} tokens in, {usage.output_tokens} out, {receipt.latency_ms} ms,"
        f" {share(receipt.cost_microusd)} US dollars, {len(receipt.decisions)} attempts",
    ]
    for decision in receipt.decisions:
        lines.append("")
        lines.extend(explain_decision(decision))
    return "\n".join(lines) + "\n"
