"""Named client keys: kept as hashes, let in at every door for programs, bound, and shut out at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx2
import pytest
from click.testing import CliRunner

from islandrun.errors import StateError
from islandrun.v1 import chat_pb2, chat_pb2_grpc, inference_pb2, status_pb2, status_pb2_grpc
from islandrun_node.channels import local_channel
from islandrun_node.cli import cli
from islandrun_node.home import Home
from islandrun_node.local_callers import LocalCallers
from islandrun_node.stores.client_keys import KEYS_MAX, ClientKeyStore
from islandrun_node.stores.database import Database
from tests.end_to_end.meshes import founded, process

RULES = """
[[policy.rule]]
name = "no-tools"
keys = ["desk"]
uses = ["tools"]
deny = true
[[policy.rule]]
name = "reading"
keys = ["desk"]
uses = ["read"]
deny = true
[[policy.key]]
name = "slow"
requests_per_minute = 1
"""


@pytest.fixture
def store(tmp_path: Path) -> AsyncIterator[ClientKeyStore]:
    with closing(Database.open(tmp_path / "state.db")) as database:
        yield ClientKeyStore(database)


def test_a_key_counts_until_it_is_revoked(store: ClientKeyStore) -> None:
    key, other = store.add("desk", 5), store.add("app", 6)
    assert (store.name_of(key), store.name_of(other)) == ("desk", "app")
    assert store.name_of(key[:-1] + ("A" if key[-1] != "A" else "B")) is None
    assert store.name_of("desk") is None
    store.revoke("desk", 9)
    assert store.name_of(key) is None
    assert store.name_of(other) == "app"
    assert [(one.name, one.created_at_ms, one.revoked_at_ms) for one in store.listed()] == [
        ("app", 6, 0),
        ("desk", 5, 9),
    ]


def test_a_name_is_not_used_again_until_it_is_forgotten(store: ClientKeyStore) -> None:
    old = store.add("desk", 1)
    store.revoke("desk", 2)
    with pytest.raises(StateError, match="another name"):
        store.add("desk", 3)
    store.revoke("desk", 4, forget=True)
    store.add("desk", 5)
    assert store.name_of(old) is None


@pytest.mark.parametrize("name", ["local", "", "Desk", "a b", "x" * 33, "key:a"])
def test_a_name_that_rules_could_mistake_is_refused(store: ClientKeyStore, name: str) -> None:
    with pytest.raises(StateError, match="no name for a key"):
        store.add(name, 1)


def test_there_are_only_so_many_keys(store: ClientKeyStore) -> None:
    with store._database.transaction() as cursor:
        cursor.executemany(
            "INSERT INTO client_keys VALUES (?, x'00', 0, 0)", [(f"k{number}",) for number in range(KEYS_MAX)]
        )
    with pytest.raises(StateError, match="forget"):
        store.add("one-more", 1)


def test_the_key_itself_is_not_in_the_file(tmp_path: Path) -> None:
    with closing(Database.open(tmp_path / "state.db")) as database:
        key = ClientKeyStore(database).add("desk", 1)
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"desk" in written
    assert key.encode() not in written
    assert key.removeprefix("irk_").encode() not in written


def test_keys_that_cannot_be_read_open_nothing() -> None:
    def broken(_: str) -> str | None:
        raise StateError("the disk is gone; mend it")

    callers = LocalCallers("t" * 32, broken)
    assert callers.caller(b"Bearer " + b"t" * 32) == "local"
    assert callers.caller(b"Bearer irk_x") is None
    assert callers.caller(b"Basic " + b"t" * 32) is None
    assert callers.caller(b"Bearer " + b"t" * 1000) is None
    assert callers.caller("Bearer \u00e4".encode()) is None


@dataclass(frozen=True)
class Running:
    home: Home
    http: str
    grpc: str

    def keys(self, *words: str) -> dict[str, object]:
        done = CliRunner().invoke(cli, ["--home", str(self.home.path), "--json", "keys", *words])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    def add(self, name: str) -> str:
        return str(self.keys("add", name)["key"])

    async def get(self, path: str, key: str) -> httpx2.Response:
        async with httpx2.AsyncClient(timeout=20) as client:
            return await client.get(self.http + path, headers={"authorization": f"Bearer {key}"})

    async def post(self, path: str, key: str, **body: object) -> httpx2.Response:
        async with httpx2.AsyncClient(timeout=20) as client:
            return await client.post(self.http + path, json=body, headers={"authorization": f"Bearer {key}"})

    async def ask(self, key: str, **fields: object) -> httpx2.Response:
        messages = [{"role": "user", "content": "What is a haiku?"}]
        body = {"model": "islandrun/auto", "messages": messages} | fields
        return await self.post("/v1/chat/completions", key, **body)


@pytest.fixture(scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    home = founded(tmp_path_factory.mktemp("keys") / "home")
    async with process(home, RULES):
        told = json.loads(home.running.read_text())
        yield Running(home, told["http"], told["grpc"])


@pytest.mark.slow
async def test_a_key_asks_over_http_and_does_nothing_else(node: Running) -> None:
    key = node.add("desk")
    assert (await node.ask(key)).status_code == 200
    assert (await node.get("/v1/models", key)).status_code == 200
    refused = await node.get("/metrics", key)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "key_not_enough")
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    denied = (await node.ask(key, tools=tools)).json()["error"]
    assert "rule no-tools" in str(denied["islands"])
    denied = (await node.post("/v1/embeddings", key, model="islandrun/auto", input="hello")).json()["error"]
    assert "rule reading" in str(denied["islands"])
    token = node.home.token.read_text().strip()
    assert (await node.get("/metrics", token)).status_code == 200
    node.keys("revoke", "desk")
    assert (await node.ask(key)).status_code == 401
    listed = node.keys("list")
    assert listed["schema"] == "islandrun.keys/v1"
    assert any(one["name"] == "desk" and one["revoked_at_ms"] for one in listed["keys"])  # type: ignore[attr-defined]


@pytest.mark.slow
async def test_a_key_that_asks_too_often_is_told_when_to_come_again(node: Running) -> None:
    key = node.add("slow")
    first, second = await node.ask(key), await node.ask(key)
    assert first.status_code == 200
    assert second.status_code == 429
    assert 1 <= int(second.headers["retry-after"]) <= 60
    assert second.json()["error"]["code"] == "rate_limit_exceeded"
    async with local_channel(node.grpc, key) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await chat_pb2_grpc.ChatServiceStub(channel).Plan(plan_request(), timeout=20)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def plan_request() -> chat_pb2.PlanRequest:
    prompt = inference_pb2.Prompt(messages=[inference_pb2.Message(role="user", text="What is a haiku?")])
    return chat_pb2.PlanRequest(model="islandrun/auto", prompt=prompt)


@pytest.mark.slow
async def test_a_key_asks_over_grpc_and_does_nothing_else(node: Running) -> None:
    key = node.add("program")
    async with local_channel(node.grpc, key) as channel:
        planned = await chat_pb2_grpc.ChatServiceStub(channel).Plan(plan_request(), timeout=20)
        assert planned.decision.chosen_name
        assert list(planned.decision.rules) == []
        status = status_pb2_grpc.StatusServiceStub(channel)
        for call in (
            status.ListReceipts(status_pb2.ListReceiptsRequest(), timeout=20),
            status.GetMeshStatus(status_pb2.GetMeshStatusRequest(), timeout=20),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
        await asyncio.to_thread(node.keys, "revoke", "program")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await chat_pb2_grpc.ChatServiceStub(channel).Plan(plan_request(), timeout=20)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.slow
async def test_config_check_knows_the_words_of_the_mesh(node: Running, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        "[[policy.rule]]\nname = 'r'\ngroups = ['moon']\nkeys = ['nobody']\n"
        "islands = ['self', 'aaaaaaaaaaaaaaaa']\n"
    )
    arguments = ["--home", str(node.home.path), "--json", "config", "check", str(path)]
    done = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
    assert done.exit_code == 1
    problems = {one["key"]: one for one in json.loads(done.stdout)["problems"]}
    assert problems["policy.rule[0] (r).groups"]["is_fatal"]
    assert problems["policy.rule[0] (r).islands"]["what"] == "this mesh knows no `aaaaaaaaaaaaaaaa`"
    assert not problems["policy.rule[0] (r).keys"]["is_fatal"]
