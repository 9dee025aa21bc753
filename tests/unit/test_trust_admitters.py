"""Admitters: what a delegation allows, what a contradiction and a cut-off void, who succeeds whom."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import permutations

import pytest
from nacl.signing import SigningKey

from islandrun.errors import Contradiction, MalformedMessage, RejectedMessage
from islandrun.trust.claims import (
    AdmissionClaims,
    CutOffClaims,
    DelegationClaims,
    FreshnessClaims,
    Header,
    RenewalClaims,
    RevocationClaims,
    SuccessorClaims,
)
from islandrun.trust.genesis import found
from islandrun.trust.ledger import Ledger, Outcome
from islandrun.trust.rulings import succession
from islandrun.trust.signing import SignedAttestation, sign, verify
from islandrun.vocabulary import Ppm, Standing, Tier
from islandrun.wire import limits
from tests.signing_keys import name, public, signer

NOW = 1_800_000_000_000
DAY = 24 * 3600 * 1000
OWNER, ADMITTER, THIEF, ALICE, BOB, CAROL = (SigningKey(bytes([number]) * 32) for number in range(1, 7))


GENESIS = found(public(OWNER), "home", NOW, bytes(16), signer(OWNER))


def header(issuer: SigningKey, subject: SigningKey, at_ms: int = NOW, life_ms: int = 7 * DAY) -> Header:
    key = public(issuer), public(subject)
    return Header(GENESIS.mesh_id, *key, at_ms, at_ms, at_ms, at_ms + life_ms)


def delegation(quota: int = 2, tier: Tier = Tier.EDGE, ceiling: int = 700_000) -> SignedAttestation:
    claims = DelegationClaims(
        header(OWNER, ADMITTER), public(ADMITTER), quota, tier, Ppm(ceiling), ("office",), ("DE",)
    )
    return sign(claims, signer(OWNER))


def admission(
    island: SigningKey,
    number: int,
    before: SignedAttestation | None = None,
    ceiling: int = 1_000_000,
    group: str = "office",
    places: tuple[str, ...] = (),
) -> SignedAttestation:
    link = replace(header(ADMITTER, island), previous_hash=before.hash if before else b"")
    claims = AdmissionClaims(link, Tier.PERSONAL, group, Ppm(ceiling), places, b"", b"", number)
    return sign(claims, signer(ADMITTER))


def by_owner(island: SigningKey, ceiling: int = 900_000) -> SignedAttestation:
    claims = AdmissionClaims(header(OWNER, island), Tier.EDGE, "office", Ppm(ceiling))
    return sign(claims, signer(OWNER))


def cut_off(number: int = 0, last: SignedAttestation | None = None) -> SignedAttestation:
    claims = CutOffClaims(header(OWNER, ADMITTER), public(ADMITTER), number, last.hash if last else b"")
    return sign(claims, signer(OWNER))


def revocation(island: SigningKey, issuer: SigningKey = ADMITTER) -> SignedAttestation:
    return sign(RevocationClaims(header(issuer, island), public(island)), signer(issuer))


def renewal(island: SigningKey, issuer: SigningKey = ADMITTER, days: int = 9) -> SignedAttestation:
    claims = RenewalClaims(header(issuer, island, life_ms=days * DAY), public(island), b"renewed")
    return sign(claims, signer(issuer))


def successor(
    old: SigningKey, new: SigningKey, issuer: SigningKey = OWNER, by: SigningKey | None = None
) -> SignedAttestation:
    proof = (by or old).sign(succession(GENESIS.mesh_id, public(old), public(new))).signature
    return sign(SuccessorClaims(header(issuer, old), public(old), public(new), proof), signer(issuer))


ONE = admission(ALICE, 1)
TWO = admission(BOB, 2, ONE)
THREE = admission(CAROL, 3, TWO)


def ledger_of(statements: Iterable[SignedAttestation]) -> Ledger:
    ledger = Ledger(GENESIS)
    for signed in statements:
        admit(ledger, signed)
    return ledger


def admit(ledger: Ledger, signed: SignedAttestation, now_ms: int = NOW) -> Outcome:
    return ledger.admit(verify(signed, GENESIS, now_ms), now_ms)


def in_any_order(*statements: SignedAttestation) -> Iterable[Ledger]:
    """Yield the ledger of each order of these statements; all must be the same."""
    for order in permutations(statements):
        ledger = Ledger(GENESIS)
        for signed in order:
            try:
                admit(ledger, signed)
            except RejectedMessage:
                continue
        yield ledger


def admitted(ledger: Ledger, *islands: SigningKey, now_ms: int = NOW) -> list[bool]:
    return [ledger.standing(name(island), now_ms) is Standing.ADMITTED for island in islands]


# ---------------------------------------------------------------- delegation


def test_an_admission_counts_with_the_delegation_whichever_came_first() -> None:
    for ledger in in_any_order(delegation(), ONE):
        assert admitted(ledger, ALICE) == [True]
        assert ledger.admitters.is_good(public(ADMITTER))
        assert ledger.issuing == (public(ADMITTER),)
    assert admitted(ledger_of([ONE]), ALICE) == [False]
    assert ledger_of([ONE]).public_key(name(ALICE)) == public(ALICE)


def test_an_admission_never_exceeds_its_delegation() -> None:
    for ledger in in_any_order(delegation(), admission(ALICE, 1, places=("DE",))):
        combined = ledger.admission(name(ALICE))
        assert combined is not None
        assert (combined.tier, combined.trust_ceiling_ppm) == (Tier.EDGE, 700_000)
        assert combined.jurisdictions == ("DE",)
    beyond = ledger_of([delegation(), admission(ALICE, 1, places=("DE", "US"))]).admission(name(ALICE))
    assert beyond is not None
    assert beyond.jurisdictions == ()
    lower = ledger_of([delegation(), admission(ALICE, 1, ceiling=5)]).admission(name(ALICE))
    assert lower is not None
    assert lower.trust_ceiling_ppm == 5


def test_what_is_over_the_quota_or_outside_the_groups_is_void() -> None:
    for ledger in in_any_order(delegation(quota=2), ONE, TWO, THREE):
        assert admitted(ledger, ALICE, BOB, CAROL) == [True, True, False]
    assert admitted(ledger_of([delegation(), admission(ALICE, 1, group="home")]), ALICE) == [False]


def test_the_owners_word_on_an_island_stands_alone() -> None:
    for ceiling in (900_000, 300_000):
        for ledger in in_any_order(delegation(), by_owner(ALICE, ceiling), ONE, revocation(ALICE)):
            combined = ledger.admission(name(ALICE))
            assert combined is not None
            assert combined.trust_ceiling_ppm == ceiling
            assert admitted(ledger, ALICE) == [True]


def test_only_the_owner_delegates_and_only_with_a_number_does_an_admitter_admit() -> None:
    own = DelegationClaims(header(ADMITTER, THIEF), public(THIEF), 9, Tier.EDGE, Ppm(1), ("office",))
    bare = AdmissionClaims(header(ADMITTER, ALICE), Tier.EDGE, "office", Ppm(1))
    numbered = AdmissionClaims(header(OWNER, ALICE), Tier.EDGE, "office", Ppm(1), number=1)
    for claims, key in ((own, ADMITTER), (bare, ADMITTER), (numbered, OWNER)):
        with pytest.raises(Contradiction):
            verify(sign(claims, signer(key)), GENESIS, NOW)
    linked = header(ADMITTER, ALICE)
    for number, previous in ((1, bytes(32)), (2, b""), (limits.ADMISSIONS_PER_ADMITTER_MAX + 1, bytes(32))):
        link = replace(linked, previous_hash=previous)
        with pytest.raises(MalformedMessage):
            sign(AdmissionClaims(link, Tier.EDGE, "office", Ppm(1), number=number), signer(ADMITTER))


# ---------------------------------------------------------------- contradictions and cut-offs


@pytest.mark.parametrize(
    "rival",
    [admission(CAROL, 2, ONE), admission(CAROL, 3, ONE), admission(BOB, 2, ONE, ceiling=1)],
    ids=["two of one number", "another before it", "two contents"],
)
def test_an_admitter_that_contradicts_itself_is_frozen(rival: SignedAttestation) -> None:
    for ledger in in_any_order(delegation(quota=9), ONE, TWO, rival, by_owner(CAROL)):
        assert admitted(ledger, ALICE, BOB, CAROL) == [False, False, True]
        assert ledger.is_frozen(public(ADMITTER))
        assert ledger.revoked() == ()
        assert ledger.issuing == ()
        assert admitted(ledger_of(ledger.records()), ALICE, BOB, CAROL) == [False, False, True]


def test_the_owner_rules_which_chain_of_a_frozen_admitter_holds() -> None:
    rival = admission(CAROL, 2, ONE)
    for ledger in in_any_order(delegation(), ONE, TWO, rival, cut_off(2, rival)):
        assert admitted(ledger, ALICE, BOB, CAROL) == [True, False, True]
        assert not ledger.may_renew(public(ADMITTER))


def test_a_proof_alone_freezes_an_admitter_and_survives_a_restart() -> None:
    rival = admission(CAROL, 2, ONE)
    ledger = ledger_of([delegation(), ONE])
    assert ledger.admit_equivocation(TWO, rival, NOW)
    assert not ledger.admit_equivocation(rival, TWO, NOW)
    assert admitted(ledger, ALICE) == [False]
    with pytest.raises(Contradiction):
        ledger_of([delegation()]).admit_equivocation(ONE, TWO, NOW)


def test_a_cut_off_voids_what_comes_after_it_for_good() -> None:
    later = admission(CAROL, 3, TWO)
    for ledger in in_any_order(delegation(quota=9), ONE, TWO, later, cut_off(1, ONE)):
        assert admitted(ledger, ALICE, BOB, CAROL) == [True, False, False]
        assert ledger.issuing == (public(ADMITTER),)
    for ledger in in_any_order(delegation(), ONE, cut_off(0), cut_off(1, ONE)):
        assert admitted(ledger, ALICE) == [False]
        assert ledger.issuing == ()
    again = ledger_of([delegation(), ONE, cut_off(0)])
    newer = replace(verify(delegation(), GENESIS, NOW).claims, header=header(OWNER, ADMITTER, NOW + 9))
    admit(again, sign(newer, signer(OWNER)))
    assert admitted(again, ALICE) == [False]


def test_nothing_can_be_dated_back_behind_a_cut_off() -> None:
    backdated = admission(CAROL, 1)
    for ledger in in_any_order(delegation(), ONE, TWO, cut_off(2, TWO), backdated):
        assert admitted(ledger, ALICE, BOB, CAROL) == [True, True, False]


# ---------------------------------------------------------------- revocation, renewal, succession


def test_an_admitter_revokes_its_own_islands_alone_and_for_good() -> None:
    for ledger in in_any_order(delegation(), ONE, by_owner(BOB), revocation(ALICE), revocation(BOB)):
        assert ledger.standing(name(ALICE), NOW) is Standing.REVOKED
        assert admitted(ledger, BOB) == [True]
        admit(ledger, cut_off(0))
        assert ledger.standing(name(ALICE), NOW) is Standing.REVOKED
    assert ledger_of([revocation(ALICE), ONE]).revoked() == ()


def test_a_renewal_lets_time_run_on_and_grants_nothing() -> None:
    late = NOW + 8 * DAY
    for ledger in in_any_order(delegation(), by_owner(ALICE), renewal(ALICE)):
        assert admitted(ledger, ALICE, now_ms=late) == [True]
        combined = ledger.admission(name(ALICE))
        assert combined is not None
        assert (combined.trust_ceiling_ppm, combined.certificate_der) == (900_000, b"renewed")
    for ledger in in_any_order(delegation(), by_owner(ALICE), renewal(ALICE), cut_off(0)):
        assert admitted(ledger, ALICE, now_ms=late) == [False]
    for ledger in in_any_order(delegation(), renewal(ALICE)):
        assert admitted(ledger, ALICE) == [False]
    assert admitted(ledger_of([by_owner(ALICE), renewal(ALICE, THIEF)]), ALICE, now_ms=late) == [False]
    with pytest.raises(MalformedMessage):
        verify(renewal(ALICE, days=32), GENESIS, NOW)


def test_a_successor_inherits_what_the_old_key_was_granted() -> None:
    for ledger in in_any_order(by_owner(ALICE, 300_000), successor(ALICE, BOB), renewal(BOB, OWNER)):
        assert ledger.standing(name(ALICE), NOW) is Standing.REVOKED
        assert admitted(ledger, BOB) == [True]
        combined = ledger.admission(name(BOB))
        assert combined is not None
        assert (combined.trust_ceiling_ppm, combined.header.subject) == (300_000, public(BOB))
        assert combined.certificate_der == b"renewed"
    chain = [by_owner(ALICE), successor(ALICE, BOB), successor(BOB, CAROL)]
    for ledger in in_any_order(*chain):
        assert admitted(ledger, ALICE, BOB, CAROL) == [False, False, True]


def test_a_succession_needs_the_old_key_and_an_authority() -> None:
    with pytest.raises(Contradiction):
        verify(successor(ALICE, BOB, by=BOB), GENESIS, NOW)
    for ledger in in_any_order(by_owner(ALICE), successor(ALICE, BOB, THIEF)):
        assert admitted(ledger, ALICE, BOB) == [True, False]
    for ledger in in_any_order(delegation(), by_owner(ALICE), successor(ALICE, BOB, ADMITTER)):
        assert admitted(ledger, ALICE, BOB) == [False, True]
    cut = (delegation(), by_owner(ALICE), successor(ALICE, BOB, ADMITTER), cut_off(0))
    for ledger in in_any_order(*cut):
        assert admitted(ledger, ALICE, BOB) == [False, False]


def test_two_successors_of_one_key_and_one_of_a_revoked_key_inherit_nothing() -> None:
    for ledger in in_any_order(by_owner(ALICE), successor(ALICE, BOB), successor(ALICE, CAROL)):
        assert admitted(ledger, ALICE, BOB, CAROL) == [False, False, False]
    for ledger in in_any_order(by_owner(ALICE), successor(ALICE, BOB), revocation(ALICE, OWNER)):
        assert admitted(ledger, ALICE, BOB) == [False, False]
    for ledger in in_any_order(by_owner(ALICE), successor(ALICE, BOB), successor(BOB, ALICE)):
        assert admitted(ledger, ALICE, BOB) == [False, False]


# ---------------------------------------------------------------- freshness and limits


def fresh(ledger: Ledger, issuer: SigningKey = OWNER, at_ms: int = NOW + 5) -> SignedAttestation:
    set_hash, count = ledger.removals(public(issuer), at_ms)
    return sign(FreshnessClaims(header(issuer, issuer, at_ms), set_hash, count), signer(issuer))


def test_freshness_counts_only_with_all_that_it_counts() -> None:
    whole = ledger_of([delegation(), revocation(ALICE, OWNER), revocation(BOB, OWNER)])
    word = fresh(whole)
    admit(whole, word, NOW + 9)
    assert whole.freshest_ms(NOW + 9) == {public(OWNER): NOW + 5}
    assert whole.freshest_ms(NOW) == {public(OWNER): NOW}
    kept_behind = ledger_of([delegation(), revocation(ALICE, OWNER)])
    admit(kept_behind, word, NOW + 9)
    assert kept_behind.freshest_ms(NOW + 9) == {}
    admit(kept_behind, revocation(BOB, OWNER))
    assert kept_behind.freshest_ms(NOW + 9) == {public(OWNER): NOW + 5}
    admit(kept_behind, fresh(kept_behind, ADMITTER), NOW + 9)
    assert set(kept_behind.freshest_ms(NOW + 9)) == {public(OWNER), public(ADMITTER)}
    admit(kept_behind, cut_off(0))
    assert set(kept_behind.freshest_ms(NOW + 9)) == {public(OWNER)}
    assert ledger_of([fresh(Ledger(GENESIS), THIEF, NOW)]).freshest_ms(NOW) == {}


def test_keys_without_a_delegation_fill_a_small_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WAITING_ADMITTERS_MAX", 2)
    ledger = Ledger(GENESIS)
    strangers = [SigningKey(bytes([number]) * 32) for number in range(100, 103)]
    for key in strangers[:2]:
        admit(ledger, revocation(ALICE, key))
    with pytest.raises(RejectedMessage):
        admit(ledger, revocation(ALICE, strangers[2]))
    with pytest.raises(RejectedMessage):
        admit(ledger, ONE)
    admit(ledger, delegation())
    assert admit(ledger, ONE) is Outcome.NEW
    assert admitted(ledger, ALICE) == [True]


def test_an_owner_has_few_admitters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ADMITTERS_MAX", 1)
    ledger = ledger_of([delegation()])
    other = DelegationClaims(header(OWNER, THIEF), public(THIEF), 1, Tier.EDGE, Ppm(1), ("office",))
    with pytest.raises(RejectedMessage):
        admit(ledger, sign(other, signer(OWNER)))
