"""Several authorities: the same set gives the same state in any order, and removals never raise trust.

Histories are drawn from a pool of statements by an owner, two admitters and a thief who holds a copy of one
admitter's key: chains, forks, admissions over the quota, cut-offs at every link, successors and renewals.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from islandrun.errors import RejectedMessage
from islandrun.trust.claims import (
    AdmissionClaims,
    Claims,
    CutOffClaims,
    DelegationClaims,
    Header,
    RenewalClaims,
    RevocationClaims,
    SelfClaims,
    SuccessorClaims,
)
from islandrun.trust.genesis import found
from islandrun.trust.ledger import Ledger
from islandrun.trust.naming import island_id
from islandrun.trust.rulings import succession
from islandrun.trust.signing import SignedAttestation, VerifiedAttestation, sign, verify
from islandrun.vocabulary import Ppm, Standing, Tier
from tests.signing_keys import public, signer

NOW = 1_800_000_000_000
DAY = 24 * 3600 * 1000
OWNER, FIRST, SECOND, *ISLANDS = (SigningKey(bytes([number]) * 32) for number in range(1, 10))
QUOTA, CEILING = 2, 600_000
MOMENTS = (NOW, NOW + 8 * DAY)


KEYS = {public(key): key for key in (OWNER, FIRST, SECOND, *ISLANDS)}
GENESIS = found(public(OWNER), "home", NOW, bytes(16), signer(OWNER))


def header(issuer: SigningKey, subject: SigningKey, days: int = 7, sequence: int = NOW) -> Header:
    until_ms = NOW + days * DAY
    return Header(GENESIS.mesh_id, public(issuer), public(subject), sequence, NOW, NOW, until_ms)


@lru_cache(maxsize=4096)
def signed(claims: Claims) -> SignedAttestation:
    return sign(claims, signer(KEYS[claims.header.issuer]))


@lru_cache(maxsize=4096)
def verified(claims: Claims) -> VerifiedAttestation:
    return verify(signed(claims), GENESIS, NOW)


def link(
    admitter: SigningKey, island: SigningKey, number: int, before: AdmissionClaims | None, ceiling: int
) -> AdmissionClaims:
    previous = signed(before).hash if before is not None else b""
    head = replace(header(admitter, island), previous_hash=previous)
    return AdmissionClaims(head, Tier.EDGE, "office", Ppm(ceiling), number=number)


def chain(admitter: SigningKey, islands: Iterable[SigningKey], ceiling: int) -> list[AdmissionClaims]:
    links: list[AdmissionClaims] = []
    for number, island in enumerate(islands, 1):
        links.append(link(admitter, island, number, links[-1] if links else None, ceiling))
    return links


def successor(old: SigningKey, new: SigningKey, issuer: SigningKey) -> SuccessorClaims:
    proof = old.sign(succession(GENESIS.mesh_id, public(old), public(new))).signature
    return SuccessorClaims(header(issuer, old), public(old), public(new), proof)


def cut(admitter: SigningKey, last: AdmissionClaims | None) -> CutOffClaims:
    number, name = (last.number, signed(last).hash) if last is not None else (0, b"")
    return CutOffClaims(header(OWNER, admitter), public(admitter), number, name)


A, B, C, D, E, F = ISLANDS
FIRST_CHAIN = chain(FIRST, (A, B, C), 1_000_000)
SECOND_CHAIN = chain(SECOND, (D,), 300_000)
FORKS: list[Claims] = [link(FIRST, E, 2, FIRST_CHAIN[0], 900_000), link(FIRST, E, 3, FIRST_CHAIN[0], 5)]
TWICE: list[Claims] = [RenewalClaims(header(FIRST, A, days), public(A)) for days in (8, 9)]
DELEGATIONS: list[Claims] = [
    DelegationClaims(header(OWNER, key), public(key), QUOTA, Tier.EDGE, Ppm(CEILING), ("office",))
    for key in (FIRST, SECOND)
]
REMOVALS: list[Claims] = [
    *[RevocationClaims(header(OWNER, island), public(island)) for island in (A, D, F)],
    *[RevocationClaims(header(FIRST, island), public(island)) for island in (B, F)],
    *[cut(FIRST, last) for last in (None, *FIRST_CHAIN)],
    cut(SECOND, None),
]
GRANTS: list[Claims] = [
    *DELEGATIONS,
    *FIRST_CHAIN,
    *SECOND_CHAIN,
    AdmissionClaims(header(OWNER, F), Tier.PERSONAL, "home", Ppm(900_000)),
    RenewalClaims(header(OWNER, A, 9), public(A)),
    RenewalClaims(header(SECOND, B, 9), public(B)),
    RenewalClaims(header(SECOND, F, 9), public(F)),
    *[SelfClaims(replace(header(island, island), not_after_ms=NOW + DAY), "one", 1) for island in (A, D, F)],
]
HONEST: list[Claims] = [*GRANTS, successor(F, E, SECOND), *REMOVALS]
POOL: list[Claims] = [*HONEST, *FORKS, *TWICE, successor(A, F, FIRST), successor(A, E, OWNER)]

honest = st.lists(st.sampled_from(HONEST), max_size=24, unique=True)
anything = st.lists(st.sampled_from(POOL), max_size=28, unique=True)


def ledger_of(statements: Iterable[Claims]) -> Ledger:
    ledger = Ledger(GENESIS)
    for claims in statements:
        try:
            ledger.admit(verified(claims), NOW)
        except RejectedMessage:
            continue
    return ledger


def state(ledger: Ledger) -> object:
    """Return all that can be asked of a ledger.

    Left out: which of several proofs against a key is kept, and proofs against a key that was cut off: of
    such a key no more is heard that could prove anything, and nothing depends on it.
    """
    names = [island_id(public(island)) for island in ISLANDS]
    islands = [
        (
            ledger.public_key(name),
            ledger.self_claims(name),
            ledger.admission(name),
            ledger.admissions(name),
            [ledger.standing(name, now_ms) for now_ms in MOMENTS],
        )
        for name in names
    ]
    proven = {first.issuer for first, _ in ledger.equivocations()}
    frozen = {key for key in proven if not ledger.admitters.is_cut(key)}
    revoked = set(ledger.revoked()) & set(names)
    return islands, ledger.records(), revoked, ledger.issuing, frozen, ledger.trusted()


def levels(ledger: Ledger) -> list[int]:
    """Return how far each island is admitted at each moment, 0 to 1,000,000."""
    found_levels = []
    for name in (island_id(public(island)) for island in ISLANDS):
        admission = ledger.admission(name)
        for now_ms in MOMENTS:
            is_in = ledger.standing(name, now_ms) is Standing.ADMITTED
            found_levels.append(int(admission.trust_ceiling_ppm) if is_in and admission is not None else 0)
    return found_levels


@settings(deadline=None, max_examples=150)
@given(st.data(), anything)
def test_the_order_and_repetition_of_what_authorities_say_do_not_matter(
    data: st.DataObject, history: list[Claims]
) -> None:
    order = data.draw(st.permutations(history))
    again = data.draw(st.lists(st.sampled_from(history), max_size=6)) if history else []
    assert state(ledger_of([*order, *again])) == state(ledger_of(history))


@settings(deadline=None, max_examples=100)
@given(st.data(), anything)
def test_a_ledger_of_authorities_is_the_same_after_a_restart(
    data: st.DataObject, history: list[Claims]
) -> None:
    ledger, again = ledger_of(history), Ledger(GENESIS)
    for record in data.draw(st.permutations(ledger.records())):
        again.admit(verify(record, GENESIS, NOW), NOW)
    for first, second in ledger.equivocations():
        again.admit_equivocation(first, second, NOW)
    assert state(again) == state(ledger)


@settings(deadline=None, max_examples=150)
@given(honest, st.sampled_from(REMOVALS))
def test_what_takes_away_never_raises_anybody(history: list[Claims], removal: Claims) -> None:
    before, after = levels(ledger_of(history)), levels(ledger_of([*history, removal]))
    assert all(new <= old for new, old in zip(after, before, strict=True))


@settings(deadline=None, max_examples=150)
@given(anything)
def test_an_admitter_never_grants_beyond_its_delegation(history: list[Claims]) -> None:
    ledger = ledger_of(history)
    for key in (FIRST, SECOND):
        holding = ledger.admitters.holding(public(key)).values()
        assert len({claims.header.subject for claims in holding}) <= QUOTA
        assert all(claims.trust_ceiling_ppm <= CEILING for claims in holding)
        assert not holding or ledger.admitters.is_known(public(key))


@settings(deadline=None, max_examples=150)
@given(anything, st.sampled_from([None, *FIRST_CHAIN]))
def test_after_a_cut_off_only_the_chain_before_it_holds(
    history: list[Claims], last: AdmissionClaims | None
) -> None:
    ledger = ledger_of([*history, cut(FIRST, last)])
    kept = FIRST_CHAIN[: last.number if last is not None else 0]
    holding = ledger.admitters.holding(public(FIRST)).values()
    assert {claims.header.subject for claims in holding} <= {claims.header.subject for claims in kept}
    assert not ledger.may_renew(public(FIRST))


@settings(deadline=None, max_examples=100)
@given(anything)
def test_a_contradiction_of_an_admitter_voids_all_until_the_owner_rules(history: list[Claims]) -> None:
    quiet = [claims for claims in history if not isinstance(claims, CutOffClaims)]
    ledger = ledger_of([*quiet, FIRST_CHAIN[1], FORKS[0]])
    assert ledger.admitters.holding(public(FIRST)) == {}
    assert ledger.is_frozen(public(FIRST))
    ruled = ledger_of([*quiet, DELEGATIONS[0], *FIRST_CHAIN, FORKS[0], cut(FIRST, FIRST_CHAIN[0])])
    holding = ruled.admitters.holding(public(FIRST)).values()
    assert {claims.header.subject for claims in holding} <= {public(A)}
