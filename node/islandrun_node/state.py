"""What a member's home holds, opened: membership, stores, and the ledger they amount to."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass

from islandrun.errors import StateError
from islandrun.trust.claims import AdmissionClaims
from islandrun.trust.ledger import Ledger
from islandrun.vocabulary import IslandId, PublicKey, Standing
from islandrun_node import world_clock
from islandrun_node.admissions import read_ledger
from islandrun_node.home import Home
from islandrun_node.identity import AdmitterKey, AuthorityKey, Membership, load_membership
from islandrun_node.root_key import renewals_waiting
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database
from islandrun_node.stores.marks import is_restored
from islandrun_node.stores.receipts import ReceiptStore, take_over
from islandrun_node.stores.schema import RECEIPTS
from islandrun_node.stores.sealed import SealedStore
from islandrun_node.stores.tokens import TokenStore


@dataclass(frozen=True, slots=True)
class State:
    """The opened state of one home. `ledger` belongs to the mesh machine once that exists."""

    home: Home
    membership: Membership
    database: Database
    attestations: AttestationStore
    tokens: TokenStore
    receipts: ReceiptStore
    sealed: SealedStore
    ledger: Ledger

    @property
    def me(self) -> IslandId:
        """The node's own island."""
        return self.membership.key.id

    def authority(self) -> AuthorityKey | None:
        """Return the key with which this node admits; a command may have made one since the node started."""
        known = self.membership.authority
        if known is None and not self.membership.is_locked and self.home.admitter_key.exists():
            return AdmitterKey.load(self.home.admitter_key)
        return known

    @property
    def admission(self) -> AdmissionClaims:
        """What the owner grants this island. Raises `StateError` when it is not admitted any more."""
        admission = self.ledger.admission(self.me)
        standing = self.ledger.standing(self.me, world_clock.now().wall_ms)
        if admission is None or standing is not Standing.ADMITTED:
            raise StateError(
                f"this island is {standing.name.lower()} in its mesh ({self.home.path}); "
                "ask the owner for a new join token and join with another --home"
            )
        return admission

    def degraded(self) -> tuple[str, ...]:
        """Return what waits: admissions for the owner's key while that is locked, all after a restore."""
        now_ms = world_clock.now().wall_ms
        waiting = renewals_waiting(self.ledger, now_ms) if self.membership.is_locked else 0
        told = [f"{waiting} admissions wait for the owner's key; run `islandrun-node root unlock`"]
        return (*(told if waiting else ()), *self._after_a_restore())

    def _after_a_restore(self) -> tuple[str, ...]:
        try:
            if not is_restored(self.database):
                return ()
        except StateError as error:
            return (str(error),)
        return ("this home was restored; it says and admits nothing before it has heard other islands",)


def open_state(home: Home, stack: ExitStack, issuers: Iterable[PublicKey] = ()) -> State:
    """Open everything in a home; `stack` closes it. `issuers` may certify and vouch from outside the mesh.

    Raises `StateError`, having changed nothing.
    """
    membership = load_membership(home)
    database = Database.open(home.database)
    stack.callback(database.close)
    log = Database.open(home.receipts, RECEIPTS)
    stack.callback(log.close)
    receipts = ReceiptStore(log)
    take_over(database, receipts)
    attestations = AttestationStore(database)
    return State(
        home=home,
        membership=membership,
        database=database,
        attestations=attestations,
        tokens=TokenStore(database),
        receipts=receipts,
        sealed=SealedStore(database, membership.key.derived("seal")),
        ledger=read_ledger(attestations, membership.genesis, world_clock.now().wall_ms, issuers),
    )
