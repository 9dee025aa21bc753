"""A text for people: what is hidden in it, by what, and why.

On a terminal the hidden parts are struck out in colour with their placeholders beside them; elsewhere, and
in a file, stand the masked text and a list of pairs such as "Anna Kern -> [PERSON_1]".
"""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.text import Text

from islandrun_node.cli.addressee import Addressee
from islandrun_node.cli.examine import Examined

_HIDDEN = "strike red"
_PLACEHOLDER = "bold green"


def show_marked(found: Examined, reader: Addressee, file: TextIO) -> None:
    """Write a text with its hidden parts marked, and what is known of it."""
    console = Console(file=file, highlight=False, soft_wrap=True)
    text = _coloured(found) if console.is_terminal else _paired(found)
    if not text.plain.endswith("\n"):
        text.append("\n")
    console.print(text, end="")
    console.print()
    for line in found.notes(reader.name):
        console.print(Text(line))


def _coloured(found: Examined) -> Text:
    text = Text()
    spans = found.masked.spans
    for gap, (one, placeholder) in zip(found.masked.visible, spans, strict=False):
        text.append(_printable(gap))
        text.append(_printable(found.text[one.start : one.end]), _HIDDEN)
        text.append(placeholder, _PLACEHOLDER)
    text.append(_printable(found.masked.visible[-1]))
    return text


def _paired(found: Examined) -> Text:
    pairs = dict.fromkeys(
        (_printable(found.text[one.start : one.end]).replace("\n", " "), placeholder)
        for one, placeholder in found.masked.spans
    )
    masked = _printable(found.masked.text)
    listed = "".join(f"{value} -> {placeholder}\n" for value, placeholder in pairs)
    gap = "" if masked.endswith("\n") or not listed else "\n"
    return Text(f"{masked}{gap}\n{listed}" if listed else masked)


def _printable(text: str) -> str:
    """Return a text that cannot steer a terminal."""
    return "".join(
        sign if sign.isprintable() or sign in "\n\t" else "\N{REPLACEMENT CHARACTER}" for sign in text
    )
