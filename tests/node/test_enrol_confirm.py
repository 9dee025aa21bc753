"""A join that the owner confirms: both sides show one code, nobody is admitted before, a thief is seen."""

import asyncio
import json
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from islandrun.errors import EnrolmentRefused, JoinUnconfirmed
from islandrun.trust.naming import display_id
from islandrun.vocabulary import Standing
from islandrun_node import enrolment, invitations, joining
from islandrun_node.cli import cli
from islandrun_node.enrolment import found_mesh, invite, join
from islandrun_node.home import Home
from islandrun_node.identity import IslandKey, load_membership
from islandrun_node.join_token import confirmation_code, parse, token_id
from islandrun_node.stores.database import Database
from islandrun_node.stores.tokens import InviteState, TokenStore
from tests.node.identity_kit import GRANT, Member, SmallMesh, exchange, listening, now_ms


class Owner:
    def __init__(self, home: Home, mesh: SmallMesh, address: str) -> None:
        self.home, self.mesh, self.address = home, mesh, address

    def invite(self, confirms: bool = True) -> str:
        return invite(self.home, GRANT, 600, [self.address], confirms)

    def only(self) -> invitations.Invite:
        (found,) = invitations.invites(self.home)
        return found

    def members(self) -> set[str]:
        me = load_membership(self.home).key.id
        ledger = self.mesh.ledger
        return {i for i in ledger.islands() if ledger.standing(i, now_ms()) is Standing.ADMITTED} - {me}


@pytest.fixture(autouse=True)
def ask_often(monkeypatch) -> None:
    monkeypatch.setattr(joining, "ASK_AGAIN_SECONDS", 0.02)


@pytest.fixture
async def owner(tmp_path: Path):
    home = Home(tmp_path / "owner")
    membership = found_mesh(home, "family", "owner")
    mesh = SmallMesh.of(home)
    record = mesh.ledger.admission_record(membership.key.id)
    assert record is not None
    async with listening(mesh, Member(membership.key, mesh.take(record), record)) as door:
        yield Owner(home, mesh, door.address)
    mesh.database.close()


class Heard:
    """What a newcomer is told while it waits."""

    def __init__(self) -> None:
        self.codes: list[str] = []
        self.first = asyncio.Event()

    def __call__(self, code: str, seconds_left: float) -> None:
        self.codes.append(code)
        self.first.set()


def run(home: Home, *words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(cli, ["--home", str(home.path), *words])
    return done.exit_code, done.stdout, done.stderr


async def test_both_sides_show_one_code_and_the_word_admits(owner: Owner, tmp_path: Path) -> None:
    heard, home = Heard(), Home(tmp_path / "new")
    joins = asyncio.create_task(join(home, owner.invite(), "desk", heard))
    await asyncio.wait_for(heard.first.wait(), 10)
    await asyncio.sleep(0.1)
    assert not joins.done()
    assert owner.members() == set()
    pending = owner.only()
    assert pending.state is InviteState.PENDING
    code = invitations.code_of(owner.home, pending)
    assert {code} == set(heard.codes)
    taken = invitations.approve(owner.home, pending.name, code)
    membership = await asyncio.wait_for(joins, 10)
    assert taken == membership.key.public
    assert owner.members() == {membership.key.id}
    assert owner.only().state is InviteState.SPENT


async def test_a_wrong_code_admits_nobody(owner: Owner, tmp_path: Path) -> None:
    heard = Heard()
    joins = asyncio.create_task(join(Home(tmp_path / "new"), owner.invite(), "desk", heard))
    await asyncio.wait_for(heard.first.wait(), 10)
    other = f"{(int(heard.codes[0].replace(' ', '')) + 1) % 1_000_000:06}"
    for wrong in (other, "", "abc"):
        with pytest.raises(EnrolmentRefused, match="another machine holds this token"):
            invitations.approve(owner.home, owner.only().name, wrong)
    assert owner.only().state is InviteState.PENDING
    invitations.refuse(owner.home, owner.only().name)
    with pytest.raises(EnrolmentRefused, match="owner refused this join"):
        await asyncio.wait_for(joins, 10)
    assert owner.members() == set()
    assert not Home(tmp_path / "new").is_member


async def test_nobody_answers_and_the_join_says_what_to_do(owner: Owner, tmp_path: Path) -> None:
    home, text = Home(tmp_path / "new"), owner.invite()
    with pytest.raises(JoinUnconfirmed, match="nobody confirmed the code"):
        await join(home, text, "desk", wait_seconds=0.1)
    heard = Heard()
    joins = asyncio.create_task(join(home, text, "desk", heard))
    await asyncio.wait_for(heard.first.wait(), 10)
    invitations.approve(owner.home, owner.only().name, heard.codes[0])
    membership = await asyncio.wait_for(joins, 10)
    assert owner.members() == {membership.key.id}, "the key of the first attempt was used again"


async def test_a_stolen_token_fails_loudly_and_shows_who_took_it(owner: Owner, tmp_path: Path) -> None:
    text = owner.invite(confirms=False)
    thief = IslandKey.generate()
    await joining.redeem(parse(text, now_ms()), thief)
    with pytest.raises(EnrolmentRefused, match="used by another island"):
        await join(Home(tmp_path / "honest"), text, "desk")
    shown = owner.only()
    assert (shown.state, shown.island, shown.others) == (InviteState.SPENT, thief.public, 1)
    _, out, _ = await asyncio.to_thread(run, owner.home, "invites")
    assert display_id(thief.id) in out
    code, out, _ = await asyncio.to_thread(run, owner.home, "invites", "--json")
    assert (code, json.loads(out)["invites"][0]["island"]) == (0, thief.id)
    with pytest.raises(EnrolmentRefused, match="has admitted an island already"):
        invitations.refuse(owner.home, shown.name)
    assert enrolment.revoke(owner.home, thief.id) == thief.id


async def test_a_thief_that_came_first_waits_with_another_code(owner: Owner, tmp_path: Path) -> None:
    token = parse(owner.invite(), now_ms())
    thief = IslandKey.generate()
    with pytest.raises(JoinUnconfirmed):
        await joining.redeem(token, thief, wait_seconds=0)
    honest = IslandKey.generate()
    with pytest.raises(EnrolmentRefused, match="another island"):
        await joining.redeem(token, honest)
    name = token_id(token.join_key().public)
    assert owner.only().others == 1
    with pytest.raises(EnrolmentRefused, match="refuse"):
        invitations.approve(
            owner.home, owner.only().name, confirmation_code(token.issuer, honest.public, name)
        )
    assert owner.members() == set()


async def test_fifty_race_for_a_token_that_is_confirmed_and_one_waits(owner: Owner) -> None:
    token = parse(owner.invite(), now_ms())
    keys = [IslandKey.generate() for _ in range(50)]
    ends = await asyncio.gather(
        *(joining.redeem(token, key, wait_seconds=0) for key in keys), return_exceptions=True
    )
    assert sum(type(end) is JoinUnconfirmed for end in ends) == 1
    assert sum(type(end) is EnrolmentRefused for end in ends) == 49
    assert owner.members() == set()
    waiting = owner.only()
    assert waiting.others == 49
    invitations.approve(owner.home, waiting.name, invitations.code_of(owner.home, waiting) or "")
    ends = await asyncio.gather(
        *(joining.redeem(token, key, wait_seconds=0) for key in keys), return_exceptions=True
    )
    assert sum(not isinstance(end, BaseException) for end in ends) == 1
    assert len(owner.members()) == 1


async def test_the_word_is_kept_over_a_restart_of_the_issuer(owner: Owner) -> None:
    token, key = parse(owner.invite(), now_ms()), IslandKey.generate()
    with pytest.raises(JoinUnconfirmed):
        await joining.redeem(token, key, wait_seconds=0)
    waiting = owner.only()
    invitations.approve(owner.home, waiting.name, invitations.code_of(owner.home, waiting) or "")
    with closing(Database.open(owner.home.database)) as apart:
        assert TokenStore(apart).bind(waiting.token_id, key.public, now_ms()) == (GRANT, None)
    first, second = await joining.redeem(token, key), await joining.redeem(token, key)
    assert first.admission == second.admission


async def test_a_member_that_comes_closes_only_what_admitted_it(owner: Owner) -> None:
    """A member that also holds a token which nobody confirmed does not spend that by calling."""
    token, key = parse(owner.invite(confirms=False), now_ms()), IslandKey.generate()
    welcome = await joining.redeem(token, key)
    second = parse(owner.invite(), now_ms())
    with pytest.raises(JoinUnconfirmed):
        await joining.redeem(second, key, wait_seconds=0)
    admission = owner.mesh.ledger.admission(key.id)
    assert admission is not None
    shown = Member(key, admission, welcome.admission).shown(owner.mesh.mesh_id)
    assert (await exchange(owner.address, token.issuer, shown, owner.mesh.mesh_id)).name == "OK"
    states = {each.token_id: each.state for each in invitations.invites(owner.home)}
    assert states[token_id(token.join_key().public)] is InviteState.SPENT
    assert states[token_id(second.join_key().public)] is InviteState.PENDING


def test_the_code_has_six_digits_and_depends_on_all_three() -> None:
    first = confirmation_code(*(b"a" * 32, b"b" * 32), b"t" * 16)
    assert len(first.replace(" ", "")) == 6
    assert first.replace(" ", "").isdigit()
    others = {
        confirmation_code(b"x" * 32, b"b" * 32, b"t" * 16),
        confirmation_code(b"a" * 32, b"x" * 32, b"t" * 16),
        confirmation_code(b"a" * 32, b"b" * 32, b"x" * 16),
    }
    assert first not in others
    assert len(others) == 3


# ---------------------------------------------------------------- the commands


def test_above_personal_the_owner_is_asked_by_default(tmp_path: Path) -> None:
    home = Home(tmp_path / "owner")
    run(home, "init")
    for words, asks in (
        (("--tier", "personal"), False),
        (("--tier", "edge"), True),
        (("--tier", "cloud"), True),
        (("--tier", "edge", "--no-confirm"), False),
        (("--tier", "personal", "--confirm"), True),
    ):
        code, out, err = run(home, "invite", *words, "--address", "a:1", "--json")
        facts = json.loads(out)
        assert (code, facts["confirm"]) == (0, asks)
        assert ("invites approve" in err) is asks
    code, out, _ = run(home, "invites", "--json")
    listed = json.loads(out)
    assert listed["schema"] == "islandrun.invites/v1"
    assert [each["state"] for each in listed["invites"]] == ["open"] * 5
    assert run(home, "invites", "approve", facts["id"], "--code", "123456")[0] == 1
    assert run(home, "invites", "refuse", facts["id"])[0] == 0
    assert json.loads(run(home, "--json", "invites")[1])["invites"][0]["state"] in ("open", "refused")
    assert run(home, "invites", "refuse", "zzzz")[0] == 1
    assert run(home, "invites", "refuse", "")[0] == 1


async def test_the_commands_need_no_terminal(owner: Owner, tmp_path: Path) -> None:
    heard = Heard()
    joins = asyncio.create_task(join(Home(tmp_path / "new"), owner.invite(), "desk", heard))
    await asyncio.wait_for(heard.first.wait(), 10)
    name = owner.only().name
    code, out, err = await asyncio.to_thread(run, owner.home, "invites", "approve", name)
    assert (code, out) == (2, "")
    assert "--code" in err
    code, out, _ = await asyncio.to_thread(
        run, owner.home, "invites", "approve", name, "--code", heard.codes[0].replace(" ", "-")
    )
    membership = await asyncio.wait_for(joins, 10)
    assert (code, out.strip()) == (0, display_id(membership.key.id))


def test_an_expired_invitation_is_said_to_be(tmp_path: Path) -> None:
    home = Home(tmp_path / "owner")
    found_mesh(home, "family", "owner")
    invite(home, GRANT, 600, ["a:1"], confirms=True)
    with closing(Database.open(home.database)) as database, database.transaction() as cursor:
        cursor.execute("UPDATE tokens SET expires_at_ms = ?", (now_ms() - 1,))
    assert [each.state for each in invitations.invites(home)] == [InviteState.EXPIRED]
