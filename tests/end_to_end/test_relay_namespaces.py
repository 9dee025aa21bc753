"""Two islands in network namespaces with no route to each other, and a relay that both can dial."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from islandrun_node import demo, enrolment
from islandrun_node.home import Home
from tests.end_to_end.meshes import founded
from tests.end_to_end.relayed_mesh import EDGE, LIGHT

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]
DOCUMENTS = f'\n[[data]]\nname = "handbook"\npath = "{demo.DOCUMENTS / "office"}"\n'
NODE = [sys.executable, "-m", "islandrun_node"]


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@dataclass(frozen=True)
class Hall:
    """A namespace for the relay with one link to each of two others; nothing is forwarded between them."""

    relay: str
    caller: str
    hidden: str

    def inside(self, name: str, *command: str) -> list[str]:
        return ["ip", "netns", "exec", name, *command]


@pytest.fixture
def hall() -> Iterator[Hall]:
    mark = os.getpid() % 100_000
    found = Hall(f"ir{mark}r", f"ir{mark}a", f"ir{mark}b")
    try:
        for name in (found.relay, found.caller, found.hidden):
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        for number, name in enumerate((found.caller, found.hidden), 1):
            here = f"v{mark}{number}"
            ip(
                "link",
                "add",
                here,
                "netns",
                found.relay,
                "type",
                "veth",
                "peer",
                "name",
                "up0",
                "netns",
                name,
            )
            for space, link, address in ((found.relay, here, 1), (name, "up0", 2)):
                ip("-n", space, "address", "add", f"10.77.{number}.{address}/24", "dev", link)
                ip("-n", space, "link", "set", link, "up")
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"this machine makes no network namespaces: {getattr(error, 'stderr', error)}")
    finally_remove = (found.relay, found.caller, found.hidden)
    yield found
    for name in finally_remove:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def _add(home: Home, tables: str) -> None:
    with home.config.open("a") as file:
        file.write(tables)


@asynccontextmanager
async def _running(hall: Hall, space: str, home: Home) -> AsyncGenerator[None]:
    command = hall.inside(space, *NODE, "--json", "--home", str(home.path), "up")
    with (home.path / "log").open("wb") as log:
        node = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=log)
    try:
        assert node.stdout is not None
        line = await asyncio.wait_for(node.stdout.readline(), 30)
        assert line.startswith(b"{"), (home.path / "log").read_text()
        yield
    finally:
        if node.returncode is None:
            node.kill()
        await node.wait()


async def _run(hall: Hall, space: str, home: Home, *words: str) -> tuple[int, str]:
    command = hall.inside(space, *NODE, "--json", "--home", str(home.path), *words)
    run = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, error = await asyncio.wait_for(run.communicate(), 40)
    return run.returncode or 0, (out or error).decode()


async def _ask_until_answered(hall: Hall, home: Home) -> dict[str, object]:
    words = ("ask", "--only", "hidden", "--data-set", "handbook", "How many days of holiday do I get?")
    text = ""
    for _ in range(30):
        code, text = await _run(hall, hall.caller, home, *words)
        if code == 0:
            return json.loads(text)
        await asyncio.sleep(0.3)
    raise AssertionError(text)


def _seconds(log: Path, words: str) -> float:
    """Return when a line of a log was written, in seconds of its day."""
    line = next(line for line in log.read_text().splitlines() if words in line)
    hours, minutes, seconds, milliseconds = map(int, re.findall(r"\d+", line)[3:7])
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000


async def test_islands_without_a_route_to_each_other_talk_over_the_relay(
    hall: Hall, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with AsyncExitStack() as stack:
        relay = founded(tmp_path, "relay")
        advertised = 'advertise = ["10.77.1.1:{0}", "10.77.2.1:{0}"]\n'
        tables = f"{LIGHT}[listen]\n" + advertised.format(8471)
        tables += "[relay]\nserve = true\n" + advertised.format(8473)
        _add(relay, tables)
        await stack.enter_async_context(_running(hall, hall.relay, relay))
        homes = {"caller": Home(tmp_path / "caller"), "hidden": Home(tmp_path / "hidden")}
        for number, (name, home) in enumerate(homes.items(), 1):
            token = enrolment.invite(relay, EDGE, 60, [f"10.77.{number}.1:8471"])
            space = hall.caller if name == "caller" else hall.hidden
            code, text = await _run(hall, space, home, "join", token, "--name", name)
            assert code == 0, text
            documents = DOCUMENTS if name == "hidden" else ""
            _add(home, f'\n{LIGHT}[listen]\nreachable = "relayed"\n{documents}')
            await stack.enter_async_context(_running(hall, space, home))
        began = time.monotonic()
        answer = await _ask_until_answered(hall, homes["caller"])
        seconds = time.monotonic() - began
        assert "28 days" in json.dumps(answer)
        code, listed = await _run(hall, hall.caller, homes["caller"], "islands")
        seen = {island["name"]: island for island in json.loads(listed)["islands"]}
        assert (seen["hidden"]["through"], seen["hidden"]["endpoints"]) == ("relay", [])
        assert seen["hidden"]["reachability"] == "alive"
        code, status = await _run(hall, hall.hidden, homes["hidden"], "status")
        assert json.loads(status)["relays"] == ["relay"]
        attached = _seconds(homes["hidden"].path / "log", "carries calls to this island")
        alive = _seconds(homes["caller"].path / "log", f"island {seen['hidden']['id'][:8]} is alive")
        with capsys.disabled():
            print(f"\nreached {alive - attached:.2f} s after it was attached; answered {seconds:.1f} s after")
            print("the last node was up, with a new process for each try")
        assert alive - attached < 10, "about one on a machine of its own"
