"""A TCP relay that misbehaves: it delays, stalls, resets, half-closes or flips bits of what it carries.

It runs anywhere, without root; it cannot lose packets (see `link_emulator` for that).
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Literal

Fault = Literal["", "delay", "stall", "reset", "half-close", "flip"]
FAULTS: tuple[Fault, ...] = ("delay", "stall", "reset", "half-close", "flip")
DELAY_SECONDS = 0.3
_RESET = struct.pack("ii", 1, 0)


class BadRelay:
    """Carries connections to `target`; `fault` holds for every chunk and connection from now on."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._host, self._port = host, int(port)
        self._tasks: set[asyncio.Task[None]] = set()
        self._goes_on = asyncio.Event()
        self.fault: Fault = ""
        self.carried_bytes = 0
        self.harmed = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection both ways."""
        try:
            inner_reader, inner_writer = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await asyncio.gather(self._carry(reader, inner_writer), self._carry(inner_reader, writer))
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            self._tasks.discard(task)
            for end in (writer, inner_writer):
                end.transport.abort()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await self._harmed(await source.read(65536), sink):
                sink.write(data)
                await sink.drain()
                self.carried_bytes += len(data)
            sink.write_eof()

    async def _harmed(self, data: bytes, sink: asyncio.StreamWriter) -> bytes:
        """Do to a chunk what the fault says; nothing is left when the way ends here."""
        self.harmed += bool(data and self.fault)
        match self.fault:
            case "delay":
                await asyncio.sleep(DELAY_SECONDS)
            case "stall":
                await self._goes_on.wait()
            case "reset":
                sink.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                sink.transport.abort()
                return b""
            case "half-close":
                return b""
            case "flip" if data:
                middle = len(data) // 2
                return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        return data

    def misbehave(self, fault: Fault) -> None:
        """Do this to all that is carried from now on; "" ends it, and what was stalled goes on."""
        self.fault = fault
        (self._goes_on.clear if fault == "stall" else self._goes_on.set)()

    async def end(self) -> None:
        """End all connections."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.05)  # aborted transports close in the next turns of the loop


@asynccontextmanager
async def bad_relay(address: str, target: str) -> AsyncGenerator[BadRelay]:
    """Listen at `address` and carry to `target` ("host:port" both)."""
    relay = BadRelay(target)
    host, _, port = address.rpartition(":")
    server = await asyncio.start_server(relay.serve, host, int(port))
    try:
        yield relay
    finally:
        server.close()
        await relay.end()
