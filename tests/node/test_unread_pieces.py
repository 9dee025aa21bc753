"""A stream that nobody reads stops its source after so many pieces, and goes on when it is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from islandrun_node.coalesce import PIECES_WAITING_MAX, coalesced

PIECES = 10 * PIECES_WAITING_MAX


async def test_an_unread_stream_stops_its_source() -> None:
    made = 0

    async def source() -> AsyncGenerator[int]:
        nonlocal made
        for number in range(PIECES):
            made += 1
            yield number

    async with aclosing(coalesced(source())) as batches:
        read = len(await anext(batches))
        for _ in range(3 * PIECES):
            await asyncio.sleep(0)
        assert read + PIECES_WAITING_MAX <= made <= read + PIECES_WAITING_MAX + 1
        read += sum([len(batch) async for batch in batches])
    assert read == made == PIECES
