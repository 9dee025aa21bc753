"""The parts of the mesh, each alone: suspicion, news, digests, members, and who is heard at all."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.errors import RejectedMessage
from islandrun.mesh import pace, suspicion
from islandrun.mesh.gossip import News
from islandrun.mesh.machine import Envelope
from islandrun.mesh.membership import Membership
from islandrun.mesh.notices import Notices
from islandrun.mesh.probing import Probing
from islandrun.mesh.sync import Index
from islandrun.simulation.islands import GROUP, Island
from islandrun.simulation.network import Conditions
from islandrun.simulation.world import World
from islandrun.trust.score import TrustPolicy, score
from islandrun.v1 import mesh_pb2
from islandrun.vocabulary import Instant, IslandId, PublicKey, Reachability

ISSUER = PublicKey(bytes(32))


@pytest.mark.parametrize(
    ("members", "confirmations", "seconds"),
    [(3, 0, 24.0), (3, 3, 4.0), (10, 0, 24.0), (100, 0, 48.0), (100, 3, 8.0), (1000, 3, 12.0), (3, 99, 4.0)],
)
def test_a_suspicion_shrinks_with_evidence_and_grows_with_the_mesh(
    members: int, confirmations: int, seconds: float
) -> None:
    assert suspicion.window_seconds(members, confirmations) == pytest.approx(seconds)


def test_who_fares_badly_is_slower_to_accuse() -> None:
    trouble = 0
    for _ in range(20):
        trouble = suspicion.trouble_after(trouble, 1)
    assert trouble == pace.TROUBLE_MAX
    assert suspicion.patience_seconds(trouble) == 8 * suspicion.patience_seconds(0)
    assert suspicion.trouble_after(0, -1) == 0


@pytest.mark.parametrize(("silent", "retry"), [(0, 2.0), (100, 10.0), (10**6, 600.0)])
def test_the_unreachable_are_tried_for_ever(silent: float, retry: float) -> None:
    assert suspicion.retry_seconds(silent) == retry


def test_news_is_told_a_bounded_number_of_times() -> None:
    news, told = News(), 0
    news.add(bytes(32), 1, members=10)
    while chosen := news.choose(lambda _: 100):
        news.told(chosen, targets=3)
        told += 1
        assert told < 100
    assert 1 <= told <= pace.SENDS_FACTOR * 2
    for number in range(pace.NEWS_MAX + 50):
        news.add(number.to_bytes(32, "big"), 1, members=10)
    assert len(news) <= pace.NEWS_MAX


places = st.dictionaries(
    st.binary(min_size=32, max_size=32),
    st.tuples(st.integers(0, 3), st.integers(1, 50), st.binary(min_size=8, max_size=8)),
    max_size=40,
)


@given(places, places, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=150, derandomize=True)
def test_two_tables_that_compare_find_exactly_what_differs(
    left: dict[bytes, tuple[int, int, bytes]], right: dict[bytes, tuple[int, int, bytes]], dice: random.Random
) -> None:
    one, two = Index(), Index()
    for index, table in ((one, left), (two, right)):
        keys = sorted(table)
        dice.shuffle(keys)
        for key in keys:
            index.put(key, table[key], ISSUER)
    differing = two.differing(one.digest())
    assert (one.digest() == two.digest()) is (left == right) is (not differing)
    if not differing:
        return
    listing = one.bucket_list(one.digest().buckets_log2, differing)
    newer, mine = two.compare(listing)
    older = {key for key in left if key not in right or right[key][:2] < left[key][:2]}
    assert older <= set(newer)
    assert {key for key in right if key not in left or left[key][:2] < right[key][:2]} <= set(mine)


def settled(count: int) -> World:
    world = World(5, Conditions())
    for number in range(count):
        world.join(f"i{number}")
    world.run(20)
    return world


def test_strangers_and_the_revoked_are_not_heard() -> None:
    world = settled(3)
    one, two = (world.islands[name] for name in ("i0", "i1"))
    probe = mesh_pb2.GossipMessage(probe=mesh_pb2.Probe(nonce=1))
    mesh, now = one.mesh, world.now
    assert mesh is not None
    mesh.receive(Envelope(two.id, one.id, probe), now)
    for source, target in (("a" * 52, one.id), (two.id, two.id), (one.id, one.id)):
        with pytest.raises(RejectedMessage):
            mesh.receive(Envelope(source, target, probe), now)
    with pytest.raises(RejectedMessage):
        mesh.receive(Envelope(two.id, one.id, mesh_pb2.GossipMessage()), now)
    world.revoke("i1", at="i0")
    with pytest.raises(RejectedMessage):
        mesh.receive(Envelope(two.id, one.id, probe), now)
    assert mesh.reachability(two.id, now) is Reachability.UNREACHABLE


def test_after_sleep_nobody_is_accused() -> None:
    world = settled(3)
    mesh = world.islands["i0"].mesh
    assert mesh is not None
    later = Instant(world.now.seconds + 3600, world.now.wall_ms + 3_600_000)
    mesh.tick(later)
    assert all(mesh.reachability(island, later) is Reachability.ALIVE for island in mesh.peers(later))


def test_a_dead_island_is_suspected_then_unreachable_and_comes_back() -> None:
    world = settled(3)
    mesh, gone = world.islands["i0"].mesh, world.islands["i2"].id
    assert mesh is not None
    world.crash("i2")
    seen = [mesh.reachability(gone, world.now)]
    for _ in range(40):
        world.run(1)
        seen.append(mesh.reachability(gone, world.now))
    assert list(dict.fromkeys(seen)) == [Reachability.ALIVE, Reachability.SUSPECT, Reachability.UNREACHABLE]
    world.restart("i2")
    world.run(35)
    assert mesh.reachability(gone, world.now) is Reachability.ALIVE


def test_of_one_source_no_more_is_read_than_it_may_say() -> None:
    world = settled(2)
    one, two = (world.islands[name] for name in ("i0", "i1"))
    mesh, now = one.mesh, world.now
    assert mesh is not None
    before = len(one.ledger.records())
    strangers = [Island(f"s{number}", world.owner.genesis, world.rng) for number in range(150)]
    admissions = [world.owner.admit(island.pen.public, now.wall_ms).to_wire() for island in strangers]
    push = mesh_pb2.GossipMessage(push=mesh_pb2.Push(attestations=admissions))
    mesh.receive(Envelope(two.id, one.id, push), now)
    assert len(one.ledger.records()) - before <= pace.RECORDS_BURST
    later = Instant(now.seconds + 1, now.wall_ms + 1000)
    mesh.receive(Envelope(two.id, one.id, push), later)
    assert len(one.ledger.records()) - before <= pace.RECORDS_BURST + pace.RECORDS_PER_SECOND
    assert mesh.reachability(two.id, later) is Reachability.ALIVE, "it is no offence"


class Helper:
    """The probing of one island among others, and what it said."""

    def __init__(self, names: str) -> None:
        self.members = Membership(random.Random(1), Notices())
        for name in names:
            self.members.add(IslandId(name), False, 0.0)
            self.members.answered(IslandId(name), 0.0)
        self.said: list[tuple[str, mesh_pb2.GossipMessage]] = []
        self.probing = Probing(
            random.Random(2), self.members, lambda who, what: self.said.append((who, what))
        )

    def asked(self, source: str, target: str, at: float, nonce: int = 7) -> None:
        question = mesh_pb2.ProbeFor(nonce=nonce, island=target)
        self.probing.on_probe_for(IslandId(source), question, Instant(at, 0))

    def told(self, source: str) -> list[int]:
        return [
            what.probe_for_ack.outcome
            for who, what in self.said
            if who == source and what.HasField("probe_for_ack")
        ]


ACK, NACK, BUSY = (
    mesh_pb2.PROBE_OUTCOME_ACK,
    mesh_pb2.PROBE_OUTCOME_NACK,
    mesh_pb2.PROBE_OUTCOME_BUSY,
)


def test_a_helper_tells_what_it_found() -> None:
    helper = Helper("abc")
    helper.asked("a", "b", 0.0)
    nonce = helper.said[-1][1].probe.nonce
    helper.probing.on_ack(IslandId("b"), mesh_pb2.ProbeAck(nonce=nonce), Instant(0.1, 0))
    assert helper.told("a") == [ACK]
    helper.asked("a", "c", 1.0)
    helper.probing.settle(Instant(2.0, 0))
    assert helper.told("a") == [ACK, NACK]
    assert helper.members.is_talking(IslandId("c"))
    assert helper.probing.take_looks() == ("c",), "what was missed for another is a reason to look"
    helper.asked("a", "stranger", 3.0)
    helper.asked("a", "a", 3.0)
    assert helper.told("a") == [ACK, NACK, BUSY, BUSY]


def test_a_helper_that_is_not_well_says_so_and_one_asker_does_not_take_all_its_time() -> None:
    helper = Helper("abc")
    helper.probing.trouble = pace.TROUBLE_BUSY
    helper.asked("a", "b", 0.0)
    helper.probing.settle(Instant(1.0, 0))
    assert helper.told("a") == [BUSY]
    for nonce in range(pace.HELP_ASKED_MAX + 5):
        helper.asked("c", "b", 2.0, nonce)
    assert helper.told("c") == [BUSY] * 5
    helper.asked("a", "b", 2.0)
    assert helper.told("a") == [BUSY]


def test_silent_helpers_speak_against_ourselves_and_answers_unasked_are_not_heard() -> None:
    helper = Helper("abcde")
    helper.probing.probe(IslandId("a"), Instant(0.0, 0))
    helper.probing.settle(Instant(1.0, 0))
    asked = [(who, what.probe_for.nonce) for who, what in helper.said if what.HasField("probe_for")]
    assert len(asked) == pace.HELPERS
    member = helper.members.get(IslandId("a"))
    assert member is not None
    for _ in range(3):
        answer = mesh_pb2.ProbeForAck(nonce=asked[0][1], outcome=NACK)
        helper.probing.on_probe_for_ack(IslandId("a"), answer, 1.5)
        helper.probing.on_probe_for_ack(IslandId(asked[0][0]), answer, 1.5)
    assert member.confirmations == 1, "each helper is heard once, and nobody else"
    helper.probing.settle(Instant(4.0, 0))
    assert helper.probing.trouble == 1, "two of three said nothing; one is forgiven"


def test_who_said_nothing_for_a_day_is_still_tried_and_still_not_trusted() -> None:
    world = settled(2)
    one, two = (world.islands[name] for name in ("i0", "i1"))
    assert one.mesh is not None
    world.crash("i1")
    world.publish("i0")
    for _ in range(26):
        world.publish("i0")
        world.run(3600)
    assert one.ledger.self_claims(two.id) is None
    assert two.id in one.mesh.peers(world.now)
    assert score(one.ledger, two.id, GROUP, TrustPolicy(), None, world.now.wall_ms).ppm == 0
    world.restart("i1")
    world.run(35)
    assert one.mesh.reachability(two.id, world.now) is Reachability.ALIVE
