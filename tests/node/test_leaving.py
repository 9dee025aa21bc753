"""Leaving a mesh: who is told, what is destroyed, and who may not go without meaning it."""

import asyncio
import json
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from islandrun.errors import EnrolmentRefused, StateError
from islandrun_node import enrolment, leaving
from islandrun_node import home as home_module
from islandrun_node.admissions import admit
from islandrun_node.cli import cli
from islandrun_node.home import Home, held_alone
from islandrun_node.identity import IslandKey, load_membership
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database
from tests.node.identity_kit import GRANT, now_ms


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    enrolment.found_mesh(home, "family", "laptop")
    return home


def member(home: Home) -> Home:
    """Make of an owner's home that of a plain member whose owner is elsewhere."""
    membership = load_membership(home)
    assert membership.owner is not None
    with closing(Database.open(home.database)) as database:
        store, other = AttestationStore(database), IslandKey.generate()
        admit(membership.owner, membership.genesis, store, other.public, GRANT, now_ms())
    home.owner_key.unlink()
    return home


def run(home: Home, *words: str, text: str = "") -> Result:
    return CliRunner().invoke(cli, ["--home", str(home.path), *words], input=text)


def names(home: Home) -> set[str]:
    return {str(path.relative_to(home.path)) for path in home.path.rglob("*")}


def test_the_owner_does_not_leave_by_accident(home: Home) -> None:
    before = names(home)
    answer = run(home, "leave", "--yes")
    assert answer.exit_code == 1
    assert "holds the owner's key" in answer.stderr
    assert "--force" in answer.stderr
    assert names(home) - {"node.lock"} == before
    assert run(home, "leave", "--force", "--yes").exit_code == 0
    assert not home.is_member


def test_the_last_island_does_not_leave_by_accident(home: Home) -> None:
    home.owner_key.unlink()
    with pytest.raises(EnrolmentRefused, match="last island of family"):
        asyncio.run(leaving.leave(home))
    assert home.is_member


def test_a_locked_owner_key_counts_as_the_owners(home: Home) -> None:
    member(home)
    home.locked_owner_key.write_text("locked")
    home.locked_owner_key.chmod(0o600)
    with pytest.raises(EnrolmentRefused, match="owner's key"):
        asyncio.run(leaving.leave(home))


def test_without_a_terminal_yes_must_be_said(home: Home) -> None:
    member(home)
    answer = run(home, "leave")
    assert answer.exit_code == 2
    assert "--yes" in answer.stderr
    assert home.is_member


def test_leaving_destroys_keys_and_state_and_keeps_settings(home: Home) -> None:
    member(home)
    IslandKey.create(home.outbound_key("cloud"))
    home.token.write_text("token")
    answer = run(home, "leave", "--yes", "--json")
    assert json.loads(answer.stdout)["schema"] == "islandrun.leave/v1"
    assert "ask the owner to revoke" in answer.stderr
    assert names(home) == {"config.toml", "keys"}
    assert run(home, "leave", "--yes").exit_code == 1
    assert run(home, "status").exit_code == 3
    enrolment.found_mesh(home, "again")
    assert home.is_member


def test_keys_are_overwritten_before_they_go(home: Home, monkeypatch) -> None:
    secret = home.island_key.read_bytes()
    twin = home.path / "twin"
    twin.hardlink_to(home.island_key)
    home_module.destroy(home.island_key)
    assert not home.island_key.exists()
    assert twin.read_bytes() == bytes(len(secret))


@pytest.mark.parametrize("step", range(6))
def test_a_leaving_that_broke_off_is_finished_and_not_joined_over(home: Home, monkeypatch, step: int) -> None:
    member(home)
    done = 0

    def crash(path: Path) -> None:
        nonlocal done
        done += 1
        if done > step:
            raise KeyboardInterrupt
        home_module.destroy(path)

    with monkeypatch.context() as patched:
        patched.setattr(leaving, "destroy", crash)
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(leaving.leave(home))
    assert not home.is_member, "no half member"
    with pytest.raises(StateError, match="not wholly left"):
        enrolment.found_mesh(home, "other")
    assert asyncio.run(leaving.leave(home)) == ()
    assert names(home) == {"config.toml", "keys"}


@pytest.mark.skipif(sys.platform == "win32", reason="no such lock there")
def test_a_running_node_is_stopped_first(home: Home) -> None:
    member(home)
    with held_alone(home), pytest.raises(StateError, match="stop it first"):
        asyncio.run(leaving.leave(home))
    assert home.is_member
