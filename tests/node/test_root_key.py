"""The owner's key under a passphrase and on paper: who may use it, and what a node without it still does."""

import asyncio
import json
import stat
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.pwhash import argon2id

from islandrun.errors import EnrolmentRefused, JoinUnconfirmed, RootLocked, StateError
from islandrun.v1 import enroll_pb2
from islandrun.vocabulary import Standing
from islandrun_node import enrolment, invitations, locked_key, paper_key, root_key
from islandrun_node.admissions import ADMISSION_LIFE_MS, admit, read_ledger
from islandrun_node.cli import cli
from islandrun_node.home import Home
from islandrun_node.identity import IslandKey, load_membership
from islandrun_node.issuer import Issuer, proof
from islandrun_node.join_token import JoinToken, parse, token_id
from islandrun_node.root_key import RootState, root_state
from islandrun_node.state import open_state
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database
from islandrun_node.stores.tokens import InviteState, TokenStore
from tests.node.identity_kit import GRANT, now_ms

WORDS = "five words that nobody guesses"


@pytest.fixture(autouse=True)
def cheap(monkeypatch) -> None:
    """Derive keys at the least cost: what it costs is not what these tests are about."""
    cost = (argon2id.OPSLIMIT_MIN, argon2id.MEMLIMIT_MIN)
    monkeypatch.setattr(locked_key.lock, "__defaults__", cost)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    enrolment.found_mesh(home, "family", "laptop")
    return home


def words() -> str:
    return WORDS


def run(home: Home, *arguments: str, text: str = "") -> Result:
    return CliRunner().invoke(cli, ["--home", str(home.path), *arguments], input=text)


def private(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


# ---------------------------------------------------------------- at rest


def test_a_locked_key_is_nowhere_in_clear_and_comes_back(home: Home) -> None:
    clear = home.owner_key.read_bytes().split()[1]
    before = load_membership(home)
    assert before.owner is not None
    root_key.lock(home, words)
    assert root_state(home) is RootState.LOCKED
    for path in home.path.rglob("*"):
        assert not path.is_file() or clear not in path.read_bytes(), path
    assert stat.S_IMODE(home.locked_owner_key.stat().st_mode) == 0o600
    locked = load_membership(home)
    assert (locked.owner, locked.is_locked) == (None, True)
    opened = load_membership(home, words)
    assert opened.owner is not None
    assert opened.owner.public == before.owner.public
    root_key.unlock_for_good(home, words)
    assert root_state(home) is RootState.OPEN
    assert home.owner_key.read_bytes().split()[1] == clear
    assert not home.locked_owner_key.exists()


def test_a_wrong_passphrase_changes_nothing(home: Home) -> None:
    root_key.lock(home, words)
    before = home.locked_owner_key.read_bytes()
    for act in (
        lambda: load_membership(home, lambda: "wrong words, all of them"),
        lambda: root_key.unlock_for_good(home, lambda: WORDS + " "),
        lambda: root_key.export(home, lambda: ""),
        lambda: enrolment.revoke(home, "laptop", "", lambda: WORDS.upper()),
    ):
        with pytest.raises(RootLocked, match="does not open"):
            act()
    assert home.locked_owner_key.read_bytes() == before
    assert root_state(home) is RootState.LOCKED


def test_a_lock_that_broke_off_leaves_the_key(home: Home, monkeypatch) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    for place in ("replace_private", "destroy"):
        with monkeypatch.context() as patched:
            patched.setattr(root_key, place, crash)
            with pytest.raises(KeyboardInterrupt):
                root_key.lock(home, lambda: "another passphrase")
        assert load_membership(home).owner is not None
    root_key.lock(home, words)
    assert load_membership(home, words).owner is not None


def test_a_short_passphrase_is_refused_and_a_second_lock_too(home: Home) -> None:
    with pytest.raises(RootLocked, match="8 to 1024"):
        root_key.lock(home, lambda: "short")
    assert root_state(home) is RootState.OPEN
    root_key.lock(home, words)
    with pytest.raises(EnrolmentRefused, match="locked already"):
        root_key.lock(home, words)


@pytest.mark.parametrize("damage", ["cut", "mark", "flip", "cost", "empty"])
def test_a_damaged_file_is_named(home: Home, damage: str) -> None:
    root_key.lock(home, words)
    content = home.locked_owner_key.read_bytes()
    home.locked_owner_key.write_bytes(
        {
            "cut": content[:-9],
            "mark": b"X" + content,
            "flip": content[:-12] + (b"AAAA" if content[-12:-8] != b"AAAA" else b"BBBB") + content[-8:],
            "cost": locked_key.MARK.encode() + b" " + b"/" * 16 + content[len(locked_key.MARK) + 17 :],
            "empty": b"",
        }[damage]
    )
    with pytest.raises((StateError, RootLocked)) as refused:
        load_membership(home, words)
    assert isinstance(refused.value, RootLocked) is (damage == "flip")


def test_a_key_file_that_others_can_read_is_refused_with_the_remedy(home: Home, tmp_path: Path) -> None:
    root_key.lock(home, words)
    home.locked_owner_key.chmod(0o644)
    with pytest.raises(StateError, match="chmod 600"):
        load_membership(home)
    home.locked_owner_key.chmod(0o600)
    open_to_all = tmp_path / "passphrase"
    open_to_all.write_text(WORDS)
    open_to_all.chmod(0o640)
    answer = run(home, "revoke", "laptop", "--passphrase-file", str(open_to_all))
    assert answer.exit_code == 1
    assert f"chmod 600 {open_to_all}" in answer.stderr
    home.island_key.chmod(0o604)
    answer = run(home, "root", "status")
    assert answer.exit_code == 1
    assert "chmod 600" in answer.stderr


def test_the_real_cost_is_what_the_module_says() -> None:
    content = locked_key.lock(b"s" * 32, WORDS, locked_key.OPERATIONS, locked_key.MEMORY_BYTES)
    assert locked_key.MEMORY_BYTES == 256 * 1024**2
    assert locked_key.unlock(content, WORDS, "here") == b"s" * 32


def test_nothing_shows_the_key(home: Home) -> None:
    membership = load_membership(home)
    assert membership.owner is not None
    seed = home.owner_key.read_text().split()[1]
    assert seed not in repr(membership)
    with pytest.raises(TypeError, match="pickled"):
        membership.owner.__reduce_ex__(2)


# ---------------------------------------------------------------- on paper


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_paper_comes_back_as_it_went(seed: bytes) -> None:
    text = paper_key.write(seed)
    assert paper_key.read(text) == seed
    assert paper_key.read(text.upper().replace(" ", "-").replace("0", "O")) == seed
    assert len(text.split()) == 13


@settings(deadline=None)
@given(st.data())
def test_one_wrong_character_on_paper_is_noticed(data) -> None:
    text = "".join(paper_key.write(b"\x5a" * 32).split())
    at = data.draw(st.integers(len(paper_key.PREFIX), len(text) - 1))
    other = data.draw(st.sampled_from("0123456789abcdefghjkmnpqrstvwxyz").filter(lambda c: c != text[at]))
    with pytest.raises(RootLocked) as refused:
        paper_key.read(text[:at] + other + text[at + 1 :])
    assert text[10:20] not in str(refused.value)


@pytest.mark.parametrize("text", ["", "hello", "irk1", "irk1 00000", "irk1" + "u" * 60, "irk1" + "0" * 61])
def test_what_is_no_paper_key_is_said(text: str) -> None:
    with pytest.raises(RootLocked, match=r"copy it whole|compare it again"):
        paper_key.read(text)


def test_a_key_moves_by_paper_to_another_home_of_its_mesh_alone(home: Home, tmp_path: Path) -> None:
    paper = private(tmp_path / "paper", run(home, "root", "export").stdout)
    other = Home(tmp_path / "other")
    enrolment.found_mesh(other, "other", "other")
    assert run(home, "root", "import", str(paper)).exit_code == 1, "it is here already"
    other.owner_key.unlink()
    answer = run(other, "root", "import", str(paper))
    assert answer.exit_code == 1
    assert "not that of the mesh other" in answer.stderr
    assert root_state(other) is RootState.ELSEWHERE
    home.owner_key.unlink()
    assert run(home, "root", "import", "-", text=paper.read_text()).exit_code == 0
    assert load_membership(home).owner is not None


# ---------------------------------------------------------------- the commands


def test_the_commands_lock_export_and_unlock(home: Home, tmp_path: Path, monkeypatch) -> None:
    file = private(tmp_path / "words", WORDS + "\n")
    answer = run(home, "root", "lock")
    assert (answer.exit_code, answer.stdout) == (4, "")
    assert "--passphrase-file" in answer.stderr
    assert run(home, "root", "lock", "--passphrase-file", str(file)).exit_code == 0
    assert json.loads(run(home, "root", "status", "--json").stdout)["root"] == "locked"
    assert run(home, "revoke", "laptop").exit_code == 4
    assert run(home, "root", "export").exit_code == 4
    paper = tmp_path / "paper"
    answer = run(home, "root", "export", "--output", str(paper), "--passphrase-file", str(file))
    assert (answer.exit_code, answer.stdout) == (0, "")
    assert stat.S_IMODE(paper.stat().st_mode) == 0o600
    again = run(home, "root", "export", "--output", str(paper), "--passphrase-file", str(file))
    assert again.exit_code == 1, "a file that is there is not replaced"
    monkeypatch.setenv("ISLANDRUN_ROOT_PASSPHRASE", "not this one")
    assert run(home, "root", "unlock", "--for-good").exit_code == 4
    monkeypatch.setenv("ISLANDRUN_ROOT_PASSPHRASE", WORDS)
    assert run(home, "root", "unlock", "--for-good").exit_code == 0
    assert run(home, "root", "unlock").exit_code == 4, "there is nothing to unlock"
    for answer in (run(home, "doctor"), run(home, "root", "status")):
        assert WORDS not in answer.output


def test_doctor_says_that_the_root_is_locked(home: Home) -> None:
    root_key.lock(home, words)
    found = {check["name"]: check for check in json.loads(run(home, "doctor", "--json").stdout)["checks"]}
    assert found["root"]["detail"].startswith("locked")


def test_a_locked_root_admits_by_the_command_alone(home: Home) -> None:
    root_key.lock(home, words)
    text = enrolment.invite(home, GRANT, 600, ["127.0.0.1:1"], confirms=True)
    token, key = parse(text, now_ms()), IslandKey.generate()
    membership = load_membership(home)
    with closing(Database.open(home.database)) as database:
        tokens, store = TokenStore(database), AttestationStore(database)
        ledger = read_ledger(store, membership.genesis, now_ms())
        issuer = Issuer(lambda: None, membership.key.public, tokens, store, ledger, lambda signed: None)
        call = _request(token, key)
        with pytest.raises(JoinUnconfirmed):
            issuer.redeem(call.token_id, call, now_ms())
        (waiting,) = invitations.invites(home)
        code = invitations.code_of(home, waiting) or ""
        with pytest.raises(RootLocked, match="does not open"):
            invitations.approve(home, waiting.name, code, lambda: "wrong wrong wrong")
        with pytest.raises(JoinUnconfirmed):
            issuer.redeem(call.token_id, call, now_ms())
        invitations.approve(home, waiting.name, code, words)
        answer = issuer.redeem(call.token_id, call, now_ms())
    assert answer.admission.payload
    assert invitations.invites(home)[0].state is InviteState.SPENT


def _request(token: JoinToken, key: IslandKey) -> enroll_pb2.JoinRequest:
    name = token_id(token.join_key().public)
    return enroll_pb2.JoinRequest(
        island_key=key.public,
        token_id=name,
        proof_of_possession=key.sign(proof(name, token.mesh_id, token.issuer, key.public)),
    )


# ---------------------------------------------------------------- its duties


def test_an_unlocked_root_signs_what_waits_and_is_gone(home: Home) -> None:
    key, then = IslandKey.generate(), now_ms() - ADMISSION_LIFE_MS * 2 // 3
    membership = load_membership(home)
    assert membership.owner is not None
    with closing(Database.open(home.database)) as database:
        admit(membership.owner, membership.genesis, AttestationStore(database), key.public, GRANT, then)
    root_key.lock(home, words)
    told: list[root_key.Done] = []
    root_key.serve(home, words, 0.05, time.sleep, told.append)
    assert told == [root_key.Done(joins=0, renewals=1)]
    with closing(Database.open(home.database)) as database:
        ledger = read_ledger(AttestationStore(database), membership.genesis, now_ms())
    later = now_ms() + ADMISSION_LIFE_MS * 2 // 3
    assert ledger.standing(key.id, later) is Standing.ADMITTED
    assert root_key.renewals_waiting(ledger, now_ms()) == 0
    assert root_state(home) is RootState.LOCKED


def test_a_node_with_a_locked_root_says_what_waits(home: Home) -> None:
    key, then = IslandKey.generate(), now_ms() - ADMISSION_LIFE_MS * 2 // 3
    membership = load_membership(home)
    assert membership.owner is not None
    with ExitStack() as stack:
        state = open_state(home, stack)
        admit(membership.owner, membership.genesis, state.attestations, key.public, GRANT, then)
        assert state.degraded() == (), "an open key renews by itself"
    root_key.lock(home, words)
    with ExitStack() as stack:
        (reason,) = open_state(home, stack).degraded()
        assert reason.startswith("1 admissions wait")


def test_a_key_of_an_unfinished_mesh_is_not_joined_over(tmp_path: Path) -> None:
    home = Home(tmp_path / "new")
    home.create()
    private(home.locked_owner_key, "anything")
    with pytest.raises(StateError, match="unfinished `init`"):
        asyncio.run(enrolment.join(home, "irj1_0"))
    assert home.locked_owner_key.exists()
