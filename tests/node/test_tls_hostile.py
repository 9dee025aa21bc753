"""The corpus of hostile certificates, in both directions, against real listeners and real channels."""

import grpc
import pytest

from islandrun.trust.naming import dns_name
from islandrun.v1 import mesh_pb2, mesh_pb2_grpc
from islandrun_node.certificates import owner_anchor
from tests.node.hostile_certificates import BY_THE_DIALLED_KEY, GATE, HOSTILE, Scene, two_meshes
from tests.node.identity_kit import exchange, listening, serving_as


@pytest.fixture
def scene(tmp_path):
    with two_meshes(tmp_path) as scene:
        yield scene


async def test_an_honest_pair_talks(scene: Scene) -> None:
    async with listening(scene.mesh, scene.victim) as door:
        shown = scene.attacker.shown(scene.mesh.mesh_id)
        code = await exchange(door.address, scene.victim.key.public, shown, scene.mesh.mesh_id)
    assert code is grpc.StatusCode.OK
    assert door.asked.by == [scene.attacker.key.id]


@pytest.mark.parametrize("case", HOSTILE)
async def test_a_server_refuses_a_hostile_client(scene: Scene, case: str) -> None:
    hostile = HOSTILE[case](scene)
    async with listening(scene.mesh, scene.victim) as door:
        code = await exchange(door.address, scene.victim.key.public, hostile, scene.mesh.mesh_id)
    assert door.asked.calls == 0
    assert code is (grpc.StatusCode.UNAUTHENTICATED if case in GATE else grpc.StatusCode.UNAVAILABLE)


@pytest.mark.parametrize("case", HOSTILE)
async def test_a_client_refuses_a_hostile_server(scene: Scene, case: str) -> None:
    honest = scene.victim.shown(scene.mesh.mesh_id)
    async with serving_as(HOSTILE[case](scene)) as (address, counting):
        code = await exchange(address, scene.victim.key.public, honest, scene.mesh.mesh_id)
    assert code is grpc.StatusCode.UNAVAILABLE
    assert counting.calls == 0


@pytest.mark.parametrize("case", sorted(BY_THE_DIALLED_KEY))
async def test_a_client_refuses_what_the_dialled_island_itself_must_not_show(scene: Scene, case: str) -> None:
    honest = scene.victim.shown(scene.mesh.mesh_id)
    async with serving_as(HOSTILE[case](scene)) as (address, counting):
        code = await exchange(address, scene.attacker.key.public, honest, scene.mesh.mesh_id)
    assert code is grpc.StatusCode.UNAVAILABLE
    assert counting.calls == 0


async def test_the_hostile_server_works_for_who_trusts_it(scene: Scene) -> None:
    honest = scene.victim.shown(scene.mesh.mesh_id)
    async with serving_as(scene.attacker.shown(scene.mesh.mesh_id)) as (address, counting):
        code = await exchange(address, scene.attacker.key.public, honest, scene.mesh.mesh_id)
    assert code is grpc.StatusCode.OK
    assert counting.calls == 1


@pytest.mark.parametrize("case", ["e-mail name", "directory name", "registered id", "own URI only"])
async def test_a_client_that_trusts_the_owner_would_be_fooled(scene: Scene, case: str) -> None:
    """Why the dialled key alone is the root: this is the hole that pinning closes."""
    credentials = grpc.ssl_channel_credentials(owner_anchor(scene.mesh.owner.public))
    name = dns_name(scene.victim.key.id, scene.mesh.mesh_id)
    async with (
        serving_as(HOSTILE[case](scene)) as (address, counting),
        grpc.aio.secure_channel(
            address, credentials, options=[("grpc.ssl_target_name_override", name)]
        ) as channel,
    ):
        await mesh_pb2_grpc.MeshServiceStub(channel).Exchange(mesh_pb2.ExchangeRequest(), timeout=8)
    assert counting.calls == 1
