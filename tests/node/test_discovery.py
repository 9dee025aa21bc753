"""Two nodes and an eavesdropper on a network of their own: members meet, and nobody else learns a name."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from islandrun.mesh.nearby import tag_of
from tests.node.cables import cable

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


@pytest.fixture
def network() -> Iterator[dict[str, str]]:
    with cable() as ends:
        yield ends


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
