"""How the owner lets other machines admit islands, ends that, and says how groups trust: the commands behind.

All of it works on the state file of a home; a running node notices. An admitter's key is made on the
admitter's own machine and never leaves it: only its public half is carried to the owner, as text.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from islandrun.errors import EnrolmentRefused
from islandrun.trust.admitters import Link
from islandrun.trust.claims import DelegationClaims
from islandrun.trust.ledger import Ledger
from islandrun.trust.naming import island_id
from islandrun.vocabulary import IslandId, Ppm, PublicKey, Standing
from islandrun.wire.limits import KEY_BYTES
from islandrun_node import pasted, world_clock
from islandrun_node.admissions import read_ledger, renew
from islandrun_node.home import Home
from islandrun_node.identity import AdmitterKey, Membership, OwnerKey, Passphrase, load_membership
from islandrun_node.rulings import Desk, Limits
from islandrun_node.stores.attestations import AttestationStore, stored_statements

PREFIX = "ira1_"
_WHAT = "an admitter's key"


@dataclass(frozen=True, slots=True)
class Admitter:
    """An admitter as the owner sees it. `state` is "good", "ended" or "contradicts itself"."""

    key: PublicKey
    state: str
    limits: DelegationClaims
    used: int
    holding: tuple[IslandId, ...]

    @property
    def text(self) -> str:
        """Its key, as the admitter's machine prints it."""
        return pasted.write(PREFIX, self.key)


@dataclass(frozen=True, slots=True)
class CutOff:
    """What ended with a delegation: who stays admitted, and who is not any more."""

    key: PublicKey
    kept: tuple[IslandId, ...]
    lost: tuple[IslandId, ...]


def request(home: Home) -> str:
    """Return the text with which the owner can make this home an admitter; its key is made once."""
    load_membership(home)
    return pasted.write(PREFIX, AdmitterKey.load_or_create(home.admitter_key).public)


def add(home: Home, text: str, limits: Limits, passphrase: Passphrase | None = None) -> PublicKey:
    """Let the key in a text admit islands, or change what it may grant. Raises `EnrolmentRefused`."""
    key = read_key(text)
    with _at_work(home, passphrase) as (owner, desk, ledger, _):
        if key == owner.public or ledger.public_key(island_id(key)) is not None:
            raise EnrolmentRefused(
                "this is the key of the owner or of an island; copy what `request` printed"
            )
        if ledger.admitters.is_cut(key):
            raise EnrolmentRefused(
                "this admitter was ended for good; it needs a new key: move the old one away"
            )
        desk.delegate(key, limits)
    return key


def admitters(home: Home) -> tuple[Admitter, ...]:
    """Return every admitter that the owner ever made, sorted by key."""
    membership = load_membership(home)
    with stored_statements(home.database) as store:
        ledger = read_ledger(store, membership.genesis, world_clock.now().wall_ms)
    return tuple(_admitter(ledger, key) for key in ledger.admitters.known())


def cut_off(
    home: Home,
    words: str,
    keep: int,
    last: str = "",
    reason: str = "",
    passphrase: Passphrase | None = None,
) -> CutOff:
    """End an admitter for good. Its first `keep` admissions hold on; the owner renews them at once.

    `words` is its key or the first letters of it; `last` the first letters of the hash of the last admission
    that holds, needed only where there are two of that number. Raises `EnrolmentRefused`.
    """
    with _at_work(home, passphrase) as (owner, desk, ledger, store):
        key = _find(ledger, words)
        before = _admitted_by(ledger, key)
        last_hash = _last_hash(ledger, key, keep, last)
        desk.cut_off(key, keep, last_hash, reason[:256])
        genesis, now_ms = ledger.genesis, world_clock.now().wall_ms
        after = read_ledger(store, genesis, now_ms)
        subjects = [claims.header.subject for _, claims in after.admitters.links(key)]
        names = {island_id(subject): subject for subject in subjects}
        kept = tuple(name for name in before if after.standing(name, now_ms) is Standing.ADMITTED)
        for name in kept:
            renew(owner, genesis, store, names[name], now_ms)
        lost = tuple(name for name in before if name not in kept)
    return CutOff(key, kept, lost)


def set_group_trust(
    home: Home, from_group: str, to_group: str, trust_ppm: Ppm, passphrase: Passphrase | None = None
) -> None:
    """State how far islands of one group trust those of another. Raises `EnrolmentRefused`."""
    with _at_work(home, passphrase) as (_, desk, ledger, _store_of_home):
        desk.set_group_trust(ledger, from_group, to_group, trust_ppm)


def group_matrix(home: Home) -> tuple[tuple[str, str, Ppm], ...]:
    """Return (from, to, trust) for every pair of the groups that islands have or the owner named."""
    membership = load_membership(home)
    with stored_statements(home.database) as store:
        ledger = read_ledger(store, membership.genesis, world_clock.now().wall_ms)
    groups = ledger.groups()
    return tuple((one, other, ledger.group_trust(one, other)) for one in groups for other in groups)


def read_key(text: str) -> PublicKey:
    """Return the key in a text that `request` printed. Raises `EnrolmentRefused`."""
    data = pasted.read(PREFIX, text, _WHAT)
    if len(data) != KEY_BYTES:
        raise EnrolmentRefused(f"{_WHAT} has the wrong size; copy it again")
    return PublicKey(data)


# ---------------------------------------------------------------- inside


@contextmanager
def _at_work(
    home: Home, passphrase: Passphrase | None
) -> Iterator[tuple[OwnerKey, Desk, Ledger, AttestationStore]]:
    membership: Membership = load_membership(home, passphrase)
    owner, now_ms = membership.require_owner(), world_clock.now().wall_ms
    with stored_statements(home.database) as store:
        ledger = read_ledger(store, membership.genesis, now_ms)
        yield owner, Desk(owner, membership.genesis, store, now_ms), ledger, store


def _admitter(ledger: Ledger, key: PublicKey) -> Admitter:
    delegation = ledger.admitters.delegation(key)
    assert delegation is not None, "an admitter has a delegation"
    if ledger.admitters.is_cut(key):
        state = "ended"
    else:
        state = "good" if ledger.admitters.is_good(key) else "contradicts itself"
    used = max((claims.number for _, claims in ledger.admitters.links(key)), default=0)
    return Admitter(key, state, delegation, used, _admitted_by(ledger, key))


def _admitted_by(ledger: Ledger, key: PublicKey) -> tuple[IslandId, ...]:
    """Return the islands that an admission of this admitter holds for and that nobody revoked."""
    subjects = {claims.header.subject for claims in ledger.admitters.holding(key).values()}
    return tuple(sorted({island_id(subject) for subject in subjects} & ledger.trusted()))


def _find(ledger: Ledger, words: str) -> PublicKey:
    plain = "".join(words.split()).lower()
    found = [key for key in ledger.admitters.known() if pasted.write(PREFIX, key).startswith(plain)]
    if len(found) != 1 or len(plain) < len(PREFIX) + 4:
        count = len(found) if len(plain) >= len(PREFIX) + 4 and found else "no"
        raise EnrolmentRefused(
            f'{count} admitters are called "{words[:64]}"; see `islandrun-node authority list`'
        )
    return found[0]


def _last_hash(ledger: Ledger, key: PublicKey, keep: int, last: str) -> bytes:
    """Return the hash of the last admission that holds on."""
    if keep == 0:
        return b""
    links: list[Link] = [link for link in ledger.admitters.links(key) if link[1].number == keep]
    chosen = [name for name, _ in links if name.hex().startswith(last.strip().lower())]
    if len(chosen) != 1:
        known = ", ".join(name.hex()[:16] for name, _ in links) or "none"
        raise EnrolmentRefused(
            f"{len(chosen) or 'no'} admissions of this admitter have number {keep}; choose by --last: {known}"
        )
    return chosen[0]
