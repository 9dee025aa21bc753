"""`islandrun-node backup` and `restore`: a home copied to a folder, and back."""

from __future__ import annotations

from pathlib import Path

import click

from islandrun_node import backup as copying
from islandrun_node import world_clock
from islandrun_node.cli.output import show
from islandrun_node.cli.session import Session
from islandrun_node.home import held_alone


@click.command("backup")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--with-keys", is_flag=True, help="Copy the secret keys too: whoever has them is this island.")
@click.pass_obj
def backup(session: Session, target: Path, with_keys: bool) -> None:
    """Copy this home to the new folder TARGET, whether its node runs or not."""
    manifest = copying.make_backup(session.home, target, with_keys, world_clock.now().wall_ms)
    content = {
        "target": str(target),
        "mesh": manifest.mesh,
        "island": manifest.island,
        "with_keys": manifest.has_keys,
        "files": sorted(manifest.files),
    }
    show(session, "backup/v1", content, str(target))
    if not with_keys:
        click.echo("The secret keys are not in it; --with-keys copies them too.", err=True)


@click.command("restore")
@click.argument("source", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.pass_obj
def restore(session: Session, source: Path) -> None:
    """Make this home what the backup in the folder SOURCE says. Its node must be stopped."""
    with held_alone(session.home):
        done = copying.restore(session.home, source, world_clock.now().wall_ms)
    content = {
        "home": str(session.home.path),
        "island": done.manifest.island,
        "made_at_ms": done.manifest.made_at_ms,
        "replaced": str(done.replaced) if done.replaced else None,
    }
    show(session, "restore/v1", content, str(session.home.path))
    click.echo("Join tokens that were open are closed; invite anew where one is needed.", err=True)
    if done.replaced:
        click.echo(f"What lay there before is in {done.replaced}.", err=True)
