"""Canaries in every field of every request: none reaches a target below its floor, a file or a log."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest

from islandrun.privacy.detect import RULES
from islandrun.v1 import chat_pb2_grpc, status_pb2, status_pb2_grpc
from islandrun_node.channels import local_channel
from islandrun_node.detectors import Watch
from islandrun_node.privacy_worker import PrivacyWorker
from tests.end_to_end.aviary import COMMON, Aviary, Canary, Haystack
from tests.end_to_end.planted_requests import Planted, disguised, over_grpc, over_http
from tests.end_to_end.recorded_mesh import TARGETS, TRUST_PPM, RecordedMesh, recorded_mesh

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


class SeesNoNames:
    """Looks for names and finds none, so that the rules alone decide what is hidden."""

    name, finds_names = "sees no names", True

    def __call__(self, text: str):
        return ()


@pytest.fixture(scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RecordedMesh]:
    """A mesh whose every log is written at debug level, that of the laptop into its home."""
    path = tmp_path_factory.mktemp("mesh")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISLANDRUN_LOG_LEVEL", "debug")
        worker = PrivacyWorker(lambda: Watch((RULES, SeesNoNames())))
        async with recorded_mesh(path, worker) as mesh:
            with logged(mesh.laptop.path / "log"):
                yield mesh


@contextlib.contextmanager
def logged(path: Path) -> Iterator[None]:
    """Write all that this process logs into a file, but for the clients of the test itself."""
    root, handler = logging.getLogger(), logging.FileHandler(path)
    before = root.level
    for noisy in ("httpx2", "httpcore2"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.setLevel(before)
        root.removeHandler(handler)
        handler.close()


async def send(mesh: RecordedMesh, planted: Planted, target: str) -> int:
    """Ask with one target in question, if the request leaves that open; return the status."""
    hints = planted.fields.get("islandrun", {"only": [target]})
    body = {"model": "large", **planted.fields, "islandrun": hints}
    async with mesh.client() as client:
        answer = await client.post("/v1/chat/completions", json=body, headers=planted.headers)
        if answer.status_code != 200 and not planted.is_named_back:
            shown = Haystack(answer.content + str(answer.headers).encode())
            assert not any(map(shown.found, planted.canaries)), planted.name
    return answer.status_code


def nothing_arrived(mesh: RecordedMesh, canaries: list[Canary], name: str) -> None:
    """Fail when a target received a value that needs more trust than it has."""
    for target in TARGETS:
        received = Haystack(b"\n".join(mesh.engines[target].received))
        for canary in canaries:
            if canary.floor_ppm > TRUST_PPM[target]:
                shape = received.found(canary)
                assert not shape, f"{name}: a {canary.kind} reached {target}, {shape}"


async def nothing_was_kept(mesh: RecordedMesh, canaries: list[Canary]) -> None:
    """Fail when a value stands in a file of an island, its logs, its metrics, its status or its receipts."""
    places = {str(path.name): content for path, content in mesh.files()}
    assert {"state.db", "log"} <= places.keys()
    places = {str(path): content for path, content in mesh.files()}
    async with mesh.client() as client:
        places["metrics"] = (await client.get("/metrics")).content
        places["models"] = (await client.get("/v1/models")).content
    async with local_channel(mesh.listening["grpc"], mesh.token) as channel:
        status = status_pb2_grpc.StatusServiceStub(channel)
        places["status"] = (await status.GetMeshStatus(status_pb2.GetMeshStatusRequest())).SerializeToString()
        places["islands"] = (await status.ListIslands(status_pb2.ListIslandsRequest())).SerializeToString()
        page = await status.ListReceipts(status_pb2.ListReceiptsRequest(page_size=200))
        assert page.receipts
        places["receipts"] = page.SerializeToString()
    for place, content in places.items():
        haystack = Haystack(content)
        for canary in canaries:
            shape = "" if canary.kind in COMMON else haystack.found(canary)
            assert not shape, f"a {canary.kind} is kept in {place}, {shape}"


async def test_no_field_over_http_lets_a_value_out(whole: RecordedMesh) -> None:
    aviary = Aviary(time.time_ns())
    for planted in over_http(aviary):
        whole.forget()
        codes = [await send(whole, planted, target) for target in TARGETS]
        nothing_arrived(whole, planted.canaries, planted.name)
        if planted.is_answered:
            assert codes == [200] * len(TARGETS), f"{planted.name}: {codes}"
            assert all(b"_1]" in served.received[-1] for served in whole.engines.values()), planted.name
    await nothing_was_kept(whole, aviary.all)


async def test_no_disguise_lets_a_value_out(whole: RecordedMesh) -> None:
    aviary = Aviary(time.time_ns())
    for planted in disguised(aviary):
        whole.forget()
        codes = [await send(whole, planted, target) for target in TARGETS]
        nothing_arrived(whole, planted.canaries, planted.name)
        assert set(codes) <= {200, 403}, f"{planted.name}: {codes}"
        for served in whole.engines.values():
            assert all(b"[" in received for received in served.received), planted.name
    await nothing_was_kept(whole, aviary.all)


async def test_no_field_over_grpc_lets_a_value_out(whole: RecordedMesh) -> None:
    aviary = Aviary(time.time_ns())
    answered = 0
    async with local_channel(whole.listening["grpc"], whole.token) as channel:
        chat = chat_pb2_grpc.ChatServiceStub(channel)
        for name, canaries, request in over_grpc(aviary):
            for target in TARGETS:
                if name != "only":
                    request.hints.only[:] = [target]
                whole.forget()
                try:
                    answered += bool([one async for one in chat.Chat(request, timeout=20)])
                except grpc.aio.AioRpcError as error:
                    shown = Haystack(str(error).encode())
                    assert not any(map(shown.found, canaries)), name
                nothing_arrived(whole, canaries, name)
    assert answered > 40
    await nothing_was_kept(whole, aviary.all)


async def test_a_failover_masks_again_and_the_error_is_not_kept(whole: RecordedMesh) -> None:
    """The first targets fail and send back all that they were asked; the last one answers."""
    aviary = Aviary(time.time_ns())
    tried = 0
    for last in TARGETS:
        canaries = aviary.one_of_each()
        whole.forget()
        for name, served in whole.engines.items():
            served.hold = "" if name == last else "fail"
        try:
            text = "; ".join(canary.sentence for canary in canaries)
            answer = await whole.ask(text, islandrun={"only": list(TARGETS)})
            assert answer.status_code == 200, answer.text
            assert answer.headers["x-islandrun-island"] == last
            tried += sum(bool(served.received) for served in whole.engines.values())
        finally:
            for served in whole.engines.values():
                served.hold = ""
        nothing_arrived(whole, canaries, f"failover to {last}")
    assert tried > len(TARGETS), "nothing failed over"
    await nothing_was_kept(whole, aviary.all)


async def test_when_every_target_fails_the_error_holds_nothing(whole: RecordedMesh) -> None:
    aviary = Aviary(time.time_ns())
    canaries = aviary.one_of_each()
    whole.forget()
    for served in whole.engines.values():
        served.hold = "fail"
    try:
        answer = await whole.ask("; ".join(canary.sentence for canary in canaries))
    finally:
        for served in whole.engines.values():
            served.hold = ""
    assert answer.status_code in (502, 503)
    shown = Haystack(answer.content + str(answer.headers).encode())
    assert not [canary.kind for canary in canaries if shown.found(canary)]
    assert whole.received()
    nothing_arrived(whole, canaries, "all fail")
    await nothing_was_kept(whole, aviary.all)


async def test_an_answer_that_repeats_placeholders_is_restored_and_not_kept(whole: RecordedMesh) -> None:
    aviary = Aviary(time.time_ns())
    key, card, mail = aviary.bare()
    engine = whole.engines["cloud"]
    before, engine.answer = engine.answer, "so it is [CARD_1] with [SECRET_1] for [EMAIL_1] then"
    try:
        text = "; ".join(canary.sentence for canary in (key, card, mail))
        answer = await whole.ask(text, islandrun={"only": ["cloud"]})
    finally:
        engine.answer = before
    told = answer.json()["choices"][0]["message"]["content"].strip()
    assert told == f"so it is {card.value} with {key.value} for {mail.value} then"
    await asyncio.sleep(0)
    await nothing_was_kept(whole, aviary.all)
