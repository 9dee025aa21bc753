"""Who may see who talks to whom: which islands carry pipes, and which of them are taken."""

from dataclasses import replace

from islandrun.mesh.relays import RelayPolicy, choose_relays
from islandrun.vocabulary import (
    IslandId,
    IslandView,
    Ppm,
    PublicKey,
    Reachability,
    Standing,
    Tier,
    TrustScore,
)

BOX = IslandView(
    id=IslandId("box"),
    key=PublicKey(bytes(32)),
    name="box",
    tier=Tier.EDGE,
    group="home",
    jurisdictions=(),
    standing=Standing.ADMITTED,
    reachability=Reachability.ALIVE,
    trust=TrustScore(Ppm(500_000)),
    models=(),
    data_sets=(),
    endpoints=("127.0.0.1:1",),
    requests_max=1,
    load=None,
    round_trip_ms=10,
    attested_until_ms=1,
    admitted_until_ms=1,
    relay_endpoints=("127.0.0.1:2",),
)
ANY = RelayPolicy()


def named(name: str, **changes: object) -> IslandView:
    return replace(BOX, id=IslandId(name), name=name, **changes)


def test_only_a_trusted_island_of_the_own_tiers_that_offers_it_carries() -> None:
    assert ANY.may_carry(BOX)
    for changes in (
        {"standing": Standing.REVOKED},
        {"standing": Standing.EXPIRED},
        {"trust": TrustScore(Ppm(0))},
        {"relay_endpoints": ()},
        {"front": "laptop"},
        {"tier": Tier.CLOUD},
    ):
        assert not ANY.may_carry(replace(BOX, **changes)), changes


def test_named_relays_are_the_only_ones_and_may_be_of_any_tier() -> None:
    policy = RelayPolicy(("far", "box-id"))
    assert policy.may_carry(named("far", tier=Tier.CLOUD))
    assert policy.may_carry(replace(BOX, id=IslandId("box-id")))
    assert not policy.may_carry(BOX)
    assert not policy.may_carry(named("far", standing=Standing.REVOKED))


def test_two_are_taken_first_those_that_answer_and_those_we_have() -> None:
    near = named("near", round_trip_ms=1)
    far = named("far", round_trip_ms=90)
    home = named("home", tier=Tier.PERSONAL, round_trip_ms=50)
    dead = named("dead", tier=Tier.PERSONAL, reachability=Reachability.UNREACHABLE)
    offers = [dead, far, near, home]
    assert choose_relays(offers, ANY) == ("home", "near")
    assert choose_relays(offers, ANY, kept=(IslandId("far"),)) == ("far", "home")
    assert choose_relays([dead], ANY) == ("dead",), "our own view of it may be wrong"
    assert choose_relays([replace(near, is_self=True)], ANY) == ()
    assert choose_relays(offers, RelayPolicy(("far", "near"))) == ("far", "near")
