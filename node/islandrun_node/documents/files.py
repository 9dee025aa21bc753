"""The files of a folder that can be read. Links are never followed: nothing outside it is given away."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from islandrun.errors import ConfigError
from islandrun_node.documents.formats import SUFFIXES, bytes_max, suffix_of
from islandrun_node.documents.lines import CannotRead, LeftOut

FILES_MAX: Final = 20_000
FOLDERS_DEEP_MAX: Final = 32
NAME_CHARS_MAX: Final = 400


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file below a folder: its name inside it, with "/"; `left_out` says why it is not read."""

    name: str = field(repr=False)
    path: Path = field(repr=False)
    size_bytes: int
    changed_ns: int
    left_out: LeftOut | None = None


def found_files(folder: Path) -> Iterator[FoundFile]:
    """Yield the files below a folder in the order of their names; hidden ones are passed over.

    Raises `ConfigError` when the folder holds too many files.
    """
    count = 0
    for parent, folders, names in os.walk(folder, followlinks=False):
        inside = Path(parent).relative_to(folder)
        linked = [name for name in folders if os.path.islink(Path(parent) / name)]
        shown = sorted(name for name in folders if not name.startswith(".") and name not in linked)
        folders[:] = shown if len(inside.parts) < FOLDERS_DEEP_MAX else []
        for name in sorted((*names, *linked)):
            if name.startswith("."):
                continue
            count += 1
            if count > FILES_MAX:
                raise ConfigError(f"{folder} holds more than {FILES_MAX} files; name smaller folders")
            found = _found((inside / name).as_posix(), Path(parent) / name)
            if found is not None:
                yield found


def _found(name: str, path: Path) -> FoundFile | None:
    """Look at a file without opening it; one that is gone again is none."""
    name = name.encode("utf-8", "replace").decode()[-NAME_CHARS_MAX:]
    try:
        seen = path.lstat()
    except FileNotFoundError:
        return None
    except OSError:
        return FoundFile(name, path, 0, 0, LeftOut.UNREADABLE)
    reason = None
    if stat.S_ISLNK(seen.st_mode):
        reason = LeftOut.LINK
    elif not stat.S_ISREG(seen.st_mode):
        reason = LeftOut.DEVICE
    elif suffix_of(name) not in SUFFIXES:
        reason = LeftOut.FORMAT
    elif seen.st_size > bytes_max(name):
        reason = LeftOut.TOO_LARGE
    return FoundFile(name, path, seen.st_size, seen.st_mtime_ns, reason)


def content_of(file: FoundFile) -> bytes:
    """Read a file. Raises `CannotRead` when it cannot be opened or is not what it was when it was found."""
    flags = (
        os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )
    try:
        descriptor = os.open(file.path, flags)
    except OSError:
        raise CannotRead(LeftOut.UNREADABLE) from None
    with os.fdopen(descriptor, "rb") as opened:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise CannotRead(LeftOut.DEVICE)
        most = bytes_max(file.name)
        try:
            content = opened.read(most + 1)
        except OSError:
            raise CannotRead(LeftOut.UNREADABLE) from None
    if len(content) > most:
        raise CannotRead(LeftOut.TOO_LARGE)
    return content
