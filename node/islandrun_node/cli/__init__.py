"""The command line, `islandrun-node`: one verb a module, loaded when it is called.

`islandrun-node version` must answer at once, so this module imports nothing but click; the help texts of
the verbs stand here for the same reason.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NoReturn

import click

_VERBS: Final[dict[str, tuple[str, str]]] = {
    "init": ("enrol:init", "Make this machine an island, or found a mesh."),
    "up": ("up:up", "Run the node."),
    "invite": ("enrol:invite", "Make a token with which another machine may join."),
    "join": ("enrol:join", "Join a mesh with a token."),
    "outbound": ("outbound:outbound", "Front a cloud API as an island of its own."),
    "data": ("data:data", "Put documents on this island, list them, take them away."),
    "invites": ("invites:invites", "List invitations; approve or refuse who waits."),
    "leave": ("leave:leave", "Leave the mesh and destroy the keys of this home."),
    "root": ("root:root", "Lock, unlock, export or import the owner's key."),
    "revoke": ("enrol:revoke", "Take an island's admission away for good."),
    "certify": ("certify:certify_group", "Certify islands, or hold their trust down, as an issuer."),
    "authority": ("authority:authority", "Let other machines admit islands, and end that."),
    "successor": ("successor:successor", "Give an island a new key and keep what it was granted."),
    "groups": ("authority:groups", "Show or set how far groups trust each other."),
    "keys": ("keys:keys", "Make, list and revoke keys for programs of this machine."),
    "status": ("reading:status", "Show this node and its mesh."),
    "islands": ("reading:islands", "List the islands and how far each is trusted."),
    "models": ("reading:models", "List the models that a request may name."),
    "ask": ("asking:ask", "Ask a question; the answer streams to stdout."),
    "plan": ("asking:plan", "Show who would run a text and what they would see; send nothing."),
    "explain": ("reading:explain", "Explain the decision of a past request."),
    "budget": ("budget:budget", "Show what was spent, is set aside and is left, and what was saved."),
    "prices": ("prices:prices", "List the prices of models, or import a price table."),
    "audit": ("audit:audit", "Check, export and prove the receipts of this node."),
    "sanitize": ("sanitize:sanitize", "Mask a text without a running node."),
    "backup": ("backup:backup", "Copy this home to a folder."),
    "restore": ("backup:restore", "Bring a home back from a backup."),
    "doctor": ("diagnose:doctor", "Check this machine and say what to mend."),
    "config": ("diagnose:config", "Show or check the settings."),
    "demo": ("demo:demo", "Run three islands on this machine."),
    "simulate": ("simulate:simulate", "Run a whole mesh from one seed."),
    "completion": ("diagnose:completion", "Print the completion script of a shell."),
    "version": ("diagnose:version", "Show the version."),
}
"""Verb -> module and attribute inside this package, one line of help; in the order of the help page."""


class LazyGroup(click.Group):
    """A group that knows its verbs by name and imports one when it is called.

    It also ends a command as the exit codes of `output.Exit` say, and shows our errors without a traceback.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of the help page."""
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb; every verb understands `--json` and `--home` behind it, too."""
        if cmd_name not in _VERBS:
            return None
        module_name, _, attribute = _VERBS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(f"{__name__}.{module_name}"), attribute)
        assert isinstance(command, click.Command)
        _accept_shared(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; a misspelt one gets the nearest as a hint."""
        import difflib

        is_misspelt = bool(args) and args[0] not in _VERBS and not args[0].startswith("-")
        if is_misspelt and not ctx.resilient_parsing:
            near = difflib.get_close_matches(args[0], _VERBS, n=1)
            hint = f"did you mean `{near[0]}`?" if near else "see `islandrun-node --help`"
            raise click.UsageError(f"no such verb: {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, text) for verb, (_, text) in _VERBS.items()])

    def main(  # type: ignore[override]  # always ends the process, or returns its code
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: object,
    ) -> int:
        """Run a command line. With `standalone_mode` false return the exit code instead of ending."""
        code = _run(lambda: super(LazyGroup, self).main(args, prog_name, complete_var, False, **extra))
        if standalone_mode:
            sys.exit(code)
        return code


def _run(command: Callable[[], object]) -> int:
    """Run a command and turn how it ends into an exit code."""
    from islandrun.errors import IslandRunError
    from islandrun_node.cli import output

    try:
        result = command()
        return result if isinstance(result, int) else output.Exit.OK
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return output.Exit.USAGE
    except click.UsageError as error:
        text, _, hint = error.format_message().partition("; ")
        verb = error.ctx.command_path if error.ctx else "islandrun-node"
        output.show_problem(text, hint or f"see `{verb} --help`")
        return output.Exit.USAGE
    except click.ClickException as error:
        output.show_problem(error.format_message())
        return output.Exit.ERROR
    except IslandRunError as error:
        output.show_error(error)
        return output.exit_code(error)
    except (click.Abort, KeyboardInterrupt):
        return output.Exit.STOPPED
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output is gone; nothing more to say to anybody
        return output.Exit.OK


def _accept_shared(command: click.Command) -> None:
    """Give a command, and those inside it, the options `--json` and `--home` unless it has them."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _accept_shared(inner)
        if not command.invoke_without_command:
            return
    known = {name for parameter in command.params for name in parameter.opts}
    if "--json" not in known:
        command.params.append(_json_option())
    if "--home" not in known:
        command.params.append(_home_option())


def _json_option() -> click.Option:
    return click.Option(
        ["--json", "is_json"],
        is_flag=True,
        expose_value=False,
        callback=_set_json,
        help="Print JSON with a versioned schema.",
    )


def _home_option() -> click.Option:
    return click.Option(
        ["--home", "other_home"],
        type=click.Path(file_okay=False, path_type=Path),
        expose_value=False,
        callback=_set_home,
        help="The folder of this node.",
    )


def _set_json(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    from islandrun_node.cli.session import Session

    session = ctx.find_object(Session)
    if value and session is not None:
        session.json = True


def _set_home(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    from islandrun_node.cli.session import Session
    from islandrun_node.home import Home

    session = ctx.find_object(Session)
    if value is not None and session is not None:
        session.home = Home(value)


def _show_version(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"islandrun-node {version('islandrun')}")
        ctx.exit()


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of this node [default: $ISLANDRUN_HOME, else the user's data folder].",
)
@click.option("--json", "is_json", is_flag=True, help="Print JSON with a versioned schema.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version.",
)
@click.pass_context
def cli(ctx: click.Context, home: Path | None, is_json: bool) -> None:
    """One private mesh of your machines for LLM requests."""
    from islandrun_node.cli.session import Session
    from islandrun_node.home import Home, default_home

    ctx.obj = Session(Home(home or default_home()), is_json)


def main() -> NoReturn:
    """Run the command line of this process, which may come to hold keys: a crash must not write them down."""
    from islandrun_node import core_dumps

    core_dumps.forbid()
    sys.exit(cli.main(prog_name="islandrun-node", standalone_mode=False))
