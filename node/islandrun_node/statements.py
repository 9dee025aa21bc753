"""What this node says of its own islands: built from settings, engines and addresses, and signed."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version as distribution_version

import psutil

from islandrun.trust.claims import Header, IslandState, SelfClaims
from islandrun.trust.genesis import Genesis
from islandrun.trust.signing import SELF_LIFE_MS_MAX, SignedAttestation, Signer, sign
from islandrun.vocabulary import DataSetOffer, ModelOffer, PublicKey
from islandrun_node.stores.attestations import AttestationStore

VERSION = distribution_version("islandrun")
ADDRESSES_MAX = 8


@dataclass(frozen=True, slots=True)
class Doors:
    """Where a node can be reached: at "host:port", over relays; and where it carries pipes for others."""

    endpoints: tuple[str, ...] = ()
    relays: tuple[PublicKey, ...] = ()
    relay_endpoints: tuple[str, ...] = ()


NO_DOORS = Doors()


@dataclass(frozen=True, slots=True)
class SelfDescription:
    """One island of this node, as it is now. `front` is empty for the node's own island.

    `is_open` says whether requests of other islands run here now.
    """

    key: PublicKey
    signer: Signer
    name: str
    models: Callable[[], tuple[ModelOffer, ...]]
    data_sets: Callable[[], tuple[DataSetOffer, ...]]
    requests_max: int
    jurisdictions: tuple[str, ...]
    front: bytes = b""
    is_open: Callable[[], bool] = lambda: True


def attest(
    island: SelfDescription,
    genesis: Genesis,
    store: AttestationStore,
    doors: Doors,
    now_ms: int,
    state: IslandState = IslandState.READY,
    above: int = 0,
) -> SignedAttestation:
    """Sign what an island says of itself. Its sequence is on disk before the statement exists.

    `above` is the highest sequence of this island that the mesh is known to hold.
    """
    doors = NO_DOORS if island.front else doors
    sequence = store.next_sequence(slot(island.key), max(now_ms, above + 1))
    claims = SelfClaims(
        header=Header.made_now(
            genesis.mesh_id, island.key, island.key, sequence, now_ms, now_ms + SELF_LIFE_MS_MAX
        ),
        name=island.name,
        incarnation=sequence,
        endpoints=doors.endpoints,
        models=island.models(),
        data_sets=island.data_sets(),
        requests_max=island.requests_max if island.is_open() else 0,
        jurisdictions=island.jurisdictions,
        software_version=VERSION,
        front=island.front,
        relays=doors.relays,
        relay_endpoints=doors.relay_endpoints,
        state=state,
    )
    return sign(claims, island.signer)


def slot(key: PublicKey) -> str:
    """Return the name under which the sequences of an island's own statements are counted."""
    return f"self:{key.hex()}"


def addresses(advertised: tuple[str, ...], bound: str, port: int) -> tuple[str, ...]:
    """Return where other islands can reach a listener on `port`: as advertised, or as the interfaces say.

    `bound` is the "host:port" of the settings; its port may be 0.
    """
    if advertised:
        return advertised[:ADDRESSES_MAX]
    host = bound.rpartition(":")[0].strip("[]")
    if host not in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
        return (_address(host, port),)
    found = sorted(
        {
            entry.address
            for entries in psutil.net_if_addrs().values()
            for entry in entries
            if entry.family.name == "AF_INET" and not ipaddress.ip_address(entry.address).is_loopback
        }
    )
    return tuple(_address(address, port) for address in found[:ADDRESSES_MAX] or ["127.0.0.1"])


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
