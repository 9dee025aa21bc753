"""What an island was seen to do stays with it: under a new key that it inherits by, and in a new mesh."""

from __future__ import annotations

from dataclasses import replace

import pytest
from nacl.signing import SigningKey

from islandrun.routing.candidates import Vantage
from islandrun.trust.behaviour import BAD_MAX, Behaviour, Event, combined, observe
from islandrun.trust.claims import SelfClaims
from islandrun.trust.ledger import Ledger
from islandrun.trust.score import TrustPolicy
from islandrun.trust.signing import SignedAttestation, sign
from islandrun.vocabulary import Instant, IslandId
from tests.signing_keys import signer
from tests.unit.test_routing_candidates import KnownConnections
from tests.unit.test_trust_admitters import (
    ALICE,
    BOB,
    CAROL,
    NOW,
    OWNER,
    THIEF,
    by_owner,
    header,
    ledger_of,
    name,
    renewal,
    revocation,
    successor,
)

DAY_MS = 24 * 3600 * 1000
BAD = observe(Behaviour(), Event.FORGED, NOW)


def speaking(island: SigningKey) -> SignedAttestation:
    """Return what an island says of itself; without it nobody trusts it."""
    said = SelfClaims(
        header=header(island, island, life_ms=DAY_MS), name="x", incarnation=1, endpoints=("127.0.0.1:1",),
        models=(), data_sets=(), requests_max=1, jurisdictions=(), software_version="1",
    )  # fmt: skip
    return sign(said, signer(island))


CHAIN = (by_owner(ALICE), successor(ALICE, BOB), renewal(BOB, OWNER), speaking(BOB))


def trust_of(ledger: Ledger, island: IslandId, behaviours: dict[IslandId, Behaviour]) -> int:
    vantage = Vantage(ledger, KnownConnections(), "office", TrustPolicy(), behaviours, {}, Instant(1.0, NOW))
    return vantage.see(island).trust.ppm


def test_a_new_key_washes_nothing_off() -> None:
    ledger = ledger_of(CHAIN)
    clean = trust_of(ledger, name(BOB), {})
    seen = trust_of(ledger, name(BOB), {name(ALICE): BAD})
    assert 0 < seen < clean
    assert seen == trust_of(ledger, name(BOB), {name(BOB): BAD})


def test_what_both_keys_did_counts_together_and_over_several_steps() -> None:
    ledger = ledger_of((*CHAIN, successor(BOB, CAROL), renewal(CAROL, OWNER), speaking(CAROL)))
    once = trust_of(ledger, name(CAROL), {name(ALICE): BAD})
    twice = trust_of(ledger, name(CAROL), {name(ALICE): BAD, name(CAROL): BAD})
    assert 0 < twice < once


def test_who_inherits_nothing_answers_for_nothing() -> None:
    """Else an island could name any key its successor and take its trust."""
    both = (by_owner(ALICE), by_owner(BOB), speaking(BOB))
    for said in (
        (),
        (successor(ALICE, BOB), successor(ALICE, CAROL)),
        (successor(ALICE, BOB), revocation(ALICE, OWNER)),
        (successor(ALICE, BOB, issuer=THIEF),),
    ):
        ledger = ledger_of((*both, *said))
        assert trust_of(ledger, name(BOB), {name(ALICE): BAD}) == trust_of(ledger, name(BOB), {}) > 0


def test_counts_are_brought_to_one_moment_and_stay_bounded() -> None:
    old = replace(BAD, at_ms=NOW - 30 * DAY_MS)
    together = combined((old, BAD), NOW)
    assert together.bad == pytest.approx(BAD.bad * 1.5)
    assert together.at_ms == NOW
    assert combined([Behaviour(0.0, BAD_MAX, NOW)] * 3, NOW).bad == BAD_MAX
    assert combined((), NOW) == Behaviour()
