"""A real OpenAI-compatible server on loopback whose every answer the test decides."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress


class Engine:
    """Streams `answer` word by word; `hold` "before" or "after" stops it before or after its first words.

    `hold` "fail" answers 500 with all that it was asked, as a careless server does.
    """

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.url = ""
        self.received: list[bytes] = []
        self.asked = asyncio.Event()
        self.hold: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (
                        int(line[15:])
                        for line in head.lower().splitlines()
                        if line.startswith(b"content-length:")
                    ),
                    0,
                )
                self.received.append(head + await reader.readexactly(length))
                await (self._fail(writer) if self.hold == "fail" else self._answer(writer))
        writer.close()

    async def _fail(self, writer: asyncio.StreamWriter) -> None:
        asked = self.received[-1]
        head = f"HTTP/1.1 500 no\r\ncontent-type: text/plain\r\ncontent-length: {len(asked)}\r\n\r\n"
        writer.write(head.encode() + asked)
        await writer.drain()

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        await writer.drain()
        if self.hold == "before":
            self.asked.set()
            await asyncio.sleep(3600)
        for number, word in enumerate(self.answer.split(" ")):
            writer.write(_event({"delta": {"content": f"{word} "}, "finish_reason": None}))
            await writer.drain()
            if self.hold == "after" and number == 1:
                self.asked.set()
                await asyncio.sleep(3600)
        writer.write(_event({"delta": {}, "finish_reason": "stop"}) + b"data: [DONE]\n\n")
        await writer.drain()
        raise ConnectionResetError


def _event(choice: dict[str, object]) -> bytes:
    chunk = {"id": "1", "object": "chat.completion.chunk", "model": "m", "choices": [{"index": 0, **choice}]}
    return f"data: {json.dumps(chunk)}\n\n".encode()


@asynccontextmanager
async def engine(answer: str) -> AsyncGenerator[Engine]:
    """Serve one engine on a free port."""
    served = Engine(answer)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(served.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield served
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
