"""Two network namespaces and a cable between them: a network that nothing else is on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def cable() -> Iterator[dict[str, str]]:
    """Join two new namespaces by a cable; gives each name and its address. Skips where that is refused."""
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
    try:
        yield {left: "10.77.0.1", right: "10.77.0.2"}
    finally:
        drop(left, right)


def drop(*names: str) -> None:
    for name in names:
        subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)
