"""Gather the pieces of a stream that are ready into one message: the cost is per message, not per piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import TypeVar

T = TypeVar("T")

PIECES_WAITING_MAX = 256
"""A reader that does not read stops the generation after this many pieces."""


async def coalesced(pieces: AsyncGenerator[T]) -> AsyncGenerator[list[T]]:
    """Yield non-empty lists of what was ready; an error of the source comes after what it gave before."""
    queue: asyncio.Queue[T | BaseException | None] = asyncio.Queue(PIECES_WAITING_MAX)

    async def pump() -> None:
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    await queue.put(piece)
            await queue.put(None)
        except Exception as error:
            await queue.put(error)

    task = asyncio.create_task(pump())
    try:
        while True:
            ready = [await queue.get()]
            while not queue.empty():
                ready.append(queue.get_nowait())
            batch = [item for item in ready if item is not None and not isinstance(item, BaseException)]
            if batch:
                yield batch
            if isinstance(ready[-1], BaseException):
                raise ready[-1]
            if ready[-1] is None:
                return
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
