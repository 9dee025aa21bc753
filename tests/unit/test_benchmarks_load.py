"""Every benchmark still finds what it measures: its module loads."""

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "scripts" / "benchmarks"


def test_every_benchmark_loads() -> None:
    names = [path.stem for path in sorted(BENCHMARKS.glob("*.py"))]
    assert len(names) > 5
    code = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
    done = subprocess.run(
        [sys.executable, "-c", code, *names], cwd=BENCHMARKS, capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr[-2000:]
