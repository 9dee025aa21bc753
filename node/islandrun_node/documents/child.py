"""A process that reads documents whose parsers cannot be trusted to end; it knows no key and writes no file.

It takes one document after the other on stdin and answers each on stdout: its lines, or why there are none.
The parent (`reading`) kills it when a document takes too long.
"""

from __future__ import annotations

import json
import struct
import sys
from itertools import islice
from typing import BinaryIO, Final

from islandrun_node.documents.formats import lines_of_html, suffix_of
from islandrun_node.documents.lines import LINES_PER_FILE_MAX, CannotRead, LeftOut, Line
from islandrun_node.documents.pdf import lines_of_pdf

HEAD: Final = struct.Struct(">II")
"""Before a document: the lengths of its name and of its content. Before an answer: its length, and zero."""

MEMORY_BYTES_MAX: Final = 1024 * 1024 * 1024


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer documents until there are no more."""
    while len(head := source.read(HEAD.size)) == HEAD.size:
        name_size, size = HEAD.unpack(head)
        name = source.read(name_size).decode("utf-8", "replace")
        answer = json.dumps(_answer(name, source.read(size))).encode()
        sink.write(HEAD.pack(len(answer), 0) + answer)
        sink.flush()


def _answer(name: str, content: bytes) -> dict[str, object]:
    try:
        read = lines_of_pdf if suffix_of(name) == ".pdf" else lines_of_html
        found: list[Line] = list(islice(read(content), LINES_PER_FILE_MAX + 1))
    except CannotRead as error:
        return {"left_out": error.reason.value}
    except (MemoryError, RecursionError):
        return {"left_out": LeftOut.TOO_SLOW.value}
    except Exception:  # a parser may raise anything on a hostile file
        return {"left_out": LeftOut.DAMAGED.value}
    return {"lines": [[line.section, line.text] for line in found]}


def confine() -> None:
    """Give up what this process never needs, where the system has limits: memory, files, cores."""
    if sys.platform == "win32":
        return
    import resource

    limits = (
        (resource.RLIMIT_AS, MEMORY_BYTES_MAX),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    )
    for limit, value in limits:
        hard = resource.getrlimit(limit)[1]
        resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


if __name__ == "__main__":
    confine()
    serve(sys.stdin.buffer, sys.stdout.buffer)
