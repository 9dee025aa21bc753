"""Every fault of a detector, on a real mesh: no byte of the prompt leaves, and the caller hears why."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from islandrun.errors import StateError
from islandrun.privacy.detect import RULES
from islandrun.v1 import chat_pb2, chat_pb2_grpc, inference_pb2, status_pb2, status_pb2_grpc
from islandrun_node.channels import local_channel
from islandrun_node.detectors import Watch
from islandrun_node.privacy_worker import PrivacyLimits, PrivacyWorker
from islandrun_node.services.errors import error_info
from tests.end_to_end.recorded_mesh import QUESTION, RecordedMesh, recorded_mesh
from tests.node.broken_detectors import GARBAGE, Broken, raised

pytestmark = pytest.mark.slow
TRIGGER = "zanzibar"
TEXT = f"my question on {TRIGGER} is of no consequence"
LIMITS = PrivacyLimits(seconds_min=0.3, seconds_max=0.3, wait_seconds_max=1, retry_seconds=(), waiting_max=4)


class Switch:
    """A detector whose fault the test sets; only texts that hold the trigger meet it."""

    name, finds_names = "switch", True

    def __init__(self) -> None:
        self.now: Broken | None = None

    def __call__(self, text: str):
        return () if self.now is None else self.now(text)

    def set(self, fault: object) -> Broken:
        self.now = Broken(fault, TRIGGER)
        return self.now


@pytest.fixture(scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[RecordedMesh, Switch]]:
    switch = Switch()
    worker = PrivacyWorker(lambda: Watch((RULES, switch)), LIMITS)
    async with recorded_mesh(tmp_path_factory.mktemp("mesh"), worker) as mesh:
        yield mesh, switch


async def chat_over_grpc(mesh: RecordedMesh, text: str, model: str) -> str:
    """Ask the laptop over gRPC and return the island that was chosen. Raises as gRPC does."""
    prompt = inference_pb2.Prompt(messages=[inference_pb2.Message(role="user", text=text)])
    async with local_channel(mesh.listening["grpc"], mesh.token) as channel:
        call = chat_pb2_grpc.ChatServiceStub(channel).Chat(chat_pb2.ChatRequest(model=model, prompt=prompt))
        return [one.decision.chosen_name async for one in call if one.HasField("decision")][-1]


async def degraded(mesh: RecordedMesh) -> list[str]:
    """Return what the status tells of the node."""
    async with local_channel(mesh.listening["grpc"], mesh.token) as channel:
        answer = await status_pb2_grpc.StatusServiceStub(channel).GetMeshStatus(
            status_pb2.GetMeshStatusRequest()
        )
    return list(answer.status.degraded)


async def nothing_leaves(mesh: RecordedMesh) -> None:
    """Ask by both doors for a model of other islands, then for any model."""
    mesh.forget()
    refused = await mesh.ask(TEXT)
    assert refused.status_code == 403, refused.text
    error = refused.json()["error"]
    assert error["code"] == "no_eligible_island"
    assert "privacy check" in error["message"]
    assert TRIGGER not in refused.text
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await chat_over_grpc(mesh, TEXT, "large")
    assert failed.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert "privacy check" in (failed.value.details() or "")
    info = error_info(failed.value)
    assert info is not None
    assert info.reason == "NO_ELIGIBLE_ISLAND"
    local = await mesh.ask(TEXT, "islandrun/auto")
    assert local.status_code == 200, local.text
    assert local.headers["x-islandrun-island"] == "laptop"
    assert await chat_over_grpc(mesh, TEXT, "islandrun/auto") == "laptop"
    assert mesh.received() == b""


async def all_is_well(mesh: RecordedMesh) -> None:
    mesh.forget()
    assert (await mesh.ask(QUESTION)).status_code == 200
    assert b"why is the sky blue" in mesh.received()


FAULTS = {**{type(fault).__name__: fault for fault in raised()}, **GARBAGE, "endless": "endless"}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_a_detector_that_fails(whole: tuple[RecordedMesh, Switch], fault: object) -> None:
    mesh, switch = whole
    switch.set(fault)
    await nothing_leaves(mesh)
    assert any("failed" in line for line in await degraded(mesh))
    await all_is_well(mesh)
    assert await degraded(mesh) == []


async def test_detectors_that_hang_until_no_thread_is_left(whole: tuple[RecordedMesh, Switch]) -> None:
    mesh, switch = whole
    bad = switch.set("hang")
    try:
        await nothing_leaves(mesh)
        for number in range(3):
            assert (await mesh.ask(f"{TEXT} {number}")).status_code == 403
        await nothing_leaves(mesh)
        assert (await mesh.ask(QUESTION)).status_code == 403
        assert mesh.received() == b""
        assert any("no more are started" in line for line in await degraded(mesh))
    finally:
        bad.release.set()
    for _ in range(100):
        if not any("no more are started" in line for line in await degraded(mesh)):
            break
        await asyncio.sleep(0.05)
    await all_is_well(mesh)


async def test_more_requests_than_may_wait(whole: tuple[RecordedMesh, Switch]) -> None:
    mesh, switch = whole
    bad = switch.set("hang")
    mesh.forget()
    try:
        answers = await asyncio.gather(*(mesh.ask(f"{TEXT}, {number}") for number in range(12)))
    finally:
        bad.release.set()
    codes = [answer.status_code for answer in answers]
    assert set(codes) == {403, 429}
    too_many = next(answer for answer in answers if answer.status_code == 429)
    assert "wait for their privacy check" in too_many.json()["error"]["message"]
    assert too_many.headers["retry-after"]
    assert mesh.received() == b""
    await asyncio.sleep(0.5)
    await all_is_well(mesh)


async def test_a_text_longer_than_may_be_judged(whole: tuple[RecordedMesh, Switch]) -> None:
    mesh, switch = whole
    switch.set(())
    mesh.forget()
    refused = await mesh.ask("sky " * 500_001)
    assert refused.status_code == 403
    assert "privacy check" in refused.json()["error"]["message"]
    assert mesh.received() == b""
    assert await degraded(mesh) == []


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (StateError("tagger.bin: its hash is not the one in its card; install IslandRun again"), "its hash"),
        (FileNotFoundError("tagger.bin"), "FileNotFoundError"),
        (MemoryError(), "MemoryError"),
    ],
    ids=["wrong hash", "missing", "no memory"],
)
async def test_detectors_that_cannot_be_loaded(tmp_path: Path, error: Exception, told: str) -> None:
    fine = threading.Event()

    def load():
        if not fine.is_set():
            raise error
        return Watch((RULES, Switch()))

    worker = PrivacyWorker(load, PrivacyLimits(retry_seconds=(0.05,) * 2000))
    async with recorded_mesh(tmp_path, worker) as mesh:
        assert told in (await degraded(mesh))[0]
        await nothing_leaves(mesh)
        fine.set()
        await _until_whole(mesh)
        await all_is_well(mesh)


async def test_detectors_that_are_still_loading(tmp_path: Path) -> None:
    fine = threading.Event()

    def load():
        assert fine.wait(60)
        return Watch((RULES, Switch()))

    async with recorded_mesh(tmp_path, PrivacyWorker(load, LIMITS)) as mesh:
        try:
            assert "loading" in (await degraded(mesh))[0]
            await nothing_leaves(mesh)
        finally:
            fine.set()
        await _until_whole(mesh)
        await all_is_well(mesh)


async def _until_whole(mesh: RecordedMesh) -> None:
    for _ in range(200):
        if not any("load" in line for line in await degraded(mesh)):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the detectors were never loaded")
