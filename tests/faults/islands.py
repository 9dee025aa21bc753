"""Real nodes as processes of their own, each at a fixed address, and what they log of each other.

A node may run inside a network namespace: then it is seen through its log alone, which needs no connection.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from islandrun.vocabulary import IslandId, Ppm, Tier
from islandrun_node import enrolment
from islandrun_node.home import Home
from islandrun_node.identity import load_membership
from islandrun_node.stores.tokens import Grant

EDGE = Grant(Tier.EDGE, "office", Ppm(900_000))
SETTINGS = '\n[privacy]\ndetector = "rules"\n'
"""Faults of the network are tested without the large detector, so that twelve nodes fit two cores."""

READY_SECONDS_MAX = 60.0
_SAYS = re.compile(r"^(\S+ \S+) .* island (\w{8}) is (alive|suspect|unreachable|away)$", re.MULTILINE)
Seen = TypeVar("Seen")


@dataclass
class Node:
    """One node: a home, where it listens, and its process while it runs."""

    home: Home
    address: str
    prefix: Sequence[str] = ()
    settings: str = ""
    ready: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self.home.path.name

    @property
    def id(self) -> IslandId:
        return load_membership(self.home).key.id

    @property
    def log(self) -> Path:
        return self.home.path / "log"

    @property
    def pid(self) -> int:
        """The process of the node itself, also where a prefix such as `nsenter` has started it."""
        return int(json.loads(self.home.running.read_text())["pid"])

    def start(self) -> None:
        """Start the process; `await_ready` waits for it."""
        doors = [
            "--listen-mesh",
            self.address,
            "--listen-http",
            "127.0.0.1:0",
            "--listen-grpc",
            "127.0.0.1:0",
        ]
        command = [
            *self.prefix,
            sys.executable,
            "-m",
            "islandrun_node",
            "--json",
            "--home",
            str(self.home.path),
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "up", *doors, "--log-level", "info"], stdout=subprocess.PIPE, stderr=log
            )

    def await_ready(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith(b"{"), self.log.read_text()[-2000:]
        self.ready = json.loads(line)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut would; what it had written stays."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    def says(self, since: int = 0) -> list[tuple[str, str]]:
        """Return (first letters of an island, what it became) as logged after position `since`."""
        text = self.log.read_bytes()[since:].decode(errors="replace")
        return [(island, state) for _, island, state in _SAYS.findall(text)]

    def position(self) -> int:
        """Return where the log ends now."""
        return self.log.stat().st_size

    def sees(self, other: Node, since: int = 0) -> str:
        """Return what this node last found another to be; empty when it said nothing."""
        states = [state for island, state in self.says(since) if other.id.startswith(island)]
        return states[-1] if states else ""

    def token(self) -> str:
        return self.home.token.read_text().strip()


def until(condition: Callable[[], Seen], seconds_max: float, what: str) -> float:
    """Wait until something became true; return the seconds that it took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds_max:
        if condition():
            return time.monotonic() - began
        time.sleep(0.05)
    raise AssertionError(f"not in {seconds_max:g} s: {what}")


def all_alive(nodes: Sequence[Node], since: dict[str, int] | None = None) -> bool:
    """Say whether each node has every other one as alive."""
    return not dead_pairs(nodes, since)


def dead_pairs(nodes: Sequence[Node], since: dict[str, int] | None = None) -> list[str]:
    """Return who does not see whom; `since` are positions in the logs by name."""
    positions = since or {}
    return [
        f"{one.name} sees {other.name} {one.sees(other, positions.get(one.name, 0))!r}"
        for one in nodes
        for other in nodes
        if one is not other and one.sees(other, positions.get(one.name, 0)) != "alive"
    ]


def free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def started(nodes: Iterable[Node]) -> None:
    """Start nodes side by side and wait for all of them."""
    waiting = list(nodes)
    for node in waiting:
        node.start()
    for node in waiting:
        node.await_ready()


@contextmanager
def mesh_of(
    folder: Path,
    addresses: Sequence[str],
    prefixes: Sequence[Sequence[str]] = (),
    settings: Sequence[str] = (),
) -> Generator[list[Node]]:
    """Found a mesh with the first address as its owner, let the others join it, and run them all.

    `prefixes` and `settings` are of each node: what its commands start with, and more TOML.
    """
    nodes = [Node(Home(folder / f"n{number}"), address) for number, address in enumerate(addresses)]
    for node, prefix in zip(nodes, prefixes, strict=False):
        node.prefix = prefix
    for node, text in zip(nodes, settings, strict=False):
        node.settings = text
    owner, others = nodes[0], nodes[1:]
    enrolment.found_mesh(owner.home, "faults", owner.name)
    try:
        configure(owner)
        started([owner])
        for node in others:
            join(node, owner)
            configure(node)
        started(others)
        until(lambda: all_alive(nodes), 60, f"all alive: {dead_pairs(nodes)}")
        yield nodes
    finally:
        for node in nodes:
            node.kill()


def configure(node: Node) -> None:
    with node.home.config.open("a") as file:
        file.write(SETTINGS + node.settings)


def join(node: Node, owner: Node) -> None:
    """Join as a person would, inside the node's own namespace."""
    token = enrolment.invite(owner.home, EDGE, 600, [owner.address])
    command = [*node.prefix, sys.executable, "-m", "islandrun_node", "--home", str(node.home.path)]
    done = subprocess.run(
        [*command, "join", "-", "--name", node.name], input=token, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def on_loopback(count: int) -> list[str]:
    """Return addresses of their own for so many nodes: they keep them when they start again."""
    hosts = [f"127.77.0.{number + 1}" for number in range(count)]
    return [f"{host}:{free_port(host)}" for host in hosts]
