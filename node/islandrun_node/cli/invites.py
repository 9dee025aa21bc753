"""`islandrun-node invites`: what became of the invitations, and the owner's word on who waits."""

from __future__ import annotations

import sys
import time

import click

from islandrun.errors import EnrolmentRefused
from islandrun.trust.naming import display_id, island_id
from islandrun_node import invitations, world_clock
from islandrun_node.cli.output import CommandFailed, Exit, show, table
from islandrun_node.cli.passphrase import passphrase_of, passphrase_option
from islandrun_node.cli.session import Session
from islandrun_node.stores.tokens import Invite, InviteState

POLL_SECONDS = 0.3
OTHERS_WARNING = "other machines tried this token: somebody may have copied it"


@click.group("invites", invoke_without_command=True)
@click.pass_context
def invites(context: click.Context) -> None:
    """List invitations and what became of them; `approve` or `refuse` who waits."""
    if context.invoked_subcommand is None:
        session = context.find_object(Session)
        assert session is not None
        _list(session)


def _list(session: Session) -> None:
    now_ms, rows, content = world_clock.now().wall_ms, [], []
    for invite in invitations.invites(session.home):
        facts = _facts(session, invite, now_ms)
        content.append(facts)
        left = f"{facts['seconds_left']} s" if facts["seconds_left"] else ""
        who = "" if invite.island is None else display_id(island_id(invite.island))
        code = str(facts["code"] or "") if invite.state is InviteState.PENDING else ""
        others = str(invite.others or "")
        rows.append(
            (invite.name, str(invite.state), left, str(facts["tier"]), invite.grant.group, code, who, others)
        )
    headings = ("id", "state", "left", "tier", "group", "code", "island", "others")
    show(session, "invites/v1", {"invites": content}, table(headings, rows))


def _facts(session: Session, invite: Invite, now_ms: int) -> dict[str, object]:
    return {
        "id": invite.name,
        "state": str(invite.state),
        "tier": invite.grant.tier.name.lower(),
        "group": invite.grant.group,
        "expires_at_ms": invite.expires_at_ms,
        "seconds_left": max(0, (invite.expires_at_ms - now_ms) // 1000),
        "code": invitations.code_of(session.home, invite),
        "island": None if invite.island is None else island_id(invite.island),
        "others": invite.others,
    }


@invites.command("approve")
@click.argument("name", metavar="ID")
@click.option("--code", help="The six digits that the new machine shows; asked for on a terminal.")
@passphrase_option
@click.pass_obj
def approve(session: Session, name: str, code: str | None) -> None:
    """Admit the machine that took invitation ID, if it shows the same code."""
    invite = invitations.find(session.home, name)
    if code is None:
        code = _ask(session, invite)
    island = invitations.approve(session.home, name, code, passphrase_of(session))
    facts = {"id": invite.name, "island": island_id(island)}
    show(session, "invites-approve/v1", facts, display_id(island_id(island)))
    if invite.others:
        click.echo(f"warning: {OTHERS_WARNING}", err=True)


@invites.command("refuse")
@click.argument("name", metavar="ID")
@click.pass_obj
def refuse(session: Session, name: str) -> None:
    """Admit nobody by invitation ID; who holds its token is told so."""
    invite = invitations.refuse(session.home, name)
    show(session, "invites-refuse/v1", {"id": invite.name}, f"{invite.name} refused")


def _ask(session: Session, invite: Invite) -> str:
    """Return the code when the person at the terminal says that the new machine shows it."""
    code = invitations.code_of(session.home, invite)
    if code is None or invite.state not in (InviteState.PENDING, InviteState.APPROVED):
        raise EnrolmentRefused(f"nobody waits for {invite.name}: it is {invite.state}; see `invites`")
    if not sys.stdin.isatty():
        raise CommandFailed(
            "the code of the new machine was not given",
            f"islandrun-node invites approve {invite.name} --code with the six digits that it shows",
            Exit.USAGE,
        )
    if not click.confirm(f"Does the new machine show {code}?", err=True):
        raise CommandFailed(
            "not admitted", f"islandrun-node invites refuse {invite.name}, if it shows another code"
        )
    return code


def stay_and_ask(session: Session, name: str) -> None:
    """Wait until somebody takes the invitation, and ask the person at the terminal whether to admit it."""
    click.echo("Waiting for it to call; Ctrl-C leaves the token open (islandrun-node invites).", err=True)
    while (invite := invitations.find(session.home, name)).state is InviteState.OPEN:
        time.sleep(POLL_SECONDS)
    if invite.state is not InviteState.PENDING:
        raise CommandFailed(f"invitation {invite.name} is {invite.state}", "invite again")
    code = _ask(session, invite)
    island = invitations.approve(session.home, name, code, passphrase_of(session))
    click.echo(f"Admitted {display_id(island_id(island))}.", err=True)
