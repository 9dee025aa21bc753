"""What calls show of islands reaches the disk and the score; a peer that sends nonsense is trusted less."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path
from types import SimpleNamespace

import grpc
import httpx2
import pytest

from islandrun.errors import BrokenAnswer, ForwardFailed, TooSlow, Unreachable
from islandrun.trust.behaviour import BAD_MAX, Behaviour
from islandrun.v1 import inference_pb2, inference_pb2_grpc
from islandrun.vocabulary import (
    AnswerPiece,
    Finished,
    IslandId,
    Ppm,
    Reachability,
    TextDelta,
    Tier,
    Usage,
)
from islandrun_node.identity import load_membership
from islandrun_node.observations import Observations
from islandrun_node.stores.behaviour import BehaviourStore
from islandrun_node.stores.database import Database
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.engines_on_loopback import engine
from tests.end_to_end.meshes import founded, joined, settings, up

NORTH, CLOUD = IslandId("n" * 52), IslandId("c" * 52)
END = Finished("stop", Usage(1, 1), "m")


def views(island: IslandId) -> SimpleNamespace:
    """Return an island as the outlook shows it: the cloud is fronted by the north."""
    return SimpleNamespace(front=NORTH if island == CLOUD else "", reachability=Reachability.ALIVE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def watching(database: Database) -> Observations:
    return Observations(BehaviourStore(database), views)  # type: ignore[arg-type]


async def answer(*steps: AnswerPiece | ForwardFailed) -> AsyncGenerator[AnswerPiece]:
    for step in steps:
        if isinstance(step, ForwardFailed):
            raise step
        yield step


async def seen(
    observations: Observations, island: IslandId, *steps: AnswerPiece | ForwardFailed, pieces_max: int = 9
) -> None:
    source = observations.watched(answer(*steps), island, "m", True)
    try:
        async for _ in source:
            pieces_max -= 1
            if not pieces_max:
                break
    except ForwardFailed:
        pass
    await source.aclose()


async def test_observations_outlive_a_restart_and_count_for_the_node_that_sent(path: Path) -> None:
    with closing(Database.open(path)) as database:
        observations = watching(database)
        await seen(observations, NORTH, TextDelta("a"), END)
        await seen(observations, CLOUD, BrokenAnswer("odd"))
        await seen(observations, NORTH, TooSlow("slow"))
        observations.refused(NORTH, "BAD_SIGNATURE: a self statement does not carry its issuer's signature")
        kept = observations.behaviours[NORTH]
        assert kept.good == pytest.approx(1.0)
        assert kept.bad == pytest.approx(40.0)
        assert list(observations.behaviours) == [NORTH]
    with closing(Database.open(path)) as database:
        assert watching(database).behaviours == {NORTH: kept}


async def test_who_gives_up_a_call_or_meets_a_dead_network_notes_nothing(path: Path) -> None:
    with closing(Database.open(path)) as database:
        observations = watching(database)
        await seen(observations, NORTH, TextDelta("a"), TextDelta("b"), END, pieces_max=1)
        await seen(observations, NORTH, Unreachable("gone"))
        source = observations.watched(_endless(), NORTH, "m", True)
        task = asyncio.ensure_future(anext(source))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        observations.refused(NORTH, "EXPIRED: a self statement is past its end")
        assert observations.behaviours == {}


async def _endless() -> AsyncGenerator[AnswerPiece]:
    await asyncio.Event().wait()
    yield END


def test_counts_that_cannot_be_are_read_as_the_worst(path: Path) -> None:
    with closing(Database.open(path)) as database:
        with database.transaction() as cursor:
            cursor.execute("INSERT INTO behaviours VALUES (?, ?, ?, ?)", (NORTH, -1.0, 0.0, 5))
        assert BehaviourStore(database).load() == {NORTH: Behaviour(0.0, BAD_MAX, 5)}
        BehaviourStore(database).save([NORTH], {})
        assert BehaviourStore(database).load() == {}


def _answers_with(what: bytes) -> Callable[[object, grpc.aio.Server], None]:
    """Return what registers an InferenceService that takes a request and sends these bytes."""

    async def generate(request: object, context: object) -> AsyncGenerator[bytes]:
        yield what

    def register(servicer: object, server: grpc.aio.Server) -> None:
        handler = grpc.unary_stream_rpc_method_handler(
            generate,  # type: ignore[arg-type]
            request_deserializer=inference_pb2.GenerateRequest.FromString,
        )
        generic = grpc.method_handlers_generic_handler("islandrun.v1.InferenceService", {"Generate": handler})
        server.add_generic_rpc_handlers((generic,))

    return register


EMPTY_PIECE = inference_pb2.GenerateResponse(chunks=[inference_pb2.Chunk()]).SerializeToString()


@pytest.mark.slow
@pytest.mark.parametrize(
    "nonsense", [EMPTY_PIECE, b"\xff\xff\xff", b""], ids=["empty", "undecodable", "endless"]
)
async def test_a_peer_that_answers_nonsense_over_real_mtls_is_trusted_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nonsense: bytes
) -> None:
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(engine("one two"))
        laptop = founded(tmp_path)
        node = await up(laptop, settings("laptop"), stack)
        office = await joined(
            tmp_path, "office", laptop, Grant(Tier.EDGE, "home", Ppm(900_000)), node.mesh_port
        )
        backend = {"kind": "openai", "url": served.url, "models": [{"name": "large"}]}
        monkeypatch.setattr(
            inference_pb2_grpc, "add_InferenceServiceServicer_to_server", _answers_with(nonsense)
        )
        await up(office, settings("office", backend=backend), stack)
        client = await stack.enter_async_context(
            httpx2.AsyncClient(
                base_url=node.http,
                headers={"authorization": f"Bearer {node.token}"},
                timeout=20,
                trust_env=False,
            )
        )
        body = {"model": "large", "messages": [{"role": "user", "content": "count for me"}]}
        found: dict[IslandId, Behaviour] = {}
        for _ in range(150):
            assert (await client.post("/v1/chat/completions", json=body)).status_code != 200
            with closing(Database.open(laptop.database)) as database:
                found = BehaviourStore(database).load()
            if found:
                break
            await asyncio.sleep(0.1)
        assert found[load_membership(office).key.id].bad == pytest.approx(20, abs=0.01)
