"""A real disk that is full: nothing is half written, what is learnt is acted on, and all is kept later."""

from contextlib import closing
from pathlib import Path

import pytest

from islandrun.errors import StateError
from islandrun.trust.ledger import Ledger
from islandrun.vocabulary import Standing
from islandrun_node import enrolment, world_clock
from islandrun_node.admissions import admit, read_ledger, take_away
from islandrun_node.backup import make_backup
from islandrun_node.home import Home, write_private
from islandrun_node.identity import IslandKey, load_membership
from islandrun_node.mesh_driver import MeshDriver
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database
from tests.faults.small_disk import fill, small_disk
from tests.node.identity_kit import GRANT, now_ms


@pytest.fixture
def disk(tmp_path: Path):
    with small_disk(tmp_path / "disk", 1024) as disk:
        yield disk


def fill_all(store: AttestationStore, disk: Path) -> Path:
    """Fill the disk, and the room that SQLite holds already, until a write fails."""
    filler = fill(disk)
    for number in range(10_000):
        try:
            store.next_sequence(f"filler {number} " + "x" * 200, 1)
        except StateError:
            return filler
    raise AssertionError("the disk did not get full")


def take_until_full(store: AttestationStore, given: list[int]) -> None:
    given.extend(store.next_sequence("mine", 1) for _ in range(2000))


def test_a_full_disk_is_named_and_gives_no_number_twice(disk: Path) -> None:
    with closing(Database.open(disk / "state.db")) as database:
        store = AttestationStore(database)
        given = [store.next_sequence("mine", 1) for _ in range(3)]
        filler = fill_all(store, disk)
        with pytest.raises(StateError, match=r"full.*; (free space|check the disk and free)"):
            take_until_full(store, given)
        assert "full" in database.degraded()[0]
        with pytest.raises(StateError, match="free space"):
            write_private(disk / "a.key", b"x" * 100_000)
        assert not (disk / "a.key").exists()
        filler.unlink()
        given.append(store.next_sequence("mine", 1))
        assert given == sorted(set(given))
        assert database.degraded() == ()
        assert database.check() == "ok"


def test_a_revocation_is_acted_on_and_kept_when_there_is_room_again(disk: Path) -> None:
    """The disk takes nothing when it comes: the island is out at once, and stays out after a restart."""
    home = Home(disk / "home")
    membership = enrolment.found_mesh(home, "test", "laptop")
    owner, genesis, island = membership.owner, membership.genesis, IslandKey.generate()
    assert owner is not None
    with closing(Database.open(home.database)) as database:
        store, elsewhere = AttestationStore(database), Database.open(disk.parent / "elsewhere.db")
        admitted = admit(owner, genesis, store, island.public, GRANT, now_ms())
        revoked = take_away(owner, genesis, AttestationStore(elsewhere), island.public, "lost", now_ms())
        elsewhere.close()
        mesh, evicted = machine(read_ledger(store, genesis, now_ms()), membership.key.id)
        driver = MeshDriver(membership.key.id, mesh, Cut(), store, evicted.append, lambda *_: None)
        filler = fill_all(store, disk)
        driver.publish(revoked)
        assert evicted == [island.id]
        assert read_ledger(store, genesis, now_ms()).standing(island.id, now_ms()) is Standing.ADMITTED
        with pytest.raises(StateError):
            driver._keeping.write_again()
        filler.unlink()
        driver._keeping.write_again()
        assert admitted in store.load_all()
    with closing(Database.open(home.database)) as database:
        ledger = read_ledger(AttestationStore(database), load_membership(home).genesis, now_ms())
        assert ledger.standing(island.id, now_ms()) is Standing.REVOKED


def test_a_backup_that_does_not_fit_says_so(disk: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    enrolment.found_mesh(home, "test", "laptop")
    filler = fill(disk)
    filler.write_bytes(filler.read_bytes()[:-4096])
    with pytest.raises(StateError, match=r"free space|full|cannot make"):
        make_backup(home, disk / "backup", True, now_ms())


class Cut:
    """The channels of a node that has none."""

    def cut(self, island: str) -> None:
        """Nothing is open."""

    def when_called(self, told: object) -> None:
        """Nobody is called."""


def machine(ledger: Ledger, me):
    from islandrun.mesh.machine import Mesh

    return Mesh(me, ledger, world_clock.dice(), world_clock.now()), []
