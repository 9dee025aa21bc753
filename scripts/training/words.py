"""Words and forms that values are drawn from, as they lie in `words.txt` and `names.txt`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent


@lru_cache(maxsize=1)
def _lists() -> dict[str, tuple[str, ...]]:
    lines = (_FOLDER / "words.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(": ", 1) for line in lines if line and not line.startswith("#"))
    return {key: tuple(rest.split("; ")) for key, rest in pairs}


def words(key: str, language: str = "") -> tuple[str, ...]:
    """Return a list; with a language that language's own, or the English one where it has none."""
    if not language:
        return _lists()[key]
    return _lists()[f"{key} {language}" if has(key, language) else f"{key} en"]


def has(key: str, language: str) -> bool:
    """Say whether a language has a list of its own."""
    return f"{key} {language}" in _lists()


@lru_cache(maxsize=1)
def names() -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """Return given and family names by region."""
    lines = (_FOLDER / "names.txt").read_text(encoding="utf-8").splitlines()
    halves = (line.split(":", 1)[1].split(";") for line in lines if not line.startswith("#"))
    return tuple((tuple(given.split()), tuple(family.split())) for given, family in halves)
