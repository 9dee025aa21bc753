"""Leaving a mesh: say goodbye to those who can be reached, then close the home for good.

The genesis is renamed first, so that the home is no member from then on, and removed last: what breaks off in
between is seen and finished by the next call. Settings and documents stay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import grpc

from islandrun.errors import EnrolmentRefused, StateError
from islandrun.trust.claims import IslandState, SelfClaims
from islandrun.trust.ledger import Ledger
from islandrun.trust.naming import island_id
from islandrun.trust.signing import SELF_LIFE_MS_MAX, SignedAttestation, sign
from islandrun.v1 import mesh_pb2, mesh_pb2_grpc
from islandrun.vocabulary import IslandId, PublicKey, Standing
from islandrun_node import world_clock
from islandrun_node.admissions import read_ledger
from islandrun_node.certificates import Shown, show_island
from islandrun_node.channels import open_channel
from islandrun_node.home import Home, destroy, held_alone
from islandrun_node.identity import IslandKey, Membership, load_membership
from islandrun_node.stores.attestations import AttestationStore, stored_statements

PEERS_TOLD_MAX = 32
TELL_SECONDS_MAX = 3.0


@dataclass(frozen=True, slots=True)
class Loss:
    """What leaving would destroy. `others` counts the admitted islands beside this home's own."""

    mesh_name: str
    island: IslandId
    holds_root: bool
    others: int

    @property
    def is_grave(self) -> bool:
        """Whether the mesh itself suffers: its owner goes, or nobody stays."""
        return self.holds_root or self.others == 0

    def text(self) -> str:
        """Return what would be lost, for the owner's eyes."""
        if self.holds_root:
            return (
                f"this home holds the owner's key of {self.mesh_name}: without it nobody admits, revokes or "
                f"renews, and the {self.others} other islands fall out when their admissions end"
            )
        if self.others == 0:
            return f"this is the last island of {self.mesh_name}: the mesh ends with it"
        return f"this home's keys, conversations and receipts; the {self.others} other islands go on"


def what_is_lost(home: Home) -> Loss:
    """Return what leaving would destroy. Raises `StateError` when the home belongs to no mesh."""
    membership, now_ms = load_membership(home), world_clock.now().wall_ms
    ours = {key.id for key in _keys(home, membership)}
    with stored_statements(home.database) as store:
        ledger = read_ledger(store, membership.genesis, now_ms)
    admitted = [island for island in ledger.islands() if ledger.standing(island, now_ms) is Standing.ADMITTED]
    others = sum(island not in ours for island in admitted)
    return Loss(membership.genesis.name, membership.key.id, home.holds_root, others)


async def leave(home: Home, is_forced: bool = False) -> tuple[IslandId, ...]:
    """Say AWAY to the mesh, destroy this home's keys and state, and return who heard of it.

    Raises `EnrolmentRefused` when the mesh would suffer and `is_forced` is not given, `StateError` when a
    node runs here. A home that broke off leaving is closed without a word.
    """
    if home.left.exists() and not home.is_member:
        close_home(home)
        return ()
    with held_alone(home):
        loss = what_is_lost(home)
        if loss.is_grave and not is_forced:
            raise EnrolmentRefused(
                f"{loss.text()}; put the owner's key on paper (`root export`) and use --force, or stay"
            )
        told = await say_goodbye(home)
        close_home(home)
    return told


async def say_goodbye(home: Home) -> tuple[IslandId, ...]:
    """Sign that the islands of this home are away, tell the others, and return who took it."""
    membership, now_ms = load_membership(home), world_clock.now().wall_ms
    with stored_statements(home.database) as store:
        ledger = read_ledger(store, membership.genesis, now_ms)
        farewells = [
            _away(key, claims, store, now_ms)
            for key in _keys(home, membership)
            if (claims := ledger.self_claims(key.id)) is not None
        ]
        store.save_all(farewells)
    admission = ledger.admission(membership.key.id)
    if admission is None or not farewells:
        return ()
    mesh_id = membership.genesis.mesh_id
    shown = show_island(membership.key, admission.certificate_der, mesh_id, now_ms)
    doors = _doors(ledger, membership.key.id, now_ms)
    heard = await asyncio.gather(*(_tell(key, door, shown, mesh_id, farewells) for key, door in doors))
    return tuple(island_id(key) for (key, _), took in zip(doors, heard, strict=True) if took)


def close_home(home: Home) -> None:
    """Destroy the keys and the state of a home; what is missing already is no fault."""
    if home.is_member:
        home.genesis.replace(home.left)
    for key in sorted(home.keys.glob("*")):
        destroy(key)
    destroy(home.token)
    for database in (home.database, home.receipts, home.conversations):
        for suffix in ("", "-wal", "-shm"):
            destroy(database.with_name(database.name + suffix))
    for replaced in sorted(home.path.glob("replaced-*/*")):
        destroy(replaced)
    for rest in (home.running, home.lock, home.left):
        rest.unlink(missing_ok=True)


def _keys(home: Home, membership: Membership) -> tuple[IslandKey, ...]:
    """Return the keys of all islands of this home, its own first."""
    fronted = sorted(home.keys.glob("outbound-*.key"))
    return (membership.key, *(IslandKey.load(path) for path in fronted))


def _away(key: IslandKey, claims: SelfClaims, store: AttestationStore, now_ms: int) -> SignedAttestation:
    """Sign what an island says last: away, and nothing to offer; the addresses name the place it left."""
    sequence = store.next_sequence(f"self:{key.public.hex()}", now_ms)
    header = replace(
        claims.header,
        sequence=sequence,
        issued_at_ms=now_ms,
        not_before_ms=now_ms,
        not_after_ms=now_ms + SELF_LIFE_MS_MAX,
    )
    last = replace(
        claims, header=header, incarnation=sequence, models=(), data_sets=(), state=IslandState.AWAY
    )
    return sign(last, key.sign)


def _doors(ledger: Ledger, me: IslandId, now_ms: int) -> list[tuple[PublicKey, tuple[str, ...]]]:
    """Return key and addresses of the admitted islands that can be called, the first few by id."""
    found = []
    for island in sorted(ledger.islands()):
        claims, key = ledger.self_claims(island), ledger.public_key(island)
        is_admitted = ledger.standing(island, now_ms) is Standing.ADMITTED
        if claims is None or key is None or not is_admitted or island == me:
            continue
        if claims.endpoints and not claims.front:
            found.append((key, claims.endpoints))
    return found[:PEERS_TOLD_MAX]


async def _tell(
    target: PublicKey,
    addresses: Sequence[str],
    shown: Shown,
    mesh_id: bytes,
    farewells: Sequence[SignedAttestation],
) -> bool:
    message = mesh_pb2.GossipMessage(
        push=mesh_pb2.Push(attestations=[signed.to_wire() for signed in farewells])
    )
    async with open_channel(addresses, target, shown, mesh_id) as channel:
        try:
            await mesh_pb2_grpc.MeshServiceStub(channel).Exchange(
                mesh_pb2.ExchangeRequest(messages=[message]), timeout=TELL_SECONDS_MAX
            )
        except grpc.aio.AioRpcError:
            return False
    return True


def require_something_to_leave(home: Home) -> None:
    """Raise `StateError` when a home neither belongs to a mesh nor broke off leaving one."""
    if not home.is_member and not home.left.exists():
        raise StateError(f"{home.path} belongs to no mesh; there is nothing to leave")
