"""Every command and program of the README is run as it stands."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
README = (Path(__file__).parents[2] / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
SHELL = [
    line for kind, block in BLOCKS if not kind for line in block.splitlines() if re.match(r"[AB]\$ ", line)
]
PROGRAMS = [block for kind, block in BLOCKS if kind == "python"]
ROOT = Path(__file__).parents[2]


class Machine:
    """One of the two machines: a home of its own, listeners on loopback."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.home = folder / "home"
        loopback = {f"ISLANDRUN_LISTEN_{key}": "127.0.0.1:0" for key in ("MESH", "HTTP", "GRPC")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.env = {
            **os.environ,
            **loopback,
            "ISLANDRUN_HOME": str(self.home),
            "PATH": path,
            "CLOUD_API_KEY": "k",
        }
        self.node: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"

    def run(self, command: str) -> str:
        if command.endswith("&"):
            with self.log.open("wb") as log:
                self.node = subprocess.Popen(command[:-1].split(), env=self.env, stdout=log, stderr=log)
            deadline = time.monotonic() + 20
            while not (self.home / "running.json").exists():
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.05)
            return ""
        done = subprocess.run(
            ["bash", "-c", command], env=self.env, capture_output=True, text=True, timeout=30
        )
        assert done.returncode == 0 or command.endswith("doctor"), f"{command}: {done.stderr}"
        return done.stdout

    def stop(self) -> None:
        if self.node is not None:
            self.node.send_signal(signal.SIGTERM)
            assert self.node.wait(20) == 0


def test_two_machines_in_five_commands_and_all_that_follows(tmp_path: Path) -> None:
    machines = {"A": Machine(tmp_path / "a"), "B": Machine(tmp_path / "b")}
    token = ""
    try:
        for line in SHELL:
            name, command = line[0], line[3:].replace("TOKEN", token)
            printed = machines[name].run(command)
            if " invite " in command:
                token = printed.strip()
        assert len(SHELL) >= 11
        listed = machines["A"].run("islandrun-node islands")
        assert "office" in listed
        _run_programs(machines["A"])
    finally:
        for machine in machines.values():
            machine.stop()


def _run_programs(machine: Machine) -> None:
    import json

    http = json.loads((machine.home / "running.json").read_text())["http"]
    token = (machine.home / "local.token").read_text().strip()
    assert PROGRAMS
    for program in PROGRAMS:
        whole = f"TOKEN = {token!r}\n{program.replace('http://127.0.0.1:8470', http)}\nclient.close()"
        done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        assert "pumps are serviced" in done.stdout


def test_the_two_commands_and_every_link_exist() -> None:
    for script in re.findall(r"scripts/\w+", README):
        assert os.access(ROOT / script, os.X_OK), script
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link
