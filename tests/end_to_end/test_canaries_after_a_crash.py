"""Kill nodes with canaries in their hands: nothing is on any disk, nothing left, and the restart goes on."""

import json
import time
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from pathlib import Path

import httpx2
import pytest

from islandrun.vocabulary import FindingType
from tests.end_to_end.aviary import Aviary, Canary, Haystack
from tests.end_to_end.meshes import process
from tests.end_to_end.recorded_mesh import TARGETS, TRUST_PPM, RecordedMesh, mesh_of_processes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
KINDS = (FindingType.SECRET, FindingType.CARD, FindingType.IBAN, FindingType.NATIONAL_ID, FindingType.CRYPTO)


def nothing_is_anywhere(mesh: RecordedMesh, canaries: list[Canary]) -> None:
    """Look into all that the targets received, and into every file of both homes."""
    for target in TARGETS:
        received = Haystack(b"\n".join(mesh.engines[target].received))
        risen = [one for one in canaries if one.floor_ppm > TRUST_PPM[target]]
        assert not [one.kind for one in risen if received.found(one)], target
    for path, content in mesh.files():
        haystack = Haystack(content)
        assert not [one.kind for one in canaries if haystack.found(one)], path.name


def question(canaries: list[Canary]) -> str:
    return "; ".join(canary.sentence for canary in canaries)


def _ends_with(victim: str) -> AbstractContextManager[object]:
    """Return what holds when the laptop dies: its client sees the connection break."""
    return pytest.raises(httpx2.TransportError) if victim == "laptop" else nullcontext()


async def killed_in_its_answer(mesh: RecordedMesh, target: str, victim: str, text: str) -> None:
    """Kill a node when the first words of a target's answer are here."""
    engine = mesh.engines[target]
    engine.hold = "after"
    body = {
        "model": "large",
        "stream": True,
        "messages": [{"role": "user", "content": text}],
        "islandrun": {"only": [target]},
    }
    lines: list[str] = []
    async with mesh.client() as client:
        with _ends_with(victim):
            async with client.stream("POST", "/v1/chat/completions", json=body) as response:
                assert response.status_code == 200, await response.aread()
                async for line in response.aiter_lines():
                    lines.append(line)
                    if "says" in line and mesh.processes[victim].returncode is None:
                        mesh.processes[victim].kill()
                        await mesh.processes[victim].wait()
    engine.hold = ""
    assert any(target in line for line in lines)
    assert "data: [DONE]" not in lines


async def test_killed_in_the_middle_of_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISLANDRUN_LOG_LEVEL", "debug")
    aviary = Aviary(time.time_ns())
    async with mesh_of_processes(tmp_path) as mesh, AsyncExitStack() as stack:
        first = [aviary.one(kind) for kind in KINDS]
        await killed_in_its_answer(mesh, "cloud", "laptop", question(first))
        nothing_is_anywhere(mesh, aviary.all)
        logs = {path.parent.name: content for path, content in mesh.files() if path.name == "log"}
        mesh.processes["laptop"] = await stack.enter_async_context(process(mesh.laptop, ""))
        received = mesh.received()
        await mesh.all_known()

        second = [aviary.one(kind) for kind in KINDS]
        await killed_in_its_answer(mesh, "relay", "office", question([*first, *second]))
        nothing_is_anywhere(mesh, aviary.all)
        answer = await mesh.ask(question(second), islandrun={"only": ["cloud"]})
        assert answer.status_code == 200, answer.text
        nothing_is_anywhere(mesh, aviary.all)
        assert b"_1]" in received
        assert b"_1]" in mesh.received()
        assert logs.keys() == {"laptop", "office"}
        assert any(b"DEBUG" in log for log in logs.values())
        running = json.loads(mesh.laptop.running.read_bytes())
        assert set(running) == {"pid", "mesh", "grpc", "http"}
