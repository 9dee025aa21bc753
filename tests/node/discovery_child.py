"""One node's discovery as a process of its own, for a network namespace. Prints JSON lines.

Arguments: key, own island, address to announce, members. Ends on a line of input.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from islandrun.mesh.nearby import Nearby
from islandrun.vocabulary import IslandId
from islandrun_node.discovery import Discovery


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


async def lag() -> float:
    """Return the longest that the event loop was held up, until cancelled."""
    worst = 0.0
    try:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            worst = max(worst, time.monotonic() - began - 0.01)
    except asyncio.CancelledError:
        return worst


async def main(key: str, me: str, endpoint: str, *members: str) -> None:
    nearby = Nearby(bytes.fromhex(key), IslandId(me))

    def heard(island: IslandId) -> None:
        say(heard=island, endpoints=nearby.endpoints(island, (), False, time.monotonic()))

    discovery = Discovery(
        nearby, lambda: [IslandId(member) for member in members], heard, lambda: (bytes.fromhex(key),)
    )
    discovery.reached_at((endpoint,))
    held_up, running = asyncio.create_task(lag()), asyncio.create_task(discovery.run())
    await asyncio.to_thread(sys.stdin.readline)
    began = time.monotonic()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    held_up.cancel()
    say(lag_ms=round(await held_up * 1000), closed_ms=round((time.monotonic() - began) * 1000))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
