"""A TCP way to a listener that a test can count on, and stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class TcpWay:
    """A way to one address, with its counts. What is stalled passes nothing on, and does not end."""

    def __init__(self, target: str) -> None:
        self.host, _, port = target.rpartition(":")
        self.port = int(port)
        self.connections = 0
        self.size_bytes = 0
        self._stalled: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def stall(self) -> None:
        """Let every connection that there is pass nothing on from now on."""
        self._stalled = set(range(self.connections))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self.connections = self.connections, self.connections + 1
        far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
        for source, target in ((reader, far_writer), (far_reader, writer)):
            self._tasks.add(asyncio.create_task(self._copy(number, source, target)))

    async def _copy(self, number: int, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                if number in self._stalled:
                    await asyncio.Event().wait()
                self.size_bytes += len(data)
                target.write(data)
        except ConnectionError:
            pass
        finally:
            target.close()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def tcp_way(address: str) -> AsyncGenerator[tuple[TcpWay, str]]:
    """Open a way to an address; gives the way and where it begins."""
    way = TcpWay(address)
    server = await asyncio.start_server(way.serve, "127.0.0.1", 0)
    try:
        yield way, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await way.close()
