"""Read a request only after its caller was let in: C-core would read and parse it before any handler runs.

Without this, whoever passes TLS (an island that is revoked, the holder of a join token) could make us hold
256 requests of 17 MiB for each of its connections. A call with one request is served as one with a stream of
them, which is the same on the wire; what is not read yet stays with its sender (HTTP/2 flow control).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeVar, cast

import grpc
from google.protobuf.message import DecodeError

from islandrun.wire.limits import EXCHANGE_BYTES_MAX
from islandrun_node.callers import caller_name
from islandrun_node.channels import REQUEST_BYTES_MAX

READS_PER_CALLER_MAX: Final = 2
"""How many requests of one caller for one method are being read at a time; its others wait for these."""

READ_SECONDS_MAX: Final = 60.0

_BYTES_MAX: Final = {
    "/islandrun.v1.EnrollService/": 16 * 1024,
    "/islandrun.v1.RelayService/": 16 * 1024,
    "/islandrun.v1.MeshService/": EXCHANGE_BYTES_MAX,
    "/islandrun.v1.WitnessService/": 16 * 1024,
}

Request = TypeVar("Request")
Response = TypeVar("Response")
_Context = grpc.aio.ServicerContext[Request, Response]
_Behaviour = Callable[[Request, _Context[Request, Response]], object]


class LateReading(grpc.aio.ServerInterceptor):
    """Stands behind the `CallerGate` of a mesh listener. Lives on the event loop."""

    def __init__(self) -> None:
        self._turns: dict[tuple[str, str], _Turn] = {}

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Request, Response] | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Request, Response] | None:
        """Wrap a handler that takes one request; those that take a stream read late by themselves."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.request_streaming:
            return handler
        method = handler_call_details.method
        behaviour = cast("_Behaviour[Request, Response]", handler.unary_unary or handler.unary_stream)
        parse = cast("Callable[[bytes], Request]", handler.request_deserializer)

        async def unary(requests: AsyncIterator[bytes], context: _Context[Request, Response]) -> Response:
            request = await self._read(method, parse, requests, context)
            return await cast("Awaitable[Response]", behaviour(request, context))

        async def stream(requests: AsyncIterator[bytes], context: _Context[Request, Response]) -> None:
            request = await self._read(method, parse, requests, context)
            answer = cast("AsyncGenerator[Response]", behaviour(request, context))
            async with aclosing(answer) as messages:
                async for message in messages:
                    await context.write(message)

        if handler.response_streaming:
            late: object = grpc.stream_stream_rpc_method_handler(
                stream, response_serializer=handler.response_serializer
            )
        else:
            late = grpc.stream_unary_rpc_method_handler(
                unary, response_serializer=handler.response_serializer
            )
        return cast("grpc.RpcMethodHandler[Request, Response]", late)

    async def _read(
        self,
        method: str,
        parse: Callable[[bytes], Request],
        requests: AsyncIterator[bytes],
        context: _Context[Request, Response],
    ) -> Request:
        """Return the one request of a call; end the call when it is none of ours."""
        try:
            async with self._turn(caller_name(), method), asyncio.timeout(READ_SECONDS_MAX):
                data = await anext(requests, b"\xff")  # nothing at all does not decode either
        except TimeoutError:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "the request did not come in time")
        bytes_max = bytes_max_of(method)
        if len(data) > bytes_max:
            await context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"the request is over {bytes_max} bytes; send less at once",
            )
        try:
            return parse(data)
        except DecodeError:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the request does not decode")
        raise AssertionError("abort returns never")

    @asynccontextmanager
    async def _turn(self, caller: str, method: str) -> AsyncGenerator[None]:
        """Wait for this caller's turn to be read; who waits for nobody leaves nothing behind."""
        turn = self._turns.setdefault((caller, method), _Turn(asyncio.Semaphore(READS_PER_CALLER_MAX)))
        turn.users += 1
        try:
            async with turn.free:
                yield
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[caller, method]


@dataclass(slots=True)
class _Turn:
    free: asyncio.Semaphore
    users: int = 0


def bytes_max_of(method: str) -> int:
    """Return the most bytes that a request to this method may have."""
    for prefix, bytes_max in _BYTES_MAX.items():
        if method.startswith(prefix):
            return bytes_max
    return REQUEST_BYTES_MAX
