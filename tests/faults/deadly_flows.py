"""What a node writes in its life, as flows that can be killed at any step, begun again and judged.

`prepare` makes a home; `run` is the flow, and what it has promised somebody it notes with `say`; `check` runs
after a death and a second `run`, and fails when a promise was broken.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from islandrun.errors import EnrolmentRefused, JoinUnconfirmed
from islandrun.trust.claims import AdmissionClaims, Header, SelfClaims, decode
from islandrun.trust.ledger import record_key
from islandrun.trust.signing import SignedAttestation, sign
from islandrun.v1 import enroll_pb2
from islandrun.vocabulary import Standing
from islandrun.wire.attestations import decode_signed
from islandrun_node import enrolment, joining
from islandrun_node.admissions import ADMISSION_LIFE_MS, admit, renew_due
from islandrun_node.backup import make_backup, restore
from islandrun_node.identity import AdmitterKey, IslandKey, JoinKey, load_membership
from islandrun_node.issuer import Issuer, proof
from islandrun_node.join_token import JoinToken, parse, token_id
from islandrun_node.statements import slot
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.marks import forget_restored, is_restored
from islandrun_node.stores.tokens import TokenStore
from tests.faults.flow import Flow, founded, home_of, ledger_of, nothing, said, say, state
from tests.faults.flows_of_audit import FLOWS_OF_AUDIT
from tests.faults.flows_of_money import FLOWS_OF_MONEY
from tests.faults.flows_of_requests import FLOWS_OF_REQUESTS
from tests.node.identity_kit import GRANT, now_ms

RENEWED_AFTER_MS = ADMISSION_LIFE_MS * 3 // 5


# ---------------------------------------------------------------- found


def run_found(folder: Path) -> None:
    home = home_of(folder)
    if not home.is_member:
        say(folder, enrolment.found_mesh(home, "test", "laptop").key.id)


def check_found(folder: Path) -> None:
    me = load_membership(home_of(folder)).key.id
    assert said(folder) in ([], [me])
    with state(folder) as database:
        assert ledger_of(database, folder).standing(me, now_ms()) is Standing.ADMITTED


# ---------------------------------------------------------------- join: both sides die together


def prepare_join(folder: Path) -> None:
    founded(folder)
    (folder / "token").write_text(enrolment.invite(home_of(folder), GRANT, 600, ["127.0.0.1:1"]))


def run_join(folder: Path) -> None:
    newcomer = home_of(folder, "new")

    async def redeem(token: JoinToken, key: IslandKey, *_: object) -> joining.Welcome:
        return redeemed(folder, token, key)

    over_the_network, enrolment.redeem = enrolment.redeem, redeem
    try:
        if not newcomer.is_member:
            asyncio.run(enrolment.join(newcomer, (folder / "token").read_text(), "new"))
    finally:
        enrolment.redeem = over_the_network
    say(folder, "joined")
    with state(folder) as database:
        TokenStore(database).finish(load_membership(newcomer).key.public)


def redeemed(folder: Path, token: JoinToken, key: IslandKey) -> joining.Welcome:
    """Redeem a token at its issuer in this process: the same code, without the network between."""
    membership = load_membership(home_of(folder))
    name = token_id(token.join_key().public)
    request = enroll_pb2.JoinRequest(
        island_key=key.public,
        token_id=name,
        proof_of_possession=key.sign(proof(name, token.mesh_id, token.issuer, key.public)),
    )
    with state(folder) as database:
        ledger = ledger_of(database, folder)
        store, tokens = AttestationStore(database), TokenStore(database)
        me = membership.key.public
        issuer = Issuer(membership.require_authority, me, tokens, store, ledger, lambda signed: None)
        response = issuer.redeem(name, request, now_ms())
    return joining._check_welcome(response, token, key.public, now_ms())


def check_join(folder: Path) -> None:
    member = load_membership(home_of(folder, "new"))
    with state(folder) as database:
        ledger = ledger_of(database, folder)
        admitted = [
            claims.header.subject
            for signed in AttestationStore(database).load_all()
            if isinstance(claims := decode(signed.kind, signed.payload), AdmissionClaims) and claims.token_id
        ]
        assert admitted == [member.key.public], "one token, one island"
        assert ledger.standing(member.key.id, now_ms()) is Standing.ADMITTED
    with state(folder, "new") as database:
        assert ledger_of(database, folder).standing(member.key.id, now_ms()) is Standing.ADMITTED
    token = parse((folder / "token").read_text(), now_ms())
    try:
        redeemed(folder, token, IslandKey.generate())
    except EnrolmentRefused:
        return
    raise AssertionError("the token was used twice")


# ---------------------------------------------------------------- invite


def run_invite(folder: Path) -> None:
    say(folder, enrolment.invite(home_of(folder), GRANT, 600, ["127.0.0.1:1"]))


def check_invite(folder: Path) -> None:
    with state(folder) as database:
        for text in said(folder):
            key = parse(text, now_ms()).join_key().public
            assert TokenStore(database).join_key(token_id(key), now_ms()) == key


def run_decide(folder: Path) -> None:
    """Ask the owner for its word; once given, it stands."""
    key = JoinKey.load_or_create(folder / "join.key").public
    newcomer = IslandKey.load_or_create(folder / "newcomer.key").public
    with state(folder) as database:
        tokens = TokenStore(database)
        if tokens.join_key(token_id(key), now_ms()) is None:
            tokens.open(key, GRANT, now_ms(), now_ms() + 600_000, confirms=True)
        with suppress(JoinUnconfirmed):
            tokens.bind(token_id(key), newcomer, now_ms())
            say(folder, "was let in")
        assert said(folder).count("approved") == 0 or "was let in" in said(folder)
        if tokens.decide(token_id(key), True):
            say(folder, "approved")


def check_decide(folder: Path) -> None:
    name = token_id(JoinKey.load(folder / "join.key").public)
    with state(folder) as database:
        grant, _ = TokenStore(database).bind(name, IslandKey.load(folder / "newcomer.key").public, now_ms())
    assert grant == GRANT


def run_append(folder: Path) -> None:
    """Admit two islands with a delegated key: one chain, each number once."""
    admitter = AdmitterKey.load_or_create(folder / "admitter.key")
    genesis = load_membership(home_of(folder)).genesis
    with state(folder) as database:
        for _ in range(2):
            island = IslandKey.generate().public
            signed = admit(admitter, genesis, AttestationStore(database), island, GRANT, now_ms())
            say(folder, signed.to_wire().SerializeToString().hex())


def check_append(folder: Path) -> None:
    chain = [SignedAttestation.from_wire(decode_signed(bytes.fromhex(text))) for text in said(folder)]
    numbers = [decode(signed.kind, signed.payload).number for signed in chain]
    assert numbers == sorted(set(numbers)), "the admitter contradicted itself"


# ---------------------------------------------------------------- rotate (an admission) and revoke


def prepare_member(folder: Path) -> None:
    founded(folder)
    membership, key = load_membership(home_of(folder)), IslandKey.create(folder / "other.key")
    with state(folder) as database:
        store = AttestationStore(database)
        admit(membership.owner, membership.genesis, store, key.public, GRANT, now_ms())


def run_rotate(folder: Path) -> None:
    membership = load_membership(home_of(folder))
    at_ms = now_ms() + RENEWED_AFTER_MS
    with state(folder) as database:
        ledger = ledger_of(database, folder, at_ms)
        store = AttestationStore(database)
        for signed in renew_due(membership.owner, membership.genesis, store, ledger, at_ms):
            say(folder, signed.to_wire().SerializeToString().hex())


def check_rotate(folder: Path) -> None:
    at_ms = now_ms() + 2 * RENEWED_AFTER_MS
    with state(folder) as database:
        islands = ledger_of(database, folder, at_ms).islands()
        assert len(islands) == 2
        for island in islands:
            assert ledger_of(database, folder, at_ms).standing(island, at_ms) is Standing.ADMITTED
    kept_apart(folder)


def run_revoke(folder: Path) -> None:
    key = IslandKey.load(folder / "other.key")
    say(folder, enrolment.revoke(home_of(folder), key.id, "lost"))


def check_revoke(folder: Path) -> None:
    with state(folder) as database:
        ledger = ledger_of(database, folder)
        for island in said(folder):
            assert ledger.standing(island, now_ms()) is Standing.REVOKED
    assert said(folder)


def kept_apart(folder: Path) -> None:
    """No two statements that left have one place and version and different contents."""
    seen: dict[object, str] = {}
    for text in said(folder):
        signed = SignedAttestation.from_wire(decode_signed(bytes.fromhex(text)))
        claims = decode(signed.kind, signed.payload)
        place = (signed.kind, claims.header.subject, claims.header.version)
        assert seen.setdefault(place, text) == text, "one sequence, two statements"


# ---------------------------------------------------------------- sequences, proofs, expiry


def run_sequence(folder: Path) -> None:
    with state(folder) as database:
        for _ in range(3):
            say(folder, AttestationStore(database).next_sequence("mine", 1000))


def check_sequence(folder: Path) -> None:
    given = [int(word) for word in said(folder)]
    assert given == sorted(set(given)), "a number was given twice"


def run_prove(folder: Path) -> None:
    membership, key = load_membership(home_of(folder)), IslandKey.load(folder / "other.key")
    now = now_ms()
    header = Header(membership.genesis.mesh_id, key.public, key.public, 7, now, now, now + 1000, 0, 0)
    first, second = (sign(SelfClaims(header, name, 1), key.sign) for name in "ab")
    with state(folder) as database:
        AttestationStore(database).save_equivocation(first, second)
    say(folder, "proven")


def check_prove(folder: Path) -> None:
    key = IslandKey.load(folder / "other.key").public
    with state(folder) as database:
        assert ledger_of(database, folder).is_frozen(key)


def run_drop(folder: Path) -> None:
    membership, key = load_membership(home_of(folder)), IslandKey.load(folder / "other.key")
    now = now_ms()
    header = Header(membership.genesis.mesh_id, key.public, key.public, now, now, now, now + 1000, 0, 0)
    with state(folder) as database:
        store = AttestationStore(database)
        store.save(sign(SelfClaims(header, "a", 1), key.sign))
        store.drop([record_key(key.public, key.public, "self", 0)])


def check_drop(folder: Path) -> None:
    with state(folder) as database:
        assert len(AttestationStore(database).load_all()) == 2


# ---------------------------------------------------------------- restore


def prepare_restore(folder: Path) -> None:
    founded(folder)
    make_backup(home_of(folder), folder / "backup", True, now_ms())


def run_restore(folder: Path) -> None:
    restore(home_of(folder), folder / "backup", now_ms())
    with state(folder) as database:
        assert is_restored(database)
        me = load_membership(home_of(folder)).key.public
        say(folder, AttestationStore(database).next_sequence(slot(me), now_ms()))
        forget_restored(database)


def check_restore(folder: Path) -> None:
    check_sequence(folder)
    with state(folder) as database:
        me = load_membership(home_of(folder)).key.id
        assert ledger_of(database, folder).standing(me, now_ms()) is Standing.ADMITTED


FLOWS = {
    **FLOWS_OF_MONEY,
    **FLOWS_OF_AUDIT,
    **FLOWS_OF_REQUESTS,
    "found": Flow(nothing, run_found, check_found),
    "join": Flow(prepare_join, run_join, check_join),
    "invite": Flow(founded, run_invite, check_invite),
    "decide": Flow(founded, run_decide, check_decide),
    "append": Flow(founded, run_append, check_append),
    "rotate": Flow(prepare_member, run_rotate, check_rotate),
    "revoke": Flow(prepare_member, run_revoke, check_revoke),
    "sequence": Flow(founded, run_sequence, check_sequence),
    "prove": Flow(prepare_member, run_prove, check_prove),
    "drop": Flow(prepare_member, run_drop, check_drop),
    "restore": Flow(prepare_restore, run_restore, check_restore),
}
