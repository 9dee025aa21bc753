"""One seed's trial: a mesh forms, misfortune strikes, ends, and the mesh must heal.

Safety: while faults last, nothing may happen that never must (`invariants`). Liveness: once they have ended,
all honest islands reach each other and hold the same within `HEAL_SECONDS`. A trial is a script: the shortest
that still fails is what a person gets to read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from islandrun.simulation.faults import AFTERWARDS, FAULTS, Step, plan
from islandrun.simulation.islands import dice
from islandrun.simulation.liars import LIES
from islandrun.simulation.orders import name_of
from islandrun.simulation.scenario import Scenario, ScenarioFailed

FORM_SECONDS: Final = 12.0
FAULT_SECONDS: Final = 60.0
HEAL_SECONDS: Final = 60.0
"""Within this time after the last fault all must agree. A third of it is the pause between two tries of an
island that was silent for a minute, the rest is what may be lost on the way."""

_GRANTS: Final = ("personal 1.0", "personal 0.7", "edge 0.8", "edge 0.5", "cloud 0.2")


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried: `beginning` and `ending` are lines of a script, `steps` what may be left out."""

    seed: int
    beginning: tuple[str, ...]
    steps: tuple[Step, ...]
    ending: tuple[str, ...]

    def script(self) -> str:
        """Return it as a script for `Scenario`."""
        lines = [*self.beginning]
        at = 0.0
        for second, line in self.steps:
            if second > at:
                lines.append(f"run {second - at:.3f}s")
                at = second
            lines.append(line)
        return "\n".join([*lines, *self.ending]) + "\n"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a trial showed. `failure` is empty, or what a person should read first."""

    seed: int
    failure: str
    seconds: float
    messages: int
    requests: int
    trace_sha256: str


def draw(seed: int, islands: int, kinds: Sequence[str] = tuple(FAULTS), liars: int = 0) -> Trial:
    """Draw the trial of a seed: `islands` honest islands, and `liars` others that tell one lie each."""
    rng = dice(seed, "trial")
    names = [name_of(number) for number in range(islands)]
    kinds_of_lies = list(LIES)
    lies = [(f"liar-{number + 1}", rng.choice(kinds_of_lies)) for number in range(liars)]
    graded = rng.sample(range(1, islands), k=(islands - 1) // 2)
    grants = [f"island x-{number} {rng.choice(_GRANTS)}" for number in range(len(graded))]
    everyone = [*names[: islands - len(graded)], *(line.split()[1] for line in grants)]
    return Trial(
        seed=seed,
        beginning=(
            f"seed {seed}",
            f"islands {islands - len(graded)}",
            *grants,
            *(f"liar {name} {lie}" for name, lie in lies),
            f"run {FORM_SECONDS:g}s",
        ),
        steps=plan(rng, everyone, FAULT_SECONDS, kinds),
        ending=(*AFTERWARDS, f"agree within {HEAL_SECONDS:g}s"),
    )


def attempt(trial: Trial) -> Outcome:
    """Play a trial."""
    scenario = Scenario(trial.script())
    failure = ""
    try:
        scenario.play()
    except ScenarioFailed as error:
        failure = str(error)
    world = scenario.world
    return Outcome(
        seed=trial.seed,
        failure=failure,
        seconds=round(world.seconds, 3),
        messages=world.counts.sent,
        requests=world.counts.requests,
        trace_sha256=world.trace_hash(),
    )


def shrink(
    trial: Trial,
    tries_max: int = 200,
    fails: Callable[[Trial], bool] = lambda one: bool(attempt(one).failure),
) -> Trial:
    """Return the trial with as many steps left out as possible, so that it still fails.

    Greedy: halves of what is left first, then quarters, down to single steps; no step is left that could be
    left out alone, as long as `tries_max` suffices.
    """
    steps = list(trial.steps)
    size = max(1, len(steps) // 2)
    while tries_max > 0:
        at, was_cut = 0, False
        while at < len(steps) and tries_max > 0:
            tries_max -= 1
            fewer = steps[:at] + steps[at + size :]
            if fails(_with(trial, fewer)):
                steps, was_cut = fewer, True
            else:
                at += size
        if size == 1 and not was_cut:
            break
        size = max(1, size // 2)
    return _with(trial, steps)


def _with(trial: Trial, steps: Sequence[Step]) -> Trial:
    return Trial(trial.seed, trial.beginning, tuple(steps), trial.ending)
