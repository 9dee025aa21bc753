"""`islandrun-node demo`: three islands on this machine, real questions, and the proof of what left."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import click

from islandrun_node.cli.output import CommandFailed
from islandrun_node.demo.play import Shown, leaks, play
from islandrun_node.demo.stage import Stage, staged


@click.command("demo")
@click.option("--serve", is_flag=True, help="Keep it running; print where it is as one line of JSON.")
@click.option("--keep", is_flag=True, help="Keep the demo's folder, logs and record of the cloud.")
def demo(serve: bool, keep: bool) -> None:
    """Make a mesh of laptop, office and a cloud API on loopback, and ask it nine things.

    The cloud is a local process that holds no language model: it quotes notes, and writes down every byte
    that it is sent. Exit code 1 on any surprise.
    """
    with _folder(keep) as folder:
        _tell("starting a cloud API, a laptop and an office on loopback ...")
        with staged(folder) as stage:
            if serve:
                _serve(stage)
            else:
                _show(stage)


def _serve(stage: Stage) -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    click.echo(stage.ready_line())
    sys.stdout.flush()
    _tell("serving until Ctrl-C or SIGTERM")
    stop.wait()


def _show(stage: Stage) -> None:
    rows = play(stage, _tell)
    _print(rows)
    leaked = leaks(stage)
    size = stage.cloud_log.stat().st_size
    surprises = [f"{row.what}: {surprise}" for row in rows for surprise in row.surprises]
    surprises += [f"{what}: an original is in the cloud's record" for what in leaked]
    if surprises:
        raise CommandFailed(
            "the demo met surprises: " + " | ".join(surprises), "run it with --keep and read the logs"
        )
    click.echo(
        f"\nProof: the cloud received {size} bytes in all, and none of the hidden values is in them: "
        "not in clear, without spaces, as URL or hex text, or backwards."
    )


def _print(rows: tuple[Shown, ...]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("what", "sensitivity", "where", "how", "what left", "answer", show_lines=True)
    for row in rows:
        answer = row.answer if len(row.answer) <= 160 else row.answer[:157] + "..."
        table.add_row(row.what, row.sensitivity, row.where, row.why, row.left, answer)
    console = Console(width=None if sys.stdout.isatty() else 140, markup=False, highlight=False)
    console.print(table)


@contextmanager
def _folder(keep: bool) -> Generator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="islandrun-demo-"))
    try:
        yield folder
    finally:
        if keep:
            _tell(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _tell(text: str) -> None:
    click.echo(text, err=True)
