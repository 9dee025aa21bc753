"""The systems that are compared, each in a fresh process: what they find, how fast, in how much memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from privacy_quality import Found
from privacy_texts import ROOT, Sample

HERE: Final = Path(__file__).parent
PRESIDIO: Final = ROOT / ".venv" / "presidio-bench"
PRESIDIO_PINS: Final = (
    "presidio-analyzer==2.2.366",
    "spacy==3.8.18",
    "tldextract==5.4.0",
    "phonenumbers==9.0.43",
)


class Unavailable(Exception):
    """A system cannot run here; the text says why."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a system did with the texts."""

    found: list[list[Found]]
    speed: dict[str, object]


def _islandrun() -> list[str]:
    return [sys.executable, str(HERE / "detector_islandrun.py")]


def _rules() -> list[str]:
    return [*_islandrun(), "rules"]


def _presidio() -> list[str]:
    """Return how to start Presidio; its environment is made when it is not there."""
    python = PRESIDIO / "bin" / "python"
    stamp = PRESIDIO / "ready"
    if not stamp.exists() or stamp.read_text() != "\n".join(PRESIDIO_PINS):
        print(f"installing {PRESIDIO_PINS[0]} into {PRESIDIO} ...", file=sys.stderr)
        try:
            subprocess.run([sys.executable, "-m", "venv", str(PRESIDIO)], check=True, capture_output=True)
            command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*command, *PRESIDIO_PINS], check=True, capture_output=True, text=True)
        except subprocess.CalledProcessError as error:
            last = str(error.stderr or "").strip().splitlines()[-1:]
            raise Unavailable(f"it cannot be installed: {' '.join(last) or error}") from error
        stamp.write_text("\n".join(PRESIDIO_PINS))
    return [str(python), str(HERE / "detector_presidio.py")]


SYSTEMS: Final[dict[str, Callable[[], list[str]]]] = {
    "islandrun": _islandrun,
    "islandrun-rules": _rules,
    "presidio-patterns": _presidio,
}


def run(name: str, samples: Sequence[Sample]) -> Run:
    """Let a system read every text, and then every text again. Raises `Unavailable`."""
    command = SYSTEMS[name]()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "node")])}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        try:
            loaded = _answer(process)
            first = [_asked(process, sample.text) for sample in samples]
            again = [_asked(process, sample.text) for sample in samples]
        finally:
            assert process.stdin is not None
            with suppress(OSError):
                process.stdin.close()
    found = [[Found(*span) for span in one["spans"]] for one in first]
    return Run(found, _speed(loaded, samples, first, again))


def _asked(process: subprocess.Popen[str], text: str) -> dict[str, Any]:
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # an ended process is noticed when its answer is missing
        process.stdin.write(json.dumps(text) + "\n")
        process.stdin.flush()
    return _answer(process)


def _answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise Unavailable("its process ended; what it said stands above")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _speed(
    loaded: dict[str, Any],
    samples: Sequence[Sample],
    first: Sequence[dict[str, Any]],
    again: Sequence[dict[str, Any]],
) -> dict[str, object]:
    new = [one["seconds"] for one in first]
    characters = sum(len(sample.text) for sample in samples)
    return {
        "parts": loaded["parts"],
        "withheld": sum(any(span[2] == "WITHHELD" for span in one["spans"]) for one in first),
        "characters_per_text": round(characters / len(samples)),
        "new_p50_ms": percentile_ms(new, 50),
        "new_p95_ms": percentile_ms(new, 95),
        "again_p50_ms": percentile_ms([one["seconds"] for one in again], 50),
        "again_p95_ms": percentile_ms([one["seconds"] for one in again], 95),
        "characters_per_second": round(characters / sum(new)),
        "load_seconds": round(loaded["load_seconds"], 3),
        "bare_mb": round(loaded["bare_bytes"] / 1e6, 1),
        "loaded_mb": round(loaded["loaded_bytes"] / 1e6, 1),
        "after_mb": round(max(one["bytes"] for one in (*first, *again)) / 1e6, 1),
    }


def percentile_ms(seconds: Sequence[float], percent: int) -> float:
    """Return a percentile of times in milliseconds: the smallest that so many of them do not exceed."""
    ordered = sorted(seconds)
    rank = -(-len(ordered) * percent // 100)
    return round(ordered[max(0, rank - 1)] * 1e3, 3)
