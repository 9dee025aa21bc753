"""The formats that are read, and how each becomes lines.

Text, Markdown, tables and source code are read in the node's own process, in linear time. HTML and PDF have
parsers that a hostile file can keep busy, so `child` reads them, which can be killed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import PurePosixPath
from typing import Final

from islandrun_node.backends.sentences import SENTENCE_CHARS_MAX
from islandrun_node.documents.lines import SECTION_CHARS_MAX, CannotRead, LeftOut, Line, lines_of_text

TEXT: Final = frozenset({".txt", ".md", ".markdown", ".rst", ".text", ".log"})
TABLES: Final = frozenset({".csv", ".tsv"})
_CODE_WORDS: Final = (
    ".py .pyi .js .mjs .jsx .ts .tsx .go .rs .java .kt .swift .scala .c .h .cc .cpp .hpp .cs .rb .php .sh "
    ".sql .lua .pl .r .proto .toml .yaml .yml .ini"
)
CODE: Final = frozenset(_CODE_WORDS.split(" "))
IN_CHILD: Final = frozenset({".htm", ".html", ".pdf"})
SUFFIXES: Final = TEXT | TABLES | CODE | IN_CHILD

TEXT_BYTES_MAX: Final = 5 * 1024 * 1024
PDF_BYTES_MAX: Final = 64 * 1024 * 1024
CODE_CHARS_MAX: Final = 800
"""About as much code as the sentence model reads at once."""

_HTML_SILENT: Final = frozenset({"script", "style", "template", "noscript", "head"})
_HTML_INLINE: Final = frozenset(
    {"a", "abbr", "b", "code", "em", "i", "mark", "small", "span", "strong", "sub", "sup"}
)
_DEFINITION: Final = re.compile(
    r"\s{0,8}(?:(?:export|public|private|protected|static|async|final|abstract|pub|default|override)\s+){0,4}"
    r"(?:(?:def|class|func|fn|function|interface|struct|enum|trait|impl|message|service|type|module|namespace"
    r"|create\s+(?:table|view|function))\b|\[)",
    re.IGNORECASE,
)


def suffix_of(name: str) -> str:
    """Return the suffix that says which format a file has."""
    return PurePosixPath(name).suffix.lower()


def bytes_max(name: str) -> int:
    """Return how large a file of this name may be."""
    return PDF_BYTES_MAX if suffix_of(name) == ".pdf" else TEXT_BYTES_MAX


def lines_of(name: str, content: bytes) -> Iterator[Line]:
    """Yield the lines of a file that is read in this process. Raises `CannotRead`."""
    suffix = suffix_of(name)
    text = decoded(content)
    if suffix in TABLES:
        return _rows(text)
    return _code(text) if suffix in CODE else lines_of_text(text)


def lines_of_html(content: bytes) -> Iterator[Line]:
    """Yield what a reader of a page sees. May take long on a hostile file. Raises `CannotRead`."""
    reader = _HtmlText()
    reader.feed(decoded(content))
    reader.close()
    return lines_of_text(reader.text())


def decoded(content: bytes) -> str:
    """Return bytes as text. Raises `CannotRead` for a zero byte, or many that are not UTF-8."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    text = content.decode("utf-8-sig", errors="replace")
    wrong = text.count("\ufffd") - content.count(b"\xef\xbf\xbd")
    if b"\0" in content or wrong * 10 > len(content):
        raise CannotRead(LeftOut.NOT_TEXT)
    return text


def _rows(text: str) -> Iterator[Line]:
    """Yield each row of a table as "column: value; column: value"."""
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = csv.reader(io.StringIO(text), delimiter=delimiter)
        header = next(rows, [])
        for row in rows:
            cells = (f"{name.strip()}: {value.strip()}" for name, value in zip(header, row, strict=False))
            if any(value.strip() for value in row):
                yield Line("", "; ".join(cells)[:SENTENCE_CHARS_MAX])
    except csv.Error:
        raise CannotRead(LeftOut.DAMAGED) from None


def _code(text: str) -> Iterator[Line]:
    """Yield pieces of code, each under the line that defines what it belongs to."""
    section, piece, size = "", list[str](), 0
    for line in text.splitlines():
        line = line[:CODE_CHARS_MAX].rstrip()
        is_definition = _DEFINITION.match(line) is not None
        ends = is_definition or (not line and size > CODE_CHARS_MAX // 2)
        if piece and (ends or size + len(line) > CODE_CHARS_MAX):
            yield from _piece(section, piece)
            piece, size = [], 0
        if is_definition:
            section = line.strip()[:SECTION_CHARS_MAX]
        piece.append(line)
        size += len(line) + 1
    yield from _piece(section, piece)


def _piece(section: str, lines: list[str]) -> Iterator[Line]:
    text = "\n".join(lines).strip("\n")
    if any(sign.isalnum() for sign in text):
        yield Line(section, text)


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
            self._parts.append(f"\n\n{'#' * int(tag[1])} ")
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
