"""`islandrun-node simulate`: random faults from seeds, and scripts."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from islandrun.trust.records import Outcome, Records
from islandrun_node.cli.simulate import simulate


def test_random_faults_are_survived_and_counted() -> None:
    result = CliRunner().invoke(simulate, ["--faults", "all", "--seeds", "2", "--islands", "4", "--json"])
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["schema"] == "islandrun.simulate.trials/v1"
    assert (told["seeds"], told["failures"]) == (2, [])


def test_a_failure_prints_a_script_that_fails_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def oldest_wins(records, key, signed, claims, present_ms):
        held = records.get(key)
        if held is None or claims.header.version < held[1].header.version:
            return Outcome.NEW
        return Outcome.KNOWN if signed.hash == held[0].hash else Outcome.OLDER

    monkeypatch.setattr(Records, "compare", oldest_wins)
    options = ["--faults", "ring", "--islands", "3", "--json"]
    result = CliRunner().invoke(simulate, [*options, "--seed", "8"])
    assert result.exit_code == 1
    (failure,) = json.loads(result.stdout)["failures"]
    assert "sequenceDiagram" in result.stderr
    script = tmp_path / "again.txt"
    script.write_text(failure["script"])
    again = CliRunner().invoke(simulate, ["--script", str(script)])
    assert again.exit_code == 1
    assert failure["failure"] in again.stderr or "seed 8" in again.stderr


@pytest.mark.parametrize("options", [["--faults", "dance"], ["--script", "/nowhere"]])
def test_what_is_not_understood_is_a_usage_error(options: list[str]) -> None:
    assert CliRunner().invoke(simulate, options).exit_code == 2
