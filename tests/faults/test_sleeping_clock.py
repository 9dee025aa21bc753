"""A machine that has slept for days: the clock that counts sleep is far from the one that does not."""

import subprocess
from pathlib import Path

import pytest

from tests.faults.islands import mesh_of, on_loopback

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
SLEPT = ("unshare", "--time", "--boottime", "500000", "--fork", "--kill-child")


def test_a_node_whose_machine_slept_for_days_is_in_time(tmp_path: Path) -> None:
    """Deadlines of the mesh count sleep and timers of the event loop do not; they must not be mixed."""
    try:
        done = subprocess.run([*SLEPT, "true"], capture_output=True, text=True, timeout=10)
    except OSError as error:
        pytest.skip(f"no unshare: {error}")
    if done.returncode != 0:
        pytest.skip(f"no time namespace: {done.stderr.strip()}")
    with mesh_of(tmp_path, on_loopback(2), prefixes=[(), SLEPT]) as nodes:
        assert all(node.sees(other) == "alive" for node in nodes for other in nodes if node is not other)
