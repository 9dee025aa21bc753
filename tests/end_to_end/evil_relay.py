"""A relay that keeps a copy of all that it carries and, when a file says so, spoils it. Run as a program."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

from islandrun.wire import relay as wire
from islandrun_node.relay.listener import main
from islandrun_node.services.relay import RelayService


def folder() -> Path:
    """Return the folder with its orders and its copy."""
    return Path(sys.argv[1])


class EvilRelay(RelayService):
    """Reads its orders anew for each chunk: nothing, "flip", "swap", "repeat" or "cut"."""

    async def _read(self, joint, requests, outward) -> None:
        async for data in spoilt(requests):
            with (folder() / "saw").open("ab") as file:
                file.write(data)
            await outward.put(data)
        await joint.ended.wait()


async def spoilt(requests: AsyncIterator[object]) -> AsyncIterator[bytes]:
    """Yield the chunks of a stream as the orders of the moment say."""
    async for message in requests:
        data = wire.chunk(message)
        match (folder() / "orders").read_text():
            case "flip":
                middle = len(data) // 2
                yield data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
            case "swap":
                half = len(data) // 2
                yield data[half:] + data[:half]
            case "repeat":
                yield data
                yield data
            case "cut":
                yield data[:-1] or data
            case _:
                yield data


if __name__ == "__main__":
    sys.exit(main(sys.argv[2:], EvilRelay))
