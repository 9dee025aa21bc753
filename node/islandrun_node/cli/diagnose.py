"""Verbs about the installation itself: doctor, config, completion, version. They need no running node."""

from __future__ import annotations

import json
import platform
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from islandrun_node.cli.output import CommandFailed, Exit, show, table
from islandrun_node.cli.session import Session

if TYPE_CHECKING:
    from islandrun_node.config_tables import Config

SHELLS: Final = ("bash", "zsh", "fish")


@click.command()
@click.pass_obj
def version(session: Session) -> None:
    """Show the version."""
    from importlib.metadata import version as installed

    content = {
        "version": installed("islandrun"),
        "python": platform.python_version(),
        "platform": sys.platform,
    }
    show(session, "version/v1", content, f"islandrun-node {content['version']}")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the completion script of SHELL; load it with `eval "$(islandrun-node completion bash)"`."""
    from click.shell_completion import get_completion_class

    from islandrun_node.cli import cli

    made = get_completion_class(shell)
    if made is None:
        raise CommandFailed(f"no completion is known for {shell}")
    click.echo(made(cli, {}, "islandrun-node", "_ISLANDRUN_NODE_COMPLETE").source())


@click.command()
@click.pass_obj
def doctor(session: Session) -> int:
    """Check this machine and say what to mend.

    Ends with 1 when something is broken, with 6 when something is missing, with 0 when all is well.
    """
    from islandrun_node.cli.checks import all_checks
    from islandrun_node.cli.findings import State

    found = all_checks(session)
    rows = [(check.state.value, check.name, check.detail) for check in found]
    lines = [table(("", "check", "finding"), rows)]
    lines.extend(f"{check.state.value}: {check.name}: {check.remedy}" for check in found if check.remedy)
    content = {
        "checks": [
            {
                "name": check.name,
                "state": check.state.value,
                "detail": check.detail,
                "remedy": check.remedy or None,
            }
            for check in found
        ]
    }
    show(session, "doctor/v1", content, "\n".join(lines))
    states = {check.state for check in found}
    if State.FAIL in states:
        return Exit.ERROR
    return Exit.DEGRADED if State.WARN in states else Exit.OK


@click.group()
def config() -> None:
    """Show or check the settings."""


@config.command("show")
@click.pass_obj
def config_show(session: Session) -> None:
    """Print the settings as they count: flags, environment, file and defaults together."""
    from islandrun_node.config import load

    settings = settings_of(load(session.home.config))
    show(
        session,
        "config/v1",
        {"path": str(session.home.config), "settings": settings},
        f"# {session.home.config}\n{toml(settings)}",
    )


@config.command("check")
@click.argument("path", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def config_check(session: Session, path: Path | None) -> int:
    """Check a settings file: PATH, or that of the home folder.

    Prints which classes of requests could reach which tier; ends with 1 where rules contradict themselves.
    """
    from islandrun_node.cli.policy_table import check_text, problem_json, problems_of, row_json, rows_of
    from islandrun_node.config import load_unchecked

    path = path or session.home.config
    if not path.exists():
        raise CommandFailed(f"{path} does not exist", "all defaults count; name another file or write it")
    settings = load_unchecked(path)
    found, rows = problems_of(settings, str(path), session.home), rows_of(settings, str(path))
    is_ok = not any(problem.is_fatal for problem in found)
    content = {
        "path": str(path),
        "ok": is_ok,
        "problems": [problem_json(problem) for problem in found],
        "reach": [row_json(row) for row in rows],
    }
    show(session, "config-check/v1", content, check_text(path, found, rows))
    return Exit.OK if is_ok else Exit.ERROR


def settings_of(config: Config) -> dict[str, object]:
    """Return settings as plain values; a password inside a URL is not shown."""
    import msgspec

    settings = msgspec.to_builtins(config, builtin_types=())
    masked: object = json.loads(re.sub(r"(https?://)[^/@\"\s]+@", r"\1***@", json.dumps(settings)))
    assert isinstance(masked, dict)
    return masked


def toml(settings: dict[str, object], prefix: str = "") -> str:
    """Write plain values as TOML; None is left out, since TOML has no word for it."""
    lines, tables = [], []
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            tables.append(f"\n[{name}]\n{toml(value, f'{name}.')}")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            tables.extend(f"\n[[{name}]]\n{toml(item, f'{name}.')}" for item in value)
        elif value is not None:
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
    return "\n".join([*lines, *tables])
