"""How long a join takes between two real processes: python scripts/benchmarks/join.py [--runs 10].

The owner's node runs for all of them. `call` is redeeming the token over a new mTLS connection, with all that
both sides write; `command` is `islandrun-node join` from its start to its end, imports of Python included.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from islandrun.vocabulary import PPM_MAX, Tier
from islandrun_node import enrolment
from islandrun_node.home import Home
from islandrun_node.stores.tokens import Grant
from tests.end_to_end.meshes import founded, process

GRANT = Grant(Tier.PERSONAL, "home", PPM_MAX)


async def measured(runs: int) -> dict[str, list[float]]:
    """Join `runs` times each way and return the seconds."""
    took: dict[str, list[float]] = {"call": [], "command": []}
    with tempfile.TemporaryDirectory() as folder:
        owner = founded(Path(folder))
        async with process(owner, ""):
            address = json.loads(owner.running.read_text())["mesh"]
            for number in range(runs):
                token = enrolment.invite(owner, GRANT, 600, [address])
                began = time.perf_counter()
                await enrolment.join(Home(Path(folder) / f"call-{number}"), token, "desk")
                took["call"].append(time.perf_counter() - began)
                token = enrolment.invite(owner, GRANT, 600, [address])
                home = str(Path(folder) / f"command-{number}")
                node = (sys.executable, "-m", "islandrun_node", "--home", home)
                began = time.perf_counter()
                await asyncio.to_thread(
                    subprocess.run,
                    (*node, "join", "-", "--name", "desk"),
                    input=token.encode(),
                    check=True,
                    capture_output=True,
                )
                took["command"].append(time.perf_counter() - began)
    return took


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=10)
    for name, seconds in asyncio.run(measured(options.parse_args().runs)).items():
        print(f"{name}: median {statistics.median(seconds):.3f} s, worst {max(seconds):.3f} s")


if __name__ == "__main__":
    main()
