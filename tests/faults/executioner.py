"""Runs each flow once to learn its steps, then once for each step and moment in a process that dies there.

    python -m tests.faults.executioner FOLDER

It forks, so it imports once; nothing in it has a thread or a gRPC call. It prints one line of JSON for each
death: the flow, the point, and what was found broken afterwards.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from islandrun_node import fail_points
from tests.faults.deadly_flows import FLOWS
from tests.faults.flow import Flow


def forked(act: Callable[[], None], error: Path, point: str = "") -> int:
    """Do something in a process of its own; return how it ended, and leave its traceback in `error`."""
    child = os.fork()
    if child == 0:
        code = 0
        try:
            os.environ["ISLANDRUN_TESTING"] = "1"
            os.environ["ISLANDRUN_FAIL_POINT"] = point
            fail_points._reached.clear()
            act()
        except BaseException:
            error.write_text(traceback.format_exc())
            code = 1
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def points_of(flow: Flow, prepared: Path, folder: Path) -> list[str]:
    """Return every point that a flow passes, in the form "step:moment:time"."""
    shutil.copytree(prepared, folder)
    listing = folder / "points"

    def run() -> None:
        flow.run(folder)
        listing.write_text(json.dumps(fail_points._reached))

    code = forked(run, folder / "error")
    assert code == 0, (folder / "error").read_text()
    counts = json.loads(listing.read_text())
    return [f"{point}:{time}" for point, count in counts.items() for time in range(1, count + 1)]


def death(flow: Flow, prepared: Path, folder: Path, point: str) -> str:
    """Let a flow die at a point, begin it again, and return what is wrong then."""
    shutil.copytree(prepared, folder)
    error = folder / "error"
    code = forked(lambda: flow.run(folder), error, point)
    if code != -signal.SIGKILL:
        return f"it ended with {code}, not by SIGKILL {error.read_text() if error.exists() else ''}"
    for act in (flow.run, flow.check):
        if forked(lambda act=act: act(folder), error) != 0:  # type: ignore[misc]
            return error.read_text()
    return ""


def deaths(folder: Path) -> Iterator[dict[str, str]]:
    for name, flow in FLOWS.items():
        prepared = folder / f"{name} prepared"
        prepared.mkdir()
        flow.prepare(prepared)
        points = points_of(flow, prepared, folder / f"{name} whole")
        for number, point in enumerate(points):
            place = folder / f"{name} {number}"
            yield {"flow": name, "point": point, "broken": death(flow, prepared, place, point)}
            shutil.rmtree(place)


if __name__ == "__main__":
    for found in deaths(Path(sys.argv[1])):
        print(json.dumps(found), flush=True)
