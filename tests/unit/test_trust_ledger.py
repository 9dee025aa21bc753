"""The ledger: rollback, replay, contradiction, revocation, renewal, and its limits."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import permutations

import pytest
from nacl.signing import SigningKey

from islandrun.errors import ExpiredAttestation, RejectedMessage
from islandrun.trust.claims import (
    AdmissionClaims,
    CertificationClaims,
    GroupTrustClaims,
    Header,
    RevocationClaims,
    SelfClaims,
    VouchClaims,
)
from islandrun.trust.genesis import found
from islandrun.trust.ledger import Ledger, Outcome, key_of, record_key
from islandrun.trust.signing import SKEW_MS, SignedAttestation, sign, verify
from islandrun.vocabulary import Ppm, Standing, Tier
from islandrun.wire import limits
from tests.signing_keys import name, public, signer

NOW = 1_800_000_000_000
MINUTE = 60_000
DAY = 24 * 60 * MINUTE
OWNER, ALICE, BOB = (SigningKey(bytes([number]) * 32) for number in (1, 2, 3))


def key_number(number: int) -> SigningKey:
    return SigningKey(number.to_bytes(32, "big"))


GENESIS = found(public(OWNER), "home", NOW, bytes(16), signer(OWNER))


def header(
    issuer: SigningKey, subject: SigningKey, sequence: int = NOW, slot: int = 0, life_ms: int = DAY
) -> Header:
    return Header(GENESIS.mesh_id, public(issuer), public(subject), sequence, NOW, NOW, NOW + life_ms, slot)


def admission(
    island: SigningKey = ALICE, sequence: int = NOW, ceiling: int = 900_000, slot: int = 0
) -> SignedAttestation:
    claims = AdmissionClaims(header(OWNER, island, sequence, slot), Tier.EDGE, "office", Ppm(ceiling))
    return sign(claims, signer(OWNER))


def about_itself(island: SigningKey = ALICE, sequence: int = NOW, called: str = "one") -> SignedAttestation:
    return sign(SelfClaims(header(island, island, sequence), called, sequence), signer(island))


def vouch(issuer: SigningKey = BOB, subject: SigningKey = ALICE, slot: int = 0) -> SignedAttestation:
    return sign(VouchClaims(header(issuer, subject, slot=slot), Ppm(100_000)), signer(issuer))


def revocation(island: SigningKey = ALICE, sequence: int = NOW) -> SignedAttestation:
    return sign(RevocationClaims(header(OWNER, island, sequence), public(island), "lost"), signer(OWNER))


def groups(trust: int, sequence: int = NOW, slot: int = 0) -> SignedAttestation:
    claims = GroupTrustClaims(header(OWNER, OWNER, sequence, slot), "home", "office", Ppm(trust))
    return sign(claims, signer(OWNER))


def admit(ledger: Ledger, signed: SignedAttestation, now_ms: int = NOW) -> Outcome:
    return ledger.admit(verify(signed, GENESIS, now_ms), now_ms)


def ledger_of(*statements: SignedAttestation) -> Ledger:
    ledger = Ledger(GENESIS)
    for signed in statements:
        admit(ledger, signed)
    return ledger


def refuses(ledger: Ledger, signed: SignedAttestation) -> bool:
    """Say whether a statement is refused; check that this changed nothing."""
    before = (ledger.records(), ledger.versions(), ledger.islands(), ledger.revoked(), ledger.equivocations())
    try:
        admit(ledger, signed)
    except RejectedMessage:
        after = (
            ledger.records(),
            ledger.versions(),
            ledger.islands(),
            ledger.revoked(),
            ledger.equivocations(),
        )
        assert after == before
        return True
    return False


def places(statements: Iterable[SignedAttestation]) -> list[bytes]:
    return sorted(key_of(verify(signed, GENESIS, NOW).claims) for signed in statements)


SELF_PLACE = record_key(public(ALICE), public(ALICE), "self", 0)


# ---------------------------------------------------------------- versions


def test_an_empty_ledger_knows_nobody() -> None:
    ledger = Ledger(GENESIS)
    assert (ledger.records(), ledger.islands(), ledger.revoked()) == ((), (), ())
    assert ledger.standing(name(ALICE), NOW) is Standing.UNKNOWN
    assert (
        ledger.public_key(name(ALICE))
        is ledger.self_claims(name(ALICE))
        is ledger.admission(name(ALICE))
        is None
    )
    assert (
        ledger.record(SELF_PLACE)
        is ledger.version(SELF_PLACE)
        is ledger.admission_record(name(ALICE))
        is None
    )


def test_replay_and_rollback_change_nothing() -> None:
    newest = about_itself(sequence=NOW + 5, called="newest")
    ledger = ledger_of(admission(), newest)
    assert admit(ledger, newest) is Outcome.KNOWN
    assert admit(ledger, about_itself(sequence=NOW + 4)) is Outcome.OLDER
    assert ledger.record(SELF_PLACE) == newest
    assert ledger.version(SELF_PLACE) == (0, NOW + 5)
    assert admit(ledger, about_itself(sequence=NOW + 6)) is Outcome.NEW


def test_a_higher_epoch_beats_any_sequence() -> None:
    restored = SelfClaims(replace(header(ALICE, ALICE, 1), epoch=1), "restored", 1)
    ledger = ledger_of(admission(), about_itself(sequence=NOW + 5))
    assert admit(ledger, sign(restored, signer(ALICE))) is Outcome.NEW
    assert ledger.self_claims(name(ALICE)) == restored
    assert admit(ledger, about_itself(sequence=NOW + 9)) is Outcome.OLDER


def test_what_ended_is_dropped_and_its_predecessor_does_not_come_back() -> None:
    short = SelfClaims(header(ALICE, ALICE, NOW + 1, life_ms=MINUTE), "asleep", NOW)
    ledger = ledger_of(admission(), about_itself(), sign(short, signer(ALICE)))
    assert ledger.expire(NOW + MINUTE) == ()
    assert ledger.expire(NOW + MINUTE + 1) == (SELF_PLACE,)
    assert ledger.self_claims(name(ALICE)) is None
    assert ledger.record(SELF_PLACE) is None
    assert ledger.version(SELF_PLACE) == (0, NOW + 1)
    assert SELF_PLACE not in ledger.versions()
    assert admit(ledger, about_itself(), NOW + 2 * MINUTE) is Outcome.OLDER
    assert admit(ledger, about_itself(sequence=NOW + 2), NOW + 2 * MINUTE) is Outcome.NEW


def test_only_self_statements_are_dropped() -> None:
    ledger = ledger_of(admission(), revocation(BOB), groups(1), vouch(key_number(9)))
    assert ledger.expire(NOW + 400 * DAY) == ()
    assert len(ledger.records()) == 4


def test_a_statement_that_ended_between_verifying_and_admitting_is_refused() -> None:
    verified = verify(about_itself(), GENESIS, NOW)
    with pytest.raises(ExpiredAttestation):
        Ledger(GENESIS).admit(verified, NOW + DAY + SKEW_MS + 1)


def test_records_are_sorted_by_place_and_all_are_there() -> None:
    statements = (admission(), about_itself(), admission(BOB), about_itself(BOB), groups(1), vouch())
    ledger = ledger_of(*statements)
    assert places(ledger.records()) == [key_of(verify(s, GENESIS, NOW).claims) for s in ledger.records()]
    assert set(ledger.records()) == set(statements)
    assert sorted(ledger.versions()) == places(statements)
    for signed in statements:
        place = key_of(verify(signed, GENESIS, NOW).claims)
        assert ledger.versions()[place] == (0, NOW, signed.hash[:8])
    assert ledger.islands() == tuple(sorted((name(ALICE), name(BOB))))
    assert ledger.public_key(name(BOB)) == public(BOB)
    assert ledger.admission_record(name(BOB)) == admission(BOB)


# ---------------------------------------------------------------- standing


def test_standing_follows_the_admission() -> None:
    later = replace(header(OWNER, ALICE), not_before_ms=NOW + SKEW_MS)
    ledger = ledger_of(about_itself())
    assert ledger.standing(name(ALICE), NOW) is Standing.UNKNOWN
    admit(ledger, sign(AdmissionClaims(later, Tier.EDGE, "office", Ppm(1)), signer(OWNER)))
    for now_ms, standing in (
        (NOW - 1, Standing.EXPIRED),
        (NOW, Standing.ADMITTED),
        (NOW + DAY, Standing.ADMITTED),
        (NOW + DAY + 1, Standing.EXPIRED),
    ):
        assert ledger.standing(name(ALICE), now_ms) is standing, now_ms - NOW


def test_a_clock_wound_back_does_not_revive_an_admission() -> None:
    late = replace(header(OWNER, OWNER), issued_at_ms=NOW + 2 * DAY, not_after_ms=NOW + 3 * DAY)
    ledger = ledger_of(admission())
    claims = GroupTrustClaims(late, "a", "b", Ppm(1))
    admit(ledger, sign(claims, signer(OWNER)), NOW + 2 * DAY)
    assert ledger.standing(name(ALICE), NOW) is Standing.EXPIRED
    assert ledger.present_ms(NOW) == NOW + 2 * DAY - SKEW_MS
    assert ledger.present_ms(NOW + 5 * DAY) == NOW + 5 * DAY


def test_a_revocation_wins_in_any_order_and_for_good() -> None:
    statements = [admission(), admission(sequence=NOW + 9), about_itself(), revocation(), vouch(ALICE, BOB)]
    for order in permutations(statements):
        ledger = Ledger(GENESIS)
        for signed in order:
            refuses(ledger, signed)
        assert ledger.standing(name(ALICE), NOW) is Standing.REVOKED
        assert ledger.revoked() == (name(ALICE),)
        assert ledger.self_claims(name(ALICE)) is None
        assert ledger.vouches(name(BOB)) == ()
        assert refuses(ledger, about_itself(sequence=NOW + 100))
        assert admit(ledger, admission(sequence=NOW + 100, slot=3)) is Outcome.NEW
        assert admit(ledger, revocation(sequence=NOW + 100)) is Outcome.NEW
        assert ledger.standing(name(ALICE), NOW) is Standing.REVOKED


def test_a_renewal_may_raise_and_another_slot_only_lowers() -> None:
    def claims(
        slot: int, sequence: int, tier: Tier, ceiling: int, places: tuple[str, ...]
    ) -> SignedAttestation:
        subject = header(OWNER, ALICE, sequence, slot)
        granted = AdmissionClaims(subject, tier, f"group{slot}", Ppm(ceiling), places, bytes([slot]))
        return sign(granted, signer(OWNER))

    ledger = ledger_of(claims(0, NOW, Tier.PERSONAL, 300_000, ("DE", "FR")))
    admit(ledger, claims(0, NOW + 1, Tier.EDGE, 800_000, ("DE", "FR")))
    combined = ledger.admission(name(ALICE))
    assert combined is not None
    assert (combined.tier, combined.trust_ceiling_ppm) == (Tier.EDGE, 800_000)
    admit(ledger, claims(1, NOW + 2, Tier.PERSONAL, 900_000, ("FR", "DE")))
    combined = ledger.admission(name(ALICE))
    assert combined is not None
    assert (combined.tier, combined.trust_ceiling_ppm, combined.jurisdictions) == (
        Tier.EDGE,
        800_000,
        ("DE", "FR"),
    )
    assert combined.certificate_der == bytes([1])
    assert ledger.admission_record(name(ALICE)) == claims(1, NOW + 2, Tier.PERSONAL, 900_000, ("FR", "DE"))
    admit(ledger, claims(2, NOW, Tier.CLOUD, 100_000, ("DE",)))
    combined = ledger.admission(name(ALICE))
    assert combined is not None
    assert (combined.tier, combined.trust_ceiling_ppm, combined.jurisdictions) == (Tier.CLOUD, 100_000, ())


def test_an_admission_holds_as_long_as_every_slot_of_it() -> None:
    longer = AdmissionClaims(header(OWNER, ALICE, NOW + 1, 1, 9 * DAY), Tier.EDGE, "office", Ppm(900_000))
    ledger = ledger_of(admission(), sign(longer, signer(OWNER)))
    combined = ledger.admission(name(ALICE))
    assert combined is not None
    assert combined.header.not_after_ms == NOW + DAY
    assert ledger.standing(name(ALICE), NOW + 2 * DAY) is Standing.EXPIRED


def test_trust_between_groups_is_directed_and_the_newest_word_holds() -> None:
    ledger = Ledger(GENESIS)
    assert ledger.group_trust("home", "home") == 1_000_000
    assert ledger.group_trust("home", "office") == 800_000
    admit(ledger, groups(300_000, NOW + 1, slot=1))
    admit(ledger, groups(900_000, NOW, slot=0))
    assert ledger.group_trust("home", "office") == 300_000
    assert ledger.group_trust("office", "home") == 800_000
    admit(ledger, groups(600_000, NOW + 2, slot=0))
    assert ledger.group_trust("home", "office") == 600_000


# ---------------------------------------------------------------- limits


def test_an_issuer_fills_sixty_four_places_and_the_owner_more() -> None:
    ledger = ledger_of(admission(BOB))
    for slot in range(limits.RECORDS_PER_ISSUER_MAX):
        admit(ledger, vouch(slot=slot))
    assert refuses(ledger, vouch(slot=limits.RECORDS_PER_ISSUER_MAX))
    assert admit(ledger, vouch(slot=0)) is Outcome.KNOWN
    for slot in range(limits.RECORDS_PER_ISSUER_MAX + 1):
        admit(ledger, vouch(OWNER, slot=slot))


def test_islands_that_nobody_admitted_wait_in_a_small_room() -> None:
    ledger = Ledger(GENESIS)
    for number in range(100, 100 + limits.WAITING_ISLANDS_MAX):
        admit(ledger, about_itself(key_number(number)))
    assert refuses(ledger, about_itself())
    admit(ledger, admission())
    assert admit(ledger, about_itself()) is Outcome.NEW
    admit(ledger, admission(key_number(100)))
    assert admit(ledger, about_itself(BOB)) is Outcome.NEW
    assert len(ledger.expire(NOW + DAY + 1)) == limits.WAITING_ISLANDS_MAX + 2
    assert ledger.public_key(name(key_number(101))) is None
    assert ledger.version(record_key(public(BOB), public(BOB), "self", 0)) is None


def test_few_keys_from_outside_are_heard_but_always_those_that_were_named() -> None:
    def certified(issuer: SigningKey) -> SignedAttestation:
        return sign(CertificationClaims(header(issuer, ALICE), "iso27001", Ppm(1)), signer(issuer))

    ledger = Ledger(GENESIS, accepted_issuers=(public(BOB),))
    for number in range(100, 100 + limits.OUTSIDE_ISSUERS_MAX):
        admit(ledger, certified(key_number(number)))
    assert refuses(ledger, certified(key_number(99)))
    assert admit(ledger, certified(BOB)) is Outcome.NEW
    admit(ledger, admission(key_number(99)))
    assert admit(ledger, certified(key_number(99))) is Outcome.NEW
    assert len(ledger.certifications(name(ALICE))) == limits.OUTSIDE_ISSUERS_MAX + 2


@pytest.mark.parametrize(("limit", "value"), [("ISLANDS_MAX", 2), ("OWNER_RECORDS_MAX", 4)])
def test_a_full_ledger_takes_revocations_still(
    limit: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, limit, value)
    monkeypatch.setattr("islandrun.trust.room._GRANTS_MAX", 2)
    ledger = ledger_of(admission(ALICE), admission(BOB))
    assert refuses(ledger, admission(key_number(7)))
    assert admit(ledger, admission(ALICE, NOW + 1)) is Outcome.NEW
    assert admit(ledger, revocation(ALICE)) is Outcome.NEW
    assert ledger.standing(name(ALICE), NOW) is Standing.REVOKED
