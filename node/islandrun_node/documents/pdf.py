"""The text of a PDF, page by page. Runs in a child process only: a hostile file can take all it is given."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Final

from islandrun_node.documents.lines import CannotRead, LeftOut, Line, lines_of_text

PAGES_MAX: Final = 2_000
CHARS_MAX: Final = 8_000_000


def lines_of_pdf(content: bytes) -> Iterator[Line]:
    """Yield the sentences of a PDF, each under its page. Raises `CannotRead`."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise CannotRead(LeftOut.LOCKED)
        if len(reader.pages) > PAGES_MAX:
            raise CannotRead(LeftOut.TOO_MANY_PAGES)
        size = 0
        for number, page in enumerate(reader.pages, start=1):
            text = page.extract_text()
            size += len(text)
            if size > CHARS_MAX:
                raise CannotRead(LeftOut.TOO_LONG)
            yield from lines_of_text(text, f"page {number}")
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, OSError) as error:
        raise CannotRead(LeftOut.DAMAGED) from error
    except (MemoryError, RecursionError):
        raise CannotRead(LeftOut.TOO_SLOW) from None
