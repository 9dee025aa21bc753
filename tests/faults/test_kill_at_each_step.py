"""SIGKILL before and after each thing that reaches the disk: no promise is broken by a second start.

The steps of a flow are found by running it, so a new write inside one is killed without being listed here.
"""

import ast
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from islandrun_node import fail_points
from islandrun_node.fail_points import MOMENTS, Step

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
NODE = Path(fail_points.__file__).parent


@pytest.fixture(scope="module")
def deaths() -> list[dict[str, str]]:
    # A death by SIGKILL leaves what the kernel was given, on whatever disk: in memory it is quicker.
    in_memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=in_memory) as folder:
        command = [sys.executable, "-m", "tests.faults.executioner", folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_no_death_breaks_a_promise(deaths: list[dict[str, str]]) -> None:
    broken = [
        f"{death['flow']} at {death['point']}: {death['broken']}" for death in deaths if death["broken"]
    ]
    assert broken == []
    print(f"{len(deaths)} deaths")


def test_each_step_is_killed_before_and_after(deaths: list[dict[str, str]]) -> None:
    killed = {death["point"].rpartition(":")[0] for death in deaths}
    assert killed == {f"{step}:{moment}" for step in Step for moment in MOMENTS}


def test_each_write_of_the_node_names_its_step() -> None:
    nameless = []
    for path in sorted(NODE.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                names_none = call.func.attr == "transaction" and not (call.args or call.keywords)
                writes = call.func.attr in ("write_text", "write_bytes")
                if names_none or writes:
                    nameless.append(f"{path.relative_to(NODE)}:{call.lineno} {call.func.attr}")
    assert nameless == [], "give the write a Step, and tests/faults/deadly_flows.py a flow that passes it"


def test_it_is_inert_in_a_real_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """The point alone does nothing: a test must also say that it is one."""
    monkeypatch.delenv("ISLANDRUN_TESTING", raising=False)
    monkeypatch.setenv("ISLANDRUN_FAIL_POINT", "take-sequence:before")
    fail_points.reach(Step.TAKE_SEQUENCE, "before")
