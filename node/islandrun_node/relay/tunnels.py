"""The end of the island that dials: a socket of ours, every connection to which is one pipe over a relay.

gRPC dials the socket as it dials an address, with the same key pinned: what goes in is ciphertext already.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
import tempfile

import grpc

from islandrun.v1 import relay_pb2, relay_pb2_grpc
from islandrun.vocabulary import PublicKey
from islandrun_node.channels import UNIX
from islandrun_node.relay.pipes import chunks_of, copy

DIAL_SECONDS_MAX = 6.0
"""A little more than a relay gives the other end to answer."""
TURNS_TO_ACCEPT = 4
"""So many turns of the loop serve whoever dialled last.

A server of asyncio (3.11) that is closed between taking a connection and serving it leaves it open for good.
"""

_log = logging.getLogger(__name__)


class Tunnel:
    """A way to one island over one relay, whose channel it owns; `listen` makes its `address`."""

    def __init__(self, relay: grpc.aio.Channel, to: PublicKey) -> None:
        self._relay = relay
        self._stub = relay_pb2_grpc.RelayServiceStub(relay)
        self._to = to
        self._folder = ""
        self._server: asyncio.Server | None = None
        self._pipes: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self.address = ""

    async def listen(self) -> None:
        """Listen on a new socket in a folder that only this user can enter."""
        if sys.platform == "win32":
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
            self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        else:
            self._folder = tempfile.mkdtemp(prefix="islandrun-")
            path = f"{self._folder}/pipe"
            self._server = await asyncio.start_unix_server(self._accept, path)
            self.address = UNIX + path

    async def close(self) -> None:
        """Close the socket, every pipe, and the channel to the relay."""
        self._is_closed = True
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)  # nobody finds the socket from now on
        for _ in range(TURNS_TO_ACCEPT):
            await asyncio.sleep(0)
        if self._server is not None:
            self._server.close()
        for pipe in tuple(self._pipes):
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)
        await self._relay.close(grace=None)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take in a connection of gRPC; what comes after the end is closed again."""
        if self._is_closed:
            writer.close()
            return
        task = asyncio.get_running_loop().create_task(self._pipe(reader, writer))
        self._pipes.add(task)
        task.add_done_callback(self._pipes.discard)
        task.add_done_callback(lambda _: writer.close())  # also of a pipe that ended before it began

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = self._stub.Dial()
        try:
            async with asyncio.timeout(DIAL_SECONDS_MAX):
                await call.write(relay_pb2.DialRequest(to=self._to))
                await call.initial_metadata()
            is_joined = not call.done()
        except (TimeoutError, grpc.aio.AioRpcError, asyncio.InvalidStateError):
            is_joined = False
        if not is_joined:
            call.cancel()
            _log.info("a relay carries no pipe: %s", await call.details())
            return

        async def send(data: bytes) -> None:
            await call.write(relay_pb2.DialRequest(data=data))

        try:
            await copy(reader, writer, chunks_of(call), send)
        finally:
            call.cancel()
