"""Neighbours and the tree of news: who is chosen, what a bad link costs, and what a source may say."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from islandrun.mesh import pace
from islandrun.mesh.allowance import Allowances
from islandrun.mesh.broadcast import Broadcast
from islandrun.mesh.membership import Membership
from islandrun.mesh.notices import Notices
from islandrun.mesh.views import Place, Views, networks_of
from islandrun.v1 import mesh_pb2
from islandrun.vocabulary import IslandId

OFFER, ACCEPT, END = (
    mesh_pb2.LINK_ACTION_OFFER,
    mesh_pb2.LINK_ACTION_ACCEPT,
    mesh_pb2.LINK_ACTION_END,
)


class Scene:
    """The views of one island among many, and what it said; `place` says where each of the others is."""

    def __init__(self, count: int, place: Place | None = None) -> None:
        self.members = Membership(random.Random(3), Notices())
        for number in range(count):
            self.members.add(IslandId(f"m{number:03}"), False, 0.0)
        self.places: dict[IslandId, Place] = {}
        self.default = place
        self.said: list[tuple[IslandId, int]] = []
        self.views = Views(random.Random(4), self.members, self.place, self.say, 0.0)

    def place(self, island: IslandId) -> Place:
        return self.places.get(island, self.default or Place((island,), island))

    def say(self, island: IslandId, message: mesh_pb2.GossipMessage) -> None:
        self.said.append((island, message.link.action))

    def round(self, now: float, is_answered: bool = True) -> None:
        """Let a round pass in which everybody accepts our offers, or nobody does."""
        self.views.round(now)
        for island, action in self.said:
            if action == OFFER and is_answered:
                self.views.on_link(island, ACCEPT, now)
        self.said.clear()

    def fill(self, now: float = 0.0) -> float:
        for second in range(30):
            self.round(now + second)
        return now + 30


def test_a_small_mesh_has_no_links_and_takes_none() -> None:
    scene = Scene(pace.DIRECT_MAX)
    scene.fill()
    scene.views.on_link(IslandId("m001"), OFFER, 31.0)
    assert scene.said == [("m001", END)]
    assert scene.views.neighbours() == ()


def test_four_are_chosen_and_five_more_are_taken() -> None:
    scene = Scene(100)
    now = scene.fill()
    assert len(scene.views.dialled()) == pace.NEIGHBOURS_DIALLED
    others = [island for island in scene.members.islands() if island not in scene.views.dialled()]
    for island in others[:10]:
        scene.views.on_link(island, OFFER, now)
    answers = Counter(action for _, action in scene.said)
    assert answers == {ACCEPT: pace.NEIGHBOURS_ACCEPTED, END: 10 - pace.NEIGHBOURS_ACCEPTED}
    assert len(scene.views.dialled()) == pace.NEIGHBOURS_DIALLED, "those that chose us take no place of ours"


def test_who_did_not_ask_to_be_accepted_is_not_linked_by_an_accept() -> None:
    scene = Scene(100)
    scene.views.round(0.0)
    stranger = next(island for island in scene.members.islands() if (island, OFFER) not in scene.said)
    scene.views.on_link(stranger, ACCEPT, 1.0)
    assert scene.views.neighbours() == ()


def test_no_more_than_two_of_one_network_are_chosen_where_there_are_others() -> None:
    crowd = Place(("10.0.0",), "home")
    for seed in range(10):
        scene = Scene(100, crowd)
        scene.views._rng.seed(seed)
        scene.places = {IslandId(f"m{n:03}"): Place((f"net{n}",), f"group{n}") for n in range(40)}
        scene.fill()
        crowded = [island for island in scene.views.dialled() if scene.place(island) == crowd]
        assert len(crowded) <= pace.NEIGHBOURS_PER_NETWORK
    scene = Scene(100, crowd)
    scene.fill()
    assert len(scene.views.dialled()) == pace.NEIGHBOURS_DIALLED, "a house has one network"


def test_groups_are_mixed_where_there_are_several() -> None:
    scene = Scene(100)
    scene.places = {
        island: Place((island,), f"group{number % 4}")
        for number, island in enumerate(scene.members.islands())
    }
    scene.fill()
    assert len({scene.place(island).group for island in scene.views.dialled()}) == 4


def test_a_link_ends_when_nobody_asks_for_it_or_nobody_answers() -> None:
    scene = Scene(100)
    now = scene.fill()
    chosen = scene.views.dialled()
    guest = next(island for island in scene.members.islands() if island not in chosen)
    scene.views.on_link(guest, OFFER, now)
    for second in range(int(pace.LINK_SECONDS_MAX) + 2):
        scene.round(now + second)
    assert guest not in scene.views.neighbours()
    assert set(chosen) <= set(scene.views.neighbours()), "what is asked for again and accepted stays"
    now += pace.LINK_SECONDS_MAX + 2
    for second in range(int(pace.LINK_SECONDS_MAX) + pace.NEIGHBOURS_DIALLED + 2):
        scene.round(now + second, is_answered=False)
    assert scene.views.neighbours() == ()


def test_choices_are_exchanged_now_and_then() -> None:
    scene = Scene(200)
    longest: Counter[IslandId] = Counter()
    since: dict[IslandId, int] = {}
    for now in range(6 * 3600):
        scene.round(float(now))
        since = {island: since.get(island, now) for island in scene.views.dialled()}
        for island, begin in since.items():
            longest[island] = max(longest[island], now - begin)
    assert len(longest) > 20
    assert max(longest.values()) <= (pace.NEIGHBOURS_DIALLED + 1) * 1.2 * pace.TURNOVER_SECONDS


@pytest.mark.parametrize(
    ("endpoints", "networks"),
    [
        (("192.168.1.7:7001", "192.168.1.9:7001"), ("192.168.1",)),
        (("[2001:db8:7::1]:7001", "[2001:0DB8:0007:2::9]:7001"), ("2001:db8:7",)),
        (("[2001:db8::1]:7001",), ("2001:db8:0",)),
        (("[::1]:7001",), ("0:0:0",)),
        (("Box.Example:7001",), ("box.example",)),
        ((), ()),
    ],
)
def test_the_network_of_an_address(endpoints: tuple[str, ...], networks: tuple[str, ...]) -> None:
    assert networks_of(endpoints) == networks


def test_the_tree_is_thinned_by_what_came_twice_and_mended_by_what_did_not_come() -> None:
    tree, links = Broadcast(), (IslandId("a"), IslandId("b"), IslandId("c"))
    tree.keep(links)
    assert tree.eager(links) == ["a", "b", "c"]
    tree.prune(IslandId("b"))
    tree.came(b"news", IslandId("a"))
    tree.pushed([b"news"])
    assert tree.names_for(links) == {"b": [b"news"]}
    assert tree.names_for(links) == {"b": []}, "named once"
    tree.promised(IslandId("b"), [b"lost", b"late"], 10.0)
    tree.promised(IslandId("c"), [b"lost"], 10.5)
    tree.came(b"late", IslandId("a"))
    assert tree.overdue(10.9) == {}
    assert tree.overdue(11.0) == {"b": [b"lost"]}
    assert tree.overdue(99.0) == {}
    tree.graft(IslandId("b"))
    assert tree.eager(links) == ["a", "b", "c"]
    tree.prune(IslandId("b"))
    tree.keep(())
    tree.keep(links)
    assert tree.eager(links) == ["a", "b", "c"], "a new link begins as part of the tree"


def test_nothing_that_neighbours_promise_grows_without_end() -> None:
    tree = Broadcast()
    for number in range(5000):
        key = number.to_bytes(32, "big")
        tree.promised(IslandId("liar"), [key], 1.0)
        tree.came(key[::-1], IslandId("liar"))
        tree.pushed([key])
    assert len(tree.overdue(99.0)["liar"]) <= pace.HAVES_MAX
    assert len(tree._came_from) <= pace.HAVES_MAX
    assert len(tree._to_name) <= pace.HAVES_MAX


def test_a_source_says_a_hundred_things_at_once_and_ten_a_second() -> None:
    allowances, source = Allowances(), IslandId("a")
    assert sum(allowances.spend(source, 0.0) for _ in range(1000)) == 100
    assert sum(allowances.spend(source, 1.0) for _ in range(1000)) == 10
    assert allowances.spend(IslandId("b"), 1.0), "each has its own"
    allowances.ask(source, 500, 1.0)
    assert sum(allowances.spend(source, 1.0) for _ in range(1000)) == 500, "what we asked for is heard"
    assert sum(allowances.spend(source, 1.0, pace.COMPARISON_COST) for _ in range(9)) == 0
    assert allowances.spend(source, 2.0, pace.COMPARISON_COST)
    allowances.forget_idle(1e9)
    assert not allowances._buckets
