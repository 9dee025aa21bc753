"""The files of a folder that can be quoted, and their text as sentences.

Plain text, Markdown, CSV and HTML are read; all else is skipped and counted. Links are never
followed, so a folder can give away nothing that lies outside it.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from islandrun.errors import ConfigError
from islandrun_node.backends.sentences import SENTENCE_CHARS_MAX, sentences

SUFFIXES = (".csv", ".htm", ".html", ".md", ".txt")
FILE_BYTES_MAX = 5 * 1024 * 1024
FILES_MAX = 10_000
FOLDERS_DEEP_MAX = 32

_HTML_SILENT = frozenset({"script", "style", "template", "noscript", "head"})
_HTML_INLINE = frozenset(
    {"a", "abbr", "b", "code", "em", "i", "mark", "small", "span", "strong", "sub", "sup"}
)


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that can be read: its name inside the folder, with "/", and its bytes."""

    name: str = field(repr=False)
    content: bytes = field(repr=False)


@dataclass(slots=True)
class Skipped:
    """How many files were left out, by reason."""

    foreign: int = 0
    too_large: int = 0
    not_text: int = 0
    unreadable: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.foreign + self.too_large + self.not_text + self.unreadable


def found_files(folder: Path, skipped: Skipped) -> Iterator[FoundFile]:
    """Yield the readable files below a folder in the order of their names.

    Hidden files and folders and links are left out without a count. Raises `ConfigError` when the
    folder holds too many files.
    """
    for path in _walk(folder):
        if path.suffix.lower() not in SUFFIXES:
            skipped.foreign += 1
            continue
        content = _read(path, skipped)
        if content is not None:
            yield FoundFile(path.relative_to(folder).as_posix(), content)


def document_sentences(name: str, content: bytes) -> Iterator[str]:
    """Yield the sentences of a file; its name says which format it has."""
    text = content.decode("utf-8-sig", errors="replace").replace("\0", " ")
    suffix = Path(name).suffix.lower()
    if suffix == ".csv":
        return _rows(text)
    if suffix in (".htm", ".html"):
        reader = _HtmlText()
        reader.feed(text)
        reader.close()
        return sentences(reader.text())
    return sentences(text)


def _walk(folder: Path) -> Iterator[Path]:
    count = 0
    for parent, folders, names in os.walk(folder, followlinks=False):
        depth = len(Path(parent).relative_to(folder).parts)
        folders[:] = sorted(f for f in folders if not f.startswith(".")) if depth < FOLDERS_DEEP_MAX else []
        for name in sorted(names):
            path = Path(parent) / name
            if name.startswith(".") or path.is_symlink() or not path.is_file():
                continue
            count += 1
            if count > FILES_MAX:
                raise ConfigError(f"{folder} holds more than {FILES_MAX} files; name smaller folders")
            yield path


def _read(path: Path, skipped: Skipped) -> bytes | None:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError:
        skipped.unreadable += 1
        return None
    if len(content) > FILE_BYTES_MAX:
        skipped.too_large += 1
    elif _is_binary(content):
        skipped.not_text += 1
    else:
        return content
    return None


def _is_binary(content: bytes) -> bool:
    """Say whether bytes are no text: a zero byte, or many that are not UTF-8."""
    if b"\0" in content:
        return True
    wrong = content.decode("utf-8", errors="replace").count("\ufffd") - content.count(b"\xef\xbf\xbd")
    return wrong * 10 > len(content)


def _rows(text: str) -> Iterator[str]:
    """Yield each row of a table as "column: value; column: value"."""
    try:
        rows = csv.reader(io.StringIO(text))
        header = next(rows, [])
        for row in rows:
            cells = (f"{name.strip()}: {value.strip()}" for name, value in zip(header, row, strict=False))
            line = "; ".join(cells)[:SENTENCE_CHARS_MAX]
            if any(value.strip() for value in row):
                yield line
    except csv.Error:
        return


class _HtmlText(HTMLParser):
    """Collects what a reader of the page sees; blocks become paragraphs."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HTML_SILENT:
            self._silent += 1
        elif tag == "body":
            self._silent = 0
        if len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            self._parts.append("\n\n# ")
        elif tag not in _HTML_INLINE:
            self._parts.append("\n\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HTML_SILENT:
            self._silent = max(0, self._silent - 1)
        if tag not in _HTML_INLINE:
            self._parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._parts.append(re.sub(r"\s+", " ", data))

    def text(self) -> str:
        """Return the text so far, blocks apart."""
        return "".join(self._parts)
