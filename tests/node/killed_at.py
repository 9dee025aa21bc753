"""Does a command's work in a child process that dies by SIGKILL at its n-th persisted step.

A persisted step is a commit of the database, a sync of a file, its renaming or its removal; the child dies
just before or just after one. Run as a program it reads jobs as JSON lines, and forks a child for each before
anything of gRPC has started. Nothing of the product knows of it.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from islandrun_node import enrolment, invitations, leaving, root_key
from islandrun_node.fail_points import Step
from islandrun_node.home import Home
from islandrun_node.identity import load_membership
from islandrun_node.stores.database import Database
from tests.node.identity_kit import Member, SmallMesh, listening, until

WORDS = "five words that nobody guesses"
STEPS_MAX = 60


class _Life:
    """Counts steps, and ends at one of them; 0 never comes."""

    def __init__(self, last: int) -> None:
        self.last, self.passed = last, 0

    def step(self) -> None:
        self.passed += 1
        if self.passed == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


def _arm(last: int) -> None:
    life = _Life(last)
    for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "unlink")):
        setattr(owner, name, _stepping(life, getattr(owner, name)))
    real = Database.transaction

    @contextmanager
    def transaction(self: Database, step: Step | None = None) -> Iterator[object]:
        with real(self, step) as cursor:
            yield cursor
            life.step()
        life.step()

    Database.transaction = transaction  # type: ignore[assignment, method-assign]


def _stepping(life: _Life, real: Callable[..., object]) -> Callable[..., object]:
    @functools.wraps(real)
    def stepping(*arguments: object, **options: object) -> object:
        life.step()
        try:
            return real(*arguments, **options)
        finally:
            life.step()

    return stepping


async def _serve(home: Home, address_file: str) -> None:
    """Be the issuer's mesh listener until the file with its address is gone."""
    mesh, key, file = SmallMesh.of(home), load_membership(home).key, Path(address_file)
    record = mesh.ledger.admission_record(key.id)
    assert record is not None
    async with listening(mesh, Member(key, mesh.take(record), record)) as door:
        file.with_suffix(".new").write_text(door.address)
        os.rename(file.with_suffix(".new"), file)
        await until(lambda: not file.exists(), 30)


WORK: dict[str, Callable[..., object]] = {
    "init": lambda home: enrolment.found_mesh(home, "family", "owner"),
    "join": lambda home, token: asyncio.run(enrolment.join(home, token, "desk")),
    "serve": lambda home, file: asyncio.run(_serve(home, file)),
    "approve": lambda home, name, code: invitations.approve(home, name, code, lambda: WORDS),
    "lock": lambda home: root_key.lock(home, lambda: WORDS),
    "unlock": lambda home: root_key.unlock_for_good(home, lambda: WORDS),
    "revoke": lambda home, island: enrolment.revoke(home, island),
    "leave": lambda home: asyncio.run(leaving.leave(home, is_forced=True)),
}


class Nursery:
    """The program that forks, seen from a test."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def start(self, work: str, home: Home, *words: str, step: int = 0) -> None:
        """Begin a job in a child that dies at this step, 0 for never."""
        assert self._process.stdin is not None
        job = {"work": work, "home": str(home.path), "words": words, "step": step}
        self._process.stdin.write(json.dumps(job).encode() + b"\n")
        await self._process.stdin.drain()

    async def ended(self) -> bool:
        """Wait for the child; say whether it was killed. A child that failed otherwise fails the test."""
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 40)
        answer = json.loads(line)
        assert answer["killed"] or answer["code"] == 0, answer
        return bool(answer["killed"])

    async def killed(self, work: str, home: Home, *words: str, step: int) -> bool:
        """Do a job and say whether it was killed before its end."""
        await self.start(work, home, *words, step=step)
        return await self.ended()


@asynccontextmanager
async def nursery() -> AsyncIterator[Nursery]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield Nursery(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 40)


def _cheap() -> None:
    from nacl.pwhash import argon2id

    from islandrun_node import locked_key

    locked_key.lock.__defaults__ = (argon2id.OPSLIMIT_MIN, argon2id.MEMLIMIT_MIN)


def main() -> None:
    _cheap()
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if not child:
            os.close(0)
            _arm(job["step"])
            WORK[job["work"]](Home(Path(job["home"])), *job["words"])
            os._exit(0)
        _, status = os.waitpid(child, 0)
        answer = {"killed": os.WIFSIGNALED(status), "code": os.waitstatus_to_exitcode(status)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
