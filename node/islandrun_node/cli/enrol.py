"""The commands by which islands enter a mesh and are put out of it: init, invite, join, revoke.

They need no running node: a running one notices what they write within 200 ms.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from dataclasses import replace
from typing import TextIO

import click

from islandrun.errors import EnrolmentRefused, ForwardFailed
from islandrun.trust.naming import display_id
from islandrun.vocabulary import IslandId
from islandrun_node import config, enrolment, world_clock
from islandrun_node.cli import invites
from islandrun_node.cli.output import CommandFailed, Exit, show
from islandrun_node.cli.passphrase import passphrase_of, passphrase_option
from islandrun_node.cli.session import Session
from islandrun_node.config import ppm, tier_of
from islandrun_node.home import Home
from islandrun_node.identity import load_membership
from islandrun_node.join_token import ADDRESSES_MAX, TOKEN_CHARACTERS_MAX, RelayDoor, parse, token_id
from islandrun_node.statements import addresses
from islandrun_node.stores.tokens import Grant

STILL_WAITING_SECONDS = 30.0
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds_of(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    """Return the seconds of a time such as "90s", "10m", "2h" or "1d"."""
    if value is None:
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,6})([smhd])", value, re.ASCII)
    if found is None:
        raise click.BadParameter(f"{value} is not a time; write it like 90s, 10m, 2h or 1d")
    return int(found[1]) * _UNITS[found[2]]


_jurisdictions = click.option(
    "--jurisdiction",
    "jurisdictions",
    multiple=True,
    metavar="CC",
    help="Where it stands, ISO 3166; repeatable.",
)


@click.command("init")
@click.option("--mesh", "mesh_name", default="home", show_default=True, help="Name of the new mesh.")
@click.option("--name", help="Name of this island: a-z, 0-9, '-'; default this machine's name.")
@_jurisdictions
@click.pass_obj
def init(session: Session, mesh_name: str, name: str | None, jurisdictions: tuple[str, ...]) -> None:
    """Found a new mesh: this machine becomes its owner and first island."""
    grant = replace(enrolment.FOUNDER, jurisdictions=jurisdictions)
    membership = enrolment.found_mesh(session.home, mesh_name, name, grant)
    _show_member(session, membership.genesis.name, membership.key.id, "init")
    click.echo(
        f"The owner's key is {session.home.owner_key}: put a copy on paper (islandrun-node root export) "
        "and a passphrase on it (root lock). Next: islandrun-node up",
        err=True,
    )


@click.command("invite")
@click.option(
    "--tier", type=click.Choice(["personal", "edge", "cloud"]), required=True, help="How near it is."
)
@click.option("--group", default=enrolment.HOME_GROUP, show_default=True, help="Islands that trust alike.")
@click.option(
    "--ttl", callback=seconds_of, default="10m", show_default=True, help="How long the token works."
)
@click.option(
    "--trust", type=click.FloatRange(0, 1), default=1.0, show_default=True, help="Ceiling of trust."
)
@click.option("--address", "at", multiple=True, metavar="HOST:PORT", help="Where to join; repeatable.")
@click.option(
    "--confirm/--no-confirm",
    default=None,
    help="Ask before somebody is admitted [default: above tier personal, or when the owner's key is locked].",
)
@click.option("--wait/--no-wait", default=None, help="Stay to ask for that word [default: on a terminal].")
@_jurisdictions
@passphrase_option
@click.pass_obj
def invite(
    session: Session,
    /,
    tier: str,
    group: str,
    ttl: int,
    trust: float,
    at: tuple[str, ...],
    confirm: bool | None,
    wait: bool | None,
    jurisdictions: tuple[str, ...],
) -> None:
    """Make a join token: it admits one island, once, until it expires. It is a secret."""
    grant = Grant(tier_of(tier), group, ppm(trust), jurisdictions)
    where, relays = (at, ()) if at else _own_doors(session.home)
    if confirm is None:
        confirm = tier != "personal" or load_membership(session.home).is_locked
    token = enrolment.invite(session.home, grant, ttl, where, confirm, relays)
    name = token_id(parse(token, world_clock.now().wall_ms).join_key().public).hex()
    facts = {"token": token, "id": name[:8], "tier": tier, "group": group, "ttl_seconds": ttl}
    over = [relay.address for relay in relays]
    more = {"confirm": confirm, "addresses": list(where), "relays": over}
    show(session, "invite/v1", {**facts, **more}, token)
    sys.stdout.flush()
    places = ", ".join([*where, *(f"the relay {address}" for address in over)])
    click.echo(
        f"Works once, for {ttl} s, at {places} while this node runs. On the new machine: "
        "islandrun-node join -",
        err=True,
    )
    if not confirm:
        return
    stays = sys.stdin.isatty() and not session.json if wait is None else wait
    if stays:
        invites.stay_and_ask(session, name)
    else:
        click.echo(f"When it calls: islandrun-node invites approve {name[:8]}", err=True)


@click.command("join")
@click.argument("token", required=False)
@click.option("--token-file", type=click.File("r"), help="Read the token from a file.")
@click.option("--name", help="Name of this island: a-z, 0-9, '-'; default this machine's name.")
@click.option(
    "--outbound", metavar="NAME", help="Admit an island that this node fronts, not the node itself."
)
@click.option(
    "--wait",
    callback=seconds_of,
    metavar="TIME",
    help="How long to wait for the owner's word [default: as long as the token works].",
)
@click.pass_obj
def join(
    session: Session,
    token: str | None,
    token_file: TextIO | None,
    name: str | None,
    outbound: str | None,
    wait: int | None,
) -> None:
    """Become a member with a join token: TOKEN, or "-" to read it from stdin ("ps" shows arguments)."""
    text = _token_text(token, token_file)
    told = _Waiting()
    try:
        if outbound is not None:
            island = asyncio.run(
                enrolment.admit_outbound(session.home, outbound, text, waiting=told, wait_seconds=wait)
            ).id
            mesh_name = load_membership(session.home).genesis.name
        else:
            membership = asyncio.run(enrolment.join(session.home, text, name, told, wait))
            mesh_name, island = membership.genesis.name, membership.key.id
    except EnrolmentRefused as error:
        what, _, hint = str(error).partition("; ")
        raise CommandFailed(what, hint, Exit.NOT_AUTHENTICATED) from error
    except ForwardFailed as error:
        what, _, hint = str(error).partition("; ")
        raise CommandFailed(what, hint, Exit.NOT_REACHABLE) from error
    _show_member(session, mesh_name, island, "join")


class _Waiting:
    """Says on stderr what a join waits for: at once, and every half minute."""

    def __init__(self) -> None:
        self._next_at = float("inf")

    def __call__(self, code: str, seconds_left: float) -> None:
        """Be told that the owner's word is still missing."""
        if seconds_left > self._next_at:
            return
        if self._next_at == float("inf"):
            click.echo(
                f"Code {code}: waiting until the owner says that it reads the same there "
                "(islandrun-node invites).",
                err=True,
            )
        else:
            click.echo(f"still waiting, code {code}, {seconds_left:.0f} s left", err=True)
        self._next_at = seconds_left - STILL_WAITING_SECONDS


@click.command("revoke")
@click.argument("island")
@click.option("--reason", default="", help="For the record; every member can read it.")
@passphrase_option
@click.pass_obj
def revoke(session: Session, island: str, reason: str) -> None:
    """Take an island's admission away, for good: its name, its id, or the first 8 letters of its id."""
    gone = enrolment.revoke(session.home, island, reason, passphrase_of(session))
    show(session, "revoke/v1", {"island": gone, "reason": reason}, display_id(gone))
    click.echo("Revoked. A running node tells the mesh at once; a stopped one when it runs again.", err=True)


def _show_member(session: Session, mesh_name: str, island: IslandId, verb: str) -> None:
    facts = {"mesh": mesh_name, "island": island, "home": str(session.home.path)}
    show(session, f"{verb}/v1", facts, f"{mesh_name}\t{display_id(island)}")


def _token_text(token: str | None, file: TextIO | None) -> str:
    if (token is None) == (file is None):
        raise click.UsageError("give the token as TOKEN, as - for stdin, or with --token-file")
    if file is not None:
        return file.read(TOKEN_CHARACTERS_MAX)
    return sys.stdin.read(TOKEN_CHARACTERS_MAX) if token == "-" else str(token)  # noqa: S105 - a dash


def _own_doors(home: Home) -> tuple[tuple[str, ...], tuple[RelayDoor, ...]]:
    """Return the addresses at which this node can be joined, and the relays over which it can."""
    reachable = config.load(home.config).listen.reachable
    relays = enrolment.own_relays(home) if reachable != "direct" else ()
    where = _own_addresses(home) if reachable != "relayed" else ()
    if not where and not relays:
        raise EnrolmentRefused(
            "no relay carries calls to this node; start it and wait for one, or give --address"
        )
    return where, relays[: ADDRESSES_MAX - len(where)]


def _own_addresses(home: Home) -> tuple[str, ...]:
    """Return where this node's mesh listener can be reached, as the running node or the settings say."""
    listen = config.load(home.config).listen
    mesh = listen.mesh
    try:
        running = str(json.loads(home.running.read_text())["mesh"])
        mesh = running if running.rpartition(":")[2].isdigit() else mesh
    except (OSError, ValueError, KeyError, TypeError):
        pass
    port = int(mesh.rpartition(":")[2])
    if not port:
        raise EnrolmentRefused(
            "the mesh listener has no fixed port and the node does not run; give --address"
        )
    return addresses(listen.advertise, mesh, port)
