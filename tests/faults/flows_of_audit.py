"""What a node writes for audits: receipts with their tree, heads and who saw them, others' heads and lies."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from islandrun.audit.heads import TreeHead, cosign, sign_head
from islandrun.audit.tree import CompactRange
from islandrun.audit.witness import Breach, Continued, Evidence
from islandrun.routing.receipt import Receipt, sign_receipt
from islandrun.v1 import chat_pb2
from islandrun_node.audit_files import check_store
from islandrun_node.identity import IslandKey, load_membership
from islandrun_node.stores.database import Database
from islandrun_node.stores.heads import HeadStore, WitnessStore
from islandrun_node.stores.receipts import ReceiptStore, take_over
from islandrun_node.stores.schema import RECEIPTS
from tests.faults.flow import Flow, founded, home_of, said, say, state
from tests.node.identity_kit import now_ms

MOVED = 4


@contextmanager
def log(folder: Path) -> Iterator[Database]:
    with closing(Database.open(home_of(folder).receipts, RECEIPTS)) as database:
        yield database


def signed(key: IslandKey, name: str) -> chat_pb2.SignedReceipt:
    return sign_receipt(Receipt(name, now_ms(), key.public, (), "answered"), key.public, key.sign)


def run_receipt(folder: Path) -> None:
    """Write receipts, sign a head over them, and have it countersigned."""
    key, other = load_membership(home_of(folder)).key, IslandKey.generate()
    with log(folder) as database:
        store, heads = ReceiptStore(database), HeadStore(database)
        names = [f"r-{store.size()}-{number}" for number in range(3)]
        store.append((name, 1, signed(key, name)) for name in names)
        for name in names:
            say(folder, name)
        head = sign_head(TreeHead(key.public, store.tree.size, store.tree.root(), now_ms()), key.sign)
        heads.save(head)
        say(folder, f"head {head.head.size}")
        heads.cosigned(head, cosign(head, other.public, other.sign, now_ms()))


def check_receipt(folder: Path) -> None:
    key = load_membership(home_of(folder)).key
    with log(folder) as database:
        store, heads = ReceiptStore(database), HeadStore(database)
        found = check_store(store, heads, (key.public,))
        assert found.entries == found.receipts, "a receipt has no leaf, or a leaf no receipt"
        for word in said(folder):
            kind, _, size = word.rpartition(" ")
            if kind:
                assert heads.first_over(int(size)) is not None
            else:
                assert store.get(word) is not None


def prepare_move(folder: Path) -> None:
    founded(folder)
    key = load_membership(home_of(folder)).key
    with closing(sqlite3.connect(home_of(folder).database)) as file:
        for number in range(MOVED):
            one = signed(key, f"r-{number}")
            row = (f"r-{number}", number, one.payload, one.issuer, one.signature)
            file.execute("INSERT INTO receipts VALUES (?, ?, ?, ?, ?)", row)
        file.commit()


def run_move(folder: Path) -> None:
    with state(folder) as database, log(folder) as own:
        take_over(database, ReceiptStore(own))


def check_move(folder: Path) -> None:
    with state(folder) as database, log(folder) as own:
        store = ReceiptStore(own)
        assert [store.position(f"r-{number}") for number in range(MOVED)] == list(range(MOVED))
        assert store.size() == store.count() == MOVED
        assert database.read("SELECT count(*) FROM receipts") == [(0,)]


def run_witness(folder: Path) -> None:
    """Take a head of another island, then two that contradict each other."""
    liar = IslandKey.generate()
    empty = CompactRange()
    first, second = (
        sign_head(TreeHead(liar.public, 1, root, now_ms()), liar.sign) for root in (empty.root(), bytes(32))
    )
    with log(folder) as database:
        store = WitnessStore(database)
        store.save(Continued(first), now_ms())
        say(folder, f"seen {liar.public.hex()}")
        store.accuse(Evidence(Breach.FORK, first, second), now_ms())
        say(folder, f"accused {liar.public.hex()}")


def check_witness(folder: Path) -> None:
    with log(folder) as database:
        store = WitnessStore(database)
        accused = {one.first.head.origin.hex() for one in store.evidence()}
        for word in said(folder):
            what, _, origin = word.partition(" ")
            assert what == "seen" or origin in accused
            assert store.known(bytes.fromhex(origin)) is not None  # type: ignore[arg-type]


FLOWS_OF_AUDIT = {
    "receipt": Flow(founded, run_receipt, check_receipt),
    "move": Flow(prepare_move, run_move, check_move),
    "witness": Flow(founded, run_witness, check_witness),
}
