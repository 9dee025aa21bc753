"""Who may knock: a program of this machine (the Host header says loopback) that knows the token or has a key.

The Host check keeps web pages out that point a name of theirs at 127.0.0.1 (DNS rebinding); there are no
CORS headers, so no page of another origin reads an answer. `/healthz` alone needs no token.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from islandrun.routing.rules import LOCAL_CALLER
from islandrun_node.http.problems import Problem
from islandrun_node.local_callers import KeyNames, LocalCallers, no_keys

CALLER: Final = "islandrun.caller"
"""Where the scope of a request says who asks."""

KEY_PATHS: Final = "/v1/"
"""What a client key opens: to ask. Figures and receipts are the owner's."""

OPEN_PATHS: Final = frozenset({"/healthz"})

_HOST: Final = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9.-]{1,253})(:\d{1,5})?")
_ELSEWHERE: Final = Problem(
    421,
    "this door answers on loopback only; call it by 127.0.0.1, [::1] or localhost",
    "invalid_request_error",
    "host_not_allowed",
)
_NO_TOKEN: Final = Problem(
    401,
    "the node's token is missing or wrong; send `Authorization: Bearer` with the content of local.token",
    "invalid_request_error",
    "invalid_api_key",
    headers=(("www-authenticate", "Bearer"),),
)
_KEY_ONLY_ASKS: Final = Problem(
    403,
    "a client key may only ask (/v1/); use the node's own token for this",
    "permission_error",
    "key_not_enough",
)


class Guard:
    """ASGI middleware around the whole door."""

    def __init__(self, app: ASGIApp, token: str, key_name: KeyNames = no_keys) -> None:
        self._app = app
        self._callers = LocalCallers(token, key_name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        problem = self._problem(scope) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await problem.response()(scope, receive, send)

    def _problem(self, scope: Scope) -> Problem | None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1 or not is_loopback(hosts[0].decode("latin-1")):
            return _ELSEWHERE
        if scope["path"] in OPEN_PATHS:
            return None
        given = [value for name, value in headers if name == b"authorization"]
        caller = self._callers.caller(given[0]) if len(given) == 1 else None
        if caller is None:
            return _NO_TOKEN
        if caller != LOCAL_CALLER and not scope["path"].startswith(KEY_PATHS):
            return _KEY_ONLY_ASKS
        scope[CALLER] = caller
        return None


def is_loopback(host: str) -> bool:
    """Say whether a Host header names this machine: localhost, 127.0.0.0/8 or ::1, with or without port."""
    found = _HOST.fullmatch(host)
    if not found:
        return False
    name = found[1].strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
