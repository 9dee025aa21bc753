"""Three islands as real processes on loopback: laptop, office, and a cloud API that writes down what it gets.

Everything is done as a person would: the same commands, a real join by token, real mTLS.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from islandrun.errors import StateError
from islandrun_node.demo import DOCUMENTS

READY_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 8.0
POLICY = """
# The owner lets text that is merely internal go to a cloud; what is masked in it stays masked.
[policy.tier_trust]
cloud = 0.4
"""
_LOOPBACK = ("--listen-mesh", "127.0.0.1:0", "--listen-http", "127.0.0.1:0", "--listen-grpc", "127.0.0.1:0")


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo's islands are. `cloud_log` holds every byte that the cloud received."""

    http: str
    grpc: str
    token: str = field(repr=False)
    home: Path
    cloud_log: Path

    def ready_line(self) -> str:
        """Return the stage as one line of JSON."""
        return json.dumps(
            {
                "schema": "islandrun.demo/v1",
                "http": self.http,
                "token": self.token,
                "grpc": self.grpc,
                "home": str(self.home),
                "cloud_log": str(self.cloud_log),
            }
        )


@contextmanager
def staged(folder: Path) -> Generator[Stage]:
    """Set the stage inside `folder` and clear it when the block ends.

    Raises `StateError` when a process does not come up; its log is in the folder.
    """
    with ExitStack() as stack:
        cloud_log, key = folder / "cloud-received.bin", secrets.token_urlsafe(18)
        cloud = stack.enter_context(
            _process(
                folder,
                "cloud",
                ["-m", "islandrun_node.demo.cloud", "--port", "0", "--log", str(cloud_log)],
                key,
            )
        )
        laptop, office = folder / "laptop", folder / "office"
        _command(laptop, "init", "--name", "laptop", "--mesh", "demo")
        prices = ("--input-price", "0.5", "--output-price", "1.5")
        where = ("--url", cloud["url"], "--model", cloud["model"], "--key-env", "DEMO_CLOUD_KEY")
        _command(laptop, "outbound", "add", "cloud", "--trust", "0.4", *prices, *where, key=key)
        _append(laptop, POLICY)
        home = stack.enter_context(_node(folder, laptop))
        grant = ("--tier", "edge", "--group", "office", "--ttl", "5m", "--no-confirm")
        token = _command(laptop, "invite", *grant, "--address", home["mesh"]).strip()
        _command(office, "join", "-", "--name", "office", text=token)
        _append(office, f'\n[[data]]\nname = "handbook"\npath = {json.dumps(str(DOCUMENTS / "office"))}\n')
        stack.enter_context(_node(folder, office))
        stage = Stage(
            http=home["http"],
            grpc=home["grpc"],
            token=(laptop / "local.token").read_text().strip(),
            home=laptop,
            cloud_log=cloud_log,
        )
        _wait_for_office(stage)
        yield stage


def _wait_for_office(stage: Stage) -> None:
    """Wait until the laptop can send a question to the office's documents."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    with httpx2.Client(timeout=10, trust_env=False) as client:
        while time.monotonic() < deadline:
            body = {
                "model": "islandrun/auto",
                "messages": [{"role": "user", "content": "when does the office open?"}],
                "islandrun": {"datasets": ["handbook"]},
            }
            headers = {"authorization": f"Bearer {stage.token}"}
            answer = client.post(f"{stage.http}/v1/chat/completions", json=body, headers=headers)
            if answer.status_code == 200:
                return
            time.sleep(0.1)
    raise StateError("the office's island did not appear in the mesh; see office.log in the demo's folder")


def _append(home: Path, text: str) -> None:
    with (home / "config.toml").open("a", encoding="utf-8") as file:
        file.write(text)


def _command(home: Path, *arguments: str, text: str = "", key: str = "") -> str:
    """Run one command of a home to its end and return what it printed."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "islandrun_node", "--home", str(home), *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=READY_SECONDS_MAX,
        env={**os.environ, "DEMO_CLOUD_KEY": key},
        check=False,
    )
    if done.returncode != 0:
        raise StateError(f"`islandrun-node {arguments[0]}` failed: {done.stderr.strip()[-500:]}")
    return done.stdout


@contextmanager
def _node(folder: Path, home: Path) -> Generator[dict[str, str]]:
    arguments = ["-m", "islandrun_node", "--json", "--home", str(home), "up", *_LOOPBACK]
    with _process(folder, home.name, arguments) as ready:
        yield ready


@contextmanager
def _process(folder: Path, name: str, arguments: Sequence[str], key: str = "") -> Generator[dict[str, str]]:
    """Run a process that prints one line of JSON when it is ready; yield that line."""
    log = folder / f"{name}.log"
    if key:
        arguments = [*arguments, "--key", key]
    with log.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=errors, start_new_session=True
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith(b"{"):
            raise StateError(f"{name} did not start: {log.read_text(errors='replace').strip()[-500:]}")
        yield {key: str(value) for key, value in json.loads(line).items()}
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
