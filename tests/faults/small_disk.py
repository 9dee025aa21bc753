"""A real disk of a given size that a test may fill: a tmpfs, where this machine lets us mount one."""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(place: Path, size_kib: int) -> Generator[Path]:
    """Mount a disk of this size at `place`; skips the test where that is not allowed."""
    place.mkdir()
    options = f"size={size_kib}k,mode=700"
    try:
        command = ["mount", "-t", "tmpfs", "-o", options, "islandrun-test", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except OSError as error:
        pytest.skip(f"no small disk: {error}")
    if done.returncode != 0:
        pytest.skip(f"no small disk: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True, timeout=10)


def fill(disk: Path) -> Path:
    """Take all the room that is left; delete the returned file to give it back."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (65_536, 4096, 1):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                continue
    return filler
