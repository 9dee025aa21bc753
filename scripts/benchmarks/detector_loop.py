"""One system in a process of its own: reads JSON strings, answers with what it hides and how long it took.

Only the standard library: the same loop runs where this project is not installed.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

Spans = Sequence[tuple[int, int, str, float]]
"""Start, end, type, confidence 0 to 1."""
WARM_UP = "Some words before the first text, so that whatever is made at first use is there."


def serve(load: Callable[[], tuple[Callable[[str], Spans], Sequence[str]]]) -> None:
    """Load a system and answer until the input ends. `load` returns how to find, and what finds."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    bare = resident_bytes()
    started = time.perf_counter()
    find, parts = load()
    find(WARM_UP)
    _write(
        answers,
        {
            "parts": list(parts),
            "load_seconds": time.perf_counter() - started,
            "bare_bytes": bare,
            "loaded_bytes": resident_bytes(),
        },
    )
    for line in sys.stdin:
        text = json.loads(line)
        before = time.perf_counter()
        spans = find(text)
        seconds = time.perf_counter() - before
        _write(
            answers, {"spans": [list(span) for span in spans], "seconds": seconds, "bytes": resident_bytes()}
        )


def _write(answers: object, entry: dict[str, object]) -> None:
    print(json.dumps(entry), file=answers, flush=True)  # type: ignore[call-overload]


def resident_bytes() -> int:
    """Return the memory that this process holds now; where the system does not tell, the most it held."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
