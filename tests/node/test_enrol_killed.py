"""SIGKILL at every persisted step of enrolment: the next call goes on, and nobody is admitted twice."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from nacl.pwhash import argon2id

from islandrun.errors import EnrolmentRefused, ForwardFailed, JoinUnconfirmed
from islandrun.vocabulary import Standing
from islandrun_node import enrolment, invitations, joining, leaving, locked_key, root_key
from islandrun_node.admissions import read_ledger
from islandrun_node.home import Home
from islandrun_node.identity import IslandKey, load_membership
from islandrun_node.join_token import parse, token_id
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database
from islandrun_node.stores.tokens import InviteState, TokenStore
from tests.node.identity_kit import GRANT, Member, SmallMesh, exchange, listening, now_ms, until
from tests.node.killed_at import STEPS_MAX, WORDS, Nursery, nursery

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="forks and kills"),
]


@pytest.fixture(params=[3, pytest.param(1, marks=[pytest.mark.long, pytest.mark.timeout(300)])])
def stride(request: pytest.FixtureRequest) -> int:
    """Every third step by default; every one when asked for the long tests."""
    return request.param


@pytest.fixture
async def children():
    async with nursery() as ready:
        yield ready


@pytest.fixture(autouse=True)
def cheap(monkeypatch) -> None:
    monkeypatch.setattr(locked_key.lock, "__defaults__", (argon2id.OPSLIMIT_MIN, argon2id.MEMLIMIT_MIN))


def founded(path: Path) -> Home:
    home = Home(path)
    enrolment.found_mesh(home, "family", "owner")
    return home


@asynccontextmanager
async def door(home: Home) -> AsyncIterator[str]:
    membership, mesh = load_membership(home), SmallMesh.of(home)
    record = mesh.ledger.admission_record(membership.key.id)
    assert record is not None
    async with listening(mesh, Member(membership.key, mesh.take(record), record)) as ready:
        yield ready.address
    mesh.database.close()


def admitted(home: Home) -> set[str]:
    """Return the islands that an owner's state admits, beside the owner's own."""
    membership = load_membership(home)
    with closing(Database.open(home.database)) as database:
        ledger = read_ledger(AttestationStore(database), membership.genesis, now_ms())
    islands = {i for i in ledger.islands() if ledger.standing(i, now_ms()) is Standing.ADMITTED}
    return islands - {membership.key.id}


async def test_a_founding_killed_anywhere_is_taken_up_again(
    children: Nursery, tmp_path: Path, stride: int
) -> None:
    steps = 0
    for step in range(1, STEPS_MAX, stride):
        home = Home(tmp_path / str(step))
        if not await children.killed("init", home, step=step):
            break
        steps += stride
        if not home.is_member:
            enrolment.found_mesh(home, "family", "owner")
        assert load_membership(home).owner is not None
        assert admitted(home) == set(), "one island, the owner's own"
    assert steps >= 10


async def test_a_join_killed_anywhere_is_taken_up_again(
    children: Nursery, tmp_path: Path, stride: int
) -> None:
    owner, steps = founded(tmp_path / "owner"), 0
    async with door(owner) as address:
        for step in range(1, STEPS_MAX, stride):
            home, before = Home(tmp_path / str(step)), admitted(owner)
            token = enrolment.invite(owner, GRANT, 600, [address])
            if not await children.killed("join", home, token, step=step):
                break
            steps += stride
            if not home.is_member:
                await enrolment.join(home, token, "desk")
            key = load_membership(home).key
            assert admitted(owner) - before == {key.id}, "one token, one island"
            with pytest.raises(EnrolmentRefused):
                await joining.redeem(parse(token, now_ms()), IslandKey.generate())
    assert steps >= 10


async def test_an_issuer_killed_anywhere_admits_one_and_the_same(
    children: Nursery, tmp_path: Path, stride: int
) -> None:
    steps = 0
    for step in range(1, STEPS_MAX, stride):
        owner = founded(tmp_path / str(step))
        token = parse(enrolment.invite(owner, GRANT, 600, ["127.0.0.1:1"]), now_ms())
        key, address = IslandKey.generate(), tmp_path / f"address-{step}"
        await children.start("serve", owner, str(address), step=step)
        there = replace(token, addresses=(await _written(address),))
        with suppress(ForwardFailed):
            await joining.redeem(there, key)
            address.unlink()
        killed = await children.ended()
        assert len(admitted(owner)) <= 1
        async with door(owner) as again:
            there = replace(token, addresses=(again,))
            if admitted(owner) or (killed and step > 2):
                with pytest.raises(EnrolmentRefused, match="another island"):
                    await joining.redeem(there, IslandKey.generate())
            welcome = await joining.redeem(there, key)
            assert admitted(owner) == {key.id}
            assert (await joining.redeem(there, key)).admission == welcome.admission
        if not killed:
            break
        steps += stride
    assert steps >= 8


async def test_a_member_whose_issuer_dies_as_it_first_calls_has_spent_its_token(
    children: Nursery, tmp_path: Path
) -> None:
    for step in (1, 2):
        owner = founded(tmp_path / str(step))
        token = parse(enrolment.invite(owner, GRANT, 600, ["127.0.0.1:1"]), now_ms())
        key, address = IslandKey.generate(), tmp_path / f"address-{step}"
        async with door(owner) as first:
            welcome = await joining.redeem(replace(token, addresses=(first,)), key)
        await children.start("serve", owner, str(address), step=step)
        mesh = SmallMesh.of(owner)
        shown = Member(key, mesh.take(welcome.admission), welcome.admission).shown(mesh.mesh_id)
        mesh.database.close()
        await exchange(await _written(address), token.issuer, shown, token.mesh_id)
        assert await children.ended()
        async with door(owner) as again:
            with pytest.raises(EnrolmentRefused):
                await joining.redeem(replace(token, addresses=(again,)), IslandKey.generate())
        assert admitted(owner) == {key.id}


async def _written(file: Path) -> str:
    await until(file.exists, 20)
    return _text(file)


def _text(file: Path) -> str:
    return file.read_text()


async def test_a_yes_with_a_locked_key_killed_anywhere_is_said_again(
    children: Nursery, tmp_path: Path, stride: int
) -> None:
    steps = 0
    for step in range(1, STEPS_MAX, stride):
        owner = founded(tmp_path / str(step))
        root_key.lock(owner, lambda: WORDS)
        token = parse(enrolment.invite(owner, GRANT, 600, ["127.0.0.1:1"], confirms=True), now_ms())
        key = IslandKey.generate()
        with closing(Database.open(owner.database)) as database, pytest.raises(JoinUnconfirmed):
            TokenStore(database).bind(token_id(token.join_key().public), key.public, now_ms())
        (waiting,) = invitations.invites(owner)
        code = invitations.code_of(owner, waiting) or ""
        killed = await children.killed("approve", owner, waiting.name, code, step=step)
        if invitations.invites(owner)[0].state is not InviteState.SPENT:
            invitations.approve(owner, waiting.name, code, lambda: WORDS)
        assert admitted(owner) == {key.id}
        if not killed:
            break
        steps += stride
    assert steps >= 8


async def test_a_key_locked_or_unlocked_halfway_is_never_lost(
    children: Nursery, tmp_path: Path, stride: int
) -> None:
    for work in ("lock", "unlock"):
        steps = 0
        for step in range(1, STEPS_MAX, stride):
            home = founded(tmp_path / f"{work}-{step}")
            public = load_membership(home).genesis.owner
            if work == "unlock":
                root_key.lock(home, lambda: WORDS)
            killed = await children.killed(work, home, step=step)
            owner = load_membership(home, lambda: WORDS).owner
            assert owner is not None
            assert owner.public == public
            if not killed:
                break
            steps += stride
        assert steps >= 4, work


async def test_a_revocation_killed_anywhere_holds_or_is_said_again(
    children: Nursery, tmp_path: Path, stride: int
) -> None:
    steps = 0
    for step in range(1, STEPS_MAX, stride):
        owner = founded(tmp_path / str(step))
        mesh = SmallMesh.of(owner)
        gone = mesh.admit().key.id
        mesh.database.close()
        killed = await children.killed("revoke", owner, gone, step=step)
        if admitted(owner):
            enrolment.revoke(owner, gone)
        assert admitted(owner) == set()
        if not killed:
            break
        steps += stride
    assert steps - 4 in range(stride), "a sequence and a statement, before and after"


async def test_a_leaving_killed_anywhere_is_finished(children: Nursery, tmp_path: Path, stride: int) -> None:
    steps = 0
    for step in range(1, STEPS_MAX, stride):
        home = founded(tmp_path / str(step))
        killed = await children.killed("leave", home, step=step)
        if killed and (home.is_member or home.left.exists()):
            await leaving.leave(home, is_forced=True)
        assert not home.is_member
        assert list(home.keys.iterdir()) == []
        assert not home.database.exists()
        if not killed:
            break
        steps += stride
    assert steps >= 10
