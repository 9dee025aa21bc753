"""Whole meshes from a seed: they converge, never believe a liar, and a seed tells the same story twice."""

import json
import os
import subprocess
import sys

import pytest

from islandrun.simulation.run import run
from islandrun.trust.ledger import Ledger, Outcome, key_of
from islandrun.trust.signing import VerifiedAttestation


@pytest.mark.parametrize("islands", [2, 3, 10, 30])
@pytest.mark.parametrize("seed", [1, 2])
def test_without_faults_news_is_everywhere_in_a_few_rounds(islands: int, seed: int) -> None:
    report = run(islands, seed)
    assert (report.converged, report.violations, report.pairs_missed) == (True, 0, 0)
    assert report.rounds_p99 <= 8


@pytest.mark.parametrize("seed", range(1, 7))
def test_with_loss_and_islands_down_the_living_still_converge(seed: int) -> None:
    report = run(10, seed, loss=0.3, down=0.3)
    assert (report.converged, report.violations, report.pairs_missed) == (True, 0, 0)


@pytest.mark.parametrize("seed", range(1, 5))
def test_liars_are_never_believed(seed: int) -> None:
    report = run(8, seed, loss=0.1, liars=5)
    assert (report.converged, report.violations) == (True, 0)
    assert report.bad_statements > 0


def test_a_seed_tells_the_same_story_under_any_hash_seed() -> None:
    program = (
        "import json; from islandrun.simulation.run import run;"
        "print(json.dumps(run(6, 9, loss=0.2, down=0.2, liars=2).to_json(), sort_keys=True))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "1")
    }
    assert len(told) == 1
    other = run(6, 10, loss=0.2, down=0.2, liars=2)
    assert json.loads(told.pop())["trace_sha256"] != other.trace_sha256


def test_a_merge_that_takes_older_news_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant the classic gossip bug, last writer wins, and see the invariants notice it within ten seeds."""
    honest = Ledger.admit

    def last_writer_wins(ledger: Ledger, verified: VerifiedAttestation, now_ms: int) -> Outcome:
        outcome = honest(ledger, verified, now_ms)
        if outcome is not Outcome.OLDER:
            return outcome
        ledger._records._held[key_of(verified.claims)] = (verified.signed, verified.claims)
        return Outcome.NEW

    monkeypatch.setattr(Ledger, "admit", last_writer_wins)
    assert any(run(8, seed, loss=0.2, liars=3, seconds_max=30).violations for seed in range(1, 11))
