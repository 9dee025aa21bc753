"""From a file to its lines: in this process where that is safe, else in a child that can be killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from itertools import islice
from typing import Final

import msgspec

from islandrun_node.documents.child import HEAD
from islandrun_node.documents.formats import IN_CHILD, lines_of, suffix_of
from islandrun_node.documents.lines import LINES_PER_FILE_MAX, CannotRead, LeftOut, Line

SECONDS_MAX: Final = 30.0
"""A document that takes longer to read is left out."""

ENVIRONMENT: Final = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "LANG")
"""What the child is told of our environment, which may hold keys."""

ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024


class Reader:
    """Reads documents one after the other; used from one thread. `close` ends its child."""

    def __init__(self, seconds_max: float = SECONDS_MAX) -> None:
        self._seconds_max = seconds_max
        self._child: subprocess.Popen[bytes] | None = None

    def read(self, name: str, content: bytes) -> list[Line]:
        """Return the lines of a document. Raises `CannotRead`, which says why it is left out."""
        if suffix_of(name) in IN_CHILD:
            found = self._read_in_child(name, content)
        else:
            found = list(islice(lines_of(name, content), LINES_PER_FILE_MAX + 1))
        if len(found) > LINES_PER_FILE_MAX:
            raise CannotRead(LeftOut.TOO_LONG)
        return found

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            with suppress(OSError):
                child.communicate()

    def _read_in_child(self, name: str, content: bytes) -> list[Line]:
        child = self._started()
        watch = threading.Timer(self._seconds_max, child.kill)
        watch.daemon = True
        watch.start()
        try:
            answer = _exchanged(child, name.encode("utf-8", "replace"), content)
        except (OSError, ValueError):
            self.close()
            raise CannotRead(LeftOut.TOO_SLOW) from None
        finally:
            watch.cancel()
        if answer.left_out:
            raise CannotRead(LeftOut(answer.left_out))
        return [Line(section, text) for section, text in answer.lines]

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self.close()
            command = [sys.executable, "-P", "-m", "islandrun_node.documents.child"]
            try:
                self._child = subprocess.Popen(  # noqa: S603 - our own program
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
                )
            except OSError:
                raise CannotRead(LeftOut.NO_READER) from None
        return self._child


class _Answer(msgspec.Struct, forbid_unknown_fields=True):
    """What the child says of one document."""

    lines: list[tuple[str, str]] = []
    left_out: str = ""


def _exchanged(child: subprocess.Popen[bytes], name: bytes, content: bytes) -> _Answer:
    """Give a document and return the answer. Raises `OSError` or `ValueError` when the child died."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(HEAD.pack(len(name), len(content)) + name)
    child.stdin.write(content)
    child.stdin.flush()
    head = child.stdout.read(HEAD.size)
    if len(head) < HEAD.size or HEAD.unpack(head)[0] > ANSWER_BYTES_MAX:
        raise ValueError("the child gave no answer")
    size = HEAD.unpack(head)[0]
    answer = child.stdout.read(size)
    if len(answer) < size:
        raise ValueError("the child gave half an answer")
    return msgspec.json.decode(answer, type=_Answer)
