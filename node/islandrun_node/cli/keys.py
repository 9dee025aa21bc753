"""`islandrun-node keys`: named keys for programs that the owner wants to tell apart, bound or shut out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from islandrun_node import world_clock
from islandrun_node.cli.output import CommandFailed, show, table
from islandrun_node.cli.session import Session
from islandrun_node.home import Home
from islandrun_node.stores.client_keys import ClientKey, ClientKeyStore
from islandrun_node.stores.database import Database


@click.group("keys")
def keys() -> None:
    """Make, list and revoke keys for programs of this machine."""


@keys.command("add")
@click.argument("name")
@click.pass_obj
def keys_add(session: Session, name: str) -> None:
    """Make the key NAME and print it once; only its hash is kept.

    A running node takes it at once. Bounds for it stand in [[policy.key]] of the settings.
    """
    with _store(session.home) as store:
        key = store.add(name, world_clock.now().wall_ms)
    show(session, "key/v1", {"name": name, "key": key}, key)


@keys.command("list")
@click.pass_obj
def keys_list(session: Session) -> None:
    """List the keys, revoked ones too."""
    with _store(session.home) as store:
        found = store.listed()
    rows = [(key.name, _day(key.created_at_ms), _state(key)) for key in found]
    content = [
        {
            "name": key.name,
            "created_at_ms": key.created_at_ms,
            "revoked_at_ms": key.revoked_at_ms or None,
        }
        for key in found
    ]
    show(session, "keys/v1", {"keys": content}, table(("name", "made", "state"), rows))


@keys.command("revoke")
@click.argument("name")
@click.option("--forget", is_flag=True, help="Remove it from the list, so that its name may be used again.")
@click.pass_obj
def keys_revoke(session: Session, name: str, forget: bool) -> None:
    """Let the key NAME count no more, from the next request on."""
    with _store(session.home) as store:
        store.revoke(name, world_clock.now().wall_ms, forget=forget)
    show(session, "key-revoked/v1", {"name": name, "forgotten": forget}, f"{name} counts no more")


@contextmanager
def _store(home: Home) -> Iterator[ClientKeyStore]:
    if not home.is_member:
        raise CommandFailed(f"{home.path} belongs to no mesh", "run `islandrun-node init` or `join` first")
    database = Database.open(home.database)
    try:
        yield ClientKeyStore(database)
    finally:
        database.close()


def _state(key: ClientKey) -> str:
    return f"revoked {_day(key.revoked_at_ms)}" if key.revoked_at_ms else "counts"


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")
