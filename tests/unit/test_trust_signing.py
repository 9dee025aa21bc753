"""From claims to a verified statement: what is signed, who may say what, when, and what a forger can do."""

import copy
import pickle
from dataclasses import replace

import pytest
from nacl.signing import SigningKey

from islandrun.errors import BadSignature, Contradiction, ExpiredAttestation, MalformedMessage
from islandrun.trust.claims import (
    AdmissionClaims,
    CertificationClaims,
    Claims,
    FreshnessClaims,
    GroupTrustClaims,
    Header,
    RevocationClaims,
    SelfClaims,
    VouchClaims,
    decode,
    encode,
)
from islandrun.trust.genesis import found, read_genesis
from islandrun.trust.signing import (
    LIFE_MS_MAX,
    SELF_LIFE_MS_MAX,
    SKEW_MS,
    SignedAttestation,
    VerifiedAttestation,
    sign,
    verify,
)
from islandrun.v1 import attestation_pb2 as pb
from islandrun.vocabulary import DataSetOffer, ModelOffer, Ppm, PublicKey, Tier
from tests.signing_keys import public, signer

NOW = 1_800_000_000_000
DAY = 24 * 3600 * 1000
OWNER, ALICE, BOB = (SigningKey(bytes([number]) * 32) for number in (1, 2, 3))


GENESIS = found(public(OWNER), "home", NOW, bytes(16), signer(OWNER))


def header(issuer: SigningKey, subject: SigningKey, life_ms: int = DAY) -> Header:
    return Header(GENESIS.mesh_id, public(issuer), public(subject), NOW, NOW, NOW, NOW + life_ms)


MODEL = ModelOffer("llama-3", 8192, Ppm(700_000), 10, 20, True, False)
DATA_SET = DataSetOffer("papers", 12, 1 << 40, Ppm(600_000), "DE-BY", "minilm")
SELF = SelfClaims(
    header(ALICE, ALICE), "alice", 7, ("[::1]:7447", "a.example:1"), (MODEL,), (DATA_SET,), 3, ("DE",)
)
ADMISSION = AdmissionClaims(
    header(OWNER, ALICE), Tier.EDGE, "office", Ppm(900_000), ("DE", "FR"), b"der", bytes(16)
)
REVOCATION = RevocationClaims(header(OWNER, ALICE), public(ALICE), "lost")
GROUPS = GroupTrustClaims(header(OWNER, OWNER), "home", "office", Ppm(500_000))
FRESHNESS = FreshnessClaims(header(OWNER, OWNER), bytes(32), 9)
CERTIFICATION = CertificationClaims(header(BOB, ALICE), "iso27001", Ppm(800_000), bytes(32))
VOUCH = VouchClaims(header(BOB, ALICE), Ppm(300_000))
EVERY = [
    (SELF, ALICE),
    (ADMISSION, OWNER),
    (REVOCATION, OWNER),
    (GROUPS, OWNER),
    (FRESHNESS, OWNER),
    (CERTIFICATION, BOB),
    (VOUCH, BOB),
]


def verified(claims: Claims, key: SigningKey, now_ms: int = NOW) -> Claims:
    return verify(sign(claims, signer(key)), GENESIS, now_ms).claims


@pytest.mark.parametrize(("claims", "key"), EVERY)
def test_every_statement_comes_through_unchanged(claims: Claims, key: SigningKey) -> None:
    assert verified(claims, key) == claims
    signed = sign(claims, signer(key))
    travelled = pb.SignedAttestation.FromString(signed.to_wire().SerializeToString())
    assert SignedAttestation.from_wire(travelled) == signed


def test_the_signature_is_over_label_kind_length_and_carried_bytes() -> None:
    signed = sign(ADMISSION, signer(OWNER))
    size = len(signed.payload).to_bytes(4, "big")
    OWNER.verify_key.verify(b"islandrun/v1\0" + b"\x09admission" + size + signed.payload, signed.signature)


@pytest.mark.parametrize(("claims", "key"), EVERY)
def test_a_statement_signed_by_another_key_is_refused(claims: Claims, key: SigningKey) -> None:
    thief = SigningKey(bytes([9]) * 32)
    with pytest.raises(BadSignature):
        verify(sign(claims, signer(thief)), GENESIS, NOW)
    stolen = sign(replace(claims, header=replace(claims.header, issuer=public(thief))), signer(thief))
    with pytest.raises(Contradiction):
        verify(
            replace(stolen, payload=encode(claims), signature=resigned(stolen.kind, claims, thief)),
            GENESIS,
            NOW,
        )


def resigned(kind: str, claims: Claims, key: SigningKey) -> bytes:
    payload = encode(claims)
    label = b"islandrun/v1\0" + bytes([len(kind)]) + kind.encode()
    return key.sign(label + len(payload).to_bytes(4, "big") + payload).signature


def test_a_flipped_bit_anywhere_is_noticed() -> None:
    signed = sign(ADMISSION, signer(OWNER))
    for place in range(len(signed.payload)):
        payload = bytearray(signed.payload)
        payload[place] ^= 1
        with pytest.raises(BadSignature):
            verify(replace(signed, payload=bytes(payload)), GENESIS, NOW)
    for kind in ("self", "authority", "certification", "vouch"):
        with pytest.raises(BadSignature):
            verify(replace(signed, kind=kind), GENESIS, NOW)
    for wrong in (
        replace(signed, kind="x"),
        replace(signed, issuer=PublicKey(b"")),
        replace(signed, signature=b""),
    ):
        with pytest.raises(MalformedMessage):
            verify(wrong, GENESIS, NOW)


@pytest.mark.parametrize("kind", ["", "x", "SELF", "self ", "genesis"])
def test_an_unknown_kind_is_malformed(kind: str) -> None:
    with pytest.raises(MalformedMessage):
        decode(kind, encode(SELF))
    with pytest.raises(MalformedMessage):
        SignedAttestation.from_wire(pb.SignedAttestation(kind=kind, issuer=bytes(32), signature=bytes(64)))


@pytest.mark.parametrize(
    ("claims", "key"),
    [
        (replace(SELF, header=header(BOB, ALICE)), BOB),
        (replace(SELF, header=header(OWNER, ALICE)), OWNER),
        (replace(ADMISSION, header=header(ALICE, ALICE)), ALICE),
        (replace(ADMISSION, header=header(BOB, ALICE)), BOB),
        (replace(REVOCATION, header=header(ALICE, ALICE)), ALICE),
        (replace(REVOCATION, header=header(OWNER, OWNER)), OWNER),
        (replace(REVOCATION, header=header(OWNER, BOB)), OWNER),
        (RevocationClaims(header(OWNER, OWNER), public(OWNER)), OWNER),
        (replace(GROUPS, header=header(ALICE, ALICE)), ALICE),
        (replace(GROUPS, header=header(OWNER, ALICE)), OWNER),
        (replace(FRESHNESS, header=header(OWNER, ALICE)), OWNER),
        (replace(CERTIFICATION, header=header(ALICE, ALICE)), ALICE),
        (replace(VOUCH, header=header(ALICE, ALICE)), ALICE),
    ],
)
def test_nobody_says_what_they_may_not_say(claims: Claims, key: SigningKey) -> None:
    with pytest.raises(Contradiction):
        verified(claims, key)


def test_a_statement_of_another_mesh_is_refused() -> None:
    other = found(public(OWNER), "home", NOW, bytes([1]) * 16, signer(OWNER))
    for claims, key in EVERY:
        with pytest.raises(MalformedMessage, match="another mesh"):
            verify(sign(claims, signer(key)), other, NOW)


@pytest.mark.parametrize(
    ("claims", "key"), [pair for pair in EVERY if pair[0].kind not in ("authority", "admission")]
)
def test_a_statement_ends_five_minutes_after_its_end(claims: Claims, key: SigningKey) -> None:
    verified(claims, key, NOW + DAY + SKEW_MS)
    with pytest.raises(ExpiredAttestation):
        verified(claims, key, NOW + DAY + SKEW_MS + 1)


@pytest.mark.parametrize(("claims", "key"), [pair for pair in EVERY if pair[0] is not REVOCATION])
def test_a_statement_begins_five_minutes_before_its_begin(claims: Claims, key: SigningKey) -> None:
    verified(claims, key, NOW - SKEW_MS)
    with pytest.raises(ExpiredAttestation):
        verified(claims, key, NOW - SKEW_MS - 1)
    later = replace(claims, header=replace(claims.header, not_before_ms=NOW + SKEW_MS + 1))
    with pytest.raises(ExpiredAttestation):
        verified(later, key)


def test_what_has_no_end_has_none() -> None:
    for claims in (REVOCATION, GROUPS, FRESHNESS, ADMISSION):
        assert verified(claims, OWNER, NOW + 1000 * DAY) == claims
    assert verified(REVOCATION, OWNER, NOW - 1000 * DAY) == REVOCATION


def test_lives_are_limited() -> None:
    verified(replace(SELF, header=header(ALICE, ALICE, SELF_LIFE_MS_MAX)), ALICE)
    with pytest.raises(MalformedMessage, match="24 hours"):
        verified(replace(SELF, header=header(ALICE, ALICE, SELF_LIFE_MS_MAX + 1)), ALICE)
    verified(replace(ADMISSION, header=header(OWNER, ALICE, LIFE_MS_MAX)), OWNER)
    for claims, key in ((ADMISSION, OWNER), (CERTIFICATION, BOB), (VOUCH, BOB)):
        longer = replace(claims, header=header(key, ALICE, LIFE_MS_MAX + 1))
        with pytest.raises(MalformedMessage, match="8784 hours"):
            verified(longer, key)


def test_nobody_makes_a_verified_statement_but_verify() -> None:
    good = verify(sign(SELF, signer(ALICE)), GENESIS, NOW)
    with pytest.raises(TypeError):
        VerifiedAttestation(good.signed, good.claims, object())
    for way in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            way(good)
    with pytest.raises(AttributeError):
        good.claims = replace(SELF, name="mallory")  # type: ignore[misc]


def test_a_mistake_shows_where_it_is_made() -> None:
    for claims in (
        replace(SELF, name=""),
        replace(SELF, endpoints=("nowhere",)),
        replace(SELF, requests_max=-1),
        replace(SELF, incarnation=1 << 70),
        replace(SELF, name="\ud800"),
        replace(SELF, models=(MODEL,) * 33),
        replace(SELF, header=replace(SELF.header, slot=1)),
        replace(ADMISSION, trust_ceiling_ppm=Ppm(1_000_001)),
        replace(ADMISSION, group="a\nb"),
        replace(ADMISSION, certificate_der=bytes(4097)),
        replace(ADMISSION, jurisdictions=("germany",)),
        replace(VOUCH, header=replace(VOUCH.header, mesh_id=b"")),
    ):
        with pytest.raises(MalformedMessage):
            sign(claims, lambda message: pytest.fail("signed something that nobody would read"))


def test_a_genesis_reads_back_and_cannot_be_forged() -> None:
    assert read_genesis(GENESIS.payload, GENESIS.signature, GENESIS.mesh_id) == GENESIS
    with pytest.raises(MalformedMessage):
        read_genesis(GENESIS.payload, GENESIS.signature, bytes(32))
    for signature in (bytes(64), b"", GENESIS.signature[:-1]):
        with pytest.raises(BadSignature):
            read_genesis(GENESIS.payload, signature, GENESIS.mesh_id)
    stranger = found(public(ALICE), "home", NOW, bytes(16), signer(OWNER))
    with pytest.raises(BadSignature):
        read_genesis(stranger.payload, stranger.signature, stranger.mesh_id)
    for owner, name, created, salt in (
        (PublicKey(bytes(31)), "home", NOW, bytes(16)),
        (public(OWNER), "", NOW, bytes(16)),
        (public(OWNER), "home", -1, bytes(16)),
        (public(OWNER), "home", NOW, bytes(15)),
    ):
        with pytest.raises(MalformedMessage):
            found(owner, name, created, salt, signer(OWNER))


def test_no_text_of_a_statement_shows_bytes_or_keys() -> None:
    signed = sign(ADMISSION, signer(OWNER))
    assert signed.signature.hex() not in repr(signed)
    assert repr(signed.payload) not in repr(signed)
    assert (
        repr(verify(signed, GENESIS, NOW)) == f"<VerifiedAttestation admission by {public(OWNER).hex()[:8]}>"
    )
