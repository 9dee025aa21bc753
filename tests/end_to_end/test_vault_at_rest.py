"""Nodes that are killed, run out of disk or find a vault damaged: no number twice, nothing readable."""

import asyncio
import base64
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from islandrun_node import enrolment, world_clock
from islandrun_node.home import Home
from islandrun_node.identity import IslandKey
from islandrun_node.stores.conversations import ConversationStore
from islandrun_node.stores.database import Database
from islandrun_node.stores.schema import VAULTS
from tests.end_to_end.engines_on_loopback import Engine, engine
from tests.end_to_end.meshes import founded, process

pytestmark = pytest.mark.slow
FIRST, SECOND, THIRD = "4012 8888 8888 1881", "5555 5555 5555 4444", "3714 496353 98431"
CANARIES = (FIRST, SECOND, THIRD, "heliotrope")
DAY_MS = 24 * 3_600_000


@dataclass
class Running:
    """A node process, its address, and the cloud that notes every byte it gets."""

    home: Home
    node: asyncio.subprocess.Process
    cloud: Engine

    async def say(self, text: str, model: str = "large") -> httpx2.Response:
        body = {
            "model": model,
            "messages": [{"role": "user", "content": text}],
            "islandrun": {"conversation": "heliotrope"},
        }
        async with self._client() as client:
            return await client.post("/v1/chat/completions", json=body)

    async def degraded(self) -> int:
        """Count the reasons why the node says it is not whole."""
        async with self._client() as client:
            lines = (await client.get("/metrics")).text.splitlines()
        return round(float(next(line for line in lines if line.startswith("islandrun_degraded ")).split()[1]))

    async def comes_to(self, count: int) -> bool:
        """Wait until so many reasons are left; what no request waits for is written a moment later."""
        for _ in range(100):
            if await self.degraded() == count:
                return True
            await asyncio.sleep(0.1)
        return False

    def _client(self) -> httpx2.AsyncClient:
        headers = {"authorization": f"Bearer {self.home.token.read_text().strip()}"}
        address = json.loads(self.home.running.read_text())["http"]
        return httpx2.AsyncClient(base_url=address, headers=headers, timeout=30, trust_env=False)

    def last_seen(self) -> bytes:
        return self.cloud.received[-1]


def settings(cloud: Engine) -> str:
    return (
        '\nlog_level = "debug"\n[policy.tier_trust]\ncloud = 0.4\n'
        f'[[outbound]]\nname = "cloud"\nurl = "{cloud.url}"\n[[outbound.models]]\nname = "large"\n'
    )


@asynccontextmanager
async def running(home: Home, cloud: Engine, tables: str = "") -> AsyncGenerator[Running]:
    async with process(home, tables) as node:
        yield Running(home, node, cloud)


async def test_a_killed_node_gives_the_same_placeholders_and_leaves_nothing_readable(tmp_path: Path) -> None:
    home = founded(tmp_path)
    await enrolment.admit_outbound(home, "cloud")
    async with engine("the card [CARD_2] is valid") as cloud:
        async with running(home, cloud, settings(cloud)) as before:
            answer = await before.say(f"is the card {FIRST} valid?")
            assert answer.status_code == 200, answer.text
            assert b"[CARD_1]" in before.last_seen()
            cloud.hold = "before"
            asked = asyncio.create_task(before.say(f"is the card {SECOND} valid?"))
            await cloud.asked.wait()
            before.node.kill()
            with pytest.raises(httpx2.TransportError):
                await asked
            assert b"[CARD_2]" in before.last_seen(), "this number has left the machine"
        cloud.hold = ""
        async with running(home, cloud) as after:
            third = await after.say(f"is the card {THIRD} valid?")
            assert b"[CARD_3]" in after.last_seen(), "no number is given twice"
            assert SECOND in third.text, "what left before the kill is restored after it"
            await after.say(f"and the card {SECOND}, after {FIRST}?")
            assert after.last_seen().index(b"[CARD_2]") < after.last_seen().rindex(b"[CARD_1]")
            assert all(card.encode() not in b"".join(cloud.received) for card in (FIRST, SECOND, THIRD))
            if sys.platform == "linux":
                assert _limit(after.node.pid, "Max core file size") == ["0", "0"]
            _nothing_readable(home)
    _forgotten_when_its_time_is_over(home)
    _nothing_readable(home)


async def test_a_damaged_vault_is_seen_by_full_trust_alone(tmp_path: Path) -> None:
    home = founded(tmp_path)
    await enrolment.admit_outbound(home, "cloud")
    async with engine("it is valid") as cloud:
        async with running(home, cloud, settings(cloud)) as before:
            assert (await before.say(f"is the card {FIRST} valid?")).status_code == 200
        cloud.received.clear()
        database = Database.open(home.conversations, VAULTS)
        database.read("UPDATE vaults SET content = zeroblob(length(content))")
        database.close()
        async with running(home, cloud) as after:
            for text in ("what is the capital of France?", f"is the card {SECOND} valid?"):
                refused = await after.say(text)
                assert (refused.status_code, refused.json()["error"]["code"]) == (403, "no_eligible_island")
            at_home = await after.say(f"is the card {SECOND} valid?", model="extractive")
            assert at_home.status_code == 200, at_home.text
        assert not cloud.received
    _nothing_readable(home)


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit of Linux")
async def test_a_full_disk_stops_no_conversation_and_shows_in_the_status(tmp_path: Path) -> None:
    import resource

    home = founded(tmp_path)
    await enrolment.admit_outbound(home, "cloud")
    async with engine("the card [CARD_2] is valid") as cloud, running(home, cloud, settings(cloud)) as node:
        await node.say(f"is the card {FIRST} valid?")
        healthy = await node.degraded()
        resource.prlimit(node.node.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        answer = await node.say(f"is the card {SECOND} valid?")
        assert answer.status_code == 200, answer.text
        assert SECOND in answer.text
        assert b"[CARD_2]" in node.last_seen()
        assert await node.comes_to(healthy + 3), "vaults, receipts and money: none takes anything"
        resource.prlimit(node.node.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        await node.say(f"is the card {THIRD} valid?")
        assert b"[CARD_3]" in node.last_seen()
        assert await node.comes_to(healthy)


def _limit(pid: int, name: str) -> list[str]:
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return next(line for line in lines if line.startswith(name)).removeprefix(name).split()[:2]


def _forms(canary: str) -> set[bytes]:
    """Return a canary in clear, without blanks, in UTF-16, in hex, and in base64 at each of three places."""
    forms: set[bytes] = set()
    for text in (canary, canary.replace(" ", "")):
        for plain in (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be")):
            shifted = [base64.b64encode(b"\0" * shift + plain)[4:-4] for shift in range(3)]
            forms |= {plain, plain.hex().encode(), plain.hex().upper().encode(), *shifted}
    return forms


def _nothing_readable(home: Home) -> None:
    """Look into every file below the home: database, write-ahead log, debug log, settings."""
    files = {path.name: path.read_bytes() for path in home.path.rglob("*") if path.is_file()}
    assert {"conversations.db", "state.db", "log"} <= set(files)
    for name, content in files.items():
        for canary in CANARIES:
            assert not [form for form in _forms(canary) if form in content], (name, canary)
        assert b"[CARD_" not in content, name


def _forgotten_when_its_time_is_over(home: Home) -> None:
    key = IslandKey.load(home.island_key).derived("vaults")
    store = ConversationStore.open(home.conversations, key)
    sealed = [bytes(row[0]) for row in store._database.read("SELECT content FROM vaults")]
    assert len(sealed) == 1
    now_ms = world_clock.now().wall_ms
    assert store.sweep(now_ms + DAY_MS // 2) == 0
    assert store.sweep(now_ms + DAY_MS + 60_000) == 1
    content = b"".join(path.read_bytes() for path in home.path.glob("conversations.db*"))
    assert sealed[0][:100] not in content
    store.close()
