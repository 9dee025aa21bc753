"""What is new of an island is seen at once: by what is heard, by the clock, by what lies at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from islandrun.agents.fleet import Fleet
from islandrun.routing.candidates import LocalFacts, Vantage
from islandrun.routing.lookout import NO_WAYS, Lookout
from islandrun.trust.behaviour import Behaviour, Event, observe
from islandrun.trust.changes import CHANGES_MAX, Changes
from islandrun.trust.claims import CertificationClaims, GroupTrustClaims, RevocationClaims, VouchClaims
from islandrun.trust.ledger import Ledger
from islandrun.trust.score import FADES_MS, TrustPolicy
from islandrun.vocabulary import (
    Instant,
    IslandId,
    IslandView,
    Load,
    Ppm,
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
    OWNER,
    KnownConnections,
    about,
    admission,
    admit,
    header,
    id_of,
    mesh_of,
)

BOX = id_of(GPU_BOX)


@dataclass
class Node:
    """What one node has at hand, and its lookout."""

    ledger: Ledger = field(default_factory=mesh_of)
    connections: KnownConnections = field(default_factory=KnownConnections)
    moved: Changes = field(default_factory=Changes)
    behaviours: dict[IslandId, Behaviour] = field(default_factory=dict)
    load: Load = IDLE
    policy: TrustPolicy = field(default_factory=TrustPolicy)
    now: Instant = NOW

    def __post_init__(self) -> None:
        self.lookout = Lookout(self.moved)

    def later(self, ms: int) -> None:
        self.now = Instant(self.now.seconds + ms / 1_000, self.now.wall_ms + ms)

    def fleet(self, ways: Mapping[IslandId, str] = NO_WAYS) -> Fleet:
        """Look, and compare with what there is to see."""
        local = {id_of(LAPTOP): LocalFacts(self.load, is_self=True)}
        vantage = Vantage(
            self.ledger, self.connections, "family", self.policy, self.behaviours, local, self.now
        )
        fleet = self.lookout.fleet(vantage, ways)
        assert [replace(view, through="") for view in fleet.islands] == list(vantage.views())
        return fleet

    def box(self, ways: Mapping[IslandId, str] = NO_WAYS) -> IslandView:
        return next(view for view in self.fleet(ways).islands if view.id == BOX)


def test_what_does_not_change_is_the_same_fleet():
    node = Node()
    first = node.fleet()
    node.later(1_000)
    assert node.fleet() is first


def test_what_an_island_or_the_owner_says_is_seen_at_once():
    node = Node()
    assert node.box().requests_max == 3
    admit(node.ledger, replace(about(GPU_BOX, "renamed"), incarnation=2, header=newer(GPU_BOX)), GPU_BOX)
    assert node.box().name == "renamed"
    admit(node.ledger, GroupTrustClaims(header(OWNER, OWNER), "family", "family", Ppm(300_000)), OWNER)
    assert node.box().trust.ppm == 300_000
    admit(node.ledger, VouchClaims(header(OWNER, GPU_BOX), Ppm(100_000)), OWNER)
    assert node.box().trust.ppm == 100_000
    admit(node.ledger, RevocationClaims(header(OWNER, GPU_BOX, slot=7), public(GPU_BOX), "lost"), OWNER)
    assert (node.box().standing, node.box().trust.ppm) == (Standing.REVOKED, 0)


def newer(key):
    return replace(header(key, key), sequence=header(key, key).sequence + 1)


def test_what_ends_by_the_clock_is_seen_when_it_ends():
    node = Node()
    node.later(DAY_MS)
    assert node.box().trust.ppm == 800_000
    node.later(1)
    assert (node.box().standing, node.box().trust.ppm) == (Standing.EXPIRED, 0)


def test_a_clock_that_goes_back_brings_back_what_it_took_away():
    node = Node()
    node.later(DAY_MS + 1)
    assert node.box().standing is Standing.EXPIRED
    node.later(-DAY_MS)
    assert node.box().standing is Standing.ADMITTED


def test_a_certification_counts_from_when_it_is_heard_until_it_ends():
    policy = TrustPolicy(required_schemes=("iso",), accepted_issuers=(public(OWNER),))
    node = Node(policy=policy)
    assert node.box().trust.ppm == 0
    ends = replace(header(OWNER, GPU_BOX, slot=3), not_after_ms=NOW.wall_ms + DAY_MS // 2)
    admit(node.ledger, CertificationClaims(ends, "iso", Ppm(700_000), b""), OWNER)
    assert node.box().trust.ppm == 700_000
    node.later(DAY_MS // 2 + 1)
    assert node.box().trust.ppm == 0


def test_ways_loads_and_reach_are_seen():
    node = Node()
    assert node.box({BOX: "relay"}).through == "relay"
    assert node.box().through == ""
    node.connections.loads[BOX] = Load(2, 0, 3, 50, 1_000)
    node.moved.note(BOX)
    assert node.box().load == Load(2, 0, 3, 50, 1_000)
    del node.connections.loads[BOX]  # it has grown old: nobody tells
    assert node.box().load is None
    node.connections.lost = frozenset({BOX})
    node.moved.note(BOX)
    assert node.box().reachability is Reachability.UNREACHABLE
    cloud = next(view for view in node.fleet().islands if view.id == id_of(CLOUD))
    assert cloud.reachability is Reachability.UNREACHABLE  # it is reached as its front is
    node.load = replace(IDLE, running=1)
    own = next(view for view in node.fleet().islands if view.is_self)
    assert own.load == node.load


def test_what_was_observed_counts_at_once_and_fades_by_the_minute():
    node = Node()
    node.behaviours[BOX] = observe(Behaviour(), Event.VIOLATED_PROTOCOL, NOW.wall_ms)
    seen = node.box().trust.ppm
    assert seen < 800_000
    node.later(FADES_MS + 1)
    node.box()
    node.behaviours.clear()
    assert node.box().trust.ppm == 800_000


def test_an_island_that_comes_and_one_that_goes():
    node = Node(ledger=Ledger(GENESIS))
    assert len(node.fleet()) == 0
    admit(node.ledger, admission(GPU_BOX, Tier.EDGE), OWNER)
    assert len(node.fleet()) == 1
    admit(node.ledger, about(CLOUD, "stranger"), CLOUD)
    assert len(node.fleet()) == 2
    node.later(DAY_MS + 1)
    assert node.ledger.expire(node.now.wall_ms)
    assert [view.id for view in node.fleet().islands] == [BOX]


def test_changes_are_told_to_each_reader_once_and_bounded():
    changes = Changes()
    one, two = IslandId("a" * 52), IslandId("b" * 52)
    changes.note(one)
    then = changes.now
    changes.note(two)
    assert changes.since(0) == {one, two}
    assert changes.since(then) == {two}
    assert changes.since(changes.now) == frozenset()
    changes.note(two, one)
    assert changes.since(then) == {one, two}
    changes.note_all()
    assert changes.since(then) is None
    assert changes.since(changes.now) == frozenset()
    for number in range(CHANGES_MAX + 1):
        changes.note(IslandId(str(number)))
    assert changes.since(then) is None
