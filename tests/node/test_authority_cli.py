"""The commands authority, groups and successor: offline, on two homes, statements carried by hand."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from islandrun.trust.behaviour import Behaviour
from islandrun.trust.signing import SignedAttestation
from islandrun.vocabulary import IslandId, Standing
from islandrun_node import pasted
from islandrun_node.admissions import read_ledger
from islandrun_node.cli import cli
from islandrun_node.enrolment import found_mesh
from islandrun_node.home import Home, write_private
from islandrun_node.identity import IslandKey, genesis_file, load_membership
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.behaviour import BehaviourStore
from islandrun_node.stores.database import Database
from islandrun_node.stores.sealed import SealedStore
from tests.node.identity_kit import SmallMesh, now_ms


@pytest.fixture
def owner(tmp_path: Path) -> Home:
    home = Home(tmp_path / "owner")
    found_mesh(home, "family", "laptop")
    return home


@pytest.fixture
def office(tmp_path: Path, owner: Home) -> Home:
    """Return the home of a member, made without a listener."""
    home = Home(tmp_path / "office")
    home.create()
    key = IslandKey.create(home.island_key)
    mesh = SmallMesh.of(owner)
    mesh.admit(key)
    write_private(home.genesis, genesis_file(mesh.genesis))
    mesh.database.close()
    carry(owner, home)
    return home


def statements(home: Home) -> tuple[SignedAttestation, ...]:
    with closing(Database.open(home.database)) as database:
        return AttestationStore(database).load_all()


def carry(source: Home, target: Home) -> None:
    with closing(Database.open(target.database)) as database:
        AttestationStore(database).save_all(statements(source))


def run(home: Home, *words: str, text: str = "") -> Result:
    return CliRunner().invoke(cli, ["--home", str(home.path), *words], input=text)


def answered(home: Home, *words: str) -> dict[str, object]:
    result = run(home, "--json", *words)
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert isinstance(facts, dict)
    return facts


def standing(home: Home, island: str) -> Standing:
    genesis = load_membership(home).genesis
    with closing(Database.open(home.database)) as database:
        return read_ledger(AttestationStore(database), genesis, now_ms()).standing(island, now_ms())


def delegated(owner: Home, office: Home, quota: str = "2") -> str:
    key = str(answered(office, "authority", "request")["key"])
    answered(owner, "authority", "add", key, "--quota", quota, "--tier", "edge", "--trust", "0.7")
    carry(owner, office)
    return key


# ---------------------------------------------------------------- authority


def test_a_machine_invites_once_the_owner_lets_it(owner: Home, office: Home) -> None:
    wanted = ("invite", "--tier", "edge", "--trust", "0.7", "--address", "192.0.2.7:8471")
    first = run(office, *wanted)
    assert first.exit_code == 1
    assert "founded the mesh" in first.stderr
    delegated(owner, office)
    assert run(office, *wanted, "--no-confirm").exit_code == 0
    beyond = run(office, "invite", "--tier", "personal", "--address", "192.0.2.7:8471")
    assert beyond.exit_code == 1
    assert "more than the owner lets this machine grant" in beyond.stderr
    assert answered(office, "authority", "request")["key"] == answered(office, "authority", "request")["key"]


def test_the_list_shows_what_an_admitter_may_and_did(owner: Home, office: Home) -> None:
    key = delegated(owner, office)
    listed = answered(owner, "authority", "list")
    assert listed["schema"] == "islandrun.authority-list/v1"
    shown = {"key": key, "state": "good", "used": 0, "quota": 2, "tier": "edge", "trust": 0.7,
             "groups": ["home"], "jurisdictions": [], "members": []}  # fmt: skip
    assert listed["admitters"] == [shown]
    assert "0 of 2" in run(owner, "authority", "list").stdout
    answered(owner, "authority", "add", key, "--quota", "5", "--tier", "cloud")
    again = answered(owner, "authority", "list")["admitters"]
    assert isinstance(again, list)
    assert [(one["quota"], one["tier"]) for one in again] == [(5, "cloud")]


def test_an_ended_admitter_admits_nobody_and_never_comes_back(owner: Home, office: Home) -> None:
    key = delegated(owner, office)
    assert run(owner, "authority", "revoke", key).exit_code == 2  # how many stay must be said
    assert answered(owner, "authority", "revoke", key[:12], "--keep", "0")["lost"] == []
    carry(owner, office)
    refused = run(office, "invite", "--tier", "edge", "--address", "192.0.2.7:8471")
    assert (refused.exit_code, refused.stdout) == (1, "")
    listed = answered(owner, "authority", "list")["admitters"]
    assert isinstance(listed, list)
    assert listed[0]["state"] == "ended"
    again = run(owner, "authority", "add", key, "--quota", "1", "--tier", "edge")
    assert again.exit_code == 1
    assert "ended for good" in again.stderr


@pytest.mark.parametrize("words", [("authority", "list"), ("groups", "list"), ("successor", "request")])
def test_a_home_without_a_mesh_is_told_what_to_do(tmp_path: Path, words: tuple[str, ...]) -> None:
    result = run(Home(tmp_path / "none"), *words)
    assert result.exit_code == 1
    assert "belongs to no mesh" in result.stderr


def test_a_text_with_a_typo_is_not_taken(owner: Home, office: Home) -> None:
    key = str(answered(office, "authority", "request")["key"])
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    for text in (wrong, key[:-4], "irj1_0000", ""):
        result = run(owner, "authority", "add", text, "--quota", "1", "--tier", "edge")
        assert result.exit_code == 1, text
        assert "copy it" in result.stderr
    island = load_membership(office).key.public
    result = run(owner, "authority", "add", pasted.write("ira1_", island), "--quota", "1", "--tier", "edge")
    assert "of an island" in result.stderr
    assert answered(owner, "authority", "list")["admitters"] == []


def test_only_the_owner_delegates_and_sets_groups(owner: Home, office: Home) -> None:
    key = delegated(owner, office)
    for words in (
        ("authority", "add", key, "--quota", "9", "--tier", "edge"),
        ("authority", "revoke", key, "--keep", "0"),
        ("groups", "set", "home", "office", "1"),
    ):
        result = run(office, *words)
        assert result.exit_code == 1
        assert "founded the mesh" in result.stderr


# ---------------------------------------------------------------- groups


def test_trust_between_groups_is_set_one_way(owner: Home) -> None:
    answered(owner, "groups", "set", "home", "office", "0.3")
    answered(owner, "groups", "set", "home", "office", "0.4")
    pairs = answered(owner, "groups", "list")["groups"]
    assert isinstance(pairs, list)
    assert {(pair["from"], pair["to"]): pair["trust"] for pair in pairs} == {
        ("home", "home"): 1.0,
        ("home", "office"): 0.4,
        ("office", "home"): 0.8,
        ("office", "office"): 1.0,
    }
    assert run(owner, "groups", "set", "home", "office", "1.5").exit_code == 2


# ---------------------------------------------------------------- successor


def sealed(home: Home) -> str | None:
    key = load_membership(home).key
    with closing(Database.open(home.database)) as database:
        return SealedStore(database, key.derived("seal")).open("outbound:cloud")


def test_an_island_changes_its_key_and_keeps_what_it_had(owner: Home, office: Home) -> None:
    old = load_membership(office).key
    with closing(Database.open(office.database)) as database:
        SealedStore(database, old.derived("seal")).seal("outbound:cloud", "words of a cloud")
        seen = {IslandId("n" * 52): Behaviour(1.0, 20.0, 5)}
        BehaviourStore(database).save(seen, seen)
    wanted = str(answered(office, "successor", "request")["request"])
    approval = answered(owner, "successor", "approve", wanted)
    assert answered(owner, "successor", "approve", wanted)["island"] == approval["island"]
    text = str(approval["approval"])
    assert run(office, "successor", "finish", text[:-8]).exit_code == 1
    assert load_membership(office).key.public == old.public
    done = run(office, "successor", "finish", "-", text=text)
    assert done.exit_code == 0, done.output
    new = load_membership(office).key
    assert new.id == approval["island"] != old.id
    assert sealed(office) == "words of a cloud"
    with closing(Database.open(office.database)) as database:
        assert BehaviourStore(database).load() == seen
    assert not office.next_key.exists()
    for home in (owner, office):
        assert standing(home, new.id) is Standing.ADMITTED
        assert standing(home, old.id) is Standing.REVOKED
    with closing(Database.open(office.database)) as database:
        AttestationStore(database).start_over(())  # as at the entry into another mesh
        assert BehaviourStore(database).load() == seen


def test_a_request_by_another_key_or_twice_is_not_approved(owner: Home, office: Home) -> None:
    text = str(answered(office, "successor", "request")["request"])
    data = pasted.read("irs1_", text, "it")
    stolen = pasted.write("irs1_", data[:32] + bytes(32) + data[64:])
    assert "not signed by the key" in run(owner, "successor", "approve", stolen).stderr
    assert "founded the mesh" in run(office, "successor", "approve", text).stderr
    answered(office, "authority", "request")
    assert "may not admit islands" in run(office, "successor", "approve", text).stderr
    island = load_membership(office).key.id
    assert standing(owner, island) is Standing.ADMITTED
    run(owner, "revoke", island)
    assert "is not admitted" in run(owner, "successor", "approve", text).stderr


def test_nothing_is_exchanged_without_an_approval(owner: Home, office: Home) -> None:
    before = load_membership(office).key.public
    assert run(office, "successor", "finish", "irt1_0").exit_code == 1
    answered(office, "successor", "request")
    empty = pasted.write("irt1_", b"")
    assert "does not admit the new key" in run(office, "successor", "finish", empty).stderr
    assert load_membership(office).key.public == before
