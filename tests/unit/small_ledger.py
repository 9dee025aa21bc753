"""A ledger of signed statements about three islands, and what is known of the ways to them."""

from __future__ import annotations

from dataclasses import dataclass, field

from nacl.signing import SigningKey

from islandrun.trust.claims import (
    AdmissionClaims,
    Claims,
    Header,
    IslandState,
    SelfClaims,
)
from islandrun.trust.genesis import found
from islandrun.trust.ledger import Ledger
from islandrun.trust.naming import island_id
from islandrun.trust.signing import sign, verify
from islandrun.vocabulary import (
    DataSetOffer,
    Instant,
    IslandId,
    Load,
    ModelOffer,
    Ppm,
    Reachability,
    Tier,
)
from tests.signing_keys import public, signer

NOW_MS = 1_800_000_000_000
NOW = Instant(10.0, NOW_MS)
DAY_MS = 24 * 3600 * 1000
OWNER, LAPTOP, GPU_BOX, CLOUD = (SigningKey(bytes([number]) * 32) for number in (1, 2, 3, 4))
IDLE = Load(0, 0, 2, 100, 5_000)


def id_of(key: SigningKey) -> IslandId:
    return island_id(public(key))


GENESIS = found(public(OWNER), "home", NOW_MS, bytes(16), signer(OWNER))


@dataclass
class KnownConnections:
    """What this node knows of connections, stated by the test."""

    lost: frozenset[IslandId] = frozenset()
    loads: dict[IslandId, Load] = field(default_factory=dict)

    def reachability(self, island: IslandId, now: Instant) -> Reachability:
        return Reachability.UNREACHABLE if island in self.lost else Reachability.ALIVE

    def round_trip_ms(self, island: IslandId) -> int:
        return 7 if island == id_of(GPU_BOX) else 99

    def load(self, island: IslandId, now: Instant) -> Load | None:
        return self.loads.get(island)


def header(issuer: SigningKey, subject: SigningKey, slot: int = 0) -> Header:
    return Header(
        GENESIS.mesh_id, public(issuer), public(subject), NOW_MS, NOW_MS, NOW_MS, NOW_MS + DAY_MS, slot
    )


def admit(ledger: Ledger, claims: Claims, key: SigningKey) -> None:
    ledger.admit(verify(sign(claims, signer(key)), GENESIS, NOW_MS), NOW_MS)


def admission(key: SigningKey, tier: Tier, places: tuple[str, ...] = ("DE",)) -> AdmissionClaims:
    return AdmissionClaims(header(OWNER, key), tier, "family", Ppm(900_000), places)


def about(key: SigningKey, name: str, **changes: object) -> SelfClaims:
    return SelfClaims(header(key, key), name, 1, **changes)


def mesh_of(
    front: bytes = public(GPU_BOX),
    cloud_places: tuple[str, ...] = ("US",),
    gpu_state: IslandState = IslandState.READY,
    gpu_front: bytes = b"",
    cloud_state: IslandState = IslandState.READY,
) -> Ledger:
    ledger = Ledger(GENESIS)
    admit(ledger, admission(LAPTOP, Tier.PERSONAL), OWNER)
    admit(ledger, admission(GPU_BOX, Tier.EDGE), OWNER)
    admit(ledger, admission(CLOUD, Tier.CLOUD, cloud_places), OWNER)
    admit(ledger, about(LAPTOP, "laptop"), LAPTOP)
    admit(
        ledger,
        about(
            GPU_BOX,
            "gpu-box",
            endpoints=("127.0.0.1:7",),
            models=(ModelOffer("m", 8_000, Ppm(500_000)),),
            data_sets=(DataSetOffer("contracts", 1, 1, Ppm(700_000)),),
            requests_max=3,
            jurisdictions=("AQ",),
            state=gpu_state,
            front=gpu_front,
        ),
        GPU_BOX,
    )
    admit(ledger, about(CLOUD, "cloud", requests_max=9, front=front, state=cloud_state), CLOUD)
    return ledger
