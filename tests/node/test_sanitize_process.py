"""`sanitize` as a real process: order over several processes, pipes that close, ^C, a slow source, memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.slow

PROGRAM = [sys.executable, "-m", "islandrun_node", "sanitize"]
LINES = 600
TEXT = "Dear Anna Kern, the card 4111 1111 1111 1111 was declined on Friday. Write to anna{}@example.org. "


Process = subprocess.Popen[bytes]
Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the command without a home; what runs at the end of a test is ended, and its pipes are closed."""
    environment = {**os.environ, "ISLANDRUN_HOME": str(tmp_path / "home")}
    running: list[Process] = []

    def started(*words: str, read_from: int = subprocess.PIPE, apart: bool = False) -> Process:
        process = subprocess.Popen(
            [*PROGRAM, *words], env=environment, stdin=read_from, start_new_session=apart,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        running.append(process)
        return process

    yield started
    for process in running:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def lines_of(count: int) -> bytes:
    return b"".join(
        json.dumps({"id": number, "text": TEXT.format(number) * (1 + number % 3)}).encode() + b"\n"
        for number in range(count)
    )


def children(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def peak_bytes(process: Process) -> int:
    """Return the most memory that a process held so far; where the system does not tell, what it holds."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        return psutil.Process(process.pid).memory_info().rss
    return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024


def worker_pid(child: psutil.Process) -> int | None:
    """Return the number of a process that masks lines, as soon as it is one."""
    with suppress(psutil.Error):
        return child.pid if "spawn_main" in " ".join(child.cmdline()) else None
    return None


def leaves_interrupts_to_us(pid: int) -> bool:
    """Say whether ^C is held back from a process or ignored by it; where the system does not tell, yes."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return True
    sets = [
        int(line.split()[1], 16)
        for line in status.read_text().splitlines()
        if line.startswith(("SigBlk", "SigIgn"))
    ]
    return any(signals >> (signal.SIGINT - 1) & 1 for signals in sets)


def wait_until_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert not alive


def test_several_processes_give_what_one_gives_in_order(start) -> None:
    data = lines_of(LINES)
    bad = data.replace(b'{"id": 300,', b'{"id": 300', 1)
    alone = start("--jsonl", "--jobs", "1").communicate(bad)
    crew = start("--jsonl", "--jobs", "3")
    assert crew.communicate(bad) == alone
    assert crew.returncode == 1
    assert alone[1] == b"line 301 is not JSON\n"
    ids = [json.loads(line)["id"] for line in alone[0].splitlines()]
    assert ids == [number for number in range(LINES) if number != 300]


def test_a_file_is_read_as_a_pipe_is(start, tmp_path) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_bytes(lines_of(LINES))
    by_name = start("--jsonl", "--jobs", "2", str(file)).communicate()
    with file.open("rb") as opened:
        by_pipe = start("--jsonl", "--jobs", "2", read_from=opened.fileno()).communicate()
    assert by_name == by_pipe
    assert len(by_name[0].splitlines()) == LINES
    assert by_name[1] == b""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_each_line_is_answered_before_the_next_one_is_there(start, jobs) -> None:
    process = start("--jsonl", "--jobs", jobs)
    assert process.stdin is not None
    assert process.stdout is not None
    first = lines_of(250)
    process.stdin.write(first)
    process.stdin.flush()
    for number in range(250):
        assert json.loads(process.stdout.readline())["id"] == number
    for number in range(250, 253):
        process.stdin.write(json.dumps({"id": number, "text": "Dear Anna Kern"}).encode() + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["sanitized"] == "Dear [PERSON_1]"
    assert process.communicate() == (b"", b"")
    assert process.returncode == 0


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_reader_who_leaves_gets_no_words_and_no_process_stays(start, tmp_path, jobs) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_bytes(lines_of(5 * LINES))
    process = start("--jsonl", "--jobs", jobs, str(file))
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline()
    others = children(process)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.wait()
    wait_until_gone(others)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupt_is_quiet_and_ends_with_130(start, jobs) -> None:
    """A terminal sends ^C to every process of the group."""
    process = start("--jsonl", "--jobs", jobs, apart=True)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(lines_of(250))
    process.stdin.flush()
    for _ in range(250):
        process.stdout.readline()
    others = children(process)
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate() == (b"", b"\n")
    assert process.returncode == 130
    wait_until_gone(others)


def test_an_interrupt_while_the_processes_start_is_as_quiet(start) -> None:
    process = start("--jsonl", "--jobs", "2", apart=True)
    assert process.stdin is not None
    process.stdin.write(lines_of(250))
    process.stdin.flush()
    deadline = time.monotonic() + 30
    while not (starting := [pid for child in children(process) if (pid := worker_pid(child))]):
        assert time.monotonic() < deadline
    assert all(map(leaves_interrupts_to_us, starting))
    others = children(process)
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate() == (b"", b"\n")
    assert process.returncode == 130
    wait_until_gone(others)


@pytest.mark.parametrize("moment", [0, 1])
def test_what_is_killed_leaves_nothing_behind(start, moment) -> None:
    process = start("--jsonl", "--jobs", "2")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(lines_of(250))
    process.stdin.flush()
    for _ in range(1 + 249 * moment):
        process.stdout.readline()
    others = children(process)
    process.kill()
    process.communicate()
    wait_until_gone(others)


def test_a_lost_process_is_an_error_and_not_a_shorter_answer(start) -> None:
    process = start("--jsonl", "--jobs", "2")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(lines_of(250))
    process.stdin.flush()
    for _ in range(250):
        process.stdout.readline()
    workers = [child for child in children(process) if worker_pid(child)]
    assert len(workers) == 2
    for worker in workers:
        worker.kill()
    out, err = process.communicate(lines_of(250))
    assert (process.returncode, out) == (1, b"")
    assert err.startswith(b"error: a process that masks lines has ended; the output is cut short\nhint: ")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_memory_does_not_grow_with_the_input(start, jobs) -> None:
    """50 MB in one line and many small lines pass through; what is held stays far below that."""
    process = start("--jsonl", "--jobs", jobs)
    assert process.stdin is not None
    assert process.stdout is not None
    small = b'{"text": "a"}\n'
    process.stdin.write(small * 300)
    process.stdin.flush()
    for _ in range(300):
        process.stdout.readline()
    before = peak_bytes(process)
    piece = b"x" * 1_000_000
    for _ in range(50):
        process.stdin.write(piece)
    process.stdin.write(b"\n" + small)
    process.stdin.flush()
    assert process.stdout.readline()
    grown = peak_bytes(process) - before
    out, err = process.communicate()
    assert (out, process.returncode) == (b"", 1)
    assert err == b"line 301 is longer than 33554432 bytes\n"
    assert grown < 45_000_000


def test_on_a_terminal_a_bar_shows_how_far_it_is_and_complaints_have_lines_of_their_own(tmp_path) -> None:
    file, out = tmp_path / "lines.jsonl", tmp_path / "out"
    file.write_bytes(lines_of(5) + b"bad\n" + lines_of(5))
    ours, theirs = os.openpty()
    environment = {**os.environ, "ISLANDRUN_HOME": str(tmp_path / "home"), "TERM": "xterm"}
    shown = b""
    with out.open("wb") as opened:
        process = subprocess.Popen(
            [*PROGRAM, "--jsonl", str(file)], env=environment, stdout=opened, stderr=theirs
        )
    os.close(theirs)
    with suppress(OSError):  # how a terminal says that nobody writes to it any more
        while piece := os.read(ours, 65_536):
            shown += piece
    os.close(ours)
    assert process.wait() == 1
    assert len(out.read_bytes().splitlines()) == 10
    size = file.stat().st_size / 1000
    assert f"{size:.1f}/{size:.1f} kB".encode() in shown
    assert b"line 6 is not JSON" in {line.split(b"\x1b[2K")[-1] for line in shown.split(b"\r\n")}
