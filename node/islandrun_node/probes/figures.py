"""Reading the small files in which Linux tells of its hardware: one line each, perhaps absent."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FIGURE_BYTES_MAX: Final = 256
ENTRIES_MAX: Final = 512
"""So many devices of a kind are looked at."""


def word(path: Path) -> str | None:
    """Return the one line of a file; None when it cannot be read or is no line."""
    try:
        with path.open("rb") as file:
            return file.read(FIGURE_BYTES_MAX).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None


def figure(path: Path) -> int | None:
    """Return the whole number in a file; None when there is none."""
    text = word(path)
    try:
        return int(text) if text else None
    except ValueError:
        return None


def entries(folder: Path, pattern: str = "*") -> list[Path]:
    """Return the entries of a folder by name; none when it is not there."""
    try:
        return sorted(folder.glob(pattern))[:ENTRIES_MAX]
    except OSError:
        return []
