"""`sanitize --for NAME`: an island is trusted as the node of this home would trust it, offline."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from islandrun.vocabulary import Ppm, Tier
from islandrun_node.admissions import admit, take_away
from islandrun_node.cli import cli
from islandrun_node.home import Home
from islandrun_node.identity import IslandKey
from islandrun_node.statements import Doors, SelfDescription, attest
from islandrun_node.stores.tokens import Grant
from tests.node.identity_kit import SmallMesh, now_ms

TEXT = "Dear Anna Kern, card 4111111111111111"


def run(home: Home, *words: str) -> Result:
    return CliRunner().invoke(cli, ["--home", str(home.path), "sanitize", *words], input=TEXT)


def add(mesh: SmallMesh, name: str, tier: Tier, ceiling_ppm: int = 1_000_000) -> IslandKey:
    """Admit an island and let it say that it is there."""
    key = IslandKey.generate()
    grant = Grant(tier, "home", Ppm(ceiling_ppm))
    admit(mesh.owner, mesh.genesis, mesh.store, key.public, grant, now_ms())
    island = SelfDescription(key.public, key.sign, name, tuple, tuple, 4, ())
    mesh.store.save(attest(island, mesh.genesis, mesh.store, Doors(("127.0.0.1:1",)), now_ms()))
    return key


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    CliRunner().invoke(cli, ["--home", str(home.path), "init", "--mesh", "family", "--name", "laptop"])
    return home


def test_an_island_is_trusted_as_this_node_trusts_it(home: Home) -> None:
    mesh = SmallMesh.of(home)
    desk = add(mesh, "desk", Tier.PERSONAL)
    add(mesh, "server", Tier.EDGE)
    add(mesh, "lender", Tier.EDGE, 500_000)
    assert run(home, "--for", "desk").stdout == TEXT
    assert run(home, "--for", desk.id).stdout == TEXT
    assert run(home, "--for", "server").stdout == "Dear Anna Kern, card [CARD_1]"
    done = run(home, "--for", "lender", "-v")
    assert done.stdout == "Dear [PERSON_1], card [CARD_1]"
    assert done.stderr.startswith("hidden from lender (trust 0.50): CARD 1, PERSON 1\n")
    home.config.write_text("[policy.tier_trust]\npersonal = 0.7\n")
    assert run(home, "--for", "desk").stdout == "Dear Anna Kern, card [CARD_1]"


def test_a_revoked_island_is_trusted_with_nothing(home: Home) -> None:
    mesh = SmallMesh.of(home)
    desk = add(mesh, "desk", Tier.PERSONAL)
    take_away(mesh.owner, mesh.genesis, mesh.store, desk.public, "sold", now_ms())
    done = run(home, "--for", desk.id, "-v")
    assert done.stdout == "Dear [PERSON_1], card [CARD_1]"
    assert "(trust 0.00): CARD 1, PERSON 1" in done.stderr
    assert run(home, "--for", "desk").exit_code == 2


def test_an_unknown_name_and_a_name_that_two_have(home: Home) -> None:
    mesh = SmallMesh.of(home)
    first, second = add(mesh, "desk", Tier.PERSONAL), add(mesh, "desk", Tier.EDGE)
    add(mesh, "server", Tier.EDGE)
    done = run(home, "--for", "dask")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "no island is called 'dask'" in done.stderr
    assert "desk" in done.stderr
    assert "server" in done.stderr
    done = run(home, "--for", "desk")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "2 islands are called 'desk'" in done.stderr
    assert first.id in done.stderr
    assert second.id in done.stderr


def test_a_home_of_no_mesh_knows_tiers_only(tmp_path: Path) -> None:
    done = run(Home(tmp_path), "--for", "desk")
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{tmp_path} belongs to no mesh" in done.stderr
