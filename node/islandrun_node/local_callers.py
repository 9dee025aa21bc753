"""Who a program of this machine is: it knows the node's own token, or a named client key of the owner's.

The token may do everything; a key may only ask. Both doors for programs, HTTP and gRPC, ask here.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from typing import Final

from islandrun.errors import StateError
from islandrun.routing.rules import KEY_CALLER, LOCAL_CALLER

AUTHORIZATION_CHARACTERS_MAX: Final = 512

KeyNames = Callable[[str], str | None]
"""Returns the name of a client key that counts, or None."""

_log = logging.getLogger(__name__)


def no_keys(_: str) -> str | None:
    """Know no client key."""
    return None


class LocalCallers:
    """Tells callers by what they send as `authorization`."""

    def __init__(self, token: str, key_name: KeyNames = no_keys) -> None:
        assert token, "an empty token would let everybody in"
        self._token = token.encode()
        self._key_name = key_name

    def caller(self, authorization: bytes) -> str | None:
        """Return "local", "key:" and the name of the key, or None for whoever is neither.

        None also when the keys cannot be read: a key that may have been revoked opens nothing.
        """
        if len(authorization) > AUTHORIZATION_CHARACTERS_MAX:
            return None
        scheme, _, given = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        given = given.strip()
        if hmac.compare_digest(given, self._token):
            return LOCAL_CALLER
        try:
            name = self._key_name(given.decode("latin-1"))
        except StateError as error:
            _log.error("no client key is let in: %s", error)
            return None
        return None if name is None else f"{KEY_CALLER}{name}"


def is_program(caller: str) -> bool:
    """Say whether a caller is a program of this machine, and no other island."""
    return caller == LOCAL_CALLER or caller.startswith(KEY_CALLER)
