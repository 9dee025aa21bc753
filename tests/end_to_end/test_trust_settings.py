"""What the owner's settings ask of an island, over real nodes: schemes, ceilings, its group."""

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest

from islandrun.vocabulary import Ppm, Tier
from islandrun_node import world_clock
from islandrun_node.admissions import admit
from islandrun_node.certifying import IssuerKey
from islandrun_node.home import Home
from islandrun_node.identity import load_membership
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.meshes import founded, joined, settings, up

pytestmark = pytest.mark.slow
OFFICE = Grant(Tier.EDGE, "office", Ppm(700_000))


async def command(home: Home, *words: str) -> dict[str, object]:
    """Run a command as a process of its own and return its JSON."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "islandrun_node", "--json", "--home", str(home.path), *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, told = await process.communicate()
    assert process.returncode == 0, told.decode()
    return json.loads(out)  # type: ignore[no-any-return]


async def why(home: Home, island: str, wanted: Callable[[dict[str, dict[str, object]]], bool]) -> list[str]:
    """Wait until an island's factors are as wanted; return the names of the lowest."""
    found: dict[str, dict[str, object]] = {}
    for _ in range(60):
        answer = await command(home, "islands", "--why", island)
        assert answer["schema"] == "islandrun.islands-why/v1"
        (one,) = answer["islands"]  # type: ignore[misc]
        found = {factor["name"]: factor for factor in one["factors"]}
        assert one["trust"] == min(factor["value"] for factor in one["factors"])  # type: ignore[type-var]
        if wanted(found):
            return [name for name, factor in found.items() if factor["is_lowest"]]
        await asyncio.sleep(0.2)
    raise AssertionError(found)


def is_value(name: str, value: float) -> Callable[[dict[str, dict[str, object]]], bool]:
    return lambda found: found[name]["value"] == value


async def test_required_schemes_and_ceilings_of_an_accepted_issuer_count(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        key = tmp_path / "auditor.key"
        accepted = {"name": "auditor", "key": IssuerKey.create(key).public.hex()}
        trust = {"issuers": [accepted], "required_schemes": ["soc2"]}
        laptop = founded(tmp_path)
        node = await up(laptop, settings("laptop", trust=trust), stack)
        office = await joined(tmp_path, "office", laptop, OFFICE, node.mesh_port)
        await up(office, settings("office"), stack)
        assert await why(laptop, "office", is_value("attested", 1.0)) == ["certifications"]

        await command(office, "certify", "scheme", "office", "soc2", "--key", str(key), "--level", "0.6")
        assert await why(laptop, "office", is_value("certifications", 0.6)) == ["certifications"]
        await command(office, "certify", "scheme", "office", "soc2", "--key", str(key), "--level", "0.9")
        assert await why(laptop, "office", is_value("certifications", 0.9)) == ["admission_ceiling"]
        await command(office, "certify", "ceiling", "office", "0.3", "--key", str(key))
        assert await why(laptop, "office", is_value("vouches", 0.3)) == ["vouches"]
        # Whoever does not list the issuer does not hear it.
        assert await why(office, "office", is_value("certifications", 1.0)) == ["admission_ceiling"]


async def test_the_group_of_a_running_node_follows_its_renewed_admission(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        laptop = founded(tmp_path)
        node = await up(laptop, settings("laptop"), stack)
        office = await joined(tmp_path, "office", laptop, OFFICE, node.mesh_port)
        await up(office, settings("office"), stack)
        await why(laptop, "office", is_value("group", 0.8))
        _admit_laptop_to(laptop, "office")
        assert await why(laptop, "office", is_value("group", 1.0)) == ["admission_ceiling"]


def _admit_laptop_to(home: Home, group: str) -> None:
    """Renew the admission of the owner's own island in another group."""
    membership = load_membership(home)
    assert membership.owner is not None
    grant = Grant(Tier.PERSONAL, group, Ppm(1_000_000))
    with closing(Database.open(home.database)) as database:
        store = AttestationStore(database)
        now_ms = world_clock.now().wall_ms
        admit(membership.owner, membership.genesis, store, membership.key.public, grant, now_ms)
