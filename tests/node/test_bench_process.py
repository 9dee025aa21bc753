"""`scripts/bench privacy` as a real process: a report for programs, and what cannot run is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "scripts" / "benchmarks" / "privacy.py"


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PROGRAM), *words],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'node'}", **environment},
        capture_output=True,
        text=True,
    )


def test_a_file_is_measured_and_reported(tmp_path) -> None:
    texts = [
        {
            "text": "Dear Anna Kern, card 4111 1111 1111 1111",
            "spans": [{"start": 5, "end": 14, "type": "PERSON"}],
        },
        {"text": "What is the capital of France?", "spans": []},
        {"text": "cannot be sent: \ud800", "spans": []},
    ]
    file = tmp_path / "texts.jsonl"
    file.write_text("\n".join(map(json.dumps, texts)))
    done = run(str(file), "--system", "islandrun-rules", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["schema"], report["texts"]) == ("islandrun.bench.privacy/v1", 3)
    figures = report["systems"]["islandrun-rules"]
    assert figures["quality"]["entities"]["by_type"] == {"PERSON": {"marked": 1, "recall": 1.0}}
    assert figures["quality"]["over_masking"]["touched_share"] == 0.5
    speed = figures["speed"]
    assert (speed["parts"], speed["withheld"]) == (["rules"], 1)
    assert 0 < speed["new_p50_ms"] <= speed["new_p95_ms"]
    assert 0 < speed["bare_mb"] < speed["loaded_mb"] <= speed["after_mb"]
    assert speed["load_seconds"] > 0
    shown = run(str(file), "--system", "islandrun-rules", "--limit", "2")
    assert shown.returncode == 0
    assert "PERSON (1)" in shown.stdout


def test_a_file_that_is_none_is_an_error_in_one_line(tmp_path) -> None:
    file = tmp_path / "texts.jsonl"
    for content in ("", '{"text": 1}', "{"):
        file.write_text(content)
        done = run(str(file), "--system", "islandrun-rules")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("error: ")
        assert len(done.stderr.splitlines()) == 1
    assert "FILE is JSON lines" in run("--help").stdout


def test_what_cannot_be_installed_is_said_and_the_rest_goes_on(tmp_path) -> None:
    """No index and no environment: the comparison cannot be made."""
    code = (
        "import sys, pathlib\n"
        f"sys.path.insert(0, {str(PROGRAM.parent)!r})\n"
        "import privacy, privacy_systems\n"
        f"privacy_systems.PRESIDIO = pathlib.Path({str(tmp_path / 'env')!r})\n"
        "privacy.main()\n"
    )
    file = tmp_path / "texts.jsonl"
    file.write_text('{"text": "Dear Anna Kern"}')
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            code,
            str(file),
            "--json",
            "--system",
            "presidio-patterns",
            "--system",
            "islandrun-rules",
        ],
        env={**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    systems = json.loads(done.stdout)["systems"]
    assert systems["presidio-patterns"]["unavailable"].startswith("it cannot be installed: ERROR: ")
    assert systems["islandrun-rules"]["speed"]["parts"] == ["rules"]
