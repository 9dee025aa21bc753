"""`islandrun-node leave`: say goodbye to the mesh and close this home."""

from __future__ import annotations

import asyncio
import sys

import click

from islandrun.errors import StateError
from islandrun_node import leaving
from islandrun_node.cli.output import CommandFailed, Exit, show
from islandrun_node.cli.session import Session


@click.command("leave")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Leave also with the owner's key, or as the last island.")
@click.pass_obj
def leave(session: Session, yes: bool, force: bool) -> None:
    """Leave the mesh: tell the others, then destroy the keys, conversations and receipts of this home.

    Settings and documents stay. The node must not run. The owner may `revoke` the island afterwards.
    """
    home = session.home
    leaving.require_something_to_leave(home)
    if home.is_member:
        loss = leaving.what_is_lost(home)
        if not loss.is_grave or force:
            _ask(loss, yes)
    told = asyncio.run(leaving.leave(home, force))
    facts = {"home": str(home.path), "told": list(told)}
    show(session, "leave/v1", facts, f"left; {len(told)} islands heard of it")
    if not told:
        click.echo("Nobody was reached: ask the owner to revoke this island.", err=True)


def _ask(loss: leaving.Loss, is_sure: bool) -> None:
    """Have the person say yes, unless they did. Raises `CommandFailed`."""
    if is_sure:
        return
    if not sys.stdin.isatty():
        raise CommandFailed(f"lost by leaving: {loss.text()}", "say --yes", Exit.USAGE)
    if not click.confirm(f"Lost by leaving: {loss.text()}. Leave {loss.mesh_name}?", err=True):
        raise StateError("nothing was changed")
