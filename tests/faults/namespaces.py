"""Network namespaces as machines of their own, with cables to a switch or a bad link between two.

Needs root on Linux; where the kernel says no, the test is skipped with what it said.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

PORT = 7431


def ip(*words: str) -> str:
    """Run `ip`; skip the test where the kernel forbids it."""
    try:
        done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=10)
    except OSError as error:
        pytest.skip(f"no `ip` here: {error}")
    if done.returncode != 0:
        pytest.skip(f"`ip {' '.join(words)}`: {done.stderr.strip()}")
    return done.stdout


@dataclass(frozen=True)
class Machine:
    """A namespace with one address that others reach."""

    name: str
    host: str

    @property
    def address(self) -> str:
        return f"{self.host}:{PORT}"

    @property
    def prefix(self) -> tuple[str, ...]:
        """Return what runs a command inside."""
        return ("ip", "netns", "exec", self.name)

    def ip(self, *words: str) -> None:
        """Run `ip` inside."""
        ip("-n", self.name, *words)

    def cable(self, state: str) -> None:
        """Pull the cable ("down") or plug it in ("up")."""
        self.ip("link", "set", "eth0", state)

    def refuse(self, other: Machine) -> None:
        """Send nothing to another machine any more; what it sends arrives."""
        self.ip("route", "add", "blackhole", f"{other.host}/32")

    def send_again(self, other: Machine) -> None:
        """End `refuse`."""
        self.ip("route", "del", "blackhole", f"{other.host}/32")


@contextmanager
def machines(count: int) -> Generator[list[Machine]]:
    """Make namespaces; they have no link yet."""
    tag = f"ir{os.getpid() % 100_000}"
    made = [Machine(f"{tag}-{number}", f"10.77.0.{number + 1}") for number in range(count)]
    try:
        for machine in made:
            ip("netns", "add", machine.name)
            machine.ip("link", "set", "lo", "up")
        yield made
    finally:
        for machine in made:
            subprocess.run(["ip", "netns", "del", machine.name], capture_output=True, timeout=10)


@contextmanager
def wired(count: int) -> Generator[list[Machine]]:
    """Make machines, each with a cable to one switch of their own."""
    with machines(count + 1) as (switch, *made):
        switch.ip("link", "add", "br0", "type", "bridge")
        switch.ip("link", "set", "br0", "up")
        for number, machine in enumerate(made):
            ip("-n", machine.name, "link", "add", "eth0", "type", "veth",
               "peer", "name", f"port{number}", "netns", switch.name)  # fmt: skip
            switch.ip("link", "set", f"port{number}", "master", "br0", "up")
            machine.ip("addr", "add", f"{machine.host}/24", "dev", "eth0")
            machine.cable("up")
        yield made


class BadLink:
    """A running link emulator between two machines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def become(self, **quality: float) -> None:
        """Change the link."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(quality) + "\n")
        self._process.stdin.flush()

    def end(self) -> Sequence[dict[str, int]]:
        """End it; return what happened to the packets of each way."""
        out, _ = self._process.communicate(timeout=10)
        counts: list[dict[str, int]] = json.loads(out)
        return counts


@contextmanager
def bad_link(one: Machine, other: Machine, **quality: float) -> Generator[BadLink]:
    """Join two machines by a link of this quality (see `link_emulator.Quality`)."""
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        pytest.skip("/dev/net/tun cannot be opened: no link emulator")
    ends = [f"{machine.name}={machine.host}/24" for machine in (one, other)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.link_emulator", *ends, json.dumps(quality)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            pytest.skip("the link emulator did not start: no TUN device in a namespace")
        yield BadLink(process)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            if not pipe.closed:
                pipe.close()
