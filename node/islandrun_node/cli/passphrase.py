"""Where the passphrase of the owner's key comes from: a file, the environment, or a prompt on a terminal."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import click

from islandrun.errors import RootLocked
from islandrun_node.cli.session import Session
from islandrun_node.home import read_private
from islandrun_node.identity import Passphrase

VARIABLE: Final = "ISLANDRUN_ROOT_PASSPHRASE"


def _keep_file(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    session = context.find_object(Session)
    if path is not None and session is not None:
        session.passphrase_file = path


passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(dir_okay=False, path_type=Path),
    expose_value=False,
    callback=_keep_file,
    help=f"Read the passphrase of a locked owner's key from a private file; else ${VARIABLE}, else a prompt.",
)


def passphrase_of(session: Session, is_new: bool = False) -> Passphrase:
    """Return what asks for the passphrase when it is needed; a new one is asked for twice.

    It raises `RootLocked` when there is none to be had, `StateError` when others can read the file.
    """

    def ask() -> str:
        if session.passphrase_file is not None:
            return read_private(session.passphrase_file).decode("utf-8", "replace").rstrip("\r\n")
        if VARIABLE in os.environ:
            return os.environ[VARIABLE]
        if not sys.stdin.isatty():
            raise RootLocked(
                f"the owner's key needs its passphrase; give --passphrase-file or {VARIABLE}, "
                "or run this on a terminal"
            )
        typed = click.prompt(
            "Passphrase of the owner's key", hide_input=True, confirmation_prompt=is_new, err=True
        )
        return str(typed)

    return ask
