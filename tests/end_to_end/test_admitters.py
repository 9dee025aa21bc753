"""A third machine joins at an admitter, is asked by the owner's, and is nobody after the admitter's end."""

import asyncio
from contextlib import AsyncExitStack, ExitStack, suppress
from pathlib import Path

import grpc
import pytest

from islandrun.errors import EnrolmentRefused
from islandrun.vocabulary import Ppm, Tier
from islandrun_node import delegation, demo, enrolment, world_clock
from islandrun_node.certificates import show_island
from islandrun_node.home import Home
from islandrun_node.identity import load_membership
from islandrun_node.listeners import Listening
from islandrun_node.rulings import Limits
from islandrun_node.state import open_state
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.meshes import founded, joined, settings, up
from tests.end_to_end.test_two_islands import ask_until
from tests.node.identity_kit import exchange

pytestmark = pytest.mark.slow
EDGE = Grant(Tier.EDGE, "office", Ppm(900_000))
LOWER = Grant(Tier.EDGE, "office", Ppm(700_000))
HANDBOOK = {"name": "handbook", "path": str(demo.DOCUMENTS / "office")}
QUESTION = "How many days of holiday do I get?"


async def joined_at(path: Path, name: str, admitter: Home, node: Listening) -> Home:
    """Join at an admitter, as soon as it has heard that it is one."""
    for _ in range(100):
        with suppress(EnrolmentRefused):
            return await joined(path, name, admitter, LOWER, node.mesh_port)
        await asyncio.sleep(0.1)
    raise AssertionError("the delegation did not arrive in ten seconds")


async def called(home: Home, host: Home, port: int) -> grpc.StatusCode:
    """Call the host as this home's island would, with the certificate that it has."""
    ours = load_membership(home)
    with ExitStack() as stack:
        claims = open_state(home, stack).ledger.admission(ours.key.id)
    assert claims is not None
    mesh_id, now_ms = ours.genesis.mesh_id, world_clock.now().wall_ms
    shown = show_island(ours.key, claims.certificate_der, mesh_id, now_ms)
    return await exchange(f"127.0.0.1:{port}", load_membership(host).key.public, shown, mesh_id)


async def test_an_island_of_an_admitter_serves_until_the_admitter_is_cut_off(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        laptop = founded(tmp_path)
        node = await up(laptop, settings("laptop"), stack)
        office = await joined(tmp_path, "office", laptop, EDGE, node.mesh_port)
        office_node = await up(office, settings("office"), stack)
        with pytest.raises(EnrolmentRefused, match="founded the mesh"):
            enrolment.invite(office, LOWER, 60, ["127.0.0.1:1"])
        key = delegation.request(office)
        delegation.add(laptop, key, Limits(1, Tier.EDGE, Ppm(700_000), ("office",)))
        desk = await joined_at(tmp_path, "desk", office, office_node)
        desk_node = await up(desk, settings("desk", data=[HANDBOOK]), stack)
        answer = await ask_until(node, 200, QUESTION, datasets=["handbook"])
        assert answer.headers["x-islandrun-island"] == "desk"
        assert await called(desk, laptop, node.mesh_port) is grpc.StatusCode.OK
        assert await called(laptop, desk, desk_node.mesh_port) is grpc.StatusCode.OK
        with pytest.raises(EnrolmentRefused, match="the 1 islands"):
            enrolment.invite(office, LOWER, 60, ["127.0.0.1:1"])

        ended = delegation.cut_off(laptop, key, 0, reason="stolen")
        assert ended.lost == (load_membership(desk).key.id,)
        refused = await ask_until(node, 403, QUESTION, datasets=["handbook"])
        assert refused.json()["error"]["code"] == "no_eligible_island"
        assert await called(desk, laptop, node.mesh_port) is not grpc.StatusCode.OK
        assert await called(office, laptop, node.mesh_port) is grpc.StatusCode.OK
