"""`islandrun-node simulate`: a whole mesh on virtual time from one seed, and what it showed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from islandrun.simulation.faults import FAULTS
from islandrun.simulation.run import Report, run
from islandrun_node.cli.trials import fault_kinds, play, run_trials


@click.command()
@click.option(
    "--islands", type=click.IntRange(2, 2000), default=50, show_default=True, help="Honest islands."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Repeats a run exactly."
)
@click.option(
    "--loss", type=click.FloatRange(0.0, 0.9), default=0.0, show_default=True, help="Share of messages lost."
)
@click.option(
    "--down",
    type=click.FloatRange(0.0, 0.9),
    default=0.0,
    show_default=True,
    help="Share of islands crashed.",
)
@click.option(
    "--liars", type=click.IntRange(0, 2000), default=0, show_default=True, help="Lying islands, in addition."
)
@click.option(
    "--seconds",
    type=click.FloatRange(1.0, 3600.0),
    default=120.0,
    show_default=True,
    help="The most virtual seconds that news may take.",
)
@click.option(
    "--faults",
    default="",
    callback=fault_kinds,
    metavar="all|KIND,...",
    help=f"Random faults and the healing after them instead: {', '.join(FAULTS)}.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 1_000_000),
    default=1,
    show_default=True,
    help="With --faults: how many.",
)
@click.option(
    "--script",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Play a script, such as a failed seed prints.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def simulate(
    islands: int,
    seed: int,
    loss: float,
    down: float,
    seconds: float,
    liars: int,
    faults: tuple[str, ...],
    seeds: int,
    script: Path | None,
    as_json: bool,
) -> None:
    """Let a mesh gossip on virtual time and count the rounds that news takes.

    Islands join, some crash, up to ten say something new and the owner revokes a stolen device. The result
    tells whether every live island learnt all of it, in how many gossip rounds, and whether anything happened
    that never must. Equal options give equal results. The exit code is 1 when something was missed or broken.

    With --faults each seed breaks links, machines, disks and clocks at random instead, with news and requests
    in between; nothing may happen that never must, and afterwards all must agree. A seed that fails is cut
    down to the shortest script that still does.
    """
    if script is not None:
        play(script)
        return
    if faults:
        run_trials(range(seed, seed + seeds), islands, faults, liars, as_json)
        return
    report = run(islands, seed, loss, down, seconds, liars)
    if as_json:
        click.echo(json.dumps(report.to_json(), sort_keys=True))
    elif sys.stdout.isatty():
        _show(report)
    else:
        for name, value in _rows(report):
            click.echo(f"{name:<22}{value}")
    if not report.converged or report.violations:
        click.echo(report.story, err=True)
        raise SystemExit(1)


def _rows(report: Report) -> tuple[tuple[str, str], ...]:
    """Return what people want to know of a run, in words and figures."""
    return (
        (
            "islands",
            f"{report.islands} honest, {report.liars} lying, {report.live} live and honest at the end",
        ),
        ("seed", str(report.seed)),
        ("network", f"{report.loss:.0%} of messages lost, {report.down:.0%} of islands down"),
        ("converged", "yes" if report.converged else f"NO, {report.pairs_missed} of {report.pairs} missed"),
        ("rounds, half of all", str(report.rounds_p50)),
        ("rounds, 99 of 100", str(report.rounds_p99)),
        ("rounds, slowest", str(report.rounds_max)),
        ("violations", str(report.violations)),
        ("forged and refused", f"{report.bad_statements} reports"),
        ("messages", f"{report.messages_sent} sent, {report.bytes_sent / 1e6:.1f} MB"),
        ("virtual time", f"{report.settled_seconds:.0f} s to form, {report.measured_seconds:.0f} s measured"),
        ("history", report.trace_sha256[:16]),
    )


def _show(report: Report) -> None:
    table = Table(show_header=False, box=None)
    for name, value in _rows(report):
        table.add_row(name, value)
    Console().print(table)
