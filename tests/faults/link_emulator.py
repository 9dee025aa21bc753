"""A bad link between two network namespaces: loss, delay, jitter, reordering, duplication, rate.

It reads IP packets from a TUN device of one namespace and writes them to that of the other, when and if the
dice say so; the TCP above it is the kernel's own. For kernels without netem, and for tests from a seed.

    python -m tests.faults.link_emulator NAMESPACE=ADDRESS/BITS NAMESPACE=ADDRESS/BITS '{"loss": 0.1, ...}'

A line of JSON on stdin changes the link while it runs; the end of stdin ends it. It says "ready" on stdout.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import struct
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, fields
from typing import Final

MTU: Final = 1400
QUEUE_PACKETS_MAX: Final = 2000
DEVICE: Final = "bad0"
_TUNSETIFF: Final = 0x400454CA
_IFF_TUN_NO_PI: Final = 0x0001 | 0x1000
_CLONE_NEWNET: Final = 0x40000000


@dataclass(frozen=True)
class Quality:
    """How bad a link is, each way. Shares are 0 to 1; `rate_kbit` 0 means no limit."""

    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    rate_kbit: float = 0.0
    is_down: bool = False
    is_one_way: bool = False
    """Packets of the second namespace do not arrive; those of the first do."""

    @classmethod
    def of(cls, text: str) -> Quality:
        given = json.loads(text)
        known = {field.name for field in fields(cls)}
        assert given.keys() <= known, f"unknown: {given.keys() - known}"
        return cls(**given)


class Way:
    """One direction of a link: what is on its way, and when it arrives."""

    def __init__(self, dice: random.Random, is_back: bool) -> None:
        self._dice = dice
        self._is_back = is_back
        self._waiting: list[tuple[float, int, bytes]] = []
        self._number = 0
        self._free_at = 0.0
        self.counts: Counter[str] = Counter()

    def send(self, packet: bytes, quality: Quality, now: float) -> None:
        """Take in a packet: it is lost, or arrives once or twice, later."""
        self.counts["sent"] += 1
        is_cut = quality.is_down or (quality.is_one_way and self._is_back)
        if is_cut or self._dice.random() < quality.loss or len(self._waiting) >= QUEUE_PACKETS_MAX:
            self.counts["lost"] += 1
            return
        copies = 2 if self._dice.random() < quality.duplicate else 1
        self.counts["twice"] += copies - 1
        for _ in range(copies):
            self._number += 1
            heapq.heappush(self._waiting, (self._arrival(len(packet), quality, now), self._number, packet))

    def arrived(self, now: float) -> list[bytes]:
        """Return the packets whose time has come, in the order of their arrival."""
        packets = []
        while self._waiting and self._waiting[0][0] <= now:
            packets.append(heapq.heappop(self._waiting)[2])
        return packets

    def next_at(self) -> float | None:
        """Return when the next packet arrives."""
        return self._waiting[0][0] if self._waiting else None

    def _arrival(self, size: int, quality: Quality, now: float) -> float:
        begins = max(now, self._free_at)
        if quality.rate_kbit:
            begins += size * 8 / (quality.rate_kbit * 1000)
            self._free_at = begins
        if self._dice.random() < quality.reorder:
            self.counts["reordered"] += 1
            return begins  # it overtakes those that are delayed
        spread = self._dice.uniform(-quality.jitter_ms, quality.jitter_ms)
        return begins + max(0.0, quality.delay_ms + spread) / 1000


def tun_in(namespace: str, address: str) -> int:
    """Make a TUN device inside a named network namespace; return its descriptor."""
    own = os.open("/proc/self/ns/net", os.O_RDONLY)
    other = os.open(f"/var/run/netns/{namespace}", os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(other, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), f"cannot enter the namespace {namespace}")
    try:
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), _IFF_TUN_NO_PI))
        for command in (
            ["addr", "add", address, "dev", DEVICE],
            ["link", "set", DEVICE, "mtu", str(MTU), "up"],
        ):
            subprocess.run(["ip", *command], check=True)
    finally:
        libc.setns(own, _CLONE_NEWNET)
        os.close(own)
        os.close(other)
    return device


class Link:
    """Two devices and the ways between them."""

    def __init__(self, devices: tuple[int, int], quality: Quality, seed: int) -> None:
        self.quality = quality
        self._devices = devices
        self._ways = tuple(Way(random.Random(f"{seed}/{way}"), is_back=bool(way)) for way in (0, 1))

    def run(self) -> None:
        """Carry packets until stdin ends; then tell what happened to them."""
        while True:
            now = time.monotonic()
            due = [at for way in self._ways if (at := way.next_at()) is not None]
            wait = max(0.0, min(due) - now) if due else None
            readable, _, _ = select.select([*self._devices, sys.stdin], [], [], wait)
            if sys.stdin in readable:
                line = sys.stdin.readline()
                if not line:
                    break
                self.quality = Quality.of(line)
            self._carry(readable)
        print(json.dumps([way.counts for way in self._ways]), flush=True)

    def _carry(self, readable: list[object]) -> None:
        for number, device in enumerate(self._devices):
            if device in readable:
                self._ways[number].send(os.read(device, MTU + 100), self.quality, time.monotonic())
        now = time.monotonic()
        for number, way in enumerate(self._ways):
            for packet in way.arrived(now):
                try:
                    os.write(self._devices[1 - number], packet)
                except BlockingIOError:
                    way.counts["lost"] += 1


def main() -> None:
    (one, first), (other, second) = (argument.split("=") for argument in sys.argv[1:3])
    devices = tun_in(one, first), tun_in(other, second)
    link = Link(devices, Quality.of(sys.argv[3]), seed=int(sys.argv[4]) if len(sys.argv) > 4 else 0)
    print("ready", flush=True)
    link.run()


if __name__ == "__main__":
    main()
