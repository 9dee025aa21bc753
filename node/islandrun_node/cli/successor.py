"""`islandrun-node successor`: give an island a new key and keep what it was granted."""

from __future__ import annotations

import sys

import click

from islandrun.trust.naming import display_id
from islandrun_node import pasted, succession
from islandrun_node.cli.output import show
from islandrun_node.cli.passphrase import passphrase_of, passphrase_option
from islandrun_node.cli.session import Session


@click.group("successor")
def successor() -> None:
    """Give this island a new key: `request` here, `approve` where islands are admitted, `finish` here.

    Without the old key, revoke the island and let it join anew.
    """


@successor.command("request")
@click.pass_obj
def request(session: Session) -> None:
    """Make the new key and print the request for it. The island goes on with the old key until `finish`."""
    text = succession.request(session.home)
    show(session, "successor-request/v1", {"request": text}, text)
    click.echo("Where islands are admitted: islandrun-node successor approve REQUEST", err=True)


@successor.command("approve")
@click.argument("text", metavar="REQUEST")
@passphrase_option
@click.pass_obj
def approve(session: Session, text: str) -> None:
    """Revoke the old key in REQUEST and let the new one go on; "-" reads it from stdin."""
    island, approval = succession.approve(session.home, _read(text), passphrase_of(session))
    show(session, "successor-approve/v1", {"island": island, "approval": approval}, approval)
    click.echo(
        f"The old key is out; {display_id(island)} goes on. There: stop the node, and "
        "islandrun-node successor finish APPROVAL",
        err=True,
    )


@successor.command("finish")
@click.argument("text", metavar="APPROVAL")
@click.pass_obj
def finish(session: Session, text: str) -> None:
    """Take APPROVAL and make the new key this island's; "-" reads it from stdin. The node must not run."""
    island = succession.finish(session.home, _read(text))
    show(session, "successor-finish/v1", {"island": island}, display_id(island))
    click.echo("The old key is destroyed. Next: islandrun-node up", err=True)


def _read(text: str) -> str:
    return sys.stdin.read(pasted.CHARACTERS_MAX) if text == "-" else text
