"""The local gRPC listener: loopback without TLS, so every call carries the node's bearer token.

Health and reflection are here too; they show the protocol to tools such as grpcurl.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from islandrun_node.services.errors import abort_with

TRequest = TypeVar("TRequest")
TResponse = TypeVar("TResponse")

OPEN_METHODS: Final = frozenset({"/grpc.health.v1.Health/Check"})
"""What may be called without the token; it tells no more than that the node runs."""

SERVICES: Final = ("islandrun.v1.ChatService", "islandrun.v1.StatusService")

Continuation = Callable[
    [grpc.HandlerCallDetails], Awaitable["grpc.RpcMethodHandler[TRequest, TResponse] | None"]
]


class TokenCheck(grpc.aio.ServerInterceptor):
    """Refuses every call without the token, before its message is read.

    `channels.local_channel` makes the client's side.
    """

    def __init__(self, token: str) -> None:
        assert token, "an empty token would let everybody in"
        self._token = token.encode()

    async def intercept_service(
        self,
        continuation: Continuation[TRequest, TResponse],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[TRequest, TResponse] | None:
        """Hand on a call with the token; answer any other with UNAUTHENTICATED."""
        if handler_call_details.method in OPEN_METHODS or self._is_known(handler_call_details):
            return await continuation(handler_call_details)
        return grpc.stream_stream_rpc_method_handler(_refuse)

    def _is_known(self, details: grpc.HandlerCallDetails) -> bool:
        given = [value for name, value in details.invocation_metadata or () if name == "authorization"]
        if len(given) != 1 or not isinstance(given[0], str):
            return False
        scheme, _, token = given[0].partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(token.encode(), self._token)


async def _refuse(_: object, context: grpc.aio.ServicerContext[TRequest, TResponse]) -> None:
    await abort_with(
        context,
        grpc.StatusCode.UNAUTHENTICATED,
        "TOKEN_REQUIRED",
        "the node's token is missing or wrong; send metadata `authorization: Bearer` with local.token",
    )


def add_health_and_reflection(
    server: grpc.aio.Server, services: Sequence[str] = SERVICES
) -> health.aio.HealthServicer:
    """Add both to the local listener; the returned servicer tells others when the node goes down.

    Call its `enter_graceful_shutdown()` first when the node stops.
    """
    from grpc_reflection.v1alpha import reflection  # it takes 0.3 s to load

    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    names = (*services, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
    return servicer


async def serving(servicer: health.aio.HealthServicer, services: Sequence[str] = SERVICES) -> None:
    """Say that the services answer."""
    for name in ("", *services):
        await servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
