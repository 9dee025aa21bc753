"""The score: each factor alone can bring it to its own value, and what is missing brings it to 0."""

import hashlib
from dataclasses import replace

import pytest
from nacl.signing import SigningKey

from islandrun.trust.behaviour import Behaviour
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
)
from islandrun.trust.genesis import found
from islandrun.trust.ledger import Ledger
from islandrun.trust.naming import island_id
from islandrun.trust.score import TrustPolicy, score, view_of
from islandrun.trust.signing import SKEW_MS, sign, verify
from islandrun.trust.view import Reach, View
from islandrun.vocabulary import Ppm, PublicKey, Tier, TrustScore
from tests.signing_keys import public, signer

NOW = 1_800_000_000_000
DAY = 24 * 3600 * 1000
OWNER, ALICE, BOB, AUDITOR = (SigningKey(bytes([number]) * 32) for number in (1, 2, 3, 4))
NAMES = [
    "standing",
    "attested",
    "admission_ceiling",
    "tier_base",
    "group",
    "jurisdiction",
    "certifications",
    "vouches",
    "behaviour",
    "freshness",
]


GENESIS = found(public(OWNER), "home", NOW, bytes(16), signer(OWNER))
ISLAND = island_id(public(ALICE))


def header(issuer: SigningKey, subject: SigningKey, slot: int = 0, life_ms: int = DAY) -> Header:
    return Header(GENESIS.mesh_id, public(issuer), public(subject), NOW, NOW, NOW, NOW + life_ms, slot)


def admission(
    ceiling: int = 1_000_000,
    tier: Tier = Tier.PERSONAL,
    group: str = "home",
    places: tuple[str, ...] = ("DE",),
    slot: int = 0,
) -> AdmissionClaims:
    return AdmissionClaims(header(OWNER, ALICE, slot), tier, group, Ppm(ceiling), places)


SELF = SelfClaims(header(ALICE, ALICE), "alice", 1)


def ledger_of(*said: tuple[Claims, SigningKey]) -> Ledger:
    ledger = Ledger(GENESIS)
    for claims, key in said:
        ledger.admit(verify(sign(claims, signer(key)), GENESIS, NOW), NOW)
    return ledger


def trust(
    *said: tuple[Claims, SigningKey],
    policy: TrustPolicy = TrustPolicy(),  # noqa: B008
    my_group: str = "home",
    behaviour: Behaviour | None = None,
    now_ms: int = NOW,
) -> TrustScore:
    return score(ledger_of(*said), ISLAND, my_group, policy, behaviour, now_ms)


GERMANY = TrustPolicy(jurisdictions=("DE",))
GRANTED = ((admission(), OWNER), (SELF, ALICE))


def factor(given: TrustScore, name: str) -> int:
    return next(found.ppm for found in given.factors if found.name == name)


def test_all_factors_are_there_in_order_and_the_score_is_their_minimum() -> None:
    full = trust(*GRANTED)
    assert [found.name for found in full.factors] == NAMES
    assert full.ppm == 1_000_000
    nothing = trust()
    assert [found.name for found in nothing.factors] == NAMES
    assert nothing.ppm == 0
    for name in ("standing", "attested", "admission_ceiling", "tier_base", "group"):
        assert factor(nothing, name) == 0


@pytest.mark.parametrize(
    ("given", "name", "ppm"),
    [
        (trust((admission(), OWNER)), "attested", 0),
        (trust((SELF, ALICE)), "standing", 0),
        (trust(*GRANTED, now_ms=NOW + DAY + 1), "attested", 0),
        (trust(*GRANTED, (RevocationClaims(header(OWNER, ALICE), public(ALICE)), OWNER)), "standing", 0),
        (trust((admission(400_000), OWNER), (SELF, ALICE)), "admission_ceiling", 400_000),
        (trust((admission(tier=Tier.EDGE), OWNER), (SELF, ALICE)), "tier_base", 800_000),
        (trust((admission(tier=Tier.CLOUD), OWNER), (SELF, ALICE)), "tier_base", 200_000),
        (trust(*GRANTED, policy=TrustPolicy(tier_base={Tier.EDGE: Ppm(1)})), "tier_base", 0),
        (trust((admission(group="office"), OWNER), (SELF, ALICE)), "group", 800_000),
        (trust(*GRANTED, my_group=""), "group", 0),
        (trust(*GRANTED, policy=TrustPolicy(jurisdictions=("FR",))), "jurisdiction", 0),
        (trust(*GRANTED, policy=TrustPolicy(jurisdictions=("FR", "DE"))), "jurisdiction", 1_000_000),
        (
            trust((admission(places=()), OWNER), (SELF, ALICE), policy=GERMANY),
            "jurisdiction",
            0,
        ),
        (
            trust(
                (admission(places=("DE", "US")), OWNER),
                (SELF, ALICE),
                policy=GERMANY,
            ),
            "jurisdiction",
            0,
        ),
        (trust(*GRANTED, policy=TrustPolicy(required_schemes=("iso27001",))), "certifications", 0),
        (trust(*GRANTED, (VouchClaims(header(OWNER, ALICE), Ppm(70)), OWNER)), "vouches", 70),
        (trust(*GRANTED, behaviour=Behaviour(bad=2.0, at_ms=NOW)), "behaviour", 867_054),
    ],
)
def test_each_factor_alone_holds_the_score_down(given: TrustScore, name: str, ppm: int) -> None:
    assert factor(given, name) == ppm
    assert given.ppm == ppm


def test_the_trust_of_a_group_is_directed() -> None:
    stated = GroupTrustClaims(header(OWNER, OWNER), "home", "office", Ppm(100_000))
    office = ((admission(group="office"), OWNER), (SELF, ALICE), (stated, OWNER))
    assert trust(*office).ppm == 100_000
    assert trust(*office, my_group="office").ppm == 1_000_000


def test_an_admission_in_another_slot_never_raises_any_factor() -> None:
    strict = TrustPolicy(jurisdictions=("DE",), tier_base={Tier.PERSONAL: Ppm(10), Tier.CLOUD: Ppm(900_000)})
    narrow = admission(500_000, Tier.PERSONAL, "far", ("DE", "US"), slot=1)
    wide = admission(1_000_000, Tier.CLOUD, "home", ("DE",), slot=2)
    for policy in (strict, TrustPolicy()):
        alone = trust((narrow, OWNER), (SELF, ALICE), policy=policy)
        both = trust((narrow, OWNER), (SELF, ALICE), (wide, OWNER), policy=policy)
        for before, after in zip(alone.factors, both.factors, strict=True):
            assert after.ppm <= before.ppm, before.name


def test_certifications_count_by_accepted_issuers_in_their_time_only() -> None:
    policy = TrustPolicy(required_schemes=("iso27001", "soc2"), accepted_issuers=(public(AUDITOR),))

    def certified(
        scheme: str, level: int, slot: int = 0, by: SigningKey = AUDITOR
    ) -> tuple[Claims, SigningKey]:
        return CertificationClaims(header(by, ALICE, slot), scheme, Ppm(level)), by

    def level(*said: tuple[Claims, SigningKey], now_ms: int = NOW) -> int:
        return factor(trust(*GRANTED, *said, policy=policy, now_ms=now_ms), "certifications")

    both = (certified("iso27001", 700_000), certified("soc2", 600_000, slot=1))
    assert level(*both) == 600_000
    assert level(*both, now_ms=NOW + DAY) == 600_000
    assert level(*both, now_ms=NOW + DAY + 1) == 0
    assert level(both[0]) == 0
    assert level(*both, certified("soc2", 900_000, slot=2)) == 700_000
    assert level(both[0], certified("soc2", 900_000, by=BOB)) == 0


def test_a_vouch_counts_when_we_listen_to_its_issuer_and_until_its_end() -> None:
    def vouched(by: SigningKey, policy: TrustPolicy, now_ms: int = NOW) -> int:
        said = (VouchClaims(header(by, ALICE), Ppm(5)), by)
        return factor(trust(*GRANTED, said, policy=policy, now_ms=now_ms), "vouches")

    assert vouched(OWNER, TrustPolicy()) == 5
    assert vouched(AUDITOR, TrustPolicy()) == 1_000_000
    assert vouched(AUDITOR, TrustPolicy(accepted_issuers=(public(AUDITOR),))) == 5
    assert vouched(OWNER, TrustPolicy(), NOW + DAY + SKEW_MS) == 5
    assert vouched(OWNER, TrustPolicy(), NOW + DAY + SKEW_MS + 1) == 1_000_000


def test_a_member_can_not_hold_another_down() -> None:
    bob = AdmissionClaims(header(OWNER, BOB), Tier.PERSONAL, "home", Ppm(1_000_000))
    said = (*GRANTED, (bob, OWNER), (VouchClaims(header(BOB, ALICE), Ppm(0)), BOB))
    assert trust(*said).ppm == 1_000_000


def test_what_an_island_claims_of_itself_changes_nothing() -> None:
    boast = replace(SELF, name="root", jurisdictions=("DE",), requests_max=1_000_000)
    policy = TrustPolicy(jurisdictions=("DE",))
    assert trust((admission(places=()), OWNER), (boast, ALICE), policy=policy).ppm == 0


def test_a_clock_wound_back_revives_nothing() -> None:
    late = replace(header(OWNER, OWNER), issued_at_ms=NOW + 3 * DAY, not_after_ms=NOW + 4 * DAY)
    ledger = ledger_of(*GRANTED)
    assert score(ledger, ISLAND, "home", TrustPolicy(), None, NOW).ppm == 1_000_000
    signed = sign(GroupTrustClaims(late, "a", "b", Ppm(1)), signer(OWNER))
    ledger.admit(verify(signed, GENESIS, NOW + 3 * DAY), NOW + 3 * DAY)
    assert score(ledger, ISLAND, "home", TrustPolicy(), None, NOW).ppm == 0


NOTHING_REMOVED = hashlib.sha256(b"").digest()
VIEW = FreshnessClaims(header(OWNER, OWNER), NOTHING_REMOVED, 0)
HOUR = DAY // 24
OFFICE = ((admission(group="office"), OWNER), (VIEW, OWNER))


def freshness(said: tuple[tuple[Claims, SigningKey], ...], now_ms: int, **given: object) -> tuple[int, str]:
    """Return value and reason of the factor; what the island says of itself may have ended meanwhile."""
    found_trust = trust(*said, now_ms=now_ms, **given)  # type: ignore[arg-type]
    return next((one.ppm, one.detail) for one in found_trust.factors if one.name == "freshness")


def test_an_old_view_of_the_owner_leaves_the_own_group_and_then_nobody() -> None:
    near = ((admission(), OWNER), (VIEW, OWNER))
    for now_ms in (NOW, NOW + DAY):
        assert freshness(near, now_ms)[0] == freshness(OFFICE, now_ms)[0] == 1_000_000
    assert freshness(OFFICE, NOW + 26 * HOUR) == (0, "the owner's view is 26 h old")
    assert freshness(OFFICE, NOW + DAY + 1)[0] == 0
    assert freshness(near, NOW + 26 * HOUR)[0] == freshness(near, NOW + 7 * DAY)[0] == 1_000_000
    assert freshness(near, NOW + 7 * DAY + 1)[0] == 0


def test_the_owner_sets_how_old_its_view_may_be() -> None:
    patient = TrustPolicy(view_group_ms_max=3 * DAY, view_ms_max=3 * DAY)
    assert freshness(OFFICE, NOW + 3 * DAY, policy=patient)[0] == 1_000_000
    assert freshness(OFFICE, NOW + 3 * DAY + 1, policy=patient)[0] == 0
    assert freshness(((admission(), OWNER), (VIEW, OWNER)), NOW + 3 * DAY + 1, policy=patient)[0] == 0


def test_an_island_knows_itself_and_an_owner_without_views_asks_for_none() -> None:
    ledger = ledger_of((admission(), OWNER), (VIEW, OWNER))
    own = score(ledger, ISLAND, "home", TrustPolicy(), None, NOW + 30 * DAY, True)
    assert own.factors[-1].ppm == 1_000_000
    assert freshness(GRANTED, NOW + 30 * DAY) == (1_000_000, "the owner publishes no view")


def test_an_older_view_does_not_make_the_newer_one_forgotten() -> None:
    newer = replace(VIEW, header=replace(VIEW.header, sequence=NOW + 2, issued_at_ms=NOW + 2))
    for views in ((VIEW, newer), (newer, VIEW)):
        assert ledger_of(*((view, OWNER) for view in views)).freshest_ms(NOW + DAY) == {
            public(OWNER): NOW + 2
        }


def test_a_view_that_arrives_without_what_it_counts_is_no_view() -> None:
    class Robbed(Ledger):
        """A ledger from which somebody keeps a revocation: it knows that views exist, and has none whole."""

        def freshest_ms(self, now_ms: int) -> dict[PublicKey, int]:
            return {}

    ledger = Robbed(GENESIS)
    for claims, key in (*GRANTED, (VIEW, OWNER)):
        ledger.admit(verify(sign(claims, signer(key)), GENESIS, NOW), NOW)
    seen = view_of(ledger, TrustPolicy(), NOW)
    assert seen == View(Reach.ITSELF, "no whole view of the owner has arrived")
    assert score(ledger, ISLAND, "home", TrustPolicy(), None, NOW).ppm == 0
    assert score(ledger, ISLAND, "home", TrustPolicy(), None, NOW, True).ppm == 1_000_000
