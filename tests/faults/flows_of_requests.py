"""What a node writes when it answers: secrets, vaults, and what it saw others do."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from islandrun.trust.behaviour import Behaviour
from islandrun.vocabulary import IslandId, Ppm
from islandrun_node.stores.behaviour import BehaviourStore
from islandrun_node.stores.client_keys import ClientKeyStore
from islandrun_node.stores.conversations import NEW, ConversationStore
from islandrun_node.stores.data_sets import DataSetStore, Declared
from islandrun_node.stores.sealed import SealedStore
from tests.faults.flow import Flow, founded, nothing, said, say, state

NAMES = ("Anna Kern", "Tom Reed", "Eva Lind", "Max Orr")


def run_behaviour(folder: Path) -> None:
    seen = {IslandId("a"): Behaviour(1.0, 2.0, 3)}
    with state(folder) as database:
        BehaviourStore(database).save([IslandId("a")], seen)
    say(folder, "kept")


def check_behaviour(folder: Path) -> None:
    with state(folder) as database:
        assert BehaviourStore(database).load() == {IslandId("a"): Behaviour(1.0, 2.0, 3)}


def run_seal(folder: Path) -> None:
    with state(folder) as database:
        SealedStore(database, b"k" * 32).seal("cloud", "a secret")
    say(folder, "sealed")


def prepare_take_over(folder: Path) -> None:
    founded(folder)
    with state(folder) as database:
        for name in ("cloud", "other cloud"):
            SealedStore(database, b"k" * 32).seal(name, "a secret")


def run_take_over(folder: Path) -> None:
    with state(folder) as database:
        SealedStore(database, b"n" * 32).take_over(SealedStore(database, b"k" * 32))


def check_take_over(folder: Path) -> None:
    """All of it is sealed with the new key, also where a first try died."""
    with state(folder) as database:
        new = SealedStore(database, b"n" * 32)
        assert [new.open(name) for name in ("cloud", "other cloud")] == ["a secret"] * 2


def check_seal(folder: Path) -> None:
    with state(folder) as database:
        assert SealedStore(database, b"k" * 32).open("cloud") == "a secret"


def run_vault(folder: Path) -> None:
    with closing(ConversationStore.open(folder / "conversations.db", b"k" * 32)) as store:
        held = store.load(b"one", 1)
        entries = held.vault.originals() if held and held.vault else {}
        placeholder = f"[PERSON_{len(entries) + 1}]"
        told = {**entries, placeholder: NAMES[len(entries)]}
        store.save(b"one", tuple(told.items()), held.mark if held else NEW, 1000)
        say(folder, placeholder)
        store.save(b"two", (("[PERSON_1]", "Tom Reed"),), held_mark(store, b"two"), 10)
        store.sweep(20)


def run_data_sets(folder: Path) -> None:
    """Declare two data sets and take one away again."""
    with state(folder) as database:
        store = DataSetStore(database)
        store.put(Declared("kept", "/kept", Ppm(1)))
        say(folder, "kept")
        store.put(Declared("gone", "/gone", Ppm(2)))
        store.remove("gone")


def check_data_sets(folder: Path) -> None:
    with state(folder) as database:
        assert DataSetStore(database).all() == (Declared("kept", "/kept", Ppm(1)),)


def held_mark(store: ConversationStore, name: bytes) -> bytes:
    held = store.load(name, 1)
    return held.mark if held else NEW


def check_vault(folder: Path) -> None:
    with closing(ConversationStore.open(folder / "conversations.db", b"k" * 32)) as store:
        held = store.load(b"one", 1)
        assert held is not None
        assert held.vault is not None, "a vault is whole or absent"
        assert held.vault.originals().keys() >= set(said(folder))
        assert len(said(folder)) == len(set(said(folder))), "a number was given twice"


def run_client_key(folder: Path) -> None:
    with state(folder) as database:
        store = ClientKeyStore(database)
        names = {key.name for key in store.listed()}
        if "desk" in names:
            store.revoke("desk", 2)
            say(folder, "revoked")
        key = store.add(f"app-{len(names)}", 1)
        say(folder, f"app-{len(names)} {key}")


def prepare_client_key(folder: Path) -> None:
    founded(folder)
    with state(folder) as database:
        say(folder, f"desk {ClientKeyStore(database).add('desk', 1)}")


def check_client_key(folder: Path) -> None:
    """Each key that was shown counts, and the one that was said to be revoked does not."""
    words = said(folder)
    with state(folder) as database:
        store = ClientKeyStore(database)
        for name, _, key in (word.partition(" ") for word in words):
            if key and name != "desk":
                assert store.name_of(key) == name
        if "revoked" in words:
            assert store.name_of(words[0].partition(" ")[2]) is None


FLOWS_OF_REQUESTS = {
    "data sets": Flow(founded, run_data_sets, check_data_sets),
    "client key": Flow(prepare_client_key, run_client_key, check_client_key),
    "behaviour": Flow(founded, run_behaviour, check_behaviour),
    "take over": Flow(prepare_take_over, run_take_over, check_take_over),
    "seal": Flow(founded, run_seal, check_seal),
    "vault": Flow(nothing, run_vault, check_vault),
}
