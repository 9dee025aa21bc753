"""Gather the pieces of a stream that are ready into one message: the cost is per message, not per piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Final, TypeVar

T = TypeVar("T")

PIECES_WAITING_MAX: Final = 256
"""A reader that does not read stops the generation after this many pieces."""


class _End:
    """Marks the end of a stream, with the error it ended by."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error


async def coalesced(pieces: AsyncGenerator[T]) -> AsyncGenerator[list[T]]:
    """Yield non-empty lists of what was ready; an error of the source comes after what it gave before."""
    queue: asyncio.Queue[T | _End] = asyncio.Queue(PIECES_WAITING_MAX)
    task = asyncio.create_task(_pump(pieces, queue))
    try:
        end: _End | None = None
        while end is None:
            batch: list[T] = []
            item = await queue.get()
            while not isinstance(item, _End):
                batch.append(item)
                if queue.empty():
                    break
                item = queue.get_nowait()
            end = item if isinstance(item, _End) else None
            if batch:
                yield batch
        if end.error is not None:
            raise end.error
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _pump(pieces: AsyncGenerator[T], queue: asyncio.Queue[T | _End]) -> None:
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                await queue.put(piece)
    except Exception as error:
        await queue.put(_End(error))
    else:
        await queue.put(_End())
