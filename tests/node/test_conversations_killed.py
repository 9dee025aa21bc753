"""SIGKILL before each statement that is ever sent to the disk: a vault is whole, and nothing sent is lost."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.node.vault_kit import at, kept_in, request

pytestmark = pytest.mark.slow

PROGRAM = """
import asyncio, os, pathlib, signal, sys
from tests.node.vault_kit import at, hide, kept_in, request

NAMES = ("Anna Kern", "Tom Reed", "Eva Lind", "Max Orr")

async def main():
    kept = kept_in(pathlib.Path(sys.argv[1]))
    conversation = await kept.open(request("a"), "local", at(0))
    left = int(sys.argv[2])

    def die(statement):
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    kept._store._database._connection.set_trace_callback(die)
    for name in NAMES:
        placeholder, = hide(conversation.vault, name)
        await kept.keep(conversation)
        print(placeholder, name, sep="=", flush=True)
    await kept.sweep(at(0))

asyncio.run(main())
"""


def run(folder: Path, statement: int) -> tuple[int, dict[str, str]]:
    """Run the program until it kills itself; return how it ended and what it said was kept."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), str(statement)], capture_output=True, text=True
    )
    return done.returncode, dict(line.split("=") for line in done.stdout.splitlines())


def test_a_kill_at_any_step_leaves_a_whole_vault(tmp_path: Path) -> None:
    async def stored(folder: Path) -> dict[str, str]:
        kept = kept_in(folder)
        conversation = await kept.open(request("a"), "local", at(1))
        assert conversation.is_usable
        kept.close()
        return dict(conversation.vault.originals())

    steps = 0
    for statement in range(1, 200):
        folder = tmp_path / str(statement)
        folder.mkdir()
        code, said = run(folder, statement)
        found = asyncio.run(stored(folder))
        assert found.items() >= said.items(), "what could have been sent is on the disk"
        assert len(found) <= len(said) + 1
        if code == 0:
            break
        assert code == -signal.SIGKILL
        steps += 1
    assert steps >= 12
    assert len(said) == 4
