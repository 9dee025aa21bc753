"""The local gRPC listener: loopback without TLS, so every call carries the token or a client key.

Health and reflection are here too; they show the protocol to tools such as grpcurl.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, Protocol, TypeVar

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from islandrun.errors import RequestRefused
from islandrun.routing.rules import LOCAL_CALLER
from islandrun_node.local_callers import KeyNames, LocalCallers, no_keys
from islandrun_node.services.errors import abort_with

TRequest = TypeVar("TRequest")
TResponse = TypeVar("TResponse")

OPEN_METHODS: Final = frozenset({"/grpc.health.v1.Health/Check"})
"""What may be called without the token; it tells no more than that the node runs."""

KEY_METHODS: Final = "/islandrun.v1.ChatService/"
"""What a client key opens: to ask. Figures and receipts are the owner's."""

SERVICES: Final = ("islandrun.v1.ChatService", "islandrun.v1.StatusService")

Metadata = Iterable[tuple[str, str | bytes]] | None
Continuation = Callable[
    [grpc.HandlerCallDetails], Awaitable["grpc.RpcMethodHandler[TRequest, TResponse] | None"]
]


class Call(Protocol):
    """A call that is being served."""

    def invocation_metadata(self) -> Metadata:
        """Return what the client sent beside its message."""
        ...


class TokenCheck(grpc.aio.ServerInterceptor):
    """Refuses every call without the token or a key that may make it, before its message is read.

    `channels.local_channel` makes the client's side.
    """

    def __init__(self, token: str, key_name: KeyNames = no_keys) -> None:
        self._callers = LocalCallers(token, key_name)

    async def intercept_service(
        self,
        continuation: Continuation[TRequest, TResponse],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[TRequest, TResponse] | None:
        """Hand on a call with the token or a key; answer any other with UNAUTHENTICATED."""
        method = handler_call_details.method
        if method in OPEN_METHODS:
            return await continuation(handler_call_details)
        caller = self._caller_in(handler_call_details.invocation_metadata)
        if caller is None:
            return grpc.stream_stream_rpc_method_handler(_refuse)
        if caller != LOCAL_CALLER and not method.startswith(KEY_METHODS):
            return grpc.stream_stream_rpc_method_handler(_refuse_key)
        return await continuation(handler_call_details)

    def caller(self, call: Call) -> str:
        """Return who makes a call that was let in. Raises `RequestRefused` when its key was revoked since."""
        caller = self._caller_in(call.invocation_metadata())
        if caller is None:
            raise RequestRefused("the client key counts no more; ask the owner for another")
        return caller

    def _caller_in(self, metadata: Metadata) -> str | None:
        given = [value for name, value in metadata or () if name == "authorization"]
        if len(given) != 1 or not isinstance(given[0], str):
            return None
        return self._callers.caller(given[0].encode())


async def _refuse(_: object, context: grpc.aio.ServicerContext[TRequest, TResponse]) -> None:
    await abort_with(
        context,
        grpc.StatusCode.UNAUTHENTICATED,
        "TOKEN_REQUIRED",
        "the node's token is missing or wrong; send metadata `authorization: Bearer` with local.token",
    )


async def _refuse_key(_: object, context: grpc.aio.ServicerContext[TRequest, TResponse]) -> None:
    await abort_with(
        context,
        grpc.StatusCode.PERMISSION_DENIED,
        "KEY_NOT_ENOUGH",
        "a client key may only ask (ChatService); use the node's own token for this",
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
