"""StatusService over real gRPC: figures, islands, receipts page by page and as they come."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from types import SimpleNamespace

import grpc
import pytest

from islandrun.errors import NobodyMaySee
from islandrun.routing.receipt import verify_receipt
from islandrun.v1 import attestation_pb2, status_pb2, status_pb2_grpc
from islandrun.vocabulary import (
    DataSetOffer,
    IslandId,
    IslandView,
    ModelOffer,
    Ppm,
    PublicKey,
    Reachability,
    Standing,
    Tier,
    TrustFactor,
    TrustScore,
)
from islandrun_node.identity import IslandKey
from islandrun_node.journal import Journal
from islandrun_node.receipt_log import ReceiptLog
from islandrun_node.services.status import WATCHERS_MAX, StatusService
from islandrun_node.stores.database import Database
from islandrun_node.stores.receipts import ReceiptStore
from islandrun_node.stores.schema import RECEIPTS

VIEW = IslandView(
    id=IslandId("o" * 52), key=PublicKey(b"k" * 32), name="office", tier=Tier.EDGE, group="work",
    jurisdictions=("DE",), standing=Standing.ADMITTED, reachability=Reachability.SUSPECT,
    trust=TrustScore(Ppm(800_000), (TrustFactor("tier_base", Ppm(800_000), "edge"),)),
    models=(ModelOffer("tiny", 8192, Ppm(700_000), supports_tools=True),),
    data_sets=(DataSetOffer("handbook", 3, 100, Ppm(400_000), "DE"),),
    endpoints=("10.0.0.1:8471",), requests_max=4, load=None, round_trip_ms=3, attested_until_ms=1,
    admitted_until_ms=2,
)  # fmt: skip


@pytest.fixture
async def node(tmp_path) -> AsyncIterator[SimpleNamespace]:
    """A listener with receipts and one without, over a real receipt store and journal."""
    key = IslandKey.create(tmp_path / "island.key")
    database = Database.open(tmp_path / "receipts.db", RECEIPTS)
    store = ReceiptStore(database)
    journal = Journal(ReceiptLog(store, key.public, key.sign), key.public)
    change = asyncio.Event()

    async def changed():
        yield status_pb2.MeshStatus(islands=1)
        await change.wait()
        yield status_pb2.MeshStatus(islands=2)

    outlook = SimpleNamespace(
        islands=lambda: (VIEW,),
        mesh_status=lambda: status_pb2.MeshStatus(islands=1, degraded=["x"]),
        receipts=store.page,
        receipt=store.get,
        journal=journal,
        changed=changed,
    )
    async with AsyncExitStack() as stack:
        stubs = []
        for shows in (True, False):
            server = grpc.aio.server()
            service = StatusService(outlook, shows_receipts=shows)
            status_pb2_grpc.add_StatusServiceServicer_to_server(service, server)
            port = server.add_insecure_port("127.0.0.1:0")
            await server.start()
            stack.push_async_callback(server.stop, 0)
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))
            stubs.append(status_pb2_grpc.StatusServiceStub(channel))
        yield SimpleNamespace(local=stubs[0], mesh=stubs[1], journal=journal, change=change)
    await journal.log.close()
    database.close()


def record(journal: Journal, receipt_id: str) -> None:
    """Have a request refused, so that there is a receipt of it."""
    with pytest.raises(NobodyMaySee), journal.record(receipt_id):
        raise NobodyMaySee("nobody may see this")


async def code_of(call) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call if hasattr(call, "__await__") else [message async for message in call]
    return caught.value.code()


async def test_status_and_islands_keep_every_figure(node) -> None:
    status = (await node.local.GetMeshStatus(status_pb2.GetMeshStatusRequest())).status
    assert (status.islands, list(status.degraded)) == (1, ["x"])
    island = (await node.mesh.ListIslands(status_pb2.ListIslandsRequest())).islands[0]
    assert (island.key, island.id, island.name, island.group) == (VIEW.key, VIEW.id, "office", "work")
    assert island.tier == attestation_pb2.TIER_EDGE
    assert island.standing == status_pb2.STANDING_ADMITTED
    assert island.reachability == status_pb2.REACHABILITY_SUSPECT
    assert (island.trust_ppm, island.trust_factors[0].detail) == (800_000, "edge")
    assert (island.models[0].name, island.models[0].supports_tools) == ("tiny", True)
    assert (island.data_sets[0].name, island.data_sets[0].sensitivity_ppm) == ("handbook", 400_000)
    assert (island.endpoints[0].address, list(island.jurisdictions)) == ("10.0.0.1:8471", ["DE"])


async def test_receipts_come_newest_first_and_page_by_page(node) -> None:
    for number in range(5):
        record(node.journal, f"r-{number}")
    seen, token = [], ""
    while True:
        asked = status_pb2.ListReceiptsRequest(page_size=2, page_token=token)
        page = await node.local.ListReceipts(asked)
        seen += [verify_receipt(signed).id for signed in page.receipts]
        if not (token := page.next_page_token):
            break
    assert seen == ["r-4", "r-3", "r-2", "r-1", "r-0"]
    found = await node.local.GetReceipt(status_pb2.GetReceiptRequest(id="r-2"))
    assert verify_receipt(found.receipt).outcome == "refused"
    missing = node.local.GetReceipt(status_pb2.GetReceiptRequest(id="r-9"))
    assert await code_of(missing) is grpc.StatusCode.NOT_FOUND
    for token in ("x", "-1", "9" * 30):
        wrong = node.local.ListReceipts(status_pb2.ListReceiptsRequest(page_token=token))
        assert await code_of(wrong) is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_watcher_gets_each_new_receipt(node) -> None:
    call = node.local.WatchReceipts(status_pb2.WatchReceiptsRequest())
    await call.initial_metadata()
    record(node.journal, "r-1")
    record(node.journal, "r-2")
    assert [verify_receipt((await call.read()).receipt).id for _ in range(2)] == ["r-1", "r-2"]
    call.cancel()


async def test_receipts_are_not_shown_to_other_islands(node) -> None:
    record(node.journal, "r-1")
    for call in (
        node.mesh.ListReceipts(status_pb2.ListReceiptsRequest()),
        node.mesh.GetReceipt(status_pb2.GetReceiptRequest(id="r-1")),
        node.mesh.WatchReceipts(status_pb2.WatchReceiptsRequest()),
    ):
        assert await code_of(call) is grpc.StatusCode.PERMISSION_DENIED


async def test_watching_the_mesh_gets_changes_and_has_a_limit(node) -> None:
    calls = [node.local.WatchMesh(status_pb2.WatchMeshRequest()) for _ in range(WATCHERS_MAX)]
    assert {(await call.read()).status.islands for call in calls} == {1}
    one_more = node.local.WatchMesh(status_pb2.WatchMeshRequest())
    assert await code_of(one_more) is grpc.StatusCode.RESOURCE_EXHAUSTED
    node.change.set()
    assert {(await call.read()).status.islands for call in calls} == {2}
    assert {await call.read() for call in calls} == {grpc.aio.EOF}
    again = node.local.WatchMesh(status_pb2.WatchMeshRequest())
    assert len([message async for message in again]) == 2
