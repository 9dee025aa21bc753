"""A bar on stderr for input that takes a while: on a terminal only, and not when the data goes there, too."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator

from islandrun_node.cli.json_lines import Answer, Lines


def watched(answers: Iterator[Answer], lines: Lines) -> Iterator[Answer]:
    """Yield the answers, and show how far the input has been read."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield from answers
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=_size_bytes(lines.source))
        for answer in answers:
            progress.advance(task, answer.size_bytes)
            yield answer


def _size_bytes(source: int | None) -> int | None:
    """Return the size of a file; of what is no file nobody knows it."""
    if source is None:
        return None
    status = os.fstat(source)
    return status.st_size if stat.S_ISREG(status.st_mode) else None
