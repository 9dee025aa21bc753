"""No core dumps: a crash must not write prompts, vaults and keys from memory to a disk.

On Linux the process is also made not dumpable, so that other programs of the same user can neither read its
memory nor attach to it. Where the system has neither, nothing is changed.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4
"""From linux/prctl.h; see prctl(2)."""


def forbid() -> tuple[str, ...]:
    """Switch core dumps off for this process and its children, and return what was done.

    "no core files" is RLIMIT_CORE 0, "not dumpable" is PR_SET_DUMPABLE 0.
    """
    done = []
    if _without_core_files():
        done.append("no core files")
    if sys.platform == "linux" and _undumpable():
        done.append("not dumpable")
    return tuple(done)


def _without_core_files() -> bool:
    if sys.platform == "win32":
        return False
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError):
        return False
    return True


def _undumpable() -> bool:
    try:
        return bool(ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False
