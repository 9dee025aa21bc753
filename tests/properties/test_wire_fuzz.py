"""Whatever arrives, a reader returns what is within the limits or raises MalformedMessage, and nothing else.

Three sources of bytes: none at all in common with a message, a good message with damage, and messages whose
fields have the right types and hostile values.
"""

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.errors import MalformedMessage, RejectedMessage
from islandrun.trust.claims import decode, encode
from islandrun.trust.genesis import Genesis, read_genesis
from islandrun.trust.signing import SignedAttestation, verify
from islandrun.v1 import attestation_pb2, chat_pb2, inference_pb2, mesh_pb2
from islandrun.vocabulary import PublicKey
from islandrun.wire import attestations, gossip, inference, limits

KEY = bytes(range(32))
PAYLOADS: dict[str, Any] = {
    "self": attestation_pb2.SelfAttestation,
    "admission": attestation_pb2.Admission,
    "authority": attestation_pb2.AuthorityStatement,
    "certification": attestation_pb2.Certification,
    "vouch": attestation_pb2.Vouch,
}
DECODERS: dict[str, Callable[[bytes], object]] = {
    "self": attestations.decode_self,
    "admission": attestations.decode_admission,
    "authority": attestations.decode_authority,
    "certification": attestations.decode_certification,
    "vouch": attestations.decode_vouch,
    "signed": attestations.decode_signed,
}
READERS: list[tuple[Any, Callable[[Any], object]]] = [
    (mesh_pb2.GossipMessage, gossip.check_gossip),
    (inference_pb2.Prompt, inference.prompt_from_wire),
    (inference_pb2.Sampling, inference.sampling_from_wire),
    (inference_pb2.Chunk, inference.piece_from_wire),
    (chat_pb2.Hints, inference.hints_from_wire),
    (attestation_pb2.SignedAttestation, SignedAttestation.from_wire),
]

numbers = st.sampled_from([0, 1, 2, 3, 4, 10, 31, 32, 1 << 31, (1 << 32) - 1, (1 << 63) - 1]) | st.integers(
    0, 1 << 63
)
sizes = st.sampled_from([0, 8, 16, 31, 32, 33, 64])
texts = st.sampled_from(["", "self", "vouch", "user", "stop", "DE", "DE-BY", "a:1", "a" * 65]) | st.text(
    max_size=9
)
binaries = sizes.map(bytes) | st.binary(max_size=40)


def values(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    """Return values of a field's type: its limits, values near them, and some of any kind."""
    kinds = FieldDescriptor
    match field.cpp_type:
        case kinds.CPPTYPE_MESSAGE:
            return messages(field.message_type, depth - 1)
        case kinds.CPPTYPE_STRING:
            return binaries if field.type == kinds.TYPE_BYTES else texts
        case kinds.CPPTYPE_BOOL:
            return st.booleans()
        case kinds.CPPTYPE_DOUBLE:
            return st.floats()
        case kinds.CPPTYPE_ENUM:
            return st.integers(-1, 5)
        case kinds.CPPTYPE_INT32 | kinds.CPPTYPE_INT64:
            return numbers.map(lambda value: value - (1 << 20))
        case kinds.CPPTYPE_UINT32:
            return numbers.map(lambda value: value & 0xFFFFFFFF)
        case _:
            return numbers


@st.composite
def messages(draw: st.DrawFn, descriptor: Any, depth: int = 4) -> Any:
    """Build a message of this type with any of its fields."""
    message = descriptor._concrete_class()
    for field in descriptor.fields:
        if (field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE and depth == 0) or draw(st.booleans()):
            continue
        if field.is_repeated:
            getattr(message, field.name).extend(draw(st.lists(values(field, depth), max_size=3)))
        elif field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            getattr(message, field.name).CopyFrom(draw(values(field, depth)))
        else:
            setattr(message, field.name, draw(values(field, depth)))
    return message


def good(kind: str) -> bytes:
    """Return a statement that passes, to be damaged."""
    at = 1_800_000_000_000
    header = attestation_pb2.Header(
        mesh_id=KEY, issuer=KEY, subject=KEY, sequence=1, issued_at_ms=at, not_before_ms=at, not_after_ms=at
    )
    fields: dict[str, dict[str, Any]] = {
        "self": {
            "name": "alice",
            "state": 1,
            "endpoints": [attestation_pb2.Endpoint(address="a:1")],
            "models": [attestation_pb2.ModelOffer(name="m")],
            "data_sets": [attestation_pb2.DataSetOffer(name="d", jurisdiction="DE")],
        },
        "admission": {"tier_ceiling": 2, "group": "office", "jurisdictions": ["DE"], "certificate_der": KEY},
        "authority": {"revoke_island": attestation_pb2.RevokeIsland(island=KEY, reason="lost")},
        "certification": {"scheme": "iso27001", "level_ppm": 1},
        "vouch": {"ceiling_ppm": 1},
    }
    if kind == "signed":
        signed = attestation_pb2.SignedAttestation(kind="self", payload=KEY, issuer=KEY, signature=bytes(64))
        return signed.SerializeToString()
    return bytes(PAYLOADS[kind](header=header, **fields[kind]).SerializeToString())


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Flip, cut, double and insert."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 9)))
        put = draw(st.binary(max_size=4) | st.just(data[start:end] * 2) | st.just(b"\xff" * 10))
        data = data[:start] + put + data[end:]
    return data


def read(reader: Callable[[Any], object], given_to_it: Any) -> bool:
    try:
        reader(given_to_it)
    except MalformedMessage:
        return False
    return True


@pytest.mark.parametrize("kind", DECODERS)
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_a_decoder_survives_any_bytes(kind: str, data: st.DataObject) -> None:
    assert read(DECODERS[kind], good(kind))
    strategies = [st.binary(max_size=300), damaged(good(kind))]
    if kind in PAYLOADS:
        strategies.append(
            messages(PAYLOADS[kind].DESCRIPTOR).map(lambda message: message.SerializeToString())
        )
    payload = data.draw(st.one_of(strategies))
    if read(DECODERS[kind], payload) and kind in PAYLOADS:
        claims = decode(kind, payload)
        assert decode(kind, encode(claims)) == claims


@pytest.mark.parametrize(("kind", "reader"), READERS, ids=[kind.DESCRIPTOR.name for kind, _ in READERS])
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_a_reader_survives_any_message(
    kind: Any, reader: Callable[[Any], object], data: st.DataObject
) -> None:
    message = data.draw(messages(kind.DESCRIPTOR))
    read(reader, message)
    try:
        message = kind.FromString(data.draw(damaged(message.SerializeToString())))
    except DecodeError:
        return
    read(reader, message)


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=300) | st.sampled_from(sorted(PAYLOADS)).map(good), texts, binaries, binaries)
def test_verify_and_genesis_refuse_whatever_nobody_signed(
    payload: bytes, kind: str, issuer: bytes, signature: bytes
) -> None:
    genesis = Genesis(PublicKey(KEY), "home", 1, bytes(16), b"", bytes(64))
    with pytest.raises(RejectedMessage):
        verify(SignedAttestation(kind, payload, PublicKey(issuer), signature), genesis, 1_800_000_000_000)
    with pytest.raises(RejectedMessage):
        read_genesis(payload, signature, KEY)


@settings(deadline=None, max_examples=50)
@given(st.integers(limits.PAYLOAD_BYTES_MAX + 1, 1 << 18), st.sampled_from(sorted(PAYLOADS)))
def test_too_much_is_refused_however_well_formed(size: int, kind: str) -> None:
    padding = b"\xfa\x06" + _varint(size) + bytes(size)
    assert not read(DECODERS[kind], good(kind) + padding)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))
