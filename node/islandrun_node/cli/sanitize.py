"""`islandrun-node sanitize`: see what would be masked, without a node and without a network."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import closing
from typing import BinaryIO, Final

import click
import msgspec

from islandrun.errors import PrivacyFault
from islandrun.privacy.sensitivity import CHARACTERS_MAX
from islandrun.vocabulary import PPM_MAX, Ppm, Tier
from islandrun_node.cli.addressee import Addressee, addressee, tier_trust
from islandrun_node.cli.crew import Crew, answer_together
from islandrun_node.cli.examine import Examined, examine, watch_for
from islandrun_node.cli.json_lines import Answer, Lines, answers
from islandrun_node.cli.output import Exit
from islandrun_node.cli.progress import watched
from islandrun_node.cli.session import Session
from islandrun_node.config import load
from islandrun_node.config_tables import Config

LINES_ALONE_MAX: Final = 200
"""Fewer lines are done before other processes have started."""
JOBS_MAX: Final = 256
TEXT_BYTES_MAX: Final = 4 * CHARACTERS_MAX


def _trust(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Ppm | None:
    """Return a trust in ppm from a number or the name of a tier."""
    if value is None:
        return None
    if value.upper() in Tier.__members__:
        return tier_trust(Tier[value.upper()], Config())
    if value.isascii() and value.isdigit() and int(value) <= PPM_MAX:
        return Ppm(int(value))
    raise click.BadParameter(f"{value!r} is not a number from 0 to 1000000 or a tier")


@click.command(short_help="Show what would be masked in a text.")
@click.argument("file", type=click.File("rb"), default="-")
@click.option(
    "--jsonl", is_flag=True, help='Read JSON lines {"id", "text"} and write one JSON line for each.'
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON line instead of the masked text.")
@click.option("--diff", is_flag=True, help="For people: mark what is hidden, by what, and say why.")
@click.option(
    "--for",
    "reader",
    metavar="TIER|ISLAND",
    help="The reader to mask for: personal, edge, cloud, or an island by name.  [default: cloud]",
)
@click.option("--trust", callback=_trust, metavar="PPM", help="The reader's trust instead, 0 to 1000000.")
@click.option(
    "--jobs",
    type=click.IntRange(1, JOBS_MAX),
    help=f"Processes for more than {LINES_ALONE_MAX} JSON lines.  [default: one a core]",
)
@click.option("-v", "--verbose", is_flag=True, help="Say on stderr what was found, terminal or not.")
@click.pass_context
def sanitize(
    ctx: click.Context,
    file: BinaryIO,
    jsonl: bool,
    as_json: bool,
    diff: bool,
    reader: str | None,
    trust: Ppm | None,
    jobs: int | None,
    verbose: bool,
) -> None:
    """Mask the text in FILE (or on standard input) as it would be masked for a reader.

    Works without a running node; nothing is sent anywhere. Exit code 1: a line could not be read or
    masked; the other lines were written.
    """
    session = ctx.find_object(Session)
    config = load(session.home.config) if session else None
    as_json = as_json or (session is not None and session.json)
    if diff and (jsonl or as_json):
        raise click.UsageError("--diff is for people; leave out --json and --jsonl")
    if reader is not None and trust is not None:
        raise click.UsageError("--for and --trust both name a reader; give one of them")
    if trust is None:
        who = addressee(reader or "cloud", config, session.home if session else None)
    else:
        who = Addressee("this reader", trust)
    if jsonl:
        ctx.exit(_show_lines(Lines(file), who, config, jobs or _cores()))
    found = _examine_whole(file, who, config)
    if isinstance(found, Examined):
        _show_whole(found, who, as_json=as_json, diff=diff, verbose=verbose)
    else:
        _complain(found)
        ctx.exit(Exit.ERROR)


def _cores() -> int:
    """Return how many processors this process may use, where the system tells."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(JOBS_MAX, usable)


# ---------------------------------------------------------------- one text


def _examine_whole(file: BinaryIO, who: Addressee, config: Config | None) -> Examined | Answer:
    """Read and judge one text; or say what is wrong with it."""
    data = file.read(TEXT_BYTES_MAX + 1)
    if len(data) > TEXT_BYTES_MAX:
        return Answer(1, problem=f"begins a text of more than {CHARACTERS_MAX} characters")
    try:
        return examine(data.decode(), who.trust_ppm, watch_for(config))
    except UnicodeDecodeError as error:
        return Answer(data.count(b"\n", 0, error.start) + 1, problem="is not UTF-8")
    except PrivacyFault as error:
        return Answer(1, problem=f"begins a text that cannot be masked: {error}")


def _show_whole(found: Examined, who: Addressee, *, as_json: bool, diff: bool, verbose: bool) -> None:
    if diff:
        from islandrun_node.cli.marked_text import show_marked

        sys.stdout.reconfigure(encoding="utf-8", errors="strict")  # type: ignore[union-attr]
        show_marked(found, who, sys.stdout)
        return
    out = sys.stdout.buffer
    if as_json:
        out.write(msgspec.json.encode({"id": "", **found.as_fields()}) + b"\n")
    else:
        out.write(found.masked.text.encode())
    out.flush()
    if verbose or (sys.stderr.isatty() and not as_json):
        if sys.stdout.isatty() and not found.masked.text.endswith("\n"):
            click.echo(err=True)
        for line in found.notes(who.name):
            click.echo(line, err=True)


# ---------------------------------------------------------------- many lines


def _show_lines(lines: Lines, who: Addressee, config: Config | None, jobs: int) -> Exit:
    """Write an answer for each line, in order."""
    out = sys.stdout.buffer
    failed = 0
    with closing(_answers(lines, who.trust_ppm, config, jobs)) as found:
        for answer in watched(found, lines):
            if answer.problem:
                _complain(answer)
                failed += 1
            else:
                out.write(answer.data)
                out.flush()
    return Exit.ERROR if failed else Exit.OK


def _answers(lines: Lines, trust_ppm: Ppm, config: Config | None, jobs: int) -> Generator[Answer]:
    """Answer lines as they come: alone while they are few, then with several processes."""
    watch = None
    count = 0
    while (some := lines.read()) is not None:
        count += len(some)
        if jobs > 1 and count > LINES_ALONE_MAX:
            with Crew(jobs, trust_ppm, config) as crew:
                yield from answer_together(some, lines, crew)
            return
        watch = watch or watch_for(config)
        yield from answers(some, trust_ppm, watch)


def _complain(answer: Answer) -> None:
    # The stream by its name: a bar on a terminal stands in for it while it is shown.
    click.echo(f"line {answer.number} {answer.problem}", file=sys.stderr)
