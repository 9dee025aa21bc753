"""What both ends of a pipe do: copy between a local connection and a gRPC stream until either closes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import grpc

from islandrun.errors import MalformedMessage
from islandrun.v1 import relay_pb2
from islandrun.wire.limits import CHUNK_BYTES_MAX
from islandrun.wire.relay import chunk

Call = (
    grpc.aio.StreamStreamCall[relay_pb2.DialRequest, relay_pb2.DialResponse]
    | grpc.aio.StreamStreamCall[relay_pb2.SpliceRequest, relay_pb2.SpliceResponse]
)
Receive = Callable[[], Awaitable[bytes]]
"""Returns the next bytes of the stream; none at its end."""

Send = Callable[[bytes], Awaitable[None]]


def chunks_of(call: Call) -> Receive:
    """Return what reads the chunks that come on a call."""

    async def receive() -> bytes:
        message = await call.read()
        if isinstance(message, relay_pb2.DialResponse | relay_pb2.SpliceResponse):
            return chunk(message)
        return b""

    return receive


async def copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, receive: Receive, send: Send
) -> None:
    """Copy both ways until one side closes or breaks; then close the local connection.

    What is inside is mTLS between the two ends: a byte that is missing or changed ends it there.
    """
    tasks = [asyncio.ensure_future(_outward(reader, send)), asyncio.ensure_future(_inward(writer, receive))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _outward(reader: asyncio.StreamReader, send: Send) -> None:
    with suppress(OSError, grpc.aio.AioRpcError, asyncio.InvalidStateError):
        while data := await reader.read(CHUNK_BYTES_MAX):
            await send(data)


async def _inward(writer: asyncio.StreamWriter, receive: Receive) -> None:
    with suppress(OSError, grpc.aio.AioRpcError, asyncio.InvalidStateError, MalformedMessage):
        while data := await receive():
            writer.write(data)
            await writer.drain()
