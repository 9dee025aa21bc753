"""A canary in every text, at every door of a running node: none of them is in the bytes that a cloud got."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2
import pytest

from islandrun.trust.ledger import Ledger
from islandrun.trust.signing import verify
from islandrun.vocabulary import Ppm, Tier
from islandrun_node import enrolment, world_clock
from islandrun_node.certificates import show_island
from islandrun_node.channels import local_channel, open_channel
from islandrun_node.config import ppm
from islandrun_node.home import Home
from islandrun_node.identity import IslandKey, load_membership
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.canaries import Canaries
from tests.end_to_end.doors import GRPC_DOORS, HTTP_DOORS, Kit, Knock, chat
from tests.end_to_end.engines_on_loopback import Engine, engine
from tests.end_to_end.meshes import founded, joined, settings, up

pytestmark = pytest.mark.slow
CLOUD_TRUST = 0.7
"""Above what free text without a names detector needs, below a card."""

OURS = ("islandrun", "uvicorn", "grpc", "asyncio", "root", "starlette")


@dataclass(frozen=True)
class Stage:
    """The kit, what its cloud received, and where the node keeps its files."""

    kit: Kit
    cloud: Engine
    folder: Path


def shown(home: Home) -> object:
    """Return the certificate that an island shows."""
    member, now_ms = load_membership(home), world_clock.now().wall_ms
    database = Database.open(home.database)
    ledger = Ledger(member.genesis)
    for signed in AttestationStore(database).load_all():
        ledger.admit(verify(signed, member.genesis, now_ms), now_ms)
    database.close()
    admission = ledger.admission(member.key.id)
    assert admission is not None
    return show_island(member.key, admission.certificate_der, member.genesis.mesh_id, now_ms)


@pytest.fixture(scope="module")
async def stage(tmp_path_factory) -> AsyncGenerator[Stage]:
    folder = tmp_path_factory.mktemp("doors")
    async with AsyncExitStack() as stack:
        cloud = await stack.enter_async_context(engine("all is well"))
        laptop = founded(folder)
        grant = replace(enrolment.OUTBOUND, trust_ceiling_ppm=ppm(CLOUD_TRUST))
        await enrolment.admit_outbound(laptop, "cloud", None, grant)
        outbound = {"name": "cloud", "url": cloud.url, "models": [{"name": "large"}]}
        policy = {"tier_trust": {"cloud": CLOUD_TRUST}}
        node = await up(laptop, settings("laptop", outbound=[outbound], policy=policy), stack)
        office = await joined(
            folder, "office", laptop, Grant(Tier.EDGE, "office", Ppm(700_000)), node.mesh_port
        )
        member = load_membership(laptop)
        address = [f"127.0.0.1:{node.mesh_port}"]
        headers = {"authorization": f"Bearer {node.token}"}
        http = httpx2.AsyncClient(base_url=node.http, headers=headers, timeout=20, trust_env=False)
        kit = Kit(
            await stack.enter_async_context(http),
            await stack.enter_async_context(local_channel(node.grpc, node.token)),
            await stack.enter_async_context(
                open_channel(address, member.key.public, shown(office), member.genesis.mesh_id)
            ),
            IslandKey.load(laptop.outbound_key("cloud")).public,
        )
        yield Stage(kit, cloud, folder)


KNOCKS = [
    pytest.param(knock, id=f"{door} {number}")
    for door, knocks in {**HTTP_DOORS, **GRPC_DOORS}.items()
    for number, knock in enumerate(knocks)
]


@pytest.mark.parametrize("knock", KNOCKS)
async def test_no_canary_leaves(stage: Stage, knock: Knock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    stage.cloud.received.clear()
    canaries = Canaries()
    said = await knock.send(stage.kit, canaries)
    received = b"".join(stage.cloud.received)
    assert bool(received) is knock.reaches, said
    assert (b"[CARD_" in received) is knock.reaches
    assert canaries.leaked(received) == []
    assert bool(canaries.leaked(said.encode())) is knock.echoes
    logged = [record.getMessage() for record in caplog.records if record.name.startswith(OURS)]
    assert canaries.leaked("\n".join(logged).encode()) == []
    kept = [path for path in stage.folder.rglob("*") if path.is_file()]
    assert [path.name for path in kept if canaries.leaked(path.read_bytes())] == []


async def test_nothing_beside_the_prompt_leaves_with_a_text_that_needs_no_mask(stage: Stage) -> None:
    canaries = Canaries()
    stage.cloud.received.clear()
    plain = {"model": "large", "stream": False, "messages": [{"role": "user", "content": "hello"}]}
    beside = {"seed": int(canaries.at("seed")), "stop": [canaries.at("stop"), "is"]}
    body = chat(canaries) | plain | beside | {"tools": None, "tool_choice": None, "response_format": None}
    answer = await stage.kit.http.post("/v1/chat/completions", json=body)
    assert answer.headers["x-islandrun-decision"] == "as_is"
    assert answer.json()["choices"][0]["message"]["content"] == "all "
    assert answer.json()["usage"]["prompt_tokens"] > 0
    received = b"".join(stage.cloud.received)
    assert b"hello" in received
    assert canaries.leaked(received) == []


async def test_a_canary_that_does_leave_is_seen() -> None:
    canaries, received = Canaries(), b"POST / HTTP/1.1 "
    assert canaries.leaked(received + canaries.at("x").encode()) == ["x"]
    spaced = " ".join(canaries.at("y")[at : at + 4] for at in range(0, 16, 4))
    assert canaries.leaked(spaced.encode()) == ["y"]


async def test_a_peer_reads_no_documents_that_its_trust_is_too_low_for(tmp_path: Path) -> None:
    from islandrun.v1 import chat_pb2, chat_pb2_grpc, inference_pb2, inference_pb2_grpc

    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "a.md").write_text("The valves are serviced in autumn.")
    data = [
        {"name": "open", "path": str(papers), "sensitivity": 0.6},
        {"name": "closed", "path": str(papers), "sensitivity": 0.75},
    ]
    async with AsyncExitStack() as stack:
        laptop = founded(tmp_path)
        node = await up(laptop, settings("laptop", data=data), stack)
        office = await joined(tmp_path, "office", laptop, Grant(Tier.EDGE, "x", Ppm(700_000)), node.mesh_port)
        await up(office, settings("office"), stack)
        member = load_membership(laptop)
        address = [f"127.0.0.1:{node.mesh_port}"]
        channel = open_channel(address, member.key.public, shown(office), member.genesis.mesh_id)
        await stack.enter_async_context(channel)
        inference = inference_pb2_grpc.InferenceServiceStub(channel)
        chats = chat_pb2_grpc.ChatServiceStub(channel)
        prompt = inference_pb2.Prompt(
            messages=[inference_pb2.Message(role="user", text="When are the valves serviced?")]
        )

        async def generate(name: str) -> str:
            request = inference_pb2.GenerateRequest(
                target=member.key.public, model="extractive", prompt=prompt, hops_left=1, data_sets=[name]
            )
            return "".join([str(part) async for part in inference.Generate(request, timeout=10)])

        async def chat(name: str) -> str:
            request = chat_pb2.ChatRequest(prompt=prompt, hints=chat_pb2.Hints(data_sets=[name]))
            return "".join([str(part) async for part in chats.Chat(request, timeout=10)])

        async def retrieve(name: str) -> str:
            request = chat_pb2.RetrieveRequest(data_set=name, query="valves")
            return str(await chats.Retrieve(request, timeout=10))

        await _until_it_works(lambda: generate("open"))
        for ask in (generate, chat, retrieve):
            assert "autumn" in await ask("open")
            for name in ("closed", "nowhere"):
                assert await _code(ask(name)) == "PERMISSION_DENIED"


async def _code(asking) -> str:
    import grpc

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await asking
    assert "autumn" not in str(caught.value)
    return caught.value.code().name


async def _until_it_works(ask) -> None:
    """Ask until the mesh has heard of the other island, ten seconds at most."""
    import grpc

    for _ in range(100):
        try:
            await ask()
        except grpc.aio.AioRpcError:
            await asyncio.sleep(0.1)
        else:
            return
    await ask()
