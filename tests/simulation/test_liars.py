"""What a gang of admitted liars can do to a mesh: nothing that lasts, and nothing to what others believe."""

import pytest

from islandrun.simulation.liars import LIES
from islandrun.simulation.scenario import Scenario
from islandrun.wire.limits import RECORDS_PER_ISSUER_MAX


def beset(islands: int, liars: int, lie: str, seconds: int = 20, seed: int = 7) -> str:
    """Write a script: liars from the start, then news, a revocation and a crash, then agreement."""
    gang = "\n".join(f"liar liar-{number} {lie}" for number in range(liars))
    return f"""
        seed {seed}
        islands {islands}
        island p personal 1.0
        {gang}
        run {seconds}s
        revoke p at a
        publish b c
        ask a 0.9
        run 5s
        crash b and its disk
        run 5s
        restart b
        agree within 60s
    """


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_changes_nothing_that_honest_islands_believe(lie: str) -> None:
    world = Scenario(beset(4, 2, lie)).play()
    for name in "abcd":
        assert world.islands["p"].id in world.islands[name].ledger.revoked()


@pytest.mark.parametrize("liars", [2, 8])  # 30 % and 60 % of all islands
@pytest.mark.parametrize("lie", ["eclipse", "freeze"])
def test_the_honest_stay_connected_whatever_a_gang_keeps_back(lie: str, liars: int) -> None:
    Scenario(beset(5, liars, lie)).play()


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("liars", [30, 105])  # 30 % and 60 % of all islands
def test_a_large_mesh_is_not_eclipsed(liars: int) -> None:
    Scenario(beset(70, liars, "eclipse", seconds=120)).play()


def test_a_flood_is_kept_within_the_limit_of_one_issuer() -> None:
    world = Scenario("seed 3\nislands 3\nliar z flood\nrun 60s").play()
    key = world.islands["z"].pen.public
    held = [sum(signed.issuer == key for signed in island.ledger.records()) for island in world.honest()]
    assert min(held) > 0
    assert max(held) <= RECORDS_PER_ISSUER_MAX


def test_who_boasts_is_trusted_no_further_than_the_owner_grants() -> None:
    world = Scenario("seed 3\nislands 3\nliar z boast\nrun 30s").play()
    claims = world.islands["a"].ledger.self_claims(world.islands["z"].id)
    assert claims is not None
    assert claims.requests_max == 1_000_000  # its word arrived; the invariants saw that it bought no trust
