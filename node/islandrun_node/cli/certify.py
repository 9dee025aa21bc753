"""`islandrun-node certify`: the side of an outside issuer, such as an auditor; works on files."""

from __future__ import annotations

from pathlib import Path

import click

from islandrun.trust.naming import display_id
from islandrun.vocabulary import IslandId
from islandrun_node.certifying import DAYS_MAX, IssuerKey, certify, hold_down
from islandrun_node.cli.output import show
from islandrun_node.cli.session import Session
from islandrun_node.config import ppm

_FILE = click.Path(dir_okay=False, path_type=Path)
_key = click.option("--key", "key_file", type=_FILE, required=True, help="File of the issuer's secret key.")
_days = click.option(
    "--days", type=click.IntRange(1, DAYS_MAX), default=90, show_default=True, help="How long it holds."
)


@click.group("certify")
def certify_group() -> None:
    """Certify islands, or hold their trust down, as an outside issuer."""


@certify_group.command("key")
@click.argument("file", type=_FILE)
@click.pass_obj
def key(session: Session, file: Path) -> None:
    """Make an issuer's key in FILE, or read the one there; print the public half for [[trust.issuers]]."""
    public = IssuerKey.load_or_create(file).public.hex()
    show(session, "certify-key/v1", {"file": str(file), "key": public}, public)
    click.echo(f"Keep {file} secret. Nodes that accept it have this key in [[trust.issuers]].", err=True)


@certify_group.command("scheme")
@click.argument("island")
@click.argument("scheme")
@_key
@click.option("--level", type=click.FloatRange(0, 1), default=1.0, show_default=True, help="0 withdraws it.")
@click.option("--evidence", type=_FILE, help="A certificate; its SHA-256 is stated, the file stays here.")
@_days
@click.pass_obj
def scheme(
    session: Session,
    /,
    island: str,
    scheme: str,
    key_file: Path,
    level: float,
    evidence: Path | None,
    days: int,
) -> None:
    """State that ISLAND holds SCHEME, such as iso27001, at a level of trust from 0 to 1."""
    issuer = IssuerKey.load(key_file)
    target = certify(session.home, issuer, island, scheme, ppm(level), days, evidence)
    _told(session, "certify-scheme/v1", target, {"scheme": scheme, "level": level, "days": days})


@certify_group.command("ceiling")
@click.argument("island")
@click.argument("trust", type=click.FloatRange(0, 1))
@_key
@_days
@click.pass_obj
def ceiling(session: Session, /, island: str, trust: float, key_file: Path, days: int) -> None:
    """State the most, from 0 to 1, that ISLAND may be trusted."""
    target = hold_down(session.home, IssuerKey.load(key_file), island, ppm(trust), days)
    _told(session, "certify-ceiling/v1", target, {"ceiling": trust, "days": days})


def _told(session: Session, schema: str, island: IslandId, facts: dict[str, object]) -> None:
    show(session, schema, {"island": island, **facts}, display_id(island))
    click.echo("A running node tells the mesh at once; a stopped one when it runs again.", err=True)
