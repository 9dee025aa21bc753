"""Read a body within its limit and decode it strictly; a mistake names its place, not its content."""

from __future__ import annotations

import re
from typing import Final, TypeVar

import msgspec
from starlette.requests import Request

from islandrun_node.http.problems import invalid

T = TypeVar("T")

_MESSAGE_CHARACTERS_MAX: Final = 300
_BYTE: Final = re.compile(r"^(.*) \(byte (\d+)\)$", re.DOTALL)
_NAMED: Final = re.compile(r"(?:required|unknown) field `([^`]*)`")


async def read_body(request: Request, bytes_max: int) -> bytes:
    """Return the body. Raises `Rejected` with status 413 when it is larger than `bytes_max`.

    What is over the limit stays unread here; the server throws it away, so that the client sees our answer.
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > bytes_max:
            raise invalid(
                413, "body_too_large", f"the body is larger than {bytes_max} bytes (limits.body_bytes_max)"
            )
        parts.append(part)
    return b"".join(parts)


def decode(body: bytes, shape: type[T]) -> T:
    """Decode a JSON body into a struct. Raises `Rejected` (400), which names the byte or the field."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise invalid(400, "invalid_utf8", f"the body is not UTF-8 at byte {error.start}") from None
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise _wrong_field(str(error)) from None
    except msgspec.DecodeError as error:
        found = _BYTE.match(str(error))
        what, place = (found[1], found[2]) if found else (str(error), str(len(body)))
        raise invalid(400, "invalid_json", f"the body is not JSON at byte {place}: {what}") from None
    except RecursionError:
        raise invalid(400, "invalid_json", "the body is nested too deep") from None


def _wrong_field(message: str) -> Exception:
    """Turn the decoder's words into a message and the name of the field, such as `messages[0].role`."""
    what, _, place = message.partition(" - at `$")
    param = place.rstrip("`").removeprefix(".")
    if named := _NAMED.search(what):
        param = f"{param}.{named[1]}" if param else named[1]
    text = f"{param or 'the body'}: {what[0].lower()}{what[1:]}"
    return invalid(400, "invalid_type", text[:_MESSAGE_CHARACTERS_MAX], param[:_MESSAGE_CHARACTERS_MAX])
