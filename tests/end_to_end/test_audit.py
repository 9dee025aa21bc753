"""The log of receipts of real nodes: witnessed over mTLS, checked, exported, proved, spoilt, killed."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import httpx2
import pytest

from islandrun.routing.receipt import explain, verify_receipt
from islandrun.v1 import chat_pb2, status_pb2, status_pb2_grpc
from islandrun.vocabulary import Ppm, Tier
from islandrun_node import auditing, demo
from islandrun_node.audit_files import ReceiptLine, _decoder
from islandrun_node.channels import local_channel
from islandrun_node.cli import cli
from islandrun_node.home import Home
from islandrun_node.listeners import Listening
from islandrun_node.stores.database import Database
from islandrun_node.stores.heads import HeadStore
from islandrun_node.stores.receipts import ReceiptStore
from islandrun_node.stores.schema import RECEIPTS
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.canaries import Canaries
from tests.end_to_end.meshes import founded, joined, process, settings, up

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
EDGE = Grant(Tier.EDGE, "office", Ppm(900_000))
HANDBOOK = {"name": "handbook", "path": str(demo.DOCUMENTS / "office")}


@dataclass
class Pair:
    laptop: Home
    office: Home
    node: Listening


@pytest.fixture(scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    path = tmp_path_factory.mktemp("audited")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auditing, "HEAD_SECONDS", 0.3)
        async with AsyncExitStack() as stack:
            laptop = founded(path)
            node = await up(laptop, settings("laptop"), stack)
            office = await joined(path, "office", laptop, EDGE, node.mesh_port)
            await up(office, settings("office", data=[HANDBOOK]), stack)
            yield Pair(laptop, office, node)


async def audit(home: Home | None, *arguments: str) -> tuple[int, str, str]:
    """Run a command; none of these needs the node."""
    at = str(home.path) if home else "/nowhere"
    with redirect_stdout(TextIOWrapper(BytesIO())) as out, redirect_stderr(StringIO()) as err:
        code = cli.main(["--home", at, "audit", *arguments], standalone_mode=False)
        out.seek(0)
        return code, out.read(), err.getvalue()


async def ask(node: Listening, **body: object) -> httpx2.Response:
    async with httpx2.AsyncClient(timeout=30, trust_env=False) as client:
        headers = {"authorization": f"Bearer {node.token}"}
        whole = {"model": "islandrun/auto", "messages": [{"role": "user", "content": "hello"}]} | body
        return await client.post(f"{node.http}/v1/chat/completions", json=whole, headers=headers)


async def witnessed(home: Home, count: int) -> None:
    """Wait until the head over so many receipts is countersigned by the other island."""
    for _ in range(200):
        with closing(Database.open(home.receipts, RECEIPTS)) as database:
            heads = HeadStore(database)
            newest = heads.newest()
            if newest and newest.head.size >= count and heads.cosignatures(newest.head.size):
                return
        await asyncio.sleep(0.1)
    raise AssertionError("nobody witnessed the head")


async def test_a_log_is_witnessed_checked_exported_and_proved(pair: Pair, tmp_path: Path) -> None:
    answers = [await ask(pair.node) for _ in range(5)]
    assert {answer.status_code for answer in answers} <= {200, 403}
    await witnessed(pair.laptop, 5)
    code, out, err = await audit(pair.laptop, "verify", "--json")
    found = json.loads(out)
    assert (code, found["schema"], found["ok"]) == (0, "islandrun.audit/v1", True), err
    assert found["entries"] == found["receipts"] >= 5
    assert (found["unsigned"], found["unwitnessed"]) == (0, 0)
    assert len(found["witnesses"]) == 1

    export = tmp_path / "log.jsonl"
    assert (await audit(pair.laptop, "export", str(export)))[0] == 0
    code, out, err = await audit(None, "verify", str(export))
    assert code == 0, err
    assert "countersigned" in out

    receipt = answers[2].headers["x-islandrun-receipt"]
    code, proof, err = await audit(pair.laptop, "prove", receipt)
    assert code == 0, err
    (tmp_path / "proof").write_text(proof)
    code, out, err = await audit(None, "verify", str(tmp_path / "proof"))
    assert (code, f"receipt {receipt} is in the log" in out) == (0, True), err
    (tmp_path / "proof").write_text(proof.replace('"index":', '"index":1'))
    code, _, err = await audit(None, "verify", str(tmp_path / "proof"))
    assert (code, "error: entry 1" in err) == (1, True)
    assert (await audit(pair.laptop, "prove", "r-none"))[0] == 1


async def test_each_way_to_spoil_a_file_is_found(pair: Pair, tmp_path: Path) -> None:
    for _ in range(3):
        await ask(pair.node)
    await asyncio.sleep(0.5)
    code, out, _ = await audit(pair.laptop, "export")
    assert code == 0
    lines = out.splitlines(keepends=True)
    receipts = [at for at, line in enumerate(lines) if line.startswith('{"is":"receipt"')]
    first, second = receipts[:2]
    spoilt = {
        "one left out": lines[:first] + lines[second:],
        "cut off": lines[:-2],
        "cut off with an end": [*lines[:second], lines[-1]],
        "not JSON": [*lines[:first], "junk\n", *lines[first:]],
        "another schema": [lines[0].replace("audit/v1", "audit/v9"), *lines[1:]],
        "no origin": [lines[0].replace('"origins":["', '"origins":["AAAA'), *lines[1:]],
        "empty": [],
    }
    for name, content in spoilt.items():
        file = tmp_path / "spoilt"
        file.write_text("".join(content))
        code, _, err = await audit(None, "verify", str(file))
        assert (code, err.startswith("error: ")) == (1, True), name


async def test_a_home_with_one_changed_bit_is_refused_by_the_entry(pair: Pair, tmp_path: Path) -> None:
    for _ in range(3):
        await ask(pair.node)
    copy = Home(tmp_path / "copy")
    with closing(Database.open(pair.laptop.receipts, RECEIPTS)) as database:
        copy.create()
        database.copy_to(copy.receipts)
    with closing(Database.open(pair.laptop.database)) as database:
        database.copy_to(copy.database)
    for file in (copy.island_key, copy.genesis):
        file.parent.mkdir(exist_ok=True, mode=0o700)
        file.write_bytes((pair.laptop.path / file.relative_to(copy.path)).read_bytes())
        file.chmod(0o600)
    assert (await audit(copy, "verify"))[0] == 0
    with closing(sqlite3.connect(copy.receipts)) as file:
        (payload,) = file.execute("SELECT payload FROM receipts WHERE position = 1").fetchone()
        changed = payload[:9] + bytes([payload[9] ^ 1]) + payload[10:]
        file.execute("UPDATE receipts SET payload = ? WHERE position = 1", (changed,))
        file.commit()
    code, out, _ = await audit(copy, "verify", "--json")
    assert (code, json.loads(out)["entry"]) == (1, 1)
    assert "entry 1" in (await audit(copy, "verify"))[2]


def planted(canaries: Canaries, words: dict[str, str]) -> list[dict[str, object]]:
    """Return requests with a card number or a word of its own in everything that a client can choose."""
    card = canaries.at
    tool = {
        "type": "function",
        "function": {
            "name": words["tool"],
            "description": f"{words['tool_text']} {card('description')}",
            "parameters": {"type": "object", "properties": {words["tool"]: {"type": "string"}}},
        },
    }
    messages = [
        {"role": "system", "content": f"You are kind. {card('system')}"},
        {"role": "user", "content": f"my card {card('message')} does not work", "name": words["name"]},
    ]
    fields: list[dict[str, object]] = [
        {},
        {"model": words["model"]},
        {"model": f"{words['model']}@laptop"},
        {"model": f"islandrun/auto@{words['only']}"},
        {"tools": [tool]},
        {"tools": [tool], "model": words["model"]},
        {"islandrun": {"conversation": words["conversation"]}},
        {"islandrun": {"datasets": [words["data_set"]]}},
        {"islandrun": {"only": [words["only"]]}},
        {"islandrun": {"ignore": [words["only"]]}},
        {"user": words["user"], "metadata": {"m": words["meta"]}, "stop": words["stop"]},
        {"max_tokens": 5, "islandrun": {"deadline_ms": 1}},
    ]
    return [{"messages": messages, **more} for more in fields]


def shown(line: str) -> bytes:
    """Return a line of an export with all that is packed in it."""
    decoded = _decoder.decode(line)
    if not isinstance(decoded, ReceiptLine):
        return line.encode()
    one = decoded.receipt
    signed = chat_pb2.SignedReceipt(payload=one.payload, issuer=one.issuer, signature=one.signature)
    return line.encode() + one.payload + explain(verify_receipt(signed)).encode()


async def test_no_word_that_a_client_chose_is_in_the_log(pair: Pair) -> None:
    canaries = Canaries()
    places = (
        "model",
        "tool",
        "tool_text",
        "conversation",
        "data_set",
        "user",
        "meta",
        "name",
        "stop",
        "only",
    )
    words = {place: f"zq{number}{'xvbnm' * 3}" for number, place in enumerate(places)}
    codes = [(await ask(pair.node, **body)).status_code for body in planted(canaries, words) * 3]
    assert 200 in codes
    assert codes.count(200) < len(codes)
    await asyncio.sleep(0.5)
    code, out, _ = await audit(pair.laptop, "export")
    lines = [shown(line) for line in out.splitlines()]
    assert code == 0
    assert sum(b'"is":"receipt"' in line for line in lines) >= len(codes) - codes.count(400) - codes.count(
        404
    )
    for raw in (*lines, pair.laptop.receipts.read_bytes()):
        assert not canaries.leaked(raw)
        assert not [place for place, word in words.items() if word.encode() in raw]


async def told(node: Listening, name: str) -> tuple[str, int]:
    """Return what a node says is wrong, and how far it trusts an island."""
    async with local_channel(node.grpc, node.token) as channel:
        stub = status_pb2_grpc.StatusServiceStub(channel)
        status = (await stub.GetMeshStatus(status_pb2.GetMeshStatusRequest())).status
        islands = (await stub.ListIslands(status_pb2.ListIslandsRequest())).islands
    return "; ".join(status.degraded), next(one.trust_ppm for one in islands if one.name == name)


async def test_an_origin_that_puts_an_old_log_back_is_caught_over_the_mesh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditing, "HEAD_SECONDS", 0.2)
    async with AsyncExitStack() as stack:
        laptop = founded(tmp_path)
        owner = await up(laptop, settings("laptop"), stack)
        office = await joined(tmp_path, "office", laptop, EDGE, owner.mesh_port)
        for turn, asked in enumerate((2, 3, 1)):
            if turn == 2:
                laptop_stands, trusted = await told(owner, "office")
                assert (laptop_stands, trusted) == ("", 800_000)
                shutil.copy(tmp_path / "old.db", office.receipts)
            async with AsyncExitStack() as life:
                node = await up(office, settings("office"), life)
                for _ in range(asked):
                    await ask(node)
                if turn < 2:
                    await witnessed(office, 2 + 3 * turn)
                for _ in range(100 if turn == 2 else 0):
                    if (await told(owner, "office"))[0]:
                        break
                    await asyncio.sleep(0.1)
            if turn == 0:
                shutil.copy(office.receipts, tmp_path / "old.db")
        said, trusted = await told(owner, "office")
        assert "showed a log that became shorter" in said
        assert trusted < 600_000


@pytest.mark.long
async def test_a_killed_node_has_every_receipt_in_its_tree(tmp_path: Path) -> None:
    home = founded(tmp_path)
    for turn in range(1, 2):
        async with process(home, "") as running:
            listening = json.loads(home.running.read_bytes())
            token = home.token.read_text().strip()
            node = Listening("", listening["grpc"], listening["http"], token)
            asking = [asyncio.create_task(ask(node)) for _ in range(12)]
            await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(0.1 * turn)
            running.kill()
            await asyncio.gather(*asking, return_exceptions=True)
        with closing(Database.open(home.receipts, RECEIPTS)) as database:
            store = ReceiptStore(database)
            assert store.count() == store.size()
        code, _, err = await audit(home, "verify")
        assert code == 0, err
