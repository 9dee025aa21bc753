"""Two statements of one place and version: an island is frozen for good, the owner's both count."""

from dataclasses import replace
from itertools import permutations

import pytest
from nacl.signing import SigningKey

from islandrun.errors import BadSignature, Contradiction, MalformedMessage, RejectedMessage
from islandrun.trust.claims import AdmissionClaims, GroupTrustClaims, Header, RevocationClaims, SelfClaims
from islandrun.trust.genesis import found
from islandrun.trust.ledger import Ledger, Outcome, record_key
from islandrun.trust.signing import SignedAttestation, sign, verify
from islandrun.vocabulary import Ppm, Standing, Tier
from islandrun.wire import limits
from tests.signing_keys import name, public, signer

NOW = 1_800_000_000_000
DAY = 24 * 3600 * 1000
OWNER, ALICE, BOB = (SigningKey(bytes([number]) * 32) for number in (1, 2, 3))


GENESIS = found(public(OWNER), "home", NOW, bytes(16), signer(OWNER))


def header(issuer: SigningKey, subject: SigningKey, sequence: int = NOW) -> Header:
    return Header(GENESIS.mesh_id, public(issuer), public(subject), sequence, NOW, NOW, NOW + DAY)


def admission(island: SigningKey = ALICE, sequence: int = NOW, ceiling: int = 900_000) -> SignedAttestation:
    claims = AdmissionClaims(header(OWNER, island, sequence), Tier.EDGE, "office", Ppm(ceiling))
    return sign(claims, signer(OWNER))


def about_itself(island: SigningKey = ALICE, sequence: int = NOW, called: str = "one") -> SignedAttestation:
    return sign(SelfClaims(header(island, island, sequence), called, sequence), signer(island))


def revocation(island: SigningKey = ALICE, reason: str = "lost") -> SignedAttestation:
    return sign(RevocationClaims(header(OWNER, island), public(island), reason), signer(OWNER))


def groups(trust: int) -> SignedAttestation:
    return sign(GroupTrustClaims(header(OWNER, OWNER), "home", "office", Ppm(trust)), signer(OWNER))


def admit(ledger: Ledger, signed: SignedAttestation) -> Outcome:
    return ledger.admit(verify(signed, GENESIS, NOW), NOW)


ONE, TWO = about_itself(called="one"), about_itself(called="two")
PROOF = tuple(sorted((ONE, TWO), key=lambda signed: signed.hash))
SELF_PLACE = record_key(public(ALICE), public(ALICE), "self", 0)


@pytest.mark.parametrize("order", list(permutations([admission(), ONE, TWO])))
def test_an_island_that_contradicts_itself_is_frozen_for_good(order: tuple[SignedAttestation, ...]) -> None:
    ledger = Ledger(GENESIS)
    outcomes = [admit(ledger, signed) for signed in order]
    assert sorted(outcome.name for outcome in outcomes) == ["EQUIVOCATION", "NEW", "NEW"]
    assert ledger.is_frozen(public(ALICE))
    assert ledger.standing(name(ALICE), NOW) is Standing.REVOKED
    assert ledger.revoked() == (name(ALICE),)
    assert ledger.equivocations() == (PROOF,)
    assert ledger.records() == (admission(),)
    with pytest.raises(RejectedMessage):
        admit(ledger, about_itself(sequence=NOW + 1))
    assert admit(ledger, admission(sequence=NOW + 1)) is Outcome.NEW
    assert ledger.standing(name(ALICE), NOW) is Standing.REVOKED


def test_a_proof_freezes_before_and_after_what_it_is_about() -> None:
    for order in permutations(range(3)):
        ledger = Ledger(GENESIS)
        for step in order:
            if step == 0:
                admit(ledger, admission())
            elif step == 1 and not ledger.is_frozen(public(ALICE)):
                admit(ledger, about_itself(sequence=NOW + 5))
            elif step == 2:
                assert ledger.admit_equivocation(TWO, ONE, NOW)
                assert not ledger.admit_equivocation(ONE, TWO, NOW)
        assert ledger.standing(name(ALICE), NOW) is Standing.REVOKED
        assert ledger.self_claims(name(ALICE)) is None
        assert ledger.equivocations() == (PROOF,)


def test_a_proof_outlives_its_statements_and_a_restart() -> None:
    ledger = Ledger(GENESIS)
    admit(ledger, admission())
    assert ledger.admit_equivocation(ONE, TWO, NOW + 300 * DAY)
    again = Ledger(GENESIS)
    for signed in ledger.records():
        admit(again, signed)
    for first, second in ledger.equivocations():
        again.admit_equivocation(first, second, NOW)
    assert again.standing(name(ALICE), NOW) is Standing.REVOKED


def test_two_statements_that_prove_nothing_freeze_nobody() -> None:
    forged = replace(TWO, signature=ONE.signature)
    elsewhere = sign(SelfClaims(replace(header(ALICE, ALICE), mesh_id=bytes(32)), "one", NOW), signer(ALICE))
    for first, second, error in (
        (ONE, ONE, Contradiction),
        (ONE, about_itself(sequence=NOW + 1, called="two"), Contradiction),
        (ONE, about_itself(BOB), Contradiction),
        (ONE, admission(), Contradiction),
        (ONE, forged, BadSignature),
        (ONE, elsewhere, MalformedMessage),
    ):
        ledger = Ledger(GENESIS)
        admit(ledger, admission())
        with pytest.raises(error):
            ledger.admit_equivocation(first, second, NOW)
        assert ledger.revoked() == ledger.equivocations() == ()


def test_proofs_about_keys_that_nobody_admitted_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WAITING_ISLANDS_MAX", 3)
    ledger = Ledger(GENESIS)
    strangers = [SigningKey(bytes([number]) * 32) for number in range(100, 104)]
    for key in strangers[:2]:
        ledger.admit_equivocation(about_itself(key), about_itself(key, called="two"), NOW)
    admit(ledger, about_itself(strangers[2]))
    assert admit(ledger, about_itself(strangers[2], called="two")) is Outcome.EQUIVOCATION
    admit(ledger, about_itself(strangers[3]))
    with pytest.raises(RejectedMessage):
        admit(ledger, about_itself(strangers[3], called="two"))
    assert ledger.self_claims(name(strangers[3])) is not None
    admit(ledger, admission())
    assert ledger.admit_equivocation(ONE, TWO, NOW)
    assert len(ledger.revoked()) == 4


# ---------------------------------------------------------------- the owner


def test_when_the_owner_contradicts_itself_the_lower_word_counts() -> None:
    for first, second in permutations([admission(ceiling=900_000), admission(ceiling=200_000)]):
        ledger = Ledger(GENESIS)
        assert [admit(ledger, first), admit(ledger, second)] == [Outcome.NEW, Outcome.EQUIVOCATION]
        combined = ledger.admission(name(ALICE))
        assert combined is not None
        assert combined.trust_ceiling_ppm == 200_000
        assert ledger.admission_record(name(ALICE)) == first
        assert ledger.is_frozen(public(OWNER))
        assert ledger.revoked() == ()
    for order in permutations([groups(900_000), groups(200_000)]):
        ledger = Ledger(GENESIS)
        for signed in order:
            admit(ledger, signed)
        assert ledger.group_trust("home", "office") == 200_000


def test_a_frozen_owner_admits_nobody_more_and_keeps_whom_it_admitted() -> None:
    ledger = Ledger(GENESIS)
    for signed in (admission(), about_itself(), admission(BOB), admission(BOB, ceiling=1)):
        admit(ledger, signed)
    assert ledger.standing(name(ALICE), NOW) is Standing.ADMITTED
    for further in (admission(sequence=NOW + 1), admission(SigningKey(bytes([7]) * 32)), groups(1)):
        with pytest.raises(RejectedMessage):
            admit(ledger, further)
    assert admit(ledger, about_itself(sequence=NOW + 1)) is Outcome.NEW
    assert admit(ledger, admission()) is Outcome.KNOWN


def test_a_frozen_owner_can_revoke_before_and_after() -> None:
    twins = [admission(BOB), admission(BOB, ceiling=1)]
    for order in permutations([*twins, revocation()]):
        ledger = Ledger(GENESIS)
        for signed in order:
            admit(ledger, signed)
        assert ledger.standing(name(ALICE), NOW) is Standing.REVOKED
        assert ledger.is_frozen(public(OWNER))
    for order in permutations([revocation(reason="lost"), revocation(reason="sold")]):
        ledger = Ledger(GENESIS)
        assert [admit(ledger, signed) for signed in order] == [Outcome.NEW, Outcome.EQUIVOCATION]
        assert ledger.standing(name(ALICE), NOW) is Standing.REVOKED


def test_a_proof_against_the_owner_counts_like_its_two_statements() -> None:
    high, low = admission(ceiling=900_000), admission(ceiling=200_000)
    known = Ledger(GENESIS)
    admit(known, high)
    for ledger in (Ledger(GENESIS), known):
        assert ledger.admit_equivocation(high, low, NOW)
        assert not ledger.admit_equivocation(low, high, NOW)
        combined = ledger.admission(name(ALICE))
        assert combined is not None
        assert combined.trust_ceiling_ppm == 200_000
    assert known.admit_equivocation(revocation(BOB), revocation(BOB, "sold"), NOW) is False
    assert known.standing(name(BOB), NOW) is Standing.REVOKED
    assert len(known.equivocations()) == 1


def test_what_an_owner_says_twice_is_kept_few_times() -> None:
    ledger = Ledger(GENESIS)
    for ceiling in range(limits.RECORDS_PER_ISSUER_MAX + 9):
        admit(ledger, admission(ceiling=1000 - ceiling))
    assert len(ledger.admissions(name(ALICE))) == limits.RECORDS_PER_ISSUER_MAX + 1
    assert len(ledger.records()) == 1
