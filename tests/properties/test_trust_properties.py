"""What must hold for any set of statements: order does not matter; trust is hard to gain, easy to lose.

Statements are drawn for a small mesh of four islands, two of which may stay without admission, an auditor
whose word is accepted and a stranger whose word is not.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from islandrun.errors import RejectedMessage
from islandrun.trust.behaviour import Behaviour, Event, behaviour_ppm, observe
from islandrun.trust.claims import (
    AdmissionClaims,
    CertificationClaims,
    Claims,
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
from islandrun.trust.signing import SignedAttestation, VerifiedAttestation, sign, verify
from islandrun.vocabulary import Ppm, Standing, Tier
from tests.signing_keys import public, signer

NOW = 1_800_000_000_000
HOUR = 3_600_000
DAY = 24 * HOUR
OWNER, AUDITOR, STRANGER, *ISLANDS = (SigningKey(bytes([number]) * 32) for number in range(1, 8))
GROUPS = ("home", "office")
SCHEMES = ("iso27001", "soc2")


KEYS = {public(key): key for key in (OWNER, AUDITOR, STRANGER, *ISLANDS)}
GENESIS = found(public(OWNER), "home", NOW, bytes(16), signer(OWNER))
POLICIES = (
    TrustPolicy(),
    TrustPolicy(required_schemes=("soc2",), accepted_issuers=(public(AUDITOR),), jurisdictions=("DE",)),
    TrustPolicy(tier_base={Tier.PERSONAL: Ppm(5), Tier.CLOUD: Ppm(900_000)}, jurisdictions=("DE", "US")),
)
MOMENTS = (NOW, NOW + HOUR + 1, NOW + 10 * DAY)

ppms = st.sampled_from([0, 1, 300_000, 999_999, 1_000_000]).map(Ppm)
lives = st.sampled_from([HOUR, DAY])
places = st.sampled_from([(), ("DE",), ("DE", "US"), ("US",)])
islands = st.sampled_from(ISLANDS)
sequences = st.integers(NOW, NOW + 3)
slots = st.integers(0, 1)


@st.composite
def headers(draw: st.DrawFn, issuer: SigningKey, subject: SigningKey, slot: int = 0) -> Header:
    sequence, epoch = draw(sequences), draw(st.integers(0, 1))
    until_ms = NOW + draw(lives)
    key = public(issuer), public(subject)
    return Header(GENESIS.mesh_id, *key, sequence, NOW, NOW, until_ms, slot, epoch)


@st.composite
def self_claims(draw: st.DrawFn) -> Claims:
    island = draw(islands)
    return SelfClaims(
        draw(headers(island, island)), draw(st.sampled_from(["a", "b"])), 1, jurisdictions=("DE",)
    )


@st.composite
def admissions(draw: st.DrawFn) -> Claims:
    header = draw(headers(OWNER, draw(islands), draw(slots)))
    tier, group = draw(st.sampled_from(Tier)), draw(st.sampled_from(GROUPS))
    return AdmissionClaims(header, tier, group, draw(ppms), draw(places), draw(st.binary(max_size=2)))


@st.composite
def revocations(draw: st.DrawFn) -> Claims:
    island = draw(islands)
    return RevocationClaims(draw(headers(OWNER, island)), public(island), "lost")


@st.composite
def group_trusts(draw: st.DrawFn) -> Claims:
    header = draw(headers(OWNER, OWNER, draw(slots)))
    return GroupTrustClaims(header, draw(st.sampled_from(GROUPS)), draw(st.sampled_from(GROUPS)), draw(ppms))


@st.composite
def certifications(draw: st.DrawFn) -> Claims:
    header = draw(headers(draw(st.sampled_from([AUDITOR, STRANGER])), draw(islands), draw(slots)))
    return CertificationClaims(header, draw(st.sampled_from(SCHEMES)), draw(ppms))


@st.composite
def vouches(draw: st.DrawFn) -> Claims:
    subject = draw(islands)
    others = [key for key in (OWNER, AUDITOR, STRANGER, *ISLANDS) if key is not subject]
    return VouchClaims(draw(headers(draw(st.sampled_from(others)), subject, draw(slots))), draw(ppms))


granted = admissions() | self_claims()
anything = st.one_of(granted, granted, revocations(), group_trusts(), certifications(), vouches())


def one_of_each_version(statements: list[Claims]) -> list[Claims]:
    """Leave out whatever would contradict a statement before it."""
    return list({(key_of(claims), claims.header.version): claims for claims in statements}.values())


histories = st.lists(anything, max_size=14).map(one_of_each_version)


@lru_cache(maxsize=4096)
def verified(claims: Claims) -> VerifiedAttestation:
    return verify(signed(claims), GENESIS, NOW)


def signed(claims: Claims) -> SignedAttestation:
    return sign(claims, signer(KEYS[claims.header.issuer]))


def ledger_of(statements: Iterable[Claims]) -> Ledger:
    ledger = Ledger(GENESIS)
    for claims in statements:
        try:
            ledger.admit(verified(claims), NOW)
        except RejectedMessage:
            continue
    return ledger


def trusts(ledger: Ledger) -> list[int]:
    """Return every score there is: each island, group, policy and moment."""
    return [
        score(ledger, island_id(public(island)), group, policy, None, now_ms).ppm
        for island in ISLANDS
        for group in GROUPS
        for policy in POLICIES
        for now_ms in MOMENTS
    ]


def state(ledger: Ledger) -> object:
    """Return all that can be asked of a ledger."""
    names = [island_id(public(island)) for island in ISLANDS]
    by_island = [
        (
            ledger.public_key(name),
            ledger.self_claims(name),
            ledger.admission(name),
            ledger.admission_record(name),
            ledger.certifications(name),
            ledger.vouches(name),
            [ledger.standing(name, now_ms) for now_ms in MOMENTS],
        )
        for name in names
    ]
    matrix = [ledger.group_trust(one, other) for one in GROUPS for other in GROUPS]
    whole = ledger.records(), ledger.versions(), ledger.islands(), ledger.revoked(), ledger.present_ms(0)
    return by_island, matrix, whole


def never_higher(after: Ledger, before: Ledger) -> bool:
    return all(new <= old for new, old in zip(trusts(after), trusts(before), strict=True))


# ---------------------------------------------------------------- the ledger


@settings(deadline=None, max_examples=150)
@given(st.data(), histories)
def test_the_order_and_repetition_of_statements_do_not_matter(
    data: st.DataObject, history: list[Claims]
) -> None:
    order = data.draw(st.permutations(history))
    again = data.draw(st.lists(st.sampled_from(history), max_size=5)) if history else []
    one, other = ledger_of(history), ledger_of([*order, *again])
    assert state(one) == state(other)
    assert trusts(one) == trusts(other)


@settings(deadline=None, max_examples=100)
@given(st.data(), histories)
def test_a_ledger_is_the_same_after_a_restart(data: st.DataObject, history: list[Claims]) -> None:
    ledger = ledger_of(history)
    again = Ledger(GENESIS)
    for record in data.draw(st.permutations(ledger.records())):
        again.admit(verify(record, GENESIS, NOW), NOW)
    assert state(again) == state(ledger)


@settings(deadline=None, max_examples=100)
@given(st.data(), histories, revocations())
def test_a_revocation_wins_wherever_it_stands(
    data: st.DataObject, history: list[Claims], ruling: Claims
) -> None:
    place = data.draw(st.integers(0, len(history)))
    ledger = ledger_of([*history[:place], ruling, *history[place:]])
    island = island_id(ruling.header.subject)
    assert ledger.standing(island, NOW) is Standing.REVOKED
    assert island in ledger.revoked()
    for now_ms in (0, *MOMENTS):
        assert score(ledger, island, "home", TrustPolicy(), None, now_ms).ppm == 0


@settings(deadline=None, max_examples=100)
@given(st.data(), histories, self_claims())
def test_a_contradiction_freezes_in_either_order(
    data: st.DataObject, history: list[Claims], word: Claims
) -> None:
    assert isinstance(word, SelfClaims)
    word = replace(word, header=replace(word.header, epoch=7))
    pair = data.draw(st.permutations([word, replace(word, name="c")]))
    ledger = ledger_of([*history, *pair])
    island = island_id(word.header.subject)
    assert ledger.standing(island, NOW) is Standing.REVOKED
    proven = ledger_of(history)
    if island not in proven.revoked():
        assert proven.admit_equivocation(signed(pair[0]), signed(pair[1]), NOW)
        assert state(proven) == state(ledger)
    assert never_higher(ledger, ledger_of(history))


# ---------------------------------------------------------------- the score


@settings(deadline=None, max_examples=100)
@given(histories, vouches() | revocations())
def test_bad_news_never_raises_trust(history: list[Claims], news: Claims) -> None:
    news = replace(news, header=replace(news.header, epoch=7))
    assert never_higher(ledger_of([*history, news]), ledger_of(history)) or _replaced_a_vouch(history, news)


def _replaced_a_vouch(history: list[Claims], news: Claims) -> bool:
    """Say whether the news only took the place of an older ceiling by the same issuer."""
    return isinstance(news, VouchClaims) and key_of(news) in {key_of(claims) for claims in history}


@settings(deadline=None, max_examples=100)
@given(histories, admissions())
def test_one_more_admission_never_raises_trust(history: list[Claims], more: Claims) -> None:
    more = replace(more, header=replace(more.header, slot=7))
    before = ledger_of(history)
    if before.admission(island_id(more.header.subject)) is not None:
        assert never_higher(ledger_of([*history, more]), before)


@settings(deadline=None, max_examples=100)
@given(st.data(), histories)
def test_without_good_news_there_is_no_more_trust(data: st.DataObject, history: list[Claims]) -> None:
    good = [key_of(claims) for claims in history if isinstance(claims, SelfClaims | CertificationClaims)]
    dropped = data.draw(st.sampled_from(good)) if good else b""
    left = [claims for claims in history if key_of(claims) != dropped]
    assert never_higher(ledger_of(left), ledger_of(history))


@settings(deadline=None, max_examples=100)
@given(histories, st.lists(self_claims() | certifications() | vouches(), max_size=6))
def test_nothing_that_peers_sign_raises_trust_above_what_the_owner_signed(
    history: list[Claims], peers: list[Claims]
) -> None:
    ledger = ledger_of(one_of_each_version([*history, *peers]))
    by_owner = ledger_of(claims for claims in history if claims.header.issuer == public(OWNER))
    for island in map(island_id, map(public, ISLANDS)):
        for group in GROUPS:
            given_trust = score(ledger, island, group, TrustPolicy(), None, NOW).ppm
            admission = by_owner.admission(island)
            ceiling = (
                min(admission.trust_ceiling_ppm, by_owner.group_trust(group, admission.group))
                if admission
                else 0
            )
            assert given_trust <= ceiling


@settings(deadline=None, max_examples=100)
@given(histories, st.lists(vouches() | certifications(), max_size=6))
def test_what_strangers_and_members_say_of_others_does_not_count(
    history: list[Claims], hearsay: list[Claims]
) -> None:
    listened_to = {public(OWNER), public(AUDITOR)}
    unheard = [claims for claims in hearsay if claims.header.issuer not in listened_to]
    assert trusts(ledger_of([*history, *unheard])) == trusts(ledger_of(history))


@settings(deadline=None, max_examples=100)
@given(histories)
def test_missing_data_is_no_trust(history: list[Claims]) -> None:
    ledger = ledger_of(history)
    for island in map(island_id, map(public, ISLANDS)):
        is_known = ledger.admission(island) is not None and ledger.self_claims(island) is not None
        for policy in POLICIES:
            found_trust = score(ledger, island, "home", policy, None, NOW)
            assert found_trust.ppm == min(factor.ppm for factor in found_trust.factors)
            assert len(found_trust.factors) == 10
            if not is_known:
                assert found_trust.ppm == 0


# ---------------------------------------------------------------- behaviour


pasts = st.builds(Behaviour, st.floats(0, 200), st.floats(0, 10_000), st.just(NOW))
events = st.sampled_from(Event)
waits = st.integers(0, 400 * DAY)


@settings(deadline=None, max_examples=150)
@given(pasts, events, waits)
def test_a_bad_event_never_raises_and_a_good_one_never_lowers_trust(
    past: Behaviour, event: Event, wait: int
) -> None:
    now_ms = NOW + wait
    before, after = behaviour_ppm(past, now_ms), behaviour_ppm(observe(past, event, now_ms), now_ms)
    if event is Event.ANSWERED:
        assert after >= before
    else:
        assert after <= before


@settings(deadline=None, max_examples=150)
@given(pasts, waits, waits)
def test_silence_never_raises_trust_above_that_in_a_newcomer(past: Behaviour, wait: int, more: int) -> None:
    newcomer = behaviour_ppm(Behaviour(), NOW)
    assert behaviour_ppm(past, NOW + wait) <= newcomer
    observed_late = observe(past, Event.LIED_ABOUT_CAPABILITY, NOW + wait + more)
    assert behaviour_ppm(observed_late, NOW + wait + more) < newcomer


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(events, st.integers(0, 30 * DAY)), max_size=30))
def test_counts_stay_within_their_bounds(life: list[tuple[Event, int]]) -> None:
    clock, seen = count(), Behaviour()
    now_ms = NOW
    for event, wait in life:
        now_ms += wait + next(clock)
        seen = observe(seen, event, now_ms)
        assert 0 <= seen.good <= 200
        assert 0 <= seen.bad <= 10_000
        assert 0 <= behaviour_ppm(seen, now_ms) <= 1_000_000
