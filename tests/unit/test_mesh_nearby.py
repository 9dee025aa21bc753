"""Tags of the local network, and the hints that come with them."""

from islandrun.mesh.nearby import (
    EPOCH_MS,
    HINT_SECONDS,
    HINTS_PER_ISLAND_MAX,
    ISLANDS_MAX,
    Nearby,
    discovery_key,
    epoch_of,
    private_host,
    tag_of,
)
from islandrun.simulation.islands import Island, Owner, dice
from islandrun.vocabulary import IslandId

WALL_MS = 1_800_000_000_000
OWNER = Owner("home", dice(1, "nearby"), WALL_MS)
KEY = discovery_key(OWNER.genesis)
ME, FRIEND, OTHER = (Island(name, OWNER.genesis, dice(1, name)).id for name in ("me", "friend", "other"))
TOLD = ("192.168.7.7:8471",)


def nearby() -> Nearby:
    made = Nearby(KEY, ME)
    made.look_for([ME, FRIEND], WALL_MS)
    return made


def tag(island: IslandId = FRIEND, at_ms: int = WALL_MS, key: bytes = KEY) -> str:
    return tag_of(key, epoch_of(at_ms), island)


def test_a_tag_is_another_one_every_ten_minutes_for_each_island_and_mesh() -> None:
    foreign = discovery_key(Owner("home", dice(2, "nearby"), WALL_MS).genesis)
    tags = {tag(), tag(OTHER), tag(at_ms=WALL_MS + EPOCH_MS), tag(key=foreign)}
    assert len(tags) == 4
    assert tag(at_ms=WALL_MS // EPOCH_MS * EPOCH_MS) == tag() == nearby_of(FRIEND).own_tag(WALL_MS)
    for shown in tags:
        assert len(shown) == 26
        assert shown.isalnum()
        assert FRIEND[:4] not in shown


def nearby_of(island: IslandId) -> Nearby:
    return Nearby(KEY, island)


def test_what_is_public_of_a_mesh_does_not_give_its_tags_away() -> None:
    genesis = OWNER.genesis
    for known in (genesis.mesh_id, genesis.owner, genesis.name.encode(), genesis.signature[:32]):
        assert tag(key=known) != tag()
        assert known not in KEY


def test_members_are_known_by_their_tags_and_nobody_else() -> None:
    known = nearby()
    for skew_ms in (-EPOCH_MS, 0, EPOCH_MS):
        assert known.whose(tag(at_ms=WALL_MS + skew_ms)) == FRIEND
    for stranger in (tag(OTHER), tag(ME), tag(at_ms=WALL_MS + 2 * EPOCH_MS), "", "x" * 63):
        assert known.whose(stranger) is None
        assert known.hear(stranger, ["192.168.7.9"], 1, 0.0) is None
    known.look_for([ME, OTHER], WALL_MS)
    assert known.whose(tag()) is None


def test_a_hint_is_dialled_after_what_the_island_said_and_for_ninety_seconds() -> None:
    known = nearby()
    assert known.endpoints(FRIEND, TOLD, False, 0.0) == TOLD
    assert known.hear(tag(), ["192.168.7.9", "192.168.7.7"], 8471, 10.0) == FRIEND
    for _ in range(2):
        assert known.endpoints(FRIEND, TOLD, False, 11.0) == (*TOLD, "192.168.7.9:8471")
    assert known.endpoints(OTHER, TOLD, False, 11.0) == TOLD
    assert known.endpoints(FRIEND, TOLD, False, 10.0 + HINT_SECONDS) == TOLD


def test_a_way_that_works_is_not_moved_by_an_announcement() -> None:
    """Tags can be heard and said again by anybody near: that must not cost a working connection."""
    known = nearby()
    known.hear(tag(), ["192.168.7.9"], 8471, 0.0)
    assert known.endpoints(FRIEND, TOLD, True, 1.0) == TOLD
    found = known.endpoints(FRIEND, TOLD, False, 1.0)
    known.hear(tag(), ["192.168.7.66"], 8471, 2.0)
    assert known.endpoints(FRIEND, TOLD, True, 500.0) == found
    assert known.endpoints(FRIEND, TOLD, False, 3.0) == (*TOLD, "192.168.7.66:8471", "192.168.7.9:8471")


def test_whatever_is_heard_the_table_is_small() -> None:
    known = nearby()
    for number in range(200):
        known.hear(tag(), [f"10.0.{number}.{one}" for one in range(9)], 8471, float(number))
        known.hear(tag(OTHER), ["10.0.0.1"], 8471, float(number))
    heard = known.endpoints(FRIEND, (), False, 199.0)
    assert len(heard) == HINTS_PER_ISLAND_MAX
    assert all(address.startswith("10.0.199.") for address in heard)
    assert len(known._hints) == 1
    known.look_for([IslandId(str(number)) for number in range(ISLANDS_MAX + 9)], WALL_MS)
    assert len(known._tags) == 3 * ISLANDS_MAX
    assert not known._hints


def test_only_addresses_of_a_private_network_are_dialled() -> None:
    for address in (
        "127.0.0.1",
        "8.8.8.8",
        "224.0.0.251",
        "0.0.0.0",
        "169.254.1.1",
        "::1",
        "fe80::1",
        "x",
        "",
    ):
        assert private_host(address) is None
    assert private_host("192.168.7.9") == "192.168.7.9"
    assert private_host("fd00::9") == "[fd00::9]"
    known = nearby()
    for port in (0, -1, 70_000):
        assert known.hear(tag(), ["192.168.7.9"], port, 0.0) is None
