"""The log of a home, opened by a command, with the keys that may have signed it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from islandrun.vocabulary import PublicKey
from islandrun_node import world_clock
from islandrun_node.admissions import read_ledger
from islandrun_node.home import Home
from islandrun_node.identity import load_membership
from islandrun_node.stores.attestations import stored_statements
from islandrun_node.stores.database import Database
from islandrun_node.stores.heads import HeadStore
from islandrun_node.stores.receipts import ReceiptStore
from islandrun_node.stores.schema import RECEIPTS


@contextmanager
def opened_log(home: Home) -> Iterator[tuple[ReceiptStore, HeadStore, tuple[PublicKey, ...]]]:
    """Open the log of a home, whether its node runs or not; its keys are its own and those it succeeded.

    Raises `StateError` when the home belongs to no mesh or a file cannot be read.
    """
    membership = load_membership(home)
    with stored_statements(home.database) as store:
        ledger = read_ledger(store, membership.genesis, world_clock.now().wall_ms)
    key = membership.key.public
    with closing(Database.open(home.receipts, RECEIPTS)) as database:
        yield ReceiptStore(database), HeadStore(database), (key, *ledger.lineage.ancestors(key))
