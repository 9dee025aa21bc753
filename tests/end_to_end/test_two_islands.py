"""Two islands: joined by a token, asked over HTTP, answered where the documents are."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from islandrun.errors import EnrolmentRefused, StateError
from islandrun.vocabulary import Ppm, Tier
from islandrun_node import demo, enrolment
from islandrun_node.channels import local_channel
from islandrun_node.listeners import Listening
from islandrun_node.services.local_access import SERVICES
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.meshes import founded, joined, settings, up

pytestmark = pytest.mark.slow
EDGE = Grant(Tier.EDGE, "office", Ppm(900_000))
HANDBOOK = {"name": "handbook", "path": str(demo.DOCUMENTS / "office")}


async def ask(node: Listening, text: str, **hints: object) -> httpx2.Response:
    body = {"model": "islandrun/auto", "messages": [{"role": "user", "content": text}], "islandrun": hints}
    async with httpx2.AsyncClient(timeout=20, trust_env=False) as client:
        headers = {"authorization": f"Bearer {node.token}"}
        return await client.post(f"{node.http}/v1/chat/completions", json=body, headers=headers)


async def ask_until(node: Listening, code: int, text: str, **hints: object) -> httpx2.Response:
    """Ask until the mesh has heard of it, ten seconds at most."""
    for _ in range(100):
        response = await ask(node, text, **hints)
        if response.status_code == code:
            return response
        await asyncio.sleep(0.1)
    return response


async def test_a_question_goes_to_its_documents_and_stops_at_a_revocation(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        laptop = founded(tmp_path)
        node = await up(laptop, settings("laptop"), stack)
        office = await joined(tmp_path, "office", laptop, EDGE, node.mesh_port)
        await up(office, settings("office", data=[HANDBOOK]), stack)
        question = "How many days of holiday do I get?"
        answer = await ask_until(node, 200, question, datasets=["handbook"])
        assert answer.headers["x-islandrun-island"] == "office"
        assert answer.headers["x-islandrun-decision"] == "as_is"
        assert "28 days" in answer.json()["choices"][0]["message"]["content"]

        enrolment.revoke(laptop, "office", "sold")
        refused = await ask_until(node, 403, question, datasets=["handbook"])
        assert refused.json()["error"]["code"] == "no_eligible_island"
        assert "REVOKED" in refused.text


async def test_a_token_works_once_and_a_member_cannot_join_again(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        laptop = founded(tmp_path)
        node = await up(laptop, settings("laptop"), stack)
        office = await joined(tmp_path, "office", laptop, EDGE, node.mesh_port)
        token = enrolment.invite(laptop, EDGE, 60, [f"127.0.0.1:{node.mesh_port}"])
        await enrolment.join(type(laptop)(tmp_path / "second"), token, "second")
        with pytest.raises(EnrolmentRefused, match="used"):
            await enrolment.join(type(laptop)(tmp_path / "third"), token, "third")
        with pytest.raises(EnrolmentRefused):
            await enrolment.join(type(laptop)(tmp_path / "fourth"), token[:-9], "fourth")
        with pytest.raises(StateError, match="already"):
            await enrolment.join(office, token, "office")


async def test_the_local_listener_says_that_its_services_answer(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        node = await up(founded(tmp_path), settings("laptop"), stack)
        async with local_channel(node.grpc, "needs none") as channel:
            check = health_pb2_grpc.HealthStub(channel).Check
            for service in ("", *SERVICES):
                answer = await check(health_pb2.HealthCheckRequest(service=service), timeout=5)
                assert answer.status == health_pb2.HealthCheckResponse.SERVING
