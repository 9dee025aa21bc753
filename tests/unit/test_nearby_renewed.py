"""Every removal renews the secret of the tags: who was removed cannot follow those who know of it."""

from __future__ import annotations

import random

from islandrun.mesh.nearby import KEYS_MAX, Nearby, discovery_key, renewed, tag_of
from islandrun.trust.ledger import Ledger
from islandrun.trust.signing import SignedAttestation
from tests.unit.test_trust_admitters import (
    ADMITTER,
    ALICE,
    BOB,
    CAROL,
    GENESIS,
    NOW,
    OWNER,
    THIEF,
    by_owner,
    cut_off,
    delegation,
    in_any_order,
    ledger_of,
    name,
    public,
    renewal,
    revocation,
    successor,
)

KEY = discovery_key(GENESIS)
MEMBERS = (by_owner(ALICE), by_owner(BOB), by_owner(CAROL), delegation())
GONE = revocation(CAROL, OWNER)


def keys(*said: SignedAttestation) -> tuple[bytes, ...]:
    return renewed(KEY, ledger_of((*MEMBERS, *said)))


def nearby(island: object, ledger: Ledger) -> Nearby:
    """Return what an island with this ledger sees of the others."""
    made = Nearby(KEY, name(island))  # type: ignore[arg-type]
    made.renew(renewed(KEY, ledger))
    made.look_for([name(ALICE), name(BOB), name(CAROL)], NOW)
    return made


def test_nothing_removed_is_the_secret_of_the_mesh_itself() -> None:
    assert keys() == (KEY,)
    assert keys(renewal(ALICE, OWNER)) == (KEY,)


def test_each_kind_of_removal_renews_it_whatever_came_first() -> None:
    for removal in (GONE, successor(ALICE, THIEF), cut_off(), revocation(BOB, ADMITTER)):
        newest, before = keys(removal)
        assert before == KEY != newest
    made = {
        renewed(KEY, ledger)[0] for ledger in in_any_order(by_owner(CAROL), GONE, delegation(), cut_off())
    }
    assert len(made) == 1


def test_who_was_removed_does_not_know_who_has_heard_of_it() -> None:
    former = nearby(CAROL, ledger_of(MEMBERS))
    alice, bob = (nearby(one, ledger_of((*MEMBERS, GONE))) for one in (ALICE, BOB))
    laggard = nearby(BOB, ledger_of(MEMBERS))
    assert former.whose(laggard.own_tag(NOW)) == name(BOB), "who has not heard of it is still seen"
    assert former.whose(alice.own_tag(NOW)) is None
    assert alice.whose(bob.own_tag(NOW)) == name(BOB)
    assert alice.whose(laggard.own_tag(NOW)) == name(BOB), "who missed it is found, and hears of it"


def test_a_secret_is_no_guess_from_the_one_before() -> None:
    again = revocation(CAROL, OWNER)
    assert again == GONE, "the owner's signature is the secret; only its key makes it"
    known = (KEY, public(CAROL), public(OWNER), GONE.payload[:64], bytes(64))
    guesses = {tag_of(guess, 1, name(ALICE)) for guess in known}
    assert tag_of(keys(GONE)[0], 1, name(ALICE)) not in guesses


def test_the_secrets_that_are_looked_for_are_few() -> None:
    shuffled = [revocation(ALICE, OWNER), revocation(BOB, OWNER), GONE, cut_off(), successor(ALICE, THIEF)]
    random.Random(1).shuffle(shuffled)
    assert len(keys(*shuffled)) == KEYS_MAX
