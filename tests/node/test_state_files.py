"""Files of state: older versions are brought up, foreign, damaged and unwritable ones refused untouched."""

import logging
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from islandrun.errors import StateError
from islandrun_node import admissions, enrolment
from islandrun_node.home import Home
from islandrun_node.identity import load_membership
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database
from islandrun_node.stores.schema import COSTS, RECEIPTS, STATE, VAULTS, Schema
from tests.node.identity_kit import now_ms

VECTORS = Path(__file__).parents[1] / "vectors"
KINDS = {"state": STATE, "conversations": VAULTS, "costs": COSTS, "receipts": RECEIPTS}
OLDER = [(kind, version) for kind, schema in KINDS.items() for version in range(1, schema.newest + 1)]


def old_file(path: Path, kind: str, version: int) -> bool:
    """Make a file as an old version wrote it; say whether that version is on record."""
    text = VECTORS / f"{kind}-{version}.sql"
    if text.exists():
        with closing(sqlite3.connect(path)) as file:
            file.executescript(text.read_text())
    return text.exists()


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as file:
        tables = file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        return {name: file.execute(f"SELECT * FROM {name}").fetchall() for (name,) in tables}


def shape(path: Path) -> tuple[object, ...]:
    with closing(sqlite3.connect(path)) as file:
        objects = file.execute("SELECT type, name, tbl_name FROM sqlite_schema ORDER BY name").fetchall()
        numbers = [file.execute(f"PRAGMA {name}").fetchone() for name in ("user_version", "application_id")]
        return (*objects, *numbers)


@pytest.mark.parametrize(("kind", "version"), OLDER)
def test_a_file_of_each_older_version_opens_with_all_it_held(tmp_path: Path, kind: str, version: int) -> None:
    schema = KINDS[kind]
    if not old_file(tmp_path / "old.db", kind, version):
        assert version == schema.newest, f"tests/vectors lacks {kind}-{version}.sql"
        return
    before = content(tmp_path / "old.db")
    for _ in range(2):
        Database.open(tmp_path / "old.db", schema).close()
    after = content(tmp_path / "old.db")
    assert {name: after[name] for name in before} == before
    Database.open(tmp_path / "new.db", schema).close()
    assert shape(tmp_path / "old.db") == shape(tmp_path / "new.db")


def test_many_openers_of_an_old_file_change_it_once(tmp_path: Path) -> None:
    old_file(tmp_path / "old.db", "state", 1)
    faults: list[Exception] = []

    def open_it() -> None:
        try:
            Database.open(tmp_path / "old.db").close()
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_a_change_that_fails_leaves_the_older_version(tmp_path: Path) -> None:
    old_file(tmp_path / "old.db", "state", 1)
    before = shape(tmp_path / "old.db")
    broken = Schema(STATE.application_id, (*STATE.versions, "CREATE TABLE a (b); CREATE TABLE a (b);"))
    with pytest.raises(StateError):
        Database.open(tmp_path / "old.db", broken)
    assert shape(tmp_path / "old.db") == before


def test_a_newer_a_foreign_and_another_kind_of_file_are_refused_untouched(tmp_path: Path) -> None:
    made = {
        "newer": "PRAGMA user_version = 99; CREATE TABLE attestations (a);",
        "foreign": "CREATE TABLE songs (name);",
        "another kind": f"PRAGMA application_id = {VAULTS.application_id}; PRAGMA user_version = 1;",
    }
    for name, statements in made.items():
        with closing(sqlite3.connect(tmp_path / name)) as file:
            file.executescript(statements)
        before = (tmp_path / name).read_bytes()
        with pytest.raises(StateError, match=r"newer version|not a file of this program"):
            Database.open(tmp_path / name)
        assert (tmp_path / name).read_bytes() == before


@pytest.mark.parametrize("place", ["header", "first page", "everywhere"])
def test_a_damaged_file_is_named_with_its_remedy(tmp_path: Path, place: str) -> None:
    path = tmp_path / "state.db"
    with closing(Database.open(path)) as database, database.transaction() as cursor:
        rows = [(f"r-{n}", n, b"x" * 900, b"", b"") for n in range(200)]
        cursor.executemany("INSERT INTO receipts VALUES (?, ?, ?, ?, ?)", rows)
    damaged = bytearray(path.read_bytes())
    where = {"header": range(16), "first page": range(100, 2000), "everywhere": range(4096, len(damaged), 7)}
    for position in where[place]:
        damaged[position] ^= 0xA5
    path.write_bytes(damaged)
    with pytest.raises(StateError, match=r"state\.db is damaged.*(restore|backup)"):
        Database.open(path)
    assert path.read_bytes() == bytes(damaged)


def test_a_statement_that_is_not_as_it_was_signed_stops_the_start(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    enrolment.found_mesh(home, "test", "laptop")
    with closing(Database.open(home.database)) as database:
        with database.transaction() as cursor:
            cursor.execute("UPDATE attestations SET payload = zeroblob(length(payload))")
        genesis = load_membership(home).genesis
        with pytest.raises(StateError, match=r"state\.db is damaged.*restore"):
            admissions.read_ledger(AttestationStore(database), genesis, now_ms())


def test_a_file_that_cannot_be_written_says_so_and_recovers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(Database.open(tmp_path / "state.db")) as database:
        assert database.degraded() == ()
        database.read("PRAGMA query_only = ON")
        with (
            caplog.at_level(logging.ERROR),
            pytest.raises(StateError, match=r"read-only.*; check the folder"),
        ):
            AttestationStore(database).next_sequence("a", 1)
        assert "readonly" in database.degraded()[0]
        database.read("PRAGMA query_only = OFF")
        assert AttestationStore(database).next_sequence("a", 1) == 1
        assert database.degraded() == ()
