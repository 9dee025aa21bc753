"""The receiver's check: an island believes neither the label nor the hops that another island sends."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
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
from islandrun_node.home import Home
from islandrun_node.identity import load_membership
from islandrun_node.services.errors import error_info
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.canaries import Canaries
from tests.end_to_end.meshes import founded, joined, settings, up

pytestmark = pytest.mark.slow
EDGE = Grant(Tier.EDGE, "office", Ppm(700_000))
DENIED = grpc.StatusCode.PERMISSION_DENIED


@dataclass(frozen=True, slots=True)
class Asked:
    """An office that serves, and a way to call it as the laptop."""

    stub: inference_pb2_grpc.InferenceServiceStub
    office: bytes
    laptop: bytes
    home: Home

    async def call(self, text: str = "hello", **fields: object) -> tuple[grpc.StatusCode, str]:
        """Return the status of a call and the reason that programs read."""
        fields = {"target": self.office, "hops_left": 2, "model": "extractive", **fields}
        request = inference_pb2.GenerateRequest(
            prompt=inference_pb2.Prompt(messages=[inference_pb2.Message(role="user", text=text)]),
            **fields,  # type: ignore[arg-type]
        )
        call = self.stub.Generate(request, timeout=10)
        try:
            async for _ in call:
                pass
        except grpc.aio.AioRpcError as error:
            info = error_info(error)
            return error.code(), info.reason if info else ""
        return await call.code(), ""

    async def find(self, question: str = "hello", **fields: object) -> tuple[grpc.StatusCode, str]:
        """Return the status of a question for documents and the reason that programs read."""
        fields = {"target": self.office, "hops_left": 2, "data_sets": ["notes"], "passages_max": 4, **fields}
        request = inference_pb2.FindPassagesRequest(question=question, **fields)  # type: ignore[arg-type]
        try:
            found = await self.stub.FindPassages(request, timeout=10)
        except grpc.aio.AioRpcError as error:
            info = error_info(error)
            return error.code(), info.reason if info else ""
        return grpc.StatusCode.OK, "".join(passage.text for passage in found.passages)


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asked]:
    async with AsyncExitStack() as stack:
        laptop = founded(tmp_path)
        node = await up(laptop, settings("laptop"), stack)
        office = await joined(tmp_path, "office", laptop, EDGE, node.mesh_port)
        for name, text in (("notes", "The boat lies in the harbour."), ("deals", "The boat is sold.")):
            (tmp_path / name).mkdir()
            (tmp_path / name / "a.txt").write_text(text)
        folders = [
            {"name": "notes", "path": str(tmp_path / "notes"), "sensitivity": 0.4},
            {"name": "deals", "path": str(tmp_path / "deals"), "sensitivity": 1.0},
            {"name": "bound", "path": str(tmp_path / "notes"), "sensitivity": 0.4, "jurisdiction": "DE"},
        ]
        served = await up(office, settings("office", data=folders), stack)
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
            yield Asked(stub, theirs.key.public, ours.key.public, office)


async def test_a_receiver_runs_only_what_its_owner_lets_it_see(asked: Asked) -> None:
    assert await asked.call(sensitivity_ppm=700_000) == (grpc.StatusCode.OK, "")
    assert await asked.call(sensitivity_ppm=700_001) == (DENIED, "ABOVE_CEILING")
    assert await asked.call(sensitivity_ppm=1_000_001) == (DENIED, "LABEL_OUT_OF_RANGE")
    assert await asked.call(hops_left=0) == (DENIED, "NO_HOPS_LEFT")
    assert await asked.call(hops_left=3) == (DENIED, "NO_HOPS_LEFT")
    for elsewhere in (asked.laptop, b"", b"short"):
        assert await asked.call(target=elsewhere) == (DENIED, "TARGET_ELSEWHERE")
    assert await asked.call(data_sets=["payroll"]) == (DENIED, "DATA_SET_CLOSED")
    assert await asked.call(model="gpt") == (grpc.StatusCode.FAILED_PRECONDITION, "MODEL_NOT_OFFERED")


async def test_a_refused_request_leaves_nothing(asked: Asked, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    canaries = Canaries()
    refusals = (
        {"sensitivity_ppm": 800_000},
        {"hops_left": 0},
        {"target": asked.laptop},
        {"data_sets": ["payroll"]},
        {"sensitivity_ppm": 0},
    )
    for number, fields in enumerate(refusals):
        text = f"my card is {canaries.at(str(number))}, book it"
        assert (await asked.call(text, **fields))[0] is DENIED
    assert await asked.call(f"card {canaries.at('label')}") == (DENIED, "UNDER_LABELLED")
    kept = b"".join(path.read_bytes() for path in asked.home.path.rglob("*") if path.is_file())
    assert canaries.leaked(kept + caplog.text.encode()) == []


async def test_a_holder_shows_documents_only_to_who_may_see_them(asked: Asked) -> None:
    assert await asked.find("Where is the boat?") == (grpc.StatusCode.OK, "The boat lies in the harbour.")
    assert await asked.find(sensitivity_ppm=700_001) == (DENIED, "ABOVE_CEILING")
    assert await asked.find(hops_left=0) == (DENIED, "NO_HOPS_LEFT")
    assert await asked.find(target=asked.laptop) == (DENIED, "TARGET_ELSEWHERE")
    for closed in ("deals", "bound", "nowhere"):
        assert await asked.find(data_sets=["notes", closed]) == (DENIED, "DATA_SET_CLOSED")
        assert await asked.call(data_sets=[closed]) == (DENIED, "DATA_SET_CLOSED")
    for malformed in ({"data_sets": []}, {"passages_max": 0}, {"passages_max": 101}, {"question": ""}):
        assert (await asked.find(**malformed))[0] is grpc.StatusCode.INVALID_ARGUMENT, malformed


async def test_a_question_that_is_refused_leaves_nothing(
    asked: Asked, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    canaries = Canaries()
    for number, fields in enumerate(
        ({"hops_left": 0}, {"data_sets": ["deals"]}, {"sensitivity_ppm": 800_000})
    ):
        assert (await asked.find(f"card {canaries.at(str(number))}", **fields))[0] is DENIED
    assert await asked.find(f"card {canaries.at('label')}") == (DENIED, "UNDER_LABELLED")
    kept = b"".join(path.read_bytes() for path in asked.home.path.rglob("*") if path.is_file())
    assert canaries.leaked(kept + caplog.text.encode()) == []
