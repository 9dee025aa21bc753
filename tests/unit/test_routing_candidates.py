"""From a real ledger of signed statements to the views that routing judges."""

from __future__ import annotations

from nacl.signing import SigningKey

from islandrun.routing.candidates import LocalFacts, Vantage
from islandrun.trust.behaviour import Behaviour, Event, observe
from islandrun.trust.claims import (
    IslandState,
    RevocationClaims,
)
from islandrun.trust.ledger import Ledger
from islandrun.trust.score import TrustPolicy
from islandrun.vocabulary import (
    IslandId,
    IslandView,
    Load,
    Reachability,
    Standing,
    Tier,
)
from tests.signing_keys import public
from tests.unit.small_ledger import (
    CLOUD,
    DAY_MS,
    GENESIS,
    GPU_BOX,
    IDLE,
    LAPTOP,
    NOW,
    NOW_MS,
    OWNER,
    KnownConnections,
    admission,
    admit,
    header,
    id_of,
    mesh_of,
)


def views(
    ledger: Ledger,
    connections: KnownConnections | None = None,
    behaviours: dict[IslandId, Behaviour] | None = None,
    fronted_here: bool = False,
) -> dict[str, IslandView]:
    local = {id_of(LAPTOP): LocalFacts(IDLE, is_self=True)}
    if fronted_here:
        local[id_of(CLOUD)] = LocalFacts(IDLE, is_self=False)
    vantage = Vantage(
        ledger, connections or KnownConnections(), "family", TrustPolicy(), behaviours or {}, local, NOW
    )
    gathered = vantage.views()
    assert all(vantage.view(view.id) == view for view in gathered)
    assert vantage.view(IslandId("a" * 52)) is None
    assert [view.id for view in gathered] == sorted(view.id for view in gathered)
    return {view.name: view for view in gathered}


def test_a_view_joins_the_owners_word_the_islands_word_and_first_hand_knowledge():
    load = Load(1, 0, 3, 50, 1_000)
    box = views(mesh_of(), KnownConnections(loads={id_of(GPU_BOX): load}))["gpu-box"]
    assert (box.id, box.key, box.tier, box.group) == (id_of(GPU_BOX), public(GPU_BOX), Tier.EDGE, "family")
    assert box.jurisdictions == ("DE",)  # as the owner admitted it, not as the island claims
    assert (box.standing, box.reachability, box.trust.ppm) == (Standing.ADMITTED, Reachability.ALIVE, 800_000)
    assert (box.models[0].name, box.data_sets[0].name, box.endpoints) == ("m", "contracts", ("127.0.0.1:7",))
    assert (box.requests_max, box.load, box.round_trip_ms) == (3, load, 7)
    assert box.attested_until_ms == box.admitted_until_ms == NOW_MS + DAY_MS
    assert (box.is_local, box.is_self, box.front) == (False, False, "")


def test_this_nodes_own_island_is_known_from_here():
    everything_lost = KnownConnections(lost=frozenset({id_of(LAPTOP)}))
    laptop = views(mesh_of(), everything_lost)["laptop"]
    assert (laptop.is_local, laptop.is_self) == (True, True)
    assert (laptop.load, laptop.round_trip_ms, laptop.reachability) == (IDLE, 0, Reachability.ALIVE)


def test_an_outbound_island_elsewhere_is_as_near_and_as_trusted_as_its_front():
    distrusted = {id_of(GPU_BOX): observe(Behaviour(), Event.VIOLATED_PROTOCOL, NOW_MS)}
    known = views(mesh_of(), behaviours=distrusted)
    box, cloud = known["gpu-box"], known["cloud"]
    assert cloud.front == box.id
    assert cloud.trust.ppm == min(200_000, box.trust.ppm)
    assert (cloud.endpoints, cloud.round_trip_ms) == (("127.0.0.1:7",), 7)
    assert not cloud.is_local
    lost = views(mesh_of(), KnownConnections(lost=frozenset({box.id})))["cloud"]
    assert lost.reachability is Reachability.UNREACHABLE


def test_trust_of_an_outbound_island_never_exceeds_that_of_its_front():
    awful = Behaviour()
    for _ in range(40):
        awful = observe(awful, Event.VIOLATED_PROTOCOL, NOW_MS)
    known = views(mesh_of(), behaviours={id_of(GPU_BOX): awful})
    assert known["gpu-box"].trust.ppm < 200_000
    assert known["cloud"].trust.ppm == known["gpu-box"].trust.ppm
    assert known["cloud"].trust.factors[-1].name == "front"


def test_a_revoked_front_takes_its_outbound_islands_with_it():
    ledger = mesh_of()
    admit(ledger, RevocationClaims(header(OWNER, GPU_BOX, slot=7), public(GPU_BOX), "lost"), OWNER)
    known = views(ledger)
    box = next(view for view in known.values() if view.id == id_of(GPU_BOX))
    assert (box.standing, box.trust.ppm) == (Standing.REVOKED, 0)
    assert known["cloud"].trust.ppm == 0


def test_places_of_the_front_count_too():
    assert views(mesh_of())["cloud"].jurisdictions == ("DE", "US")
    assert views(mesh_of(cloud_places=()))["cloud"].jurisdictions == ()
    assert views(mesh_of(), fronted_here=True)["cloud"].jurisdictions == ("US",)


def test_an_outbound_island_fronted_here_stands_alone():
    lost = KnownConnections(lost=frozenset({id_of(GPU_BOX), id_of(CLOUD)}))
    cloud = views(mesh_of(front=public(LAPTOP)), lost, fronted_here=True)["cloud"]
    assert (cloud.is_local, cloud.is_self, cloud.reachability) == (True, False, Reachability.ALIVE)
    assert (cloud.load, cloud.round_trip_ms, cloud.trust.ppm) == (IDLE, 0, 200_000)


def test_nobody_reaches_an_outbound_island_without_a_front_that_runs_it():
    stranger = SigningKey(b"\x09" * 32)
    for ledger in (
        mesh_of(front=public(stranger)),
        mesh_of(front=public(LAPTOP)),  # this node fronted it once and does not any more
        mesh_of(gpu_front=public(LAPTOP)),  # a front behind a front
    ):
        assert views(ledger)["cloud"].reachability is Reachability.UNREACHABLE


def test_away_and_draining_are_taken_at_their_word():
    away = views(mesh_of(gpu_state=IslandState.AWAY))
    assert away["gpu-box"].reachability is Reachability.AWAY
    assert away["cloud"].reachability is Reachability.AWAY
    draining = views(mesh_of(gpu_state=IslandState.DRAINING))
    assert draining["gpu-box"].requests_max == 0
    assert draining["cloud"].requests_max == 0
    assert views(mesh_of(cloud_state=IslandState.AWAY))["cloud"].reachability is Reachability.AWAY


def test_an_island_without_a_word_of_its_own_offers_nothing():
    ledger = Ledger(GENESIS)
    admit(ledger, admission(GPU_BOX, Tier.EDGE), OWNER)
    silent = views(ledger)[id_of(GPU_BOX)[:8]]
    assert (silent.models, silent.requests_max, silent.attested_until_ms, silent.trust.ppm) == ((), 0, 0, 0)
