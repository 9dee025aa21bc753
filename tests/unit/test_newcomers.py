"""Who holds a join token may dial, over a relay, the island that expects it, and nobody else; bounded."""

from __future__ import annotations

import pytest

from islandrun.errors import EnrolmentRefused, MalformedMessage, Overloaded
from islandrun.mesh.newcomers import NEWCOMERS_MAX, Newcomers
from islandrun.v1 import relay_pb2
from islandrun.vocabulary import IslandId, PublicKey
from islandrun.wire import relay as wire
from islandrun.wire.limits import NEWCOMERS_PER_ISLAND_MAX
from islandrun_node.join_token import ADDRESSES_MAX, JoinToken, RelayDoor, encode, parse

NORTH, SOUTH = IslandId("n" * 52), IslandId("s" * 52)
NOW_MS = 1_800_000_000_000


def key(number: int) -> PublicKey:
    return PublicKey(bytes([number]) * 32)


def test_a_newcomer_dials_the_island_that_expects_it_until_its_token_ends() -> None:
    newcomers = Newcomers()
    newcomers.expect(NORTH, {key(1): NOW_MS + 10, key(2): NOW_MS - 1}, NOW_MS)
    assert newcomers.open(NOW_MS) == {key(1): NOW_MS + 10}
    assert newcomers.may_dial(key(1), NORTH, NOW_MS)
    assert not newcomers.may_dial(key(1), SOUTH, NOW_MS)
    assert not newcomers.may_dial(key(2), NORTH, NOW_MS)
    assert not newcomers.may_dial(key(1), NORTH, NOW_MS + 10)
    assert newcomers.open(NOW_MS + 10) == {}


def test_what_an_island_expects_is_replaced_and_withdrawn_as_a_whole() -> None:
    newcomers = Newcomers()
    newcomers.expect(NORTH, {key(1): NOW_MS + 10}, NOW_MS)
    newcomers.expect(SOUTH, {key(1): NOW_MS + 20}, NOW_MS)
    assert newcomers.open(NOW_MS) == {key(1): NOW_MS + 20}
    newcomers.expect(NORTH, {key(3): NOW_MS + 10}, NOW_MS)
    assert not newcomers.may_dial(key(1), NORTH, NOW_MS)
    assert newcomers.may_dial(key(1), SOUTH, NOW_MS)
    newcomers.withdraw(SOUTH)
    assert newcomers.open(NOW_MS) == {key(3): NOW_MS + 10}
    newcomers.expect(NORTH, {}, NOW_MS)
    assert newcomers.open(NOW_MS) == {}


def test_a_relay_expects_so_many_and_no_more() -> None:
    newcomers = Newcomers()
    for number in range(NEWCOMERS_MAX):
        newcomers.expect(IslandId(f"{number:052}"), {key(number): NOW_MS + 10}, NOW_MS)
    with pytest.raises(Overloaded):
        newcomers.expect(NORTH, {key(99): NOW_MS + 10}, NOW_MS)
    assert len(newcomers.open(NOW_MS)) == NEWCOMERS_MAX


def test_what_an_island_says_of_newcomers_is_read_strictly() -> None:
    good = relay_pb2.Newcomer(join_key=key(1), expires_at_ms=NOW_MS)
    assert wire.expected(relay_pb2.ExpectRequest(newcomers=[good])) == {key(1): NOW_MS}
    for newcomers in (
        [good] * (NEWCOMERS_PER_ISLAND_MAX + 1),
        [relay_pb2.Newcomer(join_key=b"short", expires_at_ms=NOW_MS)],
        [relay_pb2.Newcomer(join_key=key(1))],
        [relay_pb2.Newcomer(join_key=key(1), expires_at_ms=-1)],
        [relay_pb2.Newcomer(join_key=key(1), expires_at_ms=1 << 60)],
    ):
        with pytest.raises(MalformedMessage):
            wire.expected(relay_pb2.ExpectRequest(newcomers=newcomers))


def token(addresses: tuple[str, ...], relays: tuple[RelayDoor, ...]) -> JoinToken:
    return JoinToken(b"m" * 32, key(7), b"s" * 16, NOW_MS // 1000 + 60, addresses, relays)


@pytest.mark.parametrize("addresses", [(), ("192.0.2.7:8471",)])
def test_a_token_carries_relays_with_and_without_addresses(addresses: tuple[str, ...]) -> None:
    relays = (RelayDoor(key(0), "198.51.100.9:7000"), RelayDoor(key(9), "[2001:db8::9]:7000"))
    made = token(addresses, relays)
    assert parse(encode(made), NOW_MS) == made


def test_a_token_without_a_way_or_with_a_bad_one_is_not_made() -> None:
    door = RelayDoor(key(1), "198.51.100.9:7000")
    for wrong in (
        token((), ()),
        token((), (door,) * (ADDRESSES_MAX + 1)),
        token((), (RelayDoor(PublicKey(b"k"), door.address),)),
        token((), (RelayDoor(key(1), "no address"),)),
        token((), (RelayDoor(key(1), "a" * 250 + ":1"),)),
    ):
        with pytest.raises(EnrolmentRefused):
            encode(wrong)
