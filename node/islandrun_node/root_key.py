"""The owner's key at rest and at work: lock, unlock, export to paper, import, and its duties while unlocked.

A node never unlocks it. A command does, for itself; `serve` is a process that holds it for a bounded time and
signs what waits: approved joins and due renewals. It writes to the state file, where the node finds them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum

from islandrun.errors import EnrolmentRefused, RootLocked, StateError
from islandrun.trust.ledger import Ledger
from islandrun.vocabulary import Standing
from islandrun_node import world_clock
from islandrun_node.admissions import read_ledger, renew_due
from islandrun_node.home import Home, destroy, replace_private
from islandrun_node.identity import Membership, OwnerKey, Passphrase, load_membership
from islandrun_node.invitations import sign_approved
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database

SERVE_SECONDS_MAX = 24 * 3600
RENEW_SECONDS = 60.0


class RootState(StrEnum):
    """How the owner's key lies in a home."""

    OPEN = "open"
    LOCKED = "locked"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Done:
    """What `serve` signed."""

    joins: int = 0
    renewals: int = 0


def root_state(home: Home) -> RootState:
    """Return how the owner's key lies in a home."""
    if home.owner_key.exists():
        return RootState.OPEN
    return RootState.LOCKED if home.locked_owner_key.exists() else RootState.ELSEWHERE


def lock(home: Home, passphrase: Passphrase) -> None:
    """Put the owner's key under a passphrase; the open file goes when the locked one is proven to open.

    Raises `EnrolmentRefused` when there is no key or it is locked already, `RootLocked`, `StateError`.
    """
    membership = load_membership(home)
    if membership.is_locked:
        raise EnrolmentRefused("the owner's key is locked already; `root unlock --for-good` takes that back")
    owner, words = membership.require_owner(), passphrase()
    replace_private(home.locked_owner_key, owner.locked(words))
    if OwnerKey.load_locked(home.locked_owner_key, words).public != owner.public:
        raise StateError(f"{home.locked_owner_key} does not hold the key; nothing was removed: try again")
    destroy(home.owner_key)


def unlock_for_good(home: Home, passphrase: Passphrase) -> None:
    """Take the passphrase off: the key lies open in its file again. Raises `RootLocked`, `StateError`."""
    _require_locked(home)
    owner = load_membership(home, passphrase).require_owner()
    owner.write(home.owner_key)
    home.locked_owner_key.unlink()


def export(home: Home, passphrase: Passphrase) -> str:
    """Return the owner's key as text for paper. Raises `RootLocked`, `EnrolmentRefused`, `StateError`."""
    return load_membership(home, passphrase).require_owner().on_paper()


def take_from_paper(home: Home, text: str) -> None:
    """Keep the owner's key of this home's mesh, as read from paper.

    Raises `RootLocked` at a typo, `EnrolmentRefused` when it is the key of another mesh, `StateError` when
    the home holds a key already.
    """
    membership = load_membership(home)
    if home.holds_root:
        raise StateError(f"{home.path} holds the owner's key already; nothing was changed")
    owner = OwnerKey.from_paper(text)
    if owner.public != membership.genesis.owner:
        raise EnrolmentRefused(f"the key on paper is not that of the mesh {membership.genesis.name}")
    owner.write(home.owner_key)


def serve(
    home: Home,
    passphrase: Passphrase,
    seconds: float,
    wait: Callable[[float], None],
    tell: Callable[[Done], None],
) -> None:
    """Hold a locked owner's key for `seconds`, signing what waits, and forget it. `wait` sleeps.

    Raises `RootLocked` or `StateError`.
    """
    _require_locked(home)
    membership = load_membership(home, passphrase)
    owner = membership.require_owner()
    end, renew_at, version = world_clock.now().seconds + seconds, 0.0, -1
    with closing(Database.open(home.database)) as database:
        while (now := world_clock.now().seconds) < end:
            if database.data_version() != version or now >= renew_at:
                version, renew_at = database.data_version(), now + RENEW_SECONDS
                done = _sign_waiting(owner, membership, database)
                if done != Done():
                    tell(done)
            wait(min(0.3, end - now))


def renewals_waiting(ledger: Ledger, now_ms: int) -> int:
    """Return how many islands have an admission past half its life."""
    count = 0
    for island in ledger.islands():
        admission = ledger.admission(island)
        if admission is not None and ledger.standing(island, now_ms) is not Standing.REVOKED:
            header = admission.header
            count += now_ms >= (header.not_before_ms + header.not_after_ms) // 2
    return count


def _sign_waiting(owner: OwnerKey, membership: Membership, database: Database) -> Done:
    store, now_ms = AttestationStore(database), world_clock.now().wall_ms
    joins = sign_approved(owner, membership.genesis, database)
    ledger = read_ledger(store, membership.genesis, now_ms)
    return Done(joins, len(renew_due(owner, membership.genesis, store, ledger, now_ms)))


def _require_locked(home: Home) -> None:
    if root_state(home) is not RootState.LOCKED:
        raise RootLocked("the owner's key is not locked here; see `islandrun-node root status`")
