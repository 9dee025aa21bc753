"""What idle islands say to each other, in bytes on the wire: real nodes in a network namespace of its own.

Nothing else is in that namespace, so its loopback counts each packet of theirs once, with its headers. A raw
socket beside it tells what the packets are: acknowledgements alone, or TLS records.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from islandrun.vocabulary import Ppm, Tier
from islandrun_node import enrolment
from islandrun_node.home import Home
from islandrun_node.stores.tokens import Grant

GRANT = Grant(Tier.EDGE, "office", Ppm(900_000))
SETTINGS = '\n[privacy]\ndetector = "rules"\n'
STARTED_AT_ONCE = 4
ALIVE_SECONDS_MAX = 180.0
INSIDE = "--inside"
_ALL_PROTOCOLS = 3
_OUTGOING = 4
_ETHERNET_BYTES = 14


@dataclass(slots=True)
class Traffic:
    """Packets on the loopback while it was watched."""

    size_bytes: int = 0
    packets: int = 0
    bare: int = 0
    payload_bytes: int = 0

    def count(self, packet: bytes, kind: int) -> None:
        """Take in a packet as it leaves; the loopback shows each a second time as it arrives."""
        if kind != _OUTGOING:
            return
        header = (packet[_ETHERNET_BYTES] & 15) * 4
        offset = _ETHERNET_BYTES + header
        total = int.from_bytes(packet[_ETHERNET_BYTES + 2 : _ETHERNET_BYTES + 4], "big")
        payload = total - header - (packet[offset + 12] >> 4) * 4
        self.size_bytes += len(packet)
        self.packets += 1
        self.bare += payload == 0
        self.payload_bytes += payload


def measure(islands: int, seconds: float) -> dict[str, object]:
    """Run so many idle islands and return their figures; raises `SystemExit` where the kernel says no."""
    command = ["unshare", "--user", "--map-root-user", "--net", sys.executable, __file__]
    done = subprocess.run(
        [*command, INSIDE, str(islands), str(seconds)], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise SystemExit("no network namespace of its own here (`unshare --user --net`)")
    row: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return row


async def _inside(islands: int, seconds: float) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        async with _mesh(Path(folder), islands) as alive_after:
            await asyncio.sleep(seconds / 3)  # what is news has been told by then
            before, traffic = _loopback_bytes(), Traffic()
            began = time.monotonic()
            await asyncio.to_thread(_watch, traffic, seconds)
            took, size_bytes = time.monotonic() - began, _loopback_bytes() - before
    return {
        "islands": islands,
        "bytes/s sent by each": round(size_bytes / took / islands),
        "packets/s sent by each": round(traffic.packets / took / islands, 2),
        "of them bare": round(traffic.bare / max(1, traffic.packets), 2),
        "TLS bytes/s sent by each": round(traffic.payload_bytes / took / islands),
        "all alive after s": round(alive_after),
    }


def _watch(traffic: Traffic, seconds: float) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS)) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        raw.settimeout(0.5)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                packet, address = raw.recvfrom(256 * 1024)
            except TimeoutError:
                continue
            traffic.count(packet, address[2])


def _loopback_bytes() -> int:
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, figures = line.partition(":")
        if name.strip() == "lo":
            return int(figures.split()[8])
    raise SystemExit("no loopback here")


@asynccontextmanager
async def _mesh(folder: Path, islands: int) -> AsyncIterator[float]:
    """Found a mesh, let all join and run; yield after how many seconds each saw every other."""
    homes = [Home(folder / f"n{number}") for number in range(islands)]
    addresses = [f"127.77.{number // 250}.{number % 250 + 1}:7431" for number in range(islands)]
    enrolment.found_mesh(homes[0], "bench", "n0")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_node(homes[0], addresses[0]))
        for home in homes[1:]:
            await enrolment.join(home, enrolment.invite(homes[0], GRANT, 600, [addresses[0]]), home.path.name)
        began = time.monotonic()
        waiting = asyncio.Semaphore(STARTED_AT_ONCE)

        async def start(home: Home, address: str) -> None:
            async with waiting:
                await stack.enter_async_context(_node(home, address))

        await asyncio.gather(*map(start, homes[1:], addresses[1:]))
        await _until_alive(homes)
        yield time.monotonic() - began


@asynccontextmanager
async def _node(home: Home, address: str) -> AsyncIterator[None]:
    with home.config.open("a") as file:
        file.write(SETTINGS)
    doors = ("--listen-mesh", address, "--listen-http", "127.0.0.1:0", "--listen-grpc", "127.0.0.1:0")
    command = [sys.executable, "-m", "islandrun_node", "--json", "--home", str(home.path), "up", *doors]
    with (home.path / "log").open("wb") as log:
        node = await asyncio.create_subprocess_exec(
            *command, "--log-level", "info", stdout=subprocess.PIPE, stderr=log
        )
    assert node.stdout is not None
    await node.stdout.readline()
    try:
        yield
    finally:
        node.kill()
        await node.wait()


async def _until_alive(homes: list[Home]) -> None:
    until = time.monotonic() + ALIVE_SECONDS_MAX
    while time.monotonic() < until:
        if all(_alive(home) == len(homes) - 1 for home in homes):
            return
        await asyncio.sleep(1)
    raise SystemExit("the islands did not all see each other")


def _alive(home: Home) -> int:
    """Return how many islands this one found alive, and not lost again, by its log."""
    last: dict[str, str] = {}
    for line in (home.path / "log").read_text(errors="replace").splitlines():
        words = line.split()
        if words[-2:-1] == ["is"] and words[-4:-3] == ["island"]:
            last[words[-3]] = words[-1]
    return sum(state == "alive" for state in last.values())


if __name__ == "__main__":
    if sys.argv[1:2] != [INSIDE]:
        raise SystemExit("run scripts/bench mesh --idle")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    print(json.dumps(asyncio.run(_inside(int(sys.argv[2]), float(sys.argv[3])))))
