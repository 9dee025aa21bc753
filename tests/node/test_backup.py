"""Backup and restore of a home: whole or refused, keys only when asked, and nothing old is said or used."""

import json
import stat
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from islandrun.errors import EnrolmentRefused, StateError
from islandrun.routing.receipt import Receipt, sign_receipt
from islandrun.vocabulary import Standing
from islandrun_node import enrolment
from islandrun_node.admissions import admit, read_ledger
from islandrun_node.backup import make_backup, restore
from islandrun_node.cli import cli
from islandrun_node.home import Home, held_alone, write_private
from islandrun_node.identity import IslandKey, load_membership
from islandrun_node.join_token import parse, token_id
from islandrun_node.statements import slot
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database
from islandrun_node.stores.marks import forget_restored, is_restored, last_restored_ms
from islandrun_node.stores.receipts import ReceiptStore
from islandrun_node.stores.schema import RECEIPTS
from islandrun_node.stores.tokens import TokenStore
from tests.node.identity_kit import GRANT, now_ms

ADDRESS = ["127.0.0.1:1"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    enrolment.found_mesh(home, "family", "laptop")
    return home


def damage(path: Path) -> None:
    path.write_bytes(b"\xa5" * 4096)


def test_a_damaged_state_comes_back_and_the_damaged_one_is_kept(home: Home, tmp_path: Path) -> None:
    island = IslandKey.generate()
    with closing(Database.open(home.database)) as database:
        owner, genesis = load_membership(home).owner, load_membership(home).genesis
        admit(owner, genesis, AttestationStore(database), island.public, GRANT, now_ms())
        made = make_backup(home, tmp_path / "backup", False, now_ms())  # while it is open, as a node has it
    assert not made.has_keys
    assert list((tmp_path / "backup" / "keys").iterdir()) == []
    for path in (tmp_path / "backup").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    damage(home.database)
    with pytest.raises(StateError, match="restore"):
        Database.open(home.database)
    done = restore(home, tmp_path / "backup", now_ms())
    assert done.replaced is not None
    assert (done.replaced / "state.db").read_bytes() == b"\xa5" * 4096
    with closing(Database.open(home.database)) as database:
        ledger = read_ledger(AttestationStore(database), genesis, now_ms())
    assert ledger.standing(island.id, now_ms()) is Standing.ADMITTED


def test_a_lost_machine_comes_back_from_a_backup_with_keys_alone(home: Home, tmp_path: Path) -> None:
    before = load_membership(home)
    write_private(home.locked_owner_key, b"under a passphrase")
    make_backup(home, tmp_path / "with", True, now_ms())
    make_backup(home, tmp_path / "without", False, now_ms())
    with pytest.raises(StateError, match="--with-keys"):
        restore(Home(tmp_path / "new"), tmp_path / "without", now_ms())
    assert not (tmp_path / "new").exists()
    new = Home(tmp_path / "new")
    restore(new, tmp_path / "with", now_ms())
    after = load_membership(new)
    assert (after.key.id, after.genesis, after.owner is not None) == (before.key.id, before.genesis, True)
    assert new.config.read_text() == home.config.read_text()
    assert stat.S_IMODE(new.island_key.stat().st_mode) == 0o600
    assert new.locked_owner_key.read_bytes() == b"under a passphrase"


def test_a_token_that_was_open_in_an_old_backup_opens_nothing(home: Home, tmp_path: Path) -> None:
    text = enrolment.invite(home, GRANT, 600, ADDRESS)
    name = token_id(parse(text, now_ms()).join_key().public)
    make_backup(home, tmp_path / "backup", False, now_ms())
    with closing(Database.open(home.database)) as database:
        TokenStore(database).bind(name, IslandKey.generate().public, now_ms())
    restore(home, tmp_path / "backup", now_ms())
    with closing(Database.open(home.database)) as database:
        assert TokenStore(database).open_tokens(now_ms()) == ()
        with pytest.raises(EnrolmentRefused, match="used"):
            TokenStore(database).bind(name, IslandKey.generate().public, now_ms())


@pytest.mark.parametrize("clock_behind_ms", [0, 30 * 24 * 3_600_000])
def test_no_sequence_of_after_the_backup_is_given_again(
    home: Home, tmp_path: Path, clock_behind_ms: int
) -> None:
    """Also when the clock of the machine is behind: the moment of the backup counts."""
    key = load_membership(home).key.public
    made_at = now_ms()
    with closing(Database.open(home.database)) as database:
        AttestationStore(database).next_sequence(slot(key), made_at - 1000)
    make_backup(home, tmp_path / "backup", False, made_at)
    restored_at = made_at + 5000 - clock_behind_ms
    with closing(Database.open(home.database)) as database:
        later = AttestationStore(database).next_sequence(slot(key), made_at - 900)
    restore(home, tmp_path / "backup", restored_at)
    with closing(Database.open(home.database)) as database:
        assert is_restored(database)
        assert AttestationStore(database).next_sequence(slot(key), restored_at) > later
        forget_restored(database)
        assert not is_restored(database)


def test_a_backup_that_is_not_whole_changes_nothing(home: Home, tmp_path: Path) -> None:
    before = home.database.read_bytes()
    for number, harm in enumerate(("state.db", "genesis.bin", "backup.json", "missing", "leads out")):
        folder = tmp_path / str(number)
        make_backup(home, folder, True, now_ms())
        listed = json.loads((folder / "backup.json").read_text())
        if harm == "missing":
            (folder / "state.db").unlink()
        elif harm == "leads out":
            listed["files"]["../../outside"] = "0" * 64
            (folder / "backup.json").write_text(json.dumps(listed))
        else:
            damage(folder / harm)
        with pytest.raises(StateError, match="another"):
            restore(home, folder, now_ms())
        assert home.database.read_bytes() == before


def test_a_backup_of_another_mesh_or_island_is_refused(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    enrolment.found_mesh(other, "work", "laptop")
    make_backup(other, tmp_path / "backup", True, now_ms())
    with pytest.raises(StateError, match="another mesh"):
        restore(home, tmp_path / "backup", now_ms())
    home.genesis.unlink()
    with pytest.raises(StateError, match="another island"):
        restore(home, tmp_path / "backup", now_ms())


def test_the_commands(home: Home, tmp_path: Path) -> None:
    run = CliRunner()
    target = str(tmp_path / "backup")
    done = run.invoke(cli, ["--home", str(home.path), "--json", "backup", target, "--with-keys"])
    shown = json.loads(done.stdout)
    assert (shown["schema"], shown["with_keys"], shown["mesh"]) == ("islandrun.backup/v1", True, "family")
    assert done.exit_code == 0
    again = run.invoke(cli, ["--home", str(home.path), "backup", target])
    assert again.exit_code == 1
    assert "name a new one" in again.stderr
    with held_alone(home):
        held = run.invoke(cli, ["--home", str(home.path), "restore", target])
    assert held.exit_code == 1
    assert "stop it first" in held.stderr
    done = run.invoke(cli, ["--home", str(home.path), "--json", "restore", target])
    assert json.loads(done.stdout)["schema"] == "islandrun.restore/v1"
    assert done.exit_code == 0


def test_the_log_of_receipts_comes_back_and_says_that_it_is_old(home: Home, tmp_path: Path) -> None:
    key = load_membership(home).key
    receipt = sign_receipt(Receipt("r-1", 1, key.public, (), "answered"), key.public, key.sign)
    with closing(Database.open(home.receipts, RECEIPTS)) as log:
        ReceiptStore(log).append([("r-1", 1, receipt)])
        made = make_backup(home, tmp_path / "backup", False, now_ms())
    assert "receipts.db" in made.files
    damage(home.receipts)
    at_ms = now_ms()
    done = restore(home, tmp_path / "backup", at_ms)
    assert done.replaced is not None
    assert (done.replaced / "receipts.db").exists()
    with closing(Database.open(home.receipts, RECEIPTS)) as log:
        assert (ReceiptStore(log).count(), ReceiptStore(log).size()) == (1, 1)
    with closing(Database.open(home.database)) as database:
        forget_restored(database)
        assert last_restored_ms(database) == at_ms
