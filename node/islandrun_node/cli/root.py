"""`islandrun-node root`: the owner's key at rest and at work."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TextIO

import click

from islandrun.errors import EnrolmentRefused
from islandrun.trust.naming import island_id
from islandrun_node import paper_key, root_key
from islandrun_node.cli.enrol import seconds_of
from islandrun_node.cli.output import show
from islandrun_node.cli.passphrase import passphrase_of, passphrase_option
from islandrun_node.cli.session import Session
from islandrun_node.home import write_private
from islandrun_node.identity import load_membership


@click.group("root")
def root() -> None:
    """Lock, unlock, export or import the owner's key, which admits islands and renews admissions."""


@root.command("status")
@click.pass_obj
def status(session: Session) -> None:
    """Say whether the owner's key lies here, and whether it is locked."""
    membership, state = load_membership(session.home), root_key.root_state(session.home)
    facts = {
        "root": str(state),
        "owner": island_id(membership.genesis.owner),
        "mesh": membership.genesis.name,
    }
    show(session, "root/v1", facts, f"{state}\t{membership.genesis.name}")


@root.command("lock")
@passphrase_option
@click.pass_obj
def lock(session: Session) -> None:
    """Put the owner's key under a passphrase; from then on every command that needs the key asks for it."""
    root_key.lock(session.home, passphrase_of(session, is_new=True))
    show(session, "root/v1", {"root": "locked"}, "locked")
    if session.home.running.exists():
        click.echo("The running node holds the key in memory until it is started again.", err=True)
    click.echo("Without the passphrase, or `root export` on paper, the key is lost.", err=True)


@root.command("unlock")
@click.option(
    "--for", "seconds", callback=seconds_of, default="15m", show_default=True, help="How long to hold it."
)
@click.option("--for-good", is_flag=True, help="Take the passphrase off instead.")
@passphrase_option
@click.pass_obj
def unlock(session: Session, seconds: int, for_good: bool) -> None:
    """Hold the owner's key in this process for a while, signing what waits: approved joins, renewals.

    Ctrl-C ends it early. The key is on no disk meanwhile; other commands still ask for the passphrase.
    """
    if for_good:
        root_key.unlock_for_good(session.home, passphrase_of(session))
        show(session, "root/v1", {"root": "open"}, "open")
        return
    if seconds > root_key.SERVE_SECONDS_MAX:
        raise EnrolmentRefused(f"{seconds} s is too long; choose 24h at most")
    joins = renewals = 0

    def tell(done: root_key.Done) -> None:
        nonlocal joins, renewals
        joins, renewals = joins + done.joins, renewals + done.renewals
        click.echo(f"signed {done.joins} joins and {done.renewals} renewals", err=True)

    click.echo(f"Unlocking for {seconds} s; Ctrl-C locks it again.", err=True)
    root_key.serve(session.home, passphrase_of(session), seconds, time.sleep, tell)
    facts = {"root": "locked", "joins": joins, "renewals": renewals}
    show(session, "root/v1", facts, f"locked again; signed {joins} joins and {renewals} renewals")


@root.command("export")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="A new private file instead of stdout."
)
@passphrase_option
@click.pass_obj
def export(session: Session, output: Path | None) -> None:
    """Write the owner's key as text for paper. Whoever reads it owns the mesh."""
    if output is None and sys.stdout.isatty():
        click.echo("warning: this shows the owner's key; mind who can see the screen.", err=True)
    text = root_key.export(session.home, passphrase_of(session))
    if output is None:
        click.echo(text)
    else:
        write_private(output, f"{text}\n".encode())
        click.echo(f"Written to {output}, which only you can read: print it, then destroy it.", err=True)


@root.command("import")
@click.argument("file", type=click.File("r"), default="-")
@click.pass_obj
def import_(session: Session, file: TextIO) -> None:
    """Take the owner's key from FILE (or stdin) into this home, which must belong to its mesh."""
    root_key.take_from_paper(session.home, file.read(paper_key.TEXT_CHARACTERS_MAX))
    show(session, "root/v1", {"root": "open"}, "open")
    click.echo("Put a passphrase on it: islandrun-node root lock", err=True)
