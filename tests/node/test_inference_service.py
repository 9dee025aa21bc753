"""The receiver's check: an island believes neither the label nor the hops that another island sends."""

from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import pytest

from islandrun.trust.ledger import Ledger
from islandrun.trust.signing import verify
from islandrun.v1 import inference_pb2, inference_pb2_grpc
from islandrun.vocabulary import Ppm, Tier
from islandrun_node import world_clock
from islandrun_node.certificates import show_island
from islandrun_node.channels import open_channel
from islandrun_node.identity import load_membership
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.meshes import founded, joined, settings, up

pytestmark = pytest.mark.slow
EDGE = Grant(Tier.EDGE, "office", Ppm(700_000))


async def called(stub: inference_pb2_grpc.InferenceServiceStub, **fields: object) -> grpc.StatusCode:
    request = inference_pb2.GenerateRequest(
        model="extractive",
        prompt=inference_pb2.Prompt(messages=[inference_pb2.Message(role="user", text="hello")]),
        **fields,  # type: ignore[arg-type]
    )
    call = stub.Generate(request, timeout=10)
    try:
        async for _ in call:
            pass
    except grpc.aio.AioRpcError as error:
        return error.code()
    return await call.code()


async def test_a_receiver_runs_only_what_its_owner_lets_it_see(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        laptop = founded(tmp_path)
        node = await up(laptop, settings("laptop"), stack)
        office = await joined(tmp_path, "office", laptop, EDGE, node.mesh_port)
        served = await up(office, settings("office"), stack)
        ours, theirs = load_membership(laptop), load_membership(office)
        now_ms = world_clock.now().wall_ms
        database = Database.open(laptop.database)
        ledger = Ledger(ours.genesis)
        for signed in AttestationStore(database).load_all():
            ledger.admit(verify(signed, ours.genesis, now_ms), now_ms)
        database.close()
        admission = ledger.admission(ours.key.id)
        assert admission is not None
        shown = show_island(ours.key, admission.certificate_der, ours.genesis.mesh_id, now_ms)
        address = [f"127.0.0.1:{served.mesh_port}"]
        async with open_channel(address, theirs.key.public, shown, ours.genesis.mesh_id) as channel:
            stub = inference_pb2_grpc.InferenceServiceStub(channel)
            target = {"target": theirs.key.public, "hops_left": 2}
            assert await called(stub, **target, sensitivity_ppm=700_000) is grpc.StatusCode.OK
            assert await called(stub, **target, sensitivity_ppm=700_001) is grpc.StatusCode.PERMISSION_DENIED
            no_hops = {"target": theirs.key.public, "hops_left": 0}
            assert await called(stub, **no_hops) is grpc.StatusCode.PERMISSION_DENIED
            too_many = {"target": theirs.key.public, "hops_left": 3}
            assert await called(stub, **too_many) is grpc.StatusCode.PERMISSION_DENIED
            elsewhere = {"target": ours.key.public, "hops_left": 1}
            assert await called(stub, **elsewhere) is grpc.StatusCode.NOT_FOUND
