"""The commands by which islands enter and leave a mesh: init, invite, join, revoke.

Data goes to stdout, words for people to stderr. They need no running node: a running one notices what they
write within 200 ms.
"""

from __future__ import annotations

import asyncio
import functools
import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn, ParamSpec, TextIO

import click

from islandrun.errors import EnrolmentRefused, ForwardFailed, IslandRunError
from islandrun.trust.naming import display_id
from islandrun.vocabulary import IslandId
from islandrun_node import config, enrolment
from islandrun_node.cli.session import Session
from islandrun_node.config import ppm, tier_of
from islandrun_node.home import Home, default_home
from islandrun_node.identity import load_membership
from islandrun_node.join_token import TOKEN_CHARACTERS_MAX
from islandrun_node.statements import addresses
from islandrun_node.stores.tokens import Grant

EXIT_ERROR, EXIT_UNREACHABLE, EXIT_NOT_AUTHENTICATED = 1, 3, 4
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

P = ParamSpec("P")


def _seconds(_: click.Context, __: click.Parameter, value: str) -> int:
    """Return the seconds of a time such as "90s", "10m", "2h" or "1d"."""
    found = re.fullmatch(r"([1-9][0-9]{0,6})([smhd])", value, re.ASCII)
    if found is None:
        raise click.BadParameter(f"{value} is not a time; write it like 90s, 10m, 2h or 1d")
    return int(found[1]) * _UNITS[found[2]]


def _ends_well(command: Callable[P, None]) -> Callable[P, None]:
    """Turn our errors into one line on stderr and an exit code."""

    @functools.wraps(command)
    def run(*arguments: P.args, **options: P.kwargs) -> None:
        try:
            command(*arguments, **options)
        except ForwardFailed as error:
            _fail(error, EXIT_UNREACHABLE)
        except IslandRunError as error:
            _fail(error, EXIT_ERROR)

    return run


def _fail(error: IslandRunError, code: int) -> NoReturn:
    click.echo(f"error: {error}", err=True)
    raise click.exceptions.Exit(code)


def _choose_home(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    session = context.find_object(Session)
    if session is None:
        context.obj = session = Session(Home(default_home()))
    if path is not None:
        session.home = Home(path)


_home = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    expose_value=False,
    callback=_choose_home,
    help="Folder of this node; default $ISLANDRUN_HOME or the user's data folder.",
)
_jurisdictions = click.option(
    "--jurisdiction",
    "jurisdictions",
    multiple=True,
    metavar="CC",
    help="Where it stands, ISO 3166; repeatable.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


@click.command("init")
@click.option("--mesh", "mesh_name", default="home", show_default=True, help="Name of the new mesh.")
@click.option("--name", help="Name of this island: a-z, 0-9, '-'; default this machine's name.")
@_jurisdictions
@_json
@_home
@click.pass_obj
@_ends_well
def init(
    session: Session, mesh_name: str, name: str | None, jurisdictions: tuple[str, ...], as_json: bool
) -> None:
    """Found a new mesh: this machine becomes its owner and first island."""
    grant = replace(enrolment.FOUNDER, jurisdictions=jurisdictions)
    membership = enrolment.found_mesh(session.home, mesh_name, name, grant)
    _show_member(session, membership.genesis.name, membership.key.id, "init", as_json)
    click.echo(
        f"The owner's key is {session.home.owner_key}: keep a copy offline. Next: islandrun-node up", err=True
    )


@click.command("invite")
@click.option(
    "--tier", type=click.Choice(["personal", "edge", "cloud"]), required=True, help="How near it is."
)
@click.option("--group", default=enrolment.HOME_GROUP, show_default=True, help="Islands that trust alike.")
@click.option("--ttl", callback=_seconds, default="10m", show_default=True, help="How long the token works.")
@click.option(
    "--trust", type=click.FloatRange(0, 1), default=1.0, show_default=True, help="Ceiling of trust."
)
@click.option("--address", "at", multiple=True, metavar="HOST:PORT", help="Where to join; repeatable.")
@_jurisdictions
@_json
@_home
@click.pass_obj
@_ends_well
def invite(
    session: Session,
    tier: str,
    group: str,
    ttl: int,
    trust: float,
    at: tuple[str, ...],
    jurisdictions: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make a join token: it admits one island, once, until it expires. It is a secret."""
    grant = Grant(tier_of(tier), group, ppm(trust), jurisdictions)
    where = at or _own_addresses(session.home)
    token = enrolment.invite(session.home, grant, ttl, where)
    if as_json or session.json:
        facts = {"token": token, "tier": tier, "group": group, "ttl_seconds": ttl, "addresses": list(where)}
        click.echo(json.dumps({"schema": "islandrun.invite/v1", **facts}))
    else:
        click.echo(token)
    click.echo(
        f"Works once, for {ttl} s, at {', '.join(where)} while this node runs. On the new machine: "
        "islandrun-node join -",
        err=True,
    )


@click.command("join")
@click.argument("token", required=False)
@click.option("--token-file", type=click.File("r"), help="Read the token from a file.")
@click.option("--name", help="Name of this island: a-z, 0-9, '-'; default this machine's name.")
@click.option(
    "--outbound", metavar="NAME", help="Admit an island that this node fronts, not the node itself."
)
@_json
@_home
@click.pass_obj
@_ends_well
def join(
    session: Session,
    token: str | None,
    token_file: TextIO | None,
    name: str | None,
    outbound: str | None,
    as_json: bool,
) -> None:
    """Become a member with a join token: TOKEN, or "-" to read it from stdin ("ps" shows arguments)."""
    text = _token_text(token, token_file)
    try:
        if outbound is not None:
            island = asyncio.run(enrolment.admit_outbound(session.home, outbound, text)).id
            mesh_name = load_membership(session.home).genesis.name
        else:
            membership = asyncio.run(enrolment.join(session.home, text, name))
            mesh_name, island = membership.genesis.name, membership.key.id
    except EnrolmentRefused as error:
        _fail(error, EXIT_NOT_AUTHENTICATED)
    _show_member(session, mesh_name, island, "join", as_json)


@click.command("revoke")
@click.argument("island")
@click.option("--reason", default="", help="For the record; every member can read it.")
@_json
@_home
@click.pass_obj
@_ends_well
def revoke(session: Session, island: str, reason: str, as_json: bool) -> None:
    """Take an island's admission away, for good: its name, its id, or the first 8 letters of its id."""
    gone = enrolment.revoke(session.home, island, reason)
    if as_json or session.json:
        click.echo(json.dumps({"schema": "islandrun.revoke/v1", "island": gone, "reason": reason}))
    else:
        click.echo(display_id(gone))
    click.echo("Revoked. A running node tells the mesh at once; a stopped one when it runs again.", err=True)


def _show_member(session: Session, mesh_name: str, island: IslandId, verb: str, as_json: bool) -> None:
    if as_json or session.json:
        facts = {"mesh": mesh_name, "island": island, "home": str(session.home.path)}
        click.echo(json.dumps({"schema": f"islandrun.{verb}/v1", **facts}))
    else:
        click.echo(f"{mesh_name}\t{display_id(island)}")


def _token_text(token: str | None, file: TextIO | None) -> str:
    if (token is None) == (file is None):
        raise click.UsageError("give the token as TOKEN, as - for stdin, or with --token-file")
    if file is not None:
        return file.read(TOKEN_CHARACTERS_MAX)
    return sys.stdin.read(TOKEN_CHARACTERS_MAX) if token == "-" else str(token)  # noqa: S105 - a dash


def _own_addresses(home: Home) -> tuple[str, ...]:
    """Return where this node's mesh listener can be reached, as the running node or the settings say."""
    listen = config.load(home.config).listen
    port = int(listen.mesh.rpartition(":")[2])
    try:
        running = json.loads(home.running.read_text())["mesh"]
        port = int(str(running).rpartition(":")[2])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    if not port:
        raise EnrolmentRefused(
            "the mesh listener has no fixed port and the node does not run; give --address"
        )
    return addresses(listen, port)
