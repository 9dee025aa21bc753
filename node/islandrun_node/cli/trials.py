"""What `islandrun-node simulate` shows of scripts and of random faults: one line a failure, and its cause."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from islandrun.simulation.faults import FAULTS
from islandrun.simulation.scenario import Scenario, ScenarioFailed
from islandrun.simulation.trial import Outcome, attempt, draw, shrink

SCHEMA = "islandrun.simulate.trials/v1"
FAILURES_SHOWN = 3
EVERY_KIND = "all"


def fault_kinds(context: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:
    """Read `all` or a list of kinds split by commas."""
    if not value:
        return ()
    kinds = tuple(FAULTS) if value == EVERY_KIND else tuple(value.split(","))
    unknown = [kind for kind in kinds if kind not in FAULTS]
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(FAULTS)}, or all")
    return kinds


def run_trials(seeds: Sequence[int], islands: int, kinds: Sequence[str], liars: int, as_json: bool) -> None:
    """Try every seed; show the first failures cut down to what is needed. Exits with 1 when one failed."""
    failed: list[tuple[Outcome, str]] = []
    messages = requests = 0
    for seed in seeds:
        trial = draw(seed, islands, kinds, liars)
        outcome = attempt(trial)
        messages += outcome.messages
        requests += outcome.requests
        if outcome.failure:
            is_shown = len(failed) < FAILURES_SHOWN
            failed.append((outcome, shrink(trial).script() if is_shown else trial.script()))
            click.echo(f"seed {seed} failed", err=True)
    if as_json:
        click.echo(json.dumps(_report(seeds, islands, kinds, liars, failed), sort_keys=True))
    else:
        click.echo(f"{'seeds':<22}{len(seeds)}, from {seeds[0]}")
        click.echo(f"{'islands':<22}{islands} honest, {liars} lying")
        click.echo(f"{'faults':<22}{', '.join(kinds)}")
        click.echo(f"{'failed':<22}{len(failed)}")
        click.echo(f"{'messages, requests':<22}{messages}, {requests}")
    for outcome, script in failed[:FAILURES_SHOWN]:
        click.echo(
            f"\n# seed {outcome.seed}: keep this as a file and play it with --script\n{script}", err=True
        )
        click.echo(outcome.failure, err=True)
    if failed:
        raise SystemExit(1)


def play(path: Path) -> None:
    """Play one script. Exits with 1 when it does not end as it says."""
    try:
        world = Scenario(path.read_text()).play()
    except ScenarioFailed as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from error
    except ValueError as error:
        raise click.UsageError(f"{path}: {error}") from error
    click.echo(f"as it says: {world.seconds:.0f} s of virtual time, {world.counts.sent} messages")


def _report(
    seeds: Sequence[int],
    islands: int,
    kinds: Sequence[str],
    liars: int,
    failed: Sequence[tuple[Outcome, str]],
) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "seeds": len(seeds),
        "first_seed": seeds[0],
        "islands": islands,
        "liars": liars,
        "faults": list(kinds),
        "failures": [
            {"seed": outcome.seed, "failure": outcome.failure.splitlines()[0], "script": script}
            for outcome, script in failed
        ],
    }
