"""Random misfortune from seeds: what must never happen does not, the mesh heals, and a failure is small."""

import os
import subprocess
import sys

import pytest

from islandrun.simulation.faults import FAULTS
from islandrun.simulation.scenario import Scenario, ScenarioFailed
from islandrun.simulation.trial import Trial, attempt, draw, shrink
from islandrun.trust.claims import Claims
from islandrun.trust.records import Outcome, Records
from islandrun.trust.signing import SignedAttestation


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_small_mesh_survives_random_faults(seed: int) -> None:
    outcome = attempt(draw(seed, islands=6))
    assert not outcome.failure, outcome.failure
    assert outcome.requests > 0


@pytest.mark.parametrize("kind", FAULTS)
def test_a_mesh_survives_each_kind_of_fault(kind: str) -> None:
    outcome = attempt(draw(sum(kind.encode()), islands=5, kinds=(kind,)))
    assert not outcome.failure, outcome.failure


@pytest.mark.parametrize("seed", range(1, 4))
def test_liars_gain_nothing_from_misfortune(seed: int) -> None:
    outcome = attempt(draw(seed, islands=5, liars=2))
    assert not outcome.failure, outcome.failure


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_thousand_meshes_of_fifty_survive() -> None:
    failed = [seed for seed in range(1, 1001) if attempt(draw(seed, islands=50)).failure]
    assert not failed


def test_a_trial_tells_the_same_story_under_any_hash_seed() -> None:
    program = (
        "from islandrun.simulation.trial import *; o = attempt(draw(3, 5, liars=2));"
        "print(o.trace_sha256, o.seconds, o.failure)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    here = attempt(draw(3, 5, liars=2))  # in a process with another hash seed
    assert told == f"{here.trace_sha256} {here.seconds} {here.failure}\n"


def newest_wins_turned_round(
    records: Records, key: bytes, signed: SignedAttestation, claims: Claims, present_ms: int = 0
) -> Outcome:
    version = records.version(key)
    held = records.get(key)
    if version is None or held is None or claims.header.version < version:
        return Outcome.NEW
    return Outcome.KNOWN if signed.hash == held[0].hash else Outcome.OLDER


def epochs_are_not_compared(
    records: Records, key: bytes, signed: SignedAttestation, claims: Claims, present_ms: int = 0
) -> Outcome:
    """Take whatever differs from what is held: the version of a place is not looked at."""
    held = records.get(key)
    return Outcome.KNOWN if held is not None and signed.hash == held[0].hash else Outcome.NEW


@pytest.mark.parametrize("planted", [newest_wins_turned_round, epochs_are_not_compared])
def test_a_planted_merge_bug_is_found_and_cut_down(planted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Records, "compare", planted)
    trials = (draw(seed, islands=5) for seed in range(1, 51))
    trial = next((trial for trial in trials if attempt(trial).failure), None)
    assert trial is not None, "fifty seeds did not find it"
    small = shrink(trial, tries_max=25)
    print(f"{planted.__name__}: found by seed {trial.seed}, {len(trial.steps)} -> {len(small.steps)} steps")
    assert len(small.steps) <= len(trial.steps) // 3
    with pytest.raises(ScenarioFailed, match=f"seed {trial.seed}"):
        Scenario(small.script()).play()


def test_shrinking_leaves_exactly_what_is_needed() -> None:
    steps = tuple((float(at), f"publish {name}") for at, name in enumerate("abcdefghij"))
    trial = Trial(1, ("seed 1",), steps, ())
    small = shrink(trial, fails=lambda one: {"publish c", "publish h"} <= {line for _, line in one.steps})
    assert [line for _, line in small.steps] == ["publish c", "publish h"]
    assert small.script() == "seed 1\nrun 2.000s\npublish c\nrun 5.000s\npublish h\n"
