"""How commands speak: data on stdout as text or JSON, errors on stderr with a hint, and the exit code.

Every JSON output is one object with a `schema` such as "islandrun.status/v1"; a field never changes its
meaning within a version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import click

from islandrun.errors import (
    BadRequest,
    ConfigError,
    EnrolmentRefused,
    IslandRunError,
    RequestRefused,
    RootLocked,
    StateError,
)

if TYPE_CHECKING:
    from islandrun_node.cli.session import Session

_TWO_PARTS: Final = (ConfigError, StateError, EnrolmentRefused, RootLocked)
"""Errors whose text says what is wrong, a semicolon, and the remedy."""


class Exit(IntEnum):
    """How a command ends."""

    OK = 0
    ERROR = 1
    USAGE = 2
    NOT_REACHABLE = 3
    NOT_AUTHENTICATED = 4
    REFUSED = 5
    DEGRADED = 6
    STOPPED = 130


class CommandFailed(IslandRunError):
    """A command cannot go on. `hint` says what to do about it."""

    def __init__(self, message: str, hint: str = "", exit_code: Exit = Exit.ERROR) -> None:
        super().__init__(message)
        self.hint = hint
        self.exit_code = exit_code


def exit_code(error: IslandRunError) -> Exit:
    """Return how a command ends that met this error."""
    match error:
        case CommandFailed():
            return error.exit_code
        case BadRequest():
            return Exit.USAGE
        case RequestRefused():
            return Exit.REFUSED
        case RootLocked():
            return Exit.NOT_AUTHENTICATED
        case _:
            return Exit.ERROR


def show_error(error: IslandRunError) -> None:
    """Print an error of ours, and its remedy where its text has one."""
    text, hint = str(error), ""
    if isinstance(error, CommandFailed):
        hint = error.hint
    elif isinstance(error, _TWO_PARTS):
        text, _, hint = text.partition("; ")
    show_problem(text, hint)


def show_problem(text: str, hint: str = "") -> None:
    """Print `error:` and `hint:` on stderr, one line each: parts of a text may come from other machines."""
    click.echo(f"error: {_printable(text)}", err=True)
    if hint:
        click.echo(f"hint: {_printable(hint)}", err=True)


def show_json(schema: str, content: Mapping[str, object]) -> None:
    """Print one JSON object; `schema` is a word and version such as "status/v1"."""
    whole = {"schema": f"islandrun.{schema}", **content}
    click.echo(json.dumps(whole, ensure_ascii=False, indent=2, sort_keys=False))


def show(session: Session, schema: str, content: Mapping[str, object], text: str) -> None:
    """Print a result as JSON when the user asked for it, else as text."""
    if session.json:
        show_json(schema, content)
    else:
        click.echo(text)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows as columns, without anything that is not printable: names come from other machines."""
    cells = [[_printable(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    lines = []
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text) or "-"
