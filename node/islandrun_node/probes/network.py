"""Whether the network is paid by volume, as NetworkManager knows or guesses it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from typing import Final

COMMAND: Final = ("nmcli", "-t", "-f", "GENERAL.STATE,GENERAL.METERED", "device", "show")
SECONDS_MAX: Final = 3.0
CONNECTED: Final = "100"


def is_metered(command: Sequence[str] = COMMAND) -> bool | None:
    """Ask NetworkManager; one connected device that is metered is enough. None where it does not say."""
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS_MAX,
            check=True,
            env={"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return read_answer(done.stdout.decode("utf-8", "replace"))


def read_answer(text: str) -> bool | None:
    """Read the blocks of `nmcli device show`, one a device, with an empty line between."""
    answers = set()
    for block in text.split("\n\n"):
        fields = dict(line.partition(":")[::2] for line in block.splitlines())
        if fields.get("GENERAL.STATE", "").startswith(CONNECTED):
            answers.add(fields.get("GENERAL.METERED", "").partition(" ")[0])
    if "yes" in answers:
        return True
    return False if "no" in answers else None
