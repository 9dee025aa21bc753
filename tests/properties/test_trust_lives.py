"""The six properties of trust over whole lives: statements of owner and peers, observations, and time.

A life is what is said and seen of one island of a small mesh. (a) bad news never raises, (b) order does not
matter, (c) no peer raises trust above the owner's ceiling, (d) what is missing is 0, (e) silence never raises
trust beyond that of a newcomer, (f) a new name gains nothing.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from islandrun.errors import RejectedMessage
from islandrun.trust.behaviour import WEIGHTS, Behaviour, Event, behaviour_ppm, observe
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
from islandrun.trust.ledger import Ledger, key_of
from islandrun.trust.naming import island_id
from islandrun.trust.score import TrustPolicy, score
from islandrun.trust.signing import VerifiedAttestation, sign, verify
from islandrun.vocabulary import Ppm, Tier
from tests.signing_keys import public, signer

NOW = 1_800_000_000_000
HOUR = 3_600_000
DAY = 24 * HOUR
LONG_CASES = 100_000
OWNER, AUDITOR, ALICE, BOB = (SigningKey(bytes([number]) * 32) for number in range(11, 15))
NOTHING_REMOVED = hashlib.sha256(b"").digest()


KEYS = {public(key): key for key in (OWNER, AUDITOR, ALICE, BOB)}
GENESIS = found(public(OWNER), "home", NOW, bytes(16), signer(OWNER))
ALICE_ID, BOB_ID = island_id(public(ALICE)), island_id(public(BOB))
STRICT = TrustPolicy(
    required_schemes=("soc2",), accepted_issuers=(public(AUDITOR),), jurisdictions=("DE", "FR")
)
POLICIES = (TrustPolicy(), STRICT, TrustPolicy(view_group_ms_max=HOUR, view_ms_max=2 * DAY))

ppms = st.sampled_from([0, 200_000, 700_000, 1_000_000]).map(Ppm)
groups = st.sampled_from(["home", "office"])
events = st.sampled_from(Event)
bad_events = st.sampled_from([event for event in Event if WEIGHTS[event] > 0])
observations = st.lists(st.tuples(events, st.integers(0, 40 * DAY)), max_size=8)


def header(issuer: SigningKey, subject: SigningKey, sequence: int, slot: int = 0, days: int = 1) -> Header:
    key = public(issuer), public(subject)
    return Header(GENESIS.mesh_id, *key, NOW + sequence, NOW, NOW, NOW + days * DAY, slot)


@st.composite
def admissions(draw: st.DrawFn, slot: int = 0) -> Claims:
    place = draw(st.sampled_from([(), ("DE",), ("DE", "US")]))
    head = header(OWNER, ALICE, draw(st.integers(1, 3)), slot, draw(st.sampled_from([1, 30])))
    return AdmissionClaims(head, draw(st.sampled_from(Tier)), draw(groups), draw(ppms), place)


@st.composite
def peer_words(draw: st.DrawFn) -> Claims:
    """Draw what peers and outsiders say: of themselves, of others, and as an issuer."""
    sequence, slot = draw(st.integers(1, 3)), draw(st.integers(0, 1))
    issuer = draw(st.sampled_from([AUDITOR, BOB]))
    match draw(st.integers(0, 2)):
        case 0:
            return SelfClaims(header(ALICE, ALICE, sequence), draw(st.sampled_from("ab")), 1)
        case 1:
            return CertificationClaims(header(issuer, ALICE, sequence, slot), "soc2", draw(ppms))
        case _:
            return VouchClaims(header(issuer, ALICE, sequence, slot), draw(ppms))


@st.composite
def rulings(draw: st.DrawFn) -> Claims:
    sequence = draw(st.integers(1, 3))
    match draw(st.integers(0, 3)):
        case 0:
            return RevocationClaims(header(OWNER, ALICE, sequence), public(ALICE), "lost")
        case 1:
            return FreshnessClaims(header(OWNER, OWNER, sequence, slot=5), NOTHING_REMOVED, 0)
        case 2:
            return VouchClaims(header(OWNER, ALICE, sequence), draw(ppms))
        case _:
            one, other = draw(groups), draw(groups)
            return GroupTrustClaims(header(OWNER, OWNER, sequence, slot=6), one, other, draw(ppms))


@dataclass(frozen=True, slots=True)
class Life:
    """What was said of an island, what it was seen to do, and when the question is put."""

    said: tuple[Claims, ...]
    seen: tuple[tuple[Event, int], ...]
    asked_after_ms: int


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """Draw a life; most islands are admitted and speak, so that not every trust is 0."""
    usual: tuple[Claims, ...] = ()
    if draw(st.integers(0, 4)):
        ceiling, group = draw(ppms), draw(groups)
        granted = AdmissionClaims(header(OWNER, ALICE, 9, days=30), Tier.PERSONAL, group, ceiling, ("DE",))
        usual = granted, SelfClaims(header(ALICE, ALICE, 9), "a", 1)
    said = draw(st.lists(st.one_of(admissions(), peer_words(), peer_words(), rulings()), max_size=6))
    return Life(_honest((*usual, *said)), tuple(draw(observations)), draw(st.integers(0, 10 * DAY)))


def _honest(said: Sequence[Claims]) -> tuple[Claims, ...]:
    """Leave out what would contradict a statement before it: contradictions freeze, which is tested alone."""
    return tuple({(key_of(claims), claims.header.version): claims for claims in said}.values())


@lru_cache(maxsize=8192)
def verified(claims: Claims) -> VerifiedAttestation:
    return verify(sign(claims, signer(KEYS[claims.header.issuer])), GENESIS, NOW)


def ledger_of(said: Sequence[Claims]) -> Ledger:
    ledger = Ledger(GENESIS, STRICT.accepted_issuers)
    for claims in said:
        try:
            ledger.admit(verified(claims), NOW)
        except RejectedMessage:
            continue
    return ledger


def behaviour_of(seen: Sequence[tuple[Event, int]]) -> Behaviour | None:
    behaviour, now_ms = None, NOW
    for event, wait_ms in seen:
        now_ms += wait_ms
        behaviour = observe(behaviour or Behaviour(), event, now_ms)
    return behaviour


def trusts(life: Life, behaviour: Behaviour | None = None) -> list[int]:
    """Return the trust in the island of a life by every policy, as seen from both groups."""
    ledger = ledger_of(life.said)
    seen = behaviour or behaviour_of(life.seen)
    return [
        score(ledger, ALICE_ID, group, policy, seen, NOW + life.asked_after_ms).ppm
        for group in ("home", "office")
        for policy in POLICIES
    ]


def is_never_higher(after: list[int], before: list[int]) -> bool:
    return all(new <= old for new, old in zip(after, before, strict=True))


# ---------------------------------------------------------------- the six


def bad_news_never_raises(life: Life, event: Event, ceiling: Ppm) -> None:
    before = trusts(life)
    seen = behaviour_of(life.seen) or Behaviour()
    now_ms = max(seen.at_ms, NOW)
    assert behaviour_ppm(observe(seen, event, now_ms), now_ms) <= behaviour_ppm(seen, now_ms)
    worse = replace(life, seen=(*life.seen, (event, 0)))
    assert is_never_higher(trusts(worse), before)
    told = (
        VouchClaims(header(OWNER, ALICE, 1, slot=8), ceiling),
        RevocationClaims(header(OWNER, ALICE, 8), public(ALICE), "lost"),
        AdmissionClaims(header(OWNER, ALICE, 1, slot=8, days=30), Tier.PERSONAL, "home", ceiling, ("DE",)),
    )
    for news in told:
        if isinstance(news, AdmissionClaims) and ledger_of(life.said).admission(ALICE_ID) is None:
            continue
        assert is_never_higher(trusts(replace(life, said=(*life.said, news))), before)
    for claims in life.said:
        if isinstance(claims, SelfClaims | CertificationClaims) and _is_alone(claims, life.said):
            left = tuple(one for one in life.said if one is not claims)
            assert is_never_higher(trusts(replace(life, said=left)), before)


def _is_alone(claims: Claims, said: Sequence[Claims]) -> bool:
    """Say whether no older statement of the same place would come to light without this one."""
    return sum(key_of(one) == key_of(claims) for one in said) == 1


def order_does_not_matter(life: Life, shuffled: Sequence[Claims]) -> None:
    assert trusts(replace(life, said=tuple(shuffled))) == trusts(life)
    assert trusts(replace(life, said=(*shuffled, *life.said))) == trusts(life)


def peers_never_raise_above_the_owner(life: Life, words: Sequence[Claims]) -> None:
    ledger = ledger_of(_honest((*life.said, *words)))
    admission = ledger_of([one for one in life.said if one.header.issuer == public(OWNER)]).admission(
        ALICE_ID
    )
    ceiling = admission.trust_ceiling_ppm if admission else 0
    seen = behaviour_of(life.seen)
    for group in ("home", "office"):
        for policy in POLICIES:
            assert score(ledger, ALICE_ID, group, policy, seen, NOW + life.asked_after_ms).ppm <= ceiling


def what_is_missing_is_nothing(life: Life) -> None:
    for needed in (AdmissionClaims, SelfClaims):
        without = tuple(one for one in life.said if not isinstance(one, needed))
        assert set(trusts(replace(life, said=without))) == {0}
    ledger = ledger_of(life.said)
    for policy in POLICIES:
        assert score(ledger, ALICE_ID, "", policy, None, NOW).ppm == 0
        assert score(ledger, BOB_ID, "home", policy, None, NOW).ppm == 0
    without = tuple(one for one in life.said if not isinstance(one, CertificationClaims))
    now_ms = NOW + life.asked_after_ms
    assert score(ledger_of(without), ALICE_ID, "home", STRICT, None, now_ms).ppm == 0


def silence_never_raises_beyond_a_newcomer(life: Life, wait_ms: int) -> None:
    newcomer = behaviour_ppm(Behaviour(), NOW)
    seen = behaviour_of(life.seen) or Behaviour()
    now_ms = max(seen.at_ms, NOW)
    assert behaviour_ppm(seen, now_ms + wait_ms) <= newcomer
    later = replace(life, asked_after_ms=life.asked_after_ms + wait_ms)
    as_newcomer = [
        score(ledger_of(life.said), ALICE_ID, group, policy, None, NOW + later.asked_after_ms).ppm
        for group in ("home", "office")
        for policy in POLICIES
    ]
    assert is_never_higher(trusts(later), as_newcomer)
    if seen.bad > 0:
        good_alone = behaviour_ppm(replace(seen, good=0.0), now_ms)
        assert good_alone <= behaviour_ppm(seen, now_ms)


def a_new_name_gains_nothing(life: Life) -> None:
    """Bob is Alice under a new key: what was granted to Alice does not hold for Bob."""
    ledger = ledger_of((*life.said, SelfClaims(header(BOB, BOB, 1), "a", 1)))
    now_ms = NOW + min(life.asked_after_ms, DAY)
    for policy in POLICIES:
        assert score(ledger, BOB_ID, "home", policy, None, now_ms).ppm == 0
    grant = AdmissionClaims(header(OWNER, BOB, 1, days=30), Tier.EDGE, "home", Ppm(600_000), ("DE",))
    ledger.admit(verified(grant), NOW)
    for policy in POLICIES:
        assert score(ledger, BOB_ID, "home", policy, None, now_ms).ppm <= 600_000
        assert score(ledger, ALICE_ID, "home", policy, behaviour_of(life.seen), now_ms).ppm == (
            score(ledger_of(life.said), ALICE_ID, "home", policy, behaviour_of(life.seen), now_ms).ppm
        )


def all_six(data: st.DataObject, life: Life) -> None:
    bad_news_never_raises(life, data.draw(bad_events), data.draw(ppms))
    order_does_not_matter(life, data.draw(st.permutations(life.said)))
    peers_never_raise_above_the_owner(life, data.draw(st.lists(peer_words(), max_size=3)))
    what_is_missing_is_nothing(life)
    silence_never_raises_beyond_a_newcomer(life, data.draw(st.integers(0, 400 * DAY)))
    a_new_name_gains_nothing(life)


@settings(deadline=None, max_examples=60)
@given(st.data(), lives())
def test_the_six_properties_hold_over_random_lives(data: st.DataObject, life: Life) -> None:
    all_six(data, life)


@pytest.mark.long
@pytest.mark.timeout(7200)
@settings(deadline=None, max_examples=LONG_CASES, suppress_health_check=list(HealthCheck))
@given(st.data(), lives())
def test_the_six_properties_hold_over_a_hundred_thousand_lives(data: st.DataObject, life: Life) -> None:
    all_six(data, life)
