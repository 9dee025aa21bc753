"""`islandrun-node sanitize`: see what would be masked, without a node and without a network."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import BinaryIO

import click
import msgspec

from islandrun.errors import PrivacyFault
from islandrun.privacy.sanitize import Masked, mask
from islandrun.privacy.sensitivity import WITHHELD, Assessment, assess
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import PPM_MAX, Message, Ppm, Prompt, sensitivity_class

TIER_TRUST = {"personal": Ppm(1_000_000), "edge": Ppm(800_000), "cloud": Ppm(200_000)}
"""What the default policy trusts the islands of a tier with."""


def _trust(context: click.Context, parameter: click.Parameter, value: str) -> Ppm:
    """Return a trust in ppm from a number or the name of a tier."""
    text = value.lower()
    if text in TIER_TRUST:
        return TIER_TRUST[text]
    if text.isascii() and text.isdigit() and int(text) <= PPM_MAX:
        return Ppm(int(text))
    raise click.BadParameter(f"{value!r} is not personal, edge, cloud or a number from 0 to 1000000")


@click.command(short_help="Show what would be masked in a text.")
@click.argument("file", type=click.File("rb"), default="-")
@click.option(
    "--jsonl", is_flag=True, help='Read JSON lines {"id", "text"} and write one JSON line for each.'
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON line instead of the masked text.")
@click.option(
    "--trust",
    callback=_trust,
    metavar="PPM|TIER",
    default="cloud",
    show_default=True,
    help="The reader to mask for: a tier, or its trust in ppm.",
)
def sanitize(file: BinaryIO, jsonl: bool, as_json: bool, trust: Ppm) -> None:
    """Mask the text in FILE (or on standard input) as it would be masked for a reader of this trust.

    Works without a running node; nothing is sent anywhere. Exit code 1: a line could not be read or
    masked; the other lines were written.
    """
    sys.stdout.reconfigure(encoding="utf-8", errors="strict")  # type: ignore[union-attr]
    failed = sum(_show(line, trust) for line in _lines(file)) if jsonl else _show_whole(file, trust, as_json)
    if failed:
        click.get_current_context().exit(1)


def _show_whole(file: BinaryIO, trust: Ppm, as_json: bool) -> int:
    data = file.read()
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return _complain(data.count(b"\n", 0, error.start) + 1, "is not UTF-8")
    try:
        assessment, masked = examine(text, trust)
    except PrivacyFault as error:
        return _complain(1, f"cannot be masked: {error}")
    if as_json:
        _print(report("", text, assessment, masked))
        return 0
    click.echo(masked.text, nl=False)
    click.echo(_summary(assessment, masked), err=True)
    return 0


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(file, 1):
        if line.strip():
            yield number, line


def _show(line: tuple[int, bytes], trust: Ppm) -> int:
    """Write the answer to one JSON line; return how many failed."""
    number, data = line
    try:
        data.decode()
    except UnicodeDecodeError:
        return _complain(number, "is not UTF-8")
    try:
        entry: object = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return _complain(number, "is not JSON")
    if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
        return _complain(number, 'needs to be an object with a "text" that is a string')
    try:
        assessment, masked = examine(entry["text"], trust)
    except PrivacyFault as error:
        return _complain(number, f"cannot be masked: {error}")
    _print(report(entry.get("id", ""), entry["text"], assessment, masked))
    return 0


def examine(text: str, trust: Ppm) -> tuple[Assessment, Masked]:
    """Judge and mask one text. Raises `PrivacyFault` when it cannot be judged or masked."""
    assessment = assess(Prompt((Message("user", text),)))
    if assessment is WITHHELD:
        raise PrivacyFault("the privacy check failed, so the text may go to no other island")
    (masked,) = mask((text,), assessment.findings[:1], trust, Vault())
    return assessment, masked


def report(identity: object, text: str, assessment: Assessment, masked: Masked) -> dict[str, object]:
    """Return what is printed for one text; offsets count code points of `text`."""
    return {
        "id": identity,
        "text": text,
        "sanitized": masked.text,
        "findings": [
            {
                "start": one.start,
                "end": one.end,
                "type": one.type.value,
                "placeholder": placeholder,
                "confidence": one.confidence_ppm / PPM_MAX,
            }
            for one, placeholder in masked.spans
        ],
        "sensitivity": assessment.sensitivity_ppm / PPM_MAX,
        "class": sensitivity_class(assessment.sensitivity_ppm).name.lower(),
        "topics": [topic.name for topic in assessment.topics],
    }


def _summary(assessment: Assessment, masked: Masked) -> str:
    name = sensitivity_class(assessment.sensitivity_ppm).name.lower()
    share = assessment.sensitivity_ppm / PPM_MAX
    return f"{len(masked.spans)} masked; sensitivity {share:.2f} ({name}); {'; '.join(assessment.reasons)}"


def _print(entry: dict[str, object]) -> None:
    click.echo(msgspec.json.encode(entry).decode())


def _complain(number: int, what: str) -> int:
    click.echo(f"line {number} {what}", err=True)
    return 1
