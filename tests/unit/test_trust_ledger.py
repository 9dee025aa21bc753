"""The ledger and the score: rollback, replay, forgery, contradiction and revocation, in any order."""

from itertools import permutations

import pytest
from nacl.signing import SigningKey

from islandrun.errors import (
    BadSignature,
    Contradiction,
    ExpiredAttestation,
    MalformedMessage,
    RejectedMessage,
)
from islandrun.trust.claims import AdmissionClaims, Claims, Header, RevocationClaims, SelfClaims, VouchClaims
from islandrun.trust.genesis import found, read_genesis
from islandrun.trust.ledger import Ledger, Outcome, key_of
from islandrun.trust.naming import display_id, island_id, island_of_spiffe_uri, read_display_id, spiffe_uri
from islandrun.trust.score import TrustPolicy, score
from islandrun.trust.signing import SignedAttestation, VerifiedAttestation, sign, verify
from islandrun.vocabulary import Ppm, PublicKey, Standing, Tier

NOW = 1_800_000_000_000
DAY = 24 * 3600 * 1000
OWNER, ALICE, BOB = (SigningKey(bytes([number]) * 32) for number in (1, 2, 3))


def public(key: SigningKey) -> PublicKey:
    return PublicKey(bytes(key.verify_key))


GENESIS = found(public(OWNER), "home", NOW, bytes(16), lambda message: OWNER.sign(message).signature)


def header(issuer: SigningKey, subject: SigningKey, sequence: int = NOW, slot: int = 0) -> Header:
    return Header(GENESIS.mesh_id, public(issuer), public(subject), sequence, NOW, NOW, NOW + DAY, slot)


def signed(claims: Claims, key: SigningKey) -> SignedAttestation:
    return sign(claims, lambda message: key.sign(message).signature)


def admission(sequence: int = NOW, ceiling: int = 900_000, slot: int = 0) -> SignedAttestation:
    claims = AdmissionClaims(header(OWNER, ALICE, sequence, slot), Tier.EDGE, "office", Ppm(ceiling))
    return signed(claims, OWNER)


def about_herself(sequence: int = NOW, name: str = "alice") -> SignedAttestation:
    return signed(SelfClaims(header(ALICE, ALICE, sequence), name, sequence, ("127.0.0.1:1",)), ALICE)


def revocation() -> SignedAttestation:
    return signed(RevocationClaims(header(OWNER, ALICE, NOW + 1, 7), public(ALICE), "lost"), OWNER)


def admit(ledger: Ledger, statement: SignedAttestation) -> Outcome:
    return ledger.admit(verify(statement, GENESIS, NOW), NOW)


def trust(ledger: Ledger) -> int:
    return score(ledger, island_id(public(ALICE)), "home", TrustPolicy(), None, NOW).ppm


def test_replay_and_rollback_change_nothing() -> None:
    ledger = Ledger(GENESIS)
    assert [admit(ledger, admission()), admit(ledger, about_herself(NOW + 5))] == [Outcome.NEW] * 2
    assert admit(ledger, about_herself(NOW + 5)) is Outcome.KNOWN
    assert admit(ledger, about_herself(NOW)) is Outcome.OLDER
    place = key_of(verify(about_herself(), GENESIS, NOW).claims)
    assert ledger.version(place) == (0, NOW + 5)


def test_trust_is_the_minimum_and_zero_without_statements() -> None:
    ledger = Ledger(GENESIS)
    assert trust(ledger) == 0
    admit(ledger, admission(ceiling=700_000))
    assert trust(ledger) == 0
    admit(ledger, about_herself())
    assert trust(ledger) == 700_000


def test_revocation_wins_in_any_order() -> None:
    for order in permutations([admission(), admission(NOW + 9), about_herself(), revocation()]):
        ledger = Ledger(GENESIS)
        for statement in order:
            try:
                admit(ledger, statement)
            except RejectedMessage:
                continue
        assert ledger.standing(island_id(public(ALICE)), NOW) is Standing.REVOKED
        assert trust(ledger) == 0


def test_a_contradiction_freezes_the_key_and_proves_itself() -> None:
    ledger, other = Ledger(GENESIS), Ledger(GENESIS)
    admit(ledger, admission())
    admit(other, admission())
    admit(ledger, about_herself(name="one"))
    assert admit(ledger, about_herself(name="two")) is Outcome.EQUIVOCATION
    assert trust(ledger) == 0
    assert other.admit_equivocation(about_herself(name="one"), about_herself(name="two"), NOW)
    assert other.is_frozen(public(ALICE))
    with pytest.raises(RejectedMessage):
        other.admit_equivocation(about_herself(name="one"), about_herself(name="one"), NOW)


def test_nothing_a_peer_signs_raises_trust() -> None:
    ledger = Ledger(GENESIS)
    admit(ledger, admission(ceiling=500_000))
    admit(ledger, about_herself())
    bob = AdmissionClaims(header(OWNER, BOB), Tier.EDGE, "office", Ppm(900_000))
    admit(ledger, signed(bob, OWNER))
    admit(ledger, signed(VouchClaims(header(BOB, ALICE), Ppm(1_000_000)), BOB))
    assert trust(ledger) == 500_000
    admit(ledger, signed(VouchClaims(header(BOB, ALICE, NOW + 1), Ppm(100_000)), BOB))
    assert trust(ledger) == 100_000


def test_a_second_admission_only_lowers() -> None:
    ledger = Ledger(GENESIS)
    admit(ledger, admission(ceiling=400_000, slot=1))
    admit(ledger, admission(NOW + 1, ceiling=900_000, slot=2))
    admit(ledger, about_herself())
    assert trust(ledger) == 400_000


def test_forged_statements_are_refused() -> None:
    by_alice = signed(AdmissionClaims(header(ALICE, ALICE), Tier.PERSONAL, "home", Ppm(1_000_000)), ALICE)
    with pytest.raises(Contradiction):
        verify(by_alice, GENESIS, NOW)
    good = admission()
    with pytest.raises(BadSignature):
        verify(SignedAttestation(good.kind, good.payload, good.issuer, bytes(64)), GENESIS, NOW)
    with pytest.raises(BadSignature):
        verify(SignedAttestation("authority", good.payload, good.issuer, good.signature), GENESIS, NOW)
    with pytest.raises(ExpiredAttestation):
        verify(about_herself(), GENESIS, NOW + 2 * DAY)
    elsewhere = found(public(OWNER), "other", NOW, bytes(16), lambda message: OWNER.sign(message).signature)
    with pytest.raises(MalformedMessage):
        verify(good, elsewhere, NOW)
    with pytest.raises(TypeError):
        VerifiedAttestation(good, verify(good, GENESIS, NOW).claims, object())


def test_genesis_and_names_read_back() -> None:
    assert read_genesis(GENESIS.payload, GENESIS.signature, GENESIS.mesh_id) == GENESIS
    with pytest.raises(BadSignature):
        read_genesis(GENESIS.payload, bytes(64), GENESIS.mesh_id)
    island = island_id(public(ALICE))
    assert read_display_id(display_id(island)) == island
    assert island_of_spiffe_uri(spiffe_uri(island, GENESIS.mesh_id), GENESIS.mesh_id) == island
    with pytest.raises(MalformedMessage):
        island_of_spiffe_uri(spiffe_uri(island, bytes(32)), GENESIS.mesh_id)
