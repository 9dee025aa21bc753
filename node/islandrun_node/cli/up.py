"""`islandrun-node up`: run the node of this home until it is told to stop."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from collections.abc import Coroutine

import click

from islandrun_node import config, core_dumps
from islandrun_node.cli.session import Session
from islandrun_node.config_tables import Config
from islandrun_node.home import held_alone
from islandrun_node.listeners import Listening
from islandrun_node.node import running_node

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@click.command("up")
@click.option("--listen-mesh", metavar="HOST:PORT", help="Where other islands reach this one.")
@click.option("--listen-http", metavar="HOST:PORT", help="OpenAI-compatible HTTP, loopback.")
@click.option("--listen-grpc", metavar="HOST:PORT", help="gRPC for programs, loopback.")
@click.option(
    "--no-discovery", is_flag=True, help="Neither look for islands on the local network nor show up."
)
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]))
@click.pass_obj
def up(
    session: Session,
    listen_mesh: str | None,
    listen_http: str | None,
    listen_grpc: str | None,
    no_discovery: bool,
    log_level: str | None,
) -> None:
    """Run the node of this home until Ctrl-C or SIGTERM; SIGHUP reads its policy anew.

    Prints where it listens once it is ready; with --json one line of JSON.
    """
    flags = {
        ("listen", "mesh"): listen_mesh,
        ("listen", "http"): listen_http,
        ("listen", "grpc"): listen_grpc,
        ("discovery", "enabled"): False if no_discovery else None,
        ("log_level",): log_level,
    }
    given = {keys: value for keys, value in flags.items() if value is not None}
    settings = config.load(session.home.config, given)
    logging.basicConfig(level=settings.log_level.upper(), format=_FORMAT, stream=sys.stderr)
    for noisy in ("httpx2", "httpcore2"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if not core_dumps.forbid():
        logging.getLogger(__name__).warning("this system may write memory to a core file after a crash")
    with held_alone(session.home):
        _run(_serve(session, settings))


async def _serve(session: Session, settings: Config) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running_node(session.home, settings) as listening:
        if hasattr(signal, "SIGHUP"):
            loop.add_signal_handler(signal.SIGHUP, listening.reread)
        _tell(session, settings, listening)
        await stop.wait()
        click.echo("stopping ...", err=True)


def _tell(session: Session, settings: Config, listening: Listening) -> None:
    if session.json:
        line = {"schema": "islandrun.up/v1", "name": settings.name, **listening.public()}
        click.echo(json.dumps(line))
    else:
        click.echo(
            f"{settings.name} is up.\n"
            f"  OpenAI-compatible: {listening.http}/v1 with the key in {session.home.token}\n"
            f"  gRPC for programs: {listening.grpc} with the same key\n"
            f"  other islands:     {listening.mesh}"
        )
    sys.stdout.flush()


def _run(main: Coroutine[object, object, None]) -> None:
    """Run on uvloop where it exists."""
    if sys.platform == "win32":
        asyncio.run(main)
    else:
        import uvloop

        uvloop.run(main)
