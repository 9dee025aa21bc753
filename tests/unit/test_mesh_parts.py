"""The parts of the mesh, each alone: suspicion, news, digests, members, and who is heard at all."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.errors import RejectedMessage
from islandrun.mesh import pace, suspicion
from islandrun.mesh.gossip import News
from islandrun.mesh.machine import Envelope
from islandrun.mesh.sync import Index
from islandrun.simulation.network import Conditions
from islandrun.simulation.world import World
from islandrun.v1 import mesh_pb2
from islandrun.vocabulary import Instant, PublicKey, Reachability

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
