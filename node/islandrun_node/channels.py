"""THE one place that makes channels, and the options of every channel and listener.

A channel to an island trusts one thing: that island's own key. Whoever trusts more on the dialling side, even
the mesh's owner, can be fooled by any member (TLS falls back to other names of a certificate).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import grpc

from islandrun.errors import ConfigError
from islandrun.trust.naming import dns_name, island_id
from islandrun.vocabulary import PublicKey
from islandrun.wire.limits import CHUNK_BYTES_MAX, PROMPT_BYTES_MAX
from islandrun_node.certificates import Shown, island_anchor

ANSWER_BYTES_MAX = 4 * 1024 * 1024
REQUEST_BYTES_MAX = PROMPT_BYTES_MAX + 1024 * 1024
GRACE_MS = 15 * 60 * 1000
"""Longer than a generation may take: an old connection ends without cutting an answer."""

Options = Sequence[tuple[str, int | str]]

# `grpc.keepalive_timeout_ms` has no effect in grpcio 1.85; the ping's own time limit does.
_ALIVE = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.http2.ping_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
)

WINDOW_BYTES = 1024 * 1024
"""What may be on its way in one call and is not read yet: 10 MB/s where an answer takes 100 ms."""

# A window of a fixed size: measuring it takes pings after each call, more bytes than gossip itself.
_WINDOW = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", WINDOW_BYTES))

_CLIENT = (
    *_ALIVE,
    *_WINDOW,
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)

SERVER_OPTIONS: Options = (
    *_ALIVE,
    *_WINDOW,
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.max_connection_age_ms", 3_600_000),
    ("grpc.max_connection_age_grace_ms", GRACE_MS),
    ("grpc.max_receive_message_length", REQUEST_BYTES_MAX),
    ("grpc.max_concurrent_streams", 256),
    ("grpc.so_reuseport", 0),
)
"""Options of the mesh listener. Two processes never share its port."""

RELAY_OPTIONS: Options = (
    *_ALIVE,
    *_WINDOW,
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.max_receive_message_length", CHUNK_BYTES_MAX + 1024),
    ("grpc.max_concurrent_streams", 256),
    ("grpc.so_reuseport", 0),
)
"""Options of a relay's listener. Its connections do not end by age: that would cut the pipes inside them in
the middle of answers, and who calls is checked again every few seconds anyway."""

UNIX = "unix:"

_LOOPBACK = re.compile(r"(127(\.\d{1,3}){3}|localhost|\[::1\]):\d{1,5}", re.ASCII)


def open_channel(
    addresses: Sequence[str], target: PublicKey, shown: Shown, mesh_id: bytes
) -> grpc.aio.Channel:
    """Make a channel to the island with this key, at the first of its addresses that answers.

    An address is "host:port", or "unix:/path" of a socket of ours that leads to the island over a relay.
    `shown` is what we show; whoever answers must hold the target's key. The first call connects.
    """
    credentials = grpc.ssl_channel_credentials(
        root_certificates=island_anchor(target, mesh_id),
        private_key=shown.key_pem,
        certificate_chain=shown.chain_pem,
    )
    options = (
        *_CLIENT,
        ("grpc.max_receive_message_length", ANSWER_BYTES_MAX),
        ("grpc.ssl_target_name_override", dns_name(island_id(target), mesh_id)),
    )
    return grpc.aio.secure_channel(grpc_target(addresses), credentials, options=options)


def local_channel(address: str, token: str) -> grpc.aio.Channel:
    """Make a channel to the node of this machine: loopback "host:port" or "unix:path".

    The bearer token goes with each call. Raises `ConfigError` for any other address.
    """
    is_unix = address.startswith(UNIX)
    if not is_unix and not _LOOPBACK.fullmatch(address):
        raise ConfigError(f"{address} is not on this machine; the local listener has a loopback address")
    kind = grpc.LocalConnectionType.UDS if is_unix else grpc.LocalConnectionType.LOCAL_TCP
    options = (*_CLIENT, ("grpc.max_receive_message_length", REQUEST_BYTES_MAX))
    return grpc.aio.secure_channel(
        address,
        grpc.local_channel_credentials(kind),  # C-core itself refuses a peer that is not local
        options=options,
        interceptors=[_BearerUnary(token), _BearerStream(token)],
    )


def grpc_target(addresses: Sequence[str]) -> str:
    """Return the name that gRPC dials: all IPv4 addresses, else all IPv6 ones, else the first host name."""
    assert addresses, "an island without an address is not dialled"
    if addresses[0].startswith(f"{UNIX}/"):  # no statement can hold it: it has no port
        return addresses[0]
    hosts = [(address.rpartition(":")[0].strip("[]"), address) for address in addresses]
    for version in (4, 6):
        literal = [address for host, address in hosts if _version(host) == version]
        if literal:
            return f"ipv{version}:{','.join(literal)}"
    return f"dns:///{addresses[0]}"


def _version(host: str) -> int:
    try:
        return ipaddress.ip_address(host).version
    except ValueError:
        return 0


# ---------------------------------------------------------------- the bearer token

Request = TypeVar("Request")
Response = TypeVar("Response")


class _Bearer:
    def __init__(self, token: str) -> None:
        self._token = token

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def _with_token(self, details: grpc.aio.ClientCallDetails) -> grpc.aio.ClientCallDetails:
        metadata = grpc.aio.Metadata(*(details.metadata or ()), ("authorization", f"Bearer {self._token}"))
        return grpc.aio.ClientCallDetails(
            details.method, details.timeout, metadata, details.credentials, details.wait_for_ready
        )


class _BearerUnary(_Bearer, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(
        self,
        continuation: Callable[
            [grpc.aio.ClientCallDetails, Request], Awaitable[grpc.aio.UnaryUnaryCall[Request, Response]]
        ],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Request,
    ) -> grpc.aio.UnaryUnaryCall[Request, Response]:
        return await continuation(self._with_token(client_call_details), request)


class _BearerStream(_Bearer, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self,
        continuation: Callable[
            [grpc.aio.ClientCallDetails, Request], Awaitable[grpc.aio.UnaryStreamCall[Request, Response]]
        ],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Request,
    ) -> grpc.aio.UnaryStreamCall[Request, Response]:
        return await continuation(self._with_token(client_call_details), request)
