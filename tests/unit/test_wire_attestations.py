"""The strict readers of statements: one field out of its limit refuses the whole, just inside passes."""

from collections.abc import Callable
from typing import Any

import pytest

from islandrun.errors import MalformedMessage
from islandrun.v1 import attestation_pb2 as pb
from islandrun.wire import attestations as wire
from islandrun.wire import limits

KEY = bytes(range(32))
MS = 1_800_000_000_000
Maker = Callable[[], Any]
Decoder = Callable[[bytes], Any]


def header() -> pb.Header:
    return pb.Header(
        mesh_id=KEY, issuer=KEY, subject=KEY, sequence=1, issued_at_ms=MS, not_before_ms=MS, not_after_ms=MS
    )


def about_itself() -> pb.SelfAttestation:
    return pb.SelfAttestation(
        header=header(),
        name="alice",
        endpoints=[pb.Endpoint(address="host.example:7447")],
        models=[pb.ModelOffer(name="llama-3", context_tokens_max=8192, quality_ppm=1_000_000)],
        data_sets=[pb.DataSetOffer(name="papers", sensitivity_ppm=1_000_000, jurisdiction="DE")],
        requests_max=1,
        claimed_jurisdictions=["DE", "US-CA"],
        state=pb.ISLAND_STATE_READY,
    )


def admission() -> pb.Admission:
    return pb.Admission(
        header=header(), tier_ceiling=pb.TIER_EDGE, group="office", trust_ceiling_ppm=1_000_000
    )


def revocation() -> pb.AuthorityStatement:
    return pb.AuthorityStatement(header=header(), revoke_island=pb.RevokeIsland(island=KEY, reason="lost"))


def groups() -> pb.AuthorityStatement:
    trust = pb.GroupTrust(from_group="home", to_group="office", trust_ppm=1)
    return pb.AuthorityStatement(header=header(), group_trust=trust)


def freshness() -> pb.AuthorityStatement:
    return pb.AuthorityStatement(header=header(), freshness=pb.Freshness(set_hash=KEY, statements=1))


def certification() -> pb.Certification:
    return pb.Certification(header=header(), scheme="iso27001", evidence_sha256=KEY, level_ppm=1_000_000)


def vouch() -> pb.Vouch:
    return pb.Vouch(header=header(), ceiling_ppm=1_000_000)


MAKERS: list[tuple[Maker, Decoder]] = [
    (about_itself, wire.decode_self),
    (admission, wire.decode_admission),
    (revocation, wire.decode_authority),
    (groups, wire.decode_authority),
    (freshness, wire.decode_authority),
    (certification, wire.decode_certification),
    (vouch, wire.decode_vouch),
]


def with_field(message: Any, path: str, value: object) -> bytes:
    """Set one field, such as `models.0.name`, and return the bytes."""
    *way, last = path.split(".")
    place: Any = message
    for step in way:
        place = place[int(step)] if step.isdigit() else getattr(place, step)
    if isinstance(value, list):
        del getattr(place, last)[:]
        getattr(place, last).extend(value)
    else:
        setattr(place, last, value)
    return bytes(message.SerializeToString())


@pytest.mark.parametrize(("make", "decode"), MAKERS)
def test_a_good_statement_passes_and_half_of_it_does_not(make: Maker, decode: Decoder) -> None:
    message = make()
    assert decode(message.SerializeToString()) == message
    for size in range(message.header.ByteSize()):
        with pytest.raises(MalformedMessage):
            decode(message.SerializeToString()[:size])


@pytest.mark.parametrize(("make", "decode"), MAKERS)
@pytest.mark.parametrize(
    ("field", "value", "passes"),
    [
        ("mesh_id", KEY[1:], False),
        ("issuer", KEY + b"x", False),
        ("subject", b"", False),
        ("slot", 1 << 31, False),
        ("epoch", 1 << 31, False),
        ("epoch", limits.EPOCH_MAX, True),
        ("sequence", 0, False),
        ("sequence", limits.TIME_MS_MAX, False),
        ("sequence", limits.TIME_MS_MAX - 1, True),
        ("previous_hash", b"x", False),
        ("previous_hash", KEY, True),
        ("issued_at_ms", 0, False),
        ("issued_at_ms", -1, False),
        ("not_before_ms", MS + 1, False),
        ("not_before_ms", 0, False),
        ("not_after_ms", limits.TIME_MS_MAX, False),
        ("critical", 1, False),
        ("critical", 1 << 63, False),
    ],
)
def test_every_header_is_checked(
    make: Maker,
    decode: Decoder,
    field: str,
    value: object,
    passes: bool,
) -> None:
    payload = with_field(make(), f"header.{field}", value)
    if passes:
        decode(payload)
    else:
        with pytest.raises(MalformedMessage, match="header"):
            decode(payload)


ENDPOINT = pb.Endpoint(address="a:1")
BODIES: list[tuple[Maker, Decoder, str, list[object], list[object]]] = [
    (about_itself, wire.decode_self, "header.slot", [0], [1]),
    (
        about_itself,
        wire.decode_self,
        "name",
        ["ä", "x" * 64],
        ["", " ", "x" * 65, "a\n", "a\x1b[2J", "\u202eevil"],
    ),
    (about_itself, wire.decode_self, "incarnation", [limits.TIME_MS_MAX - 1], [limits.TIME_MS_MAX]),
    (about_itself, wire.decode_self, "endpoints", [[], [ENDPOINT] * 8], [[ENDPOINT] * 9]),
    (
        about_itself,
        wire.decode_self,
        "endpoints.0.address",
        ["[::1]:1", "10.0.0.1:65535", "a-b.example:080"],
        [
            "",
            "host",
            "host:",
            ":1",
            "host:0",
            "host:65536",
            "ho st:1",
            "[::1:1",
            "http://x:1",
            "a_b:1",
            "h:1\n",
            "ä:1",
        ],
    ),
    (about_itself, wire.decode_self, "relays", [[], [KEY] * 4], [[KEY] * 5, [b""], [KEY + b"x"]]),
    (about_itself, wire.decode_self, "relay_endpoints", [[], [ENDPOINT] * 8], [[ENDPOINT] * 9]),
    (about_itself, wire.decode_self, "relay_endpoints", [[]], [[pb.Endpoint(address="unix:/tmp/x")]]),
    (about_itself, wire.decode_self, "models", [[]], [[pb.ModelOffer(name="m")] * 33]),
    (about_itself, wire.decode_self, "models.0.name", ["x" * 128], ["", "x" * 129, "a\tb"]),
    (about_itself, wire.decode_self, "models.0.quality_ppm", [0], [1_000_001]),
    (about_itself, wire.decode_self, "models.0.context_tokens_max", [0, 10**8], [10**8 + 1]),
    (about_itself, wire.decode_self, "models.0.input_price_microusd", [10**12], [10**12 + 1]),
    (about_itself, wire.decode_self, "models.0.output_price_microusd", [10**12], [10**12 + 1]),
    (about_itself, wire.decode_self, "data_sets", [[]], [[pb.DataSetOffer(name="d")] * 33]),
    (about_itself, wire.decode_self, "data_sets.0.name", ["x"], [""]),
    (about_itself, wire.decode_self, "data_sets.0.sensitivity_ppm", [0], [1_000_001]),
    (about_itself, wire.decode_self, "data_sets.0.size_bytes", [1 << 50], [1 << 52]),
    (about_itself, wire.decode_self, "data_sets.0.jurisdiction", ["", "DE-BY"], ["de", "DEU", "D"]),
    (about_itself, wire.decode_self, "data_sets.0.embedding_model", ["", "m"], ["a\nb", "x" * 129]),
    (
        about_itself,
        wire.decode_self,
        "claimed_jurisdictions",
        [[], ["DE"] * 16],
        [["DE"] * 17, ["xx"], ["DE\n"]],
    ),
    (about_itself, wire.decode_self, "requests_max", [0, 10**6], [10**6 + 1]),
    (about_itself, wire.decode_self, "software_version", ["", "1.0"], ["x" * 65, "1\n"]),
    (about_itself, wire.decode_self, "state", [1, 2, 3], [0, 4]),
    (about_itself, wire.decode_self, "front", [b"", KEY], [b"x"]),
    (admission, wire.decode_admission, "tier_ceiling", [1, 2, 3], [0, 4]),
    (admission, wire.decode_admission, "group", ["x"], ["", "a\nb", "x" * 65]),
    (admission, wire.decode_admission, "jurisdictions", [["DE", "US-CA"]], [["DE-"], ["DE"] * 17]),
    (admission, wire.decode_admission, "trust_ceiling_ppm", [0], [1_000_001]),
    (admission, wire.decode_admission, "certificate_der", [bytes(4096)], [bytes(4097)]),
    (admission, wire.decode_admission, "token_id", [b"", bytes(16)], [bytes(15)]),
    (revocation, wire.decode_authority, "revoke_island.island", [KEY], [b"", KEY[1:]]),
    (revocation, wire.decode_authority, "revoke_island.reason", ["", "x" * 256], ["x" * 257, "\x1b[2J"]),
    (groups, wire.decode_authority, "group_trust.from_group", ["x"], ["", "a\nb"]),
    (groups, wire.decode_authority, "group_trust.to_group", ["x"], ["", "a\nb"]),
    (groups, wire.decode_authority, "group_trust.trust_ppm", [1_000_000], [1_000_001]),
    (freshness, wire.decode_authority, "freshness.set_hash", [KEY], [b""]),
    (certification, wire.decode_certification, "scheme", ["x"], ["", "\0"]),
    (certification, wire.decode_certification, "evidence_sha256", [b""], [b"x"]),
    (certification, wire.decode_certification, "level_ppm", [0], [1_000_001]),
    (vouch, wire.decode_vouch, "ceiling_ppm", [0], [1_000_001]),
]


@pytest.mark.parametrize(("make", "decode", "path", "good", "bad"), BODIES, ids=[case[2] for case in BODIES])
def test_every_field_is_checked(
    make: Maker,
    decode: Decoder,
    path: str,
    good: list[object],
    bad: list[object],
) -> None:
    for value in good:
        decode(with_field(make(), path, value))
    for value in bad:
        with pytest.raises(MalformedMessage):
            decode(with_field(make(), path, value))


def test_a_body_that_is_not_known_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="body"):
        wire.decode_authority(pb.AuthorityStatement(header=header()).SerializeToString())


def test_the_size_is_checked_before_anything_is_read() -> None:
    padding = b"\xfa\x07" + (limits.PAYLOAD_BYTES_MAX).to_bytes(2, "little")
    payload = vouch().SerializeToString()
    assert len(payload) < 200
    for size in (limits.PAYLOAD_BYTES_MAX + 1, 1 << 20):
        with pytest.raises(MalformedMessage, match="over"):
            wire.decode_vouch(payload + padding + bytes(size))


def test_an_unknown_field_is_passed_over() -> None:
    unknown = b"\xfa\x06\x03abc"  # field 111, three bytes
    assert wire.decode_vouch(vouch().SerializeToString() + unknown).ceiling_ppm == 1_000_000


def test_the_envelope_is_checked_and_a_full_record_keeps_its_limit() -> None:
    full = pb.SignedAttestation(
        kind="certification", payload=bytes(limits.PAYLOAD_BYTES_MAX), issuer=KEY, signature=bytes(64)
    )
    assert full.ByteSize() <= limits.RECORD_BYTES_MAX
    assert wire.decode_signed(full.SerializeToString()) == full
    for field, value in (
        ("kind", ""),
        ("kind", "Self"),
        ("payload", bytes(limits.PAYLOAD_BYTES_MAX + 1)),
        ("issuer", KEY[1:]),
        ("signature", bytes(63)),
    ):
        with pytest.raises(MalformedMessage):
            wire.decode_signed(
                with_field(pb.SignedAttestation.FromString(full.SerializeToString()), field, value)
            )


def test_refusals_name_the_field_and_never_quote_it() -> None:
    payload = with_field(about_itself(), "name", "SECRET\n")
    with pytest.raises(MalformedMessage) as caught:
        wire.decode_self(payload)
    assert "name" in str(caught.value)
    assert "SECRET" not in str(caught.value)
