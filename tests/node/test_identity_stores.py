"""What must survive: the newest statement of each place, sequences that never repeat, tokens used once."""

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from islandrun.errors import EnrolmentRefused, StateError
from islandrun.trust.claims import Header, SelfClaims
from islandrun.trust.genesis import Genesis, found
from islandrun.trust.ledger import record_key
from islandrun.trust.signing import SignedAttestation, sign
from islandrun_node.identity import IslandKey, JoinKey, OwnerKey
from islandrun_node.join_token import token_id
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database
from islandrun_node.stores.tokens import KEPT_MS, TokenStore
from tests.node.identity_kit import GRANT, now_ms

KEY = IslandKey.generate()
OTHER = IslandKey.generate()


@pytest.fixture
def database(tmp_path: Path):
    database = Database.open(tmp_path / "state.db")
    yield database
    database.close()


@pytest.fixture
def genesis() -> Genesis:
    owner = OwnerKey.generate()
    return found(owner.public, "test", now_ms(), bytes(16), owner.sign)


def said(
    genesis: Genesis, sequence: int, epoch: int = 0, name: str = "x", key: IslandKey = KEY
) -> SignedAttestation:
    now = now_ms()
    header = Header(genesis.mesh_id, key.public, key.public, sequence, now, now, now + 1000, 0, epoch)
    return sign(SelfClaims(header, name, 1), key.sign)


# ---------------------------------------------------------------- statements


def test_only_newer_statements_replace(database: Database, genesis: Genesis) -> None:
    store = AttestationStore(database)
    newest = said(genesis, 5, epoch=1)
    store.save(newest)
    for other in (said(genesis, 9), said(genesis, 4, epoch=1), said(genesis, 5, epoch=1, name="y")):
        store.save(other)
        assert store.load_all() == (newest,)
    newer = said(genesis, 6, epoch=1)
    store.save(newer)
    assert store.load_all() == (newer,)
    store.save(said(genesis, 1, key=OTHER))
    assert len(store.load_all()) == 2


def test_statements_survive_and_are_dropped_by_place(database: Database, genesis: Genesis) -> None:
    AttestationStore(database).save_all([said(genesis, 1), said(genesis, 2, key=OTHER)])
    database.close()
    again = Database.open(database.path)
    store = AttestationStore(again)
    assert len(store.load_all()) == 2
    store.drop([record_key(OTHER.public, OTHER.public, "self", 0)])
    assert len(store.load_all()) == 1
    store.start_over([])
    assert store.load_all() == ()
    again.close()


def test_a_proof_of_contradiction_is_kept_once(database: Database, genesis: Genesis) -> None:
    store = AttestationStore(database)
    proof = said(genesis, 1), said(genesis, 1, name="y")
    store.save_equivocation(*proof)
    store.save_equivocation(*reversed(proof))
    assert store.load_equivocations() == (proof,)
    with database.transaction() as cursor:
        cursor.execute("UPDATE equivocations SET first = x'ff'")
    with pytest.raises(StateError, match="damaged"):
        store.load_equivocations()


def test_another_process_is_noticed(database: Database, genesis: Genesis) -> None:
    mine, theirs = AttestationStore(database), Database.open(database.path)
    before = mine.data_version()
    mine.save(said(genesis, 1))
    assert mine.data_version() == before
    AttestationStore(theirs).save(said(genesis, 2))
    theirs.close()
    assert mine.data_version() != before


# ---------------------------------------------------------------- sequences


def test_a_sequence_follows_the_clock_and_never_goes_back(database: Database) -> None:
    store = AttestationStore(database)
    assert store.next_sequence("a", 100) == 100
    assert store.next_sequence("a", 100) == 101
    assert store.next_sequence("a", 50) == 102
    assert store.next_sequence("a", 500) == 500
    assert store.next_sequence("b", 7) == 7


def test_two_users_of_the_file_get_different_numbers(database: Database) -> None:
    other = Database.open(database.path)
    numbers: list[int] = []

    def take(store: AttestationStore) -> None:
        numbers.extend(store.next_sequence("a", 1) for _ in range(50))

    threads = [threading.Thread(target=take, args=(AttestationStore(each),)) for each in (database, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert sorted(numbers) == list(range(1, 101))


def test_a_killed_process_repeats_no_number(tmp_path: Path) -> None:
    """SIGKILL right after a number was given: it is on the disk."""
    program = (
        "import os, pathlib, signal\n"
        "from islandrun_node.stores.attestations import AttestationStore\n"
        "from islandrun_node.stores.database import Database\n"
        f"store = AttestationStore(Database.open(pathlib.Path({str(tmp_path / 'state.db')!r})))\n"
        "print(store.next_sequence('a', 1), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    given = [
        int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout)
        for _ in range(3)
    ]
    assert given == [1, 2, 3]


# ---------------------------------------------------------------- tokens


def opened(store: TokenStore, now: int = 1000, expires: int = 2000):
    key = JoinKey.generate().public
    store.open(key, GRANT, now, expires)
    return token_id(key)


def test_a_token_is_bound_to_the_first_key_and_then_done(database: Database) -> None:
    store, first, second = TokenStore(database), IslandKey.generate().public, IslandKey.generate().public
    name = opened(store)
    assert store.bind(name, first, 1001) == (GRANT, None)
    store.keep_admission(name, b"admission")
    assert store.bind(name, first, 1002) == (GRANT, b"admission")
    with pytest.raises(EnrolmentRefused, match="another island"):
        store.bind(name, second, 1003)
    assert store.join_key(name, 1004) is not None
    assert not store.finish(second)
    assert store.finish(first)
    assert not store.finish(first)
    assert store.join_key(name, 1004) is None
    for key in (first, second):
        with pytest.raises(EnrolmentRefused):
            store.bind(name, key, 1005)


def test_an_expired_or_unknown_token_is_refused(database: Database) -> None:
    store, key = TokenStore(database), IslandKey.generate().public
    name = opened(store)
    assert store.open_tokens(1999) != ()
    assert store.open_tokens(2000) == ()
    assert store.join_key(name, 2000) is None
    with pytest.raises(EnrolmentRefused, match="expired"):
        store.bind(name, key, 2000)
    store.bind(name, key, 1999)
    with pytest.raises(EnrolmentRefused, match="expired"):
        store.bind(name, key, 2000)
    with pytest.raises(EnrolmentRefused, match="not issued here"):
        store.bind(bytes(16), key, 1500)


def test_jurisdictions_come_back(database: Database) -> None:
    store, grant = TokenStore(database), replace(GRANT, jurisdictions=("DE", "FR-75"))
    key = JoinKey.generate().public
    store.open(key, grant, 1000, 2000)
    assert store.bind(token_id(key), IslandKey.generate().public, 1500)[0] == grant


def test_old_tokens_are_forgotten(database: Database) -> None:
    store = TokenStore(database)
    opened(store)
    opened(store, 2000 + KEPT_MS + 1, 3000 + KEPT_MS)
    assert database.read("SELECT count(*) FROM tokens") == [(1,)]


def test_two_processes_cannot_both_bind(database: Database) -> None:
    other = Database.open(database.path)
    stores = [TokenStore(database), TokenStore(other)]
    name = opened(stores[0])
    won: list[int] = []

    def race(place: int) -> None:
        key = IslandKey.generate().public
        try:
            stores[place % 2].bind(name, key, 1500)
        except EnrolmentRefused:
            return
        won.append(place)

    threads = [threading.Thread(target=race, args=(place,)) for place in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert len(won) == 1
