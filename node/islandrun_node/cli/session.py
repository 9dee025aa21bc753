"""What every command gets from the command line: which home, and how to print."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from islandrun_node.home import Home


@dataclass(slots=True)
class Session:
    """The context object of the command group (`click.Context.obj`)."""

    home: Home
    json: bool = False
    passphrase_file: Path | None = None
