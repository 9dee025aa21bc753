"""Two nodes and an eavesdropper on a network of their own: members meet, and nobody else learns a name."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from islandrun.mesh.nearby import tag_of

pytestmark = pytest.mark.slow
KEY, OTHER_KEY = os.urandom(32).hex(), os.urandom(32).hex()
ALICE, BOB = "alice-island", "bob-island"
CHILD = Path(__file__).with_name("discovery_child.py")

EAVESDROPPER = """
import json, sys, zeroconf
class All(zeroconf.ServiceListener):
    def add_service(self, zc, kind, name):
        info = zc.get_service_info(kind, name)
        said = None if info is None else [info.server, info.port, info.parsed_addresses(), info.text.hex()]
        print(json.dumps([name, said]), flush=True)
    update_service = remove_service = lambda *_: None
zc = zeroconf.Zeroconf(interfaces=[sys.argv[1]])
zeroconf.ServiceBrowser(zc, "_islandrun._tcp.local.", All())
sys.stdin.readline()
zc.close()
"""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def network() -> Iterator[dict[str, str]]:
    """Two namespaces joined by a cable; gives the name of each and its address."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("network namespaces need the command `ip` and root")
    left, right = f"ir{os.getpid()}a", f"ir{os.getpid()}b"
    try:
        for name in (left, right):
            ip("netns", "add", name)
        ip("link", "add", left, "netns", left, "type", "veth", "peer", "name", right, "netns", right)
    except subprocess.CalledProcessError as error:
        drop(left, right)
        pytest.skip(f"this kernel gives no network namespaces: {error.stderr.decode()[:200]}")
    for name, address in ((left, "10.77.0.1"), (right, "10.77.0.2")):
        ip("-n", name, "address", "add", f"{address}/24", "dev", name)
        ip("-n", name, "link", "set", name, "up")
        ip("-n", name, "link", "set", "lo", "up")
        ip("-n", name, "route", "add", "224.0.0.0/4", "dev", name)
    yield {left: "10.77.0.1", right: "10.77.0.2"}
    drop(left, right)


def drop(*names: str) -> None:
    for name in names:
        subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


@asynccontextmanager
async def running(namespace: str, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    child = await asyncio.create_subprocess_exec(
        *("ip", "netns", "exec", namespace, sys.executable, *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def line(child: asyncio.subprocess.Process, seconds: float = 20) -> object:
    assert child.stdout is not None
    return json.loads(await asyncio.wait_for(child.stdout.readline(), seconds))


async def ended(child: asyncio.subprocess.Process) -> dict[str, float]:
    """Tell a child to end; return what it says of that."""
    assert child.stdin is not None
    child.stdin.write(b"\n")
    while "lag_ms" not in (said := await line(child)):
        pass
    assert await asyncio.wait_for(child.wait(), 20) == 0
    return said


async def test_members_find_each_other_and_a_cafe_learns_nothing(network: dict[str, str]) -> None:
    (left, one), (right, two) = network.items()
    async with (
        running(right, "-c", EAVESDROPPER, two) as cafe,
        running(left, str(CHILD), KEY, ALICE, f"{one}:8471", ALICE, BOB) as alice,
        running(right, str(CHILD), KEY, BOB, f"{two}:9000", ALICE, BOB) as bob,
        running(right, str(CHILD), OTHER_KEY, "stranger", f"{two}:9001", ALICE, BOB) as stranger,
    ):
        assert await line(alice) == {"heard": BOB, "endpoints": ["10.77.0.2:9000"]}
        assert await line(bob) == {"heard": ALICE, "endpoints": ["10.77.0.1:8471"]}
        names = dict([await line(cafe) for _ in range(3)])
        ends = [await ended(child) for child in (alice, bob, stranger)]
    print("\n", ends)
    said = json.dumps(names)
    for word in (ALICE, BOB, ALICE[:5], os.uname().nodename, KEY[:8]):
        assert word not in said
    for name, (server, port, addresses, text) in names.items():
        assert server == f"{name.split('.')[0]}.local."
        assert text in ("", "00")
        assert (port, addresses) in ((8471, [one]), (9000, [two]), (9001, [two]))
    assert max(end["lag_ms"] for end in ends) < 1000, "zeroconf held up the event loop"
    assert max(end["closed_ms"] for end in ends) < 5000


def test_the_tag_is_made_of_what_the_child_was_given() -> None:
    assert tag_of(bytes.fromhex(KEY), 1, ALICE) != tag_of(bytes.fromhex(OTHER_KEY), 1, ALICE)
