"""A process that forbids core dumps has none, and says what it did."""

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, resource
from islandrun_node import core_dumps
libc = ctypes.CDLL(None)
before = resource.getrlimit(resource.RLIMIT_CORE)[0], libc.prctl(3, 0, 0, 0, 0)
print(core_dumps.forbid())
print(before, resource.getrlimit(resource.RLIMIT_CORE), libc.prctl(3, 0, 0, 0, 0))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl and core limits of Linux")
def test_core_dumps_are_off_and_the_process_is_not_dumpable() -> None:
    command = f"ulimit -S -c unlimited 2>/dev/null; exec {sys.executable} -c '{PROGRAM}'"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stderr == ""
    said, limits = done.stdout.splitlines()
    assert said == "('no core files', 'not dumpable')"
    assert limits == "(-1, 1) (0, 0) 0"
