"""Announce this island on the local network and hear the others: mDNS, with names that only members can read.

zeroconf runs in threads of its own. What it hears comes to the event loop as hints (`islandrun.mesh.nearby`);
what it does not know is dropped where it is heard.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from zeroconf import Error, ServiceBrowser, ServiceInfo, ServiceListener, Zeroconf

from islandrun.mesh.nearby import Nearby, private_host
from islandrun.vocabulary import IslandId, IslandView, Reachability
from islandrun_node import world_clock
from islandrun_node.outlook import Outlook

SERVICE: Final = "_islandrun._tcp.local."
TURN_SECONDS: Final = 30.0
"""How often the members to look for and our own name are brought up to date."""

TTL_SECONDS: Final = 90
_LOOKUP_MS: Final = 1_000

_log = logging.getLogger(__name__)


class Discovery:
    """mDNS of one node. Lives on the event loop; `run` starts and ends the threads.

    `members` are the islands to look for, `keys` the secrets of the mesh (see `Nearby.renew`); `heard` is
    called on the loop with each island that shows itself anew.
    """

    def __init__(
        self,
        nearby: Nearby,
        members: Callable[[], Sequence[IslandId]],
        heard: Callable[[IslandId], None],
        keys: Callable[[], tuple[bytes, ...]],
    ) -> None:
        self._keys = keys
        self._nearby = nearby
        self._members = members
        self._heard = heard
        self._endpoints: tuple[str, ...] = ()
        self._restart = asyncio.Event()

    def reached_at(self, endpoints: tuple[str, ...]) -> None:
        """Announce these addresses ("host:port") from now on, each on its own network only."""
        self._endpoints = endpoints
        self._restart.set()

    async def run(self) -> None:
        """Announce and listen until cancelled; a network that forbids it is tried again."""
        while True:
            self._restart.clear()
            self._look()
            airs = self._airs()
            try:
                await asyncio.gather(*(asyncio.to_thread(air.open) for air in airs))
                await self._keep_current(airs)
            except (OSError, Error) as error:
                _log.warning("nobody is looked for on the local network: %s; other ways go on", error)
                await asyncio.sleep(TURN_SECONDS)
            finally:
                await asyncio.gather(*(asyncio.to_thread(air.close) for air in airs))

    def _airs(self) -> list[_Air]:
        airs = []
        for endpoint in self._endpoints:
            host, _, port = endpoint.rpartition(":")
            if (private := private_host(host)) is not None and ":" not in private:
                airs.append(_Air(private, int(port), self._nearby.whose, self._receiver()))
        return airs

    async def _keep_current(self, airs: list[_Air]) -> None:
        """Show the present name and look for the present members, until the network changes."""
        while not self._restart.is_set():
            tag = self._nearby.own_tag(world_clock.now().wall_ms)
            await asyncio.gather(*(asyncio.to_thread(air.show, tag) for air in airs))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._restart.wait(), TURN_SECONDS)
            self._look()
            await asyncio.gather(*(asyncio.to_thread(air.ask_again) for air in airs))

    def _look(self) -> None:
        self._nearby.renew(self._keys())
        self._nearby.look_for(self._members(), world_clock.now().wall_ms)

    def _receiver(self) -> Callable[[str, list[str], int], None]:
        loop = asyncio.get_running_loop()

        def receive(tag: str, addresses: list[str], port: int) -> None:
            with suppress(RuntimeError):  # the loop has ended already
                loop.call_soon_threadsafe(self._hear, tag, addresses, port)

        return receive

    def _hear(self, tag: str, addresses: list[str], port: int) -> None:
        island = self._nearby.hear(tag, addresses, port, world_clock.now().seconds)
        if island is not None:
            self._heard(island)


class _Air(ServiceListener):
    """zeroconf on one network while it runs. Its methods block; each is called off the loop.

    Each network hears the address that we have there and no other one.
    """

    def __init__(
        self,
        host: str,
        port: int,
        whose: Callable[[str], IslandId | None],
        receive: Callable[[str, list[str], int], None],
    ) -> None:
        self._host = host
        self._port = port
        self._whose = whose
        self._receive = receive
        self._lock = threading.Lock()
        self._zeroconf: Zeroconf | None = None
        self._shown: ServiceInfo | None = None
        self._seen: set[str] = set()

    def open(self) -> None:
        """Start to listen. Raises `OSError` where the network forbids it."""
        with self._lock:
            self._zeroconf = Zeroconf(interfaces=[self._host])
            ServiceBrowser(self._zeroconf, SERVICE, self)

    def show(self, tag: str) -> None:
        """Announce this name instead of the one before; nothing but address and port goes with it."""
        with self._lock:
            if self._zeroconf is None or (self._shown is not None and self._shown.name == f"{tag}.{SERVICE}"):
                return
            before, self._shown = self._shown, self._info(tag)
            self._zeroconf.register_service(self._shown)
            if before is not None:
                self._zeroconf.unregister_service(before)

    def ask_again(self) -> None:
        """Take in anew what those whom we know say; it may have changed, or its time be nearly over."""
        for name in tuple(self._seen):
            self._look_up(name)

    def close(self) -> None:
        """Say goodbye and end the threads."""
        with self._lock:
            zeroconf, self._zeroconf = self._zeroconf, None
            if zeroconf is not None:
                zeroconf.close()

    def _info(self, tag: str) -> ServiceInfo:
        return ServiceInfo(
            SERVICE,
            f"{tag}.{SERVICE}",
            port=self._port,
            parsed_addresses=[self._host],
            server=f"{tag}.local.",  # never the name of the machine
            host_ttl=TTL_SECONDS,
            other_ttl=TTL_SECONDS,
        )

    # ------------------------------------------------------------ called by zeroconf's thread

    def add_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        """Look up a service that appeared, if it is a member's."""
        self._look_up(name)

    def update_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        """Look up a service that changed."""
        self._look_up(name)

    def remove_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        """Forget a name; its addresses stay hints until their time is over."""
        self._seen.discard(name)

    def _look_up(self, name: str) -> None:
        tag, zeroconf = name.removesuffix(f".{SERVICE}"), self._zeroconf
        if zeroconf is None or self._whose(tag) is None:
            self._seen.discard(name)
            return
        info = ServiceInfo(SERVICE, name)
        if info.request(zeroconf, _LOOKUP_MS):
            self._seen.add(name)
            self._receive(tag, info.parsed_addresses(), info.port or 0)


def dialled(outlook: Outlook, nearby: Nearby) -> Callable[[IslandId], IslandView | None]:
    """Return what tells where to dial an island: where it says, and where it was seen nearby."""

    def island(wanted: IslandId) -> IslandView | None:
        view = outlook.island(wanted)
        if view is None or view.front:
            return view
        is_alive = view.reachability is Reachability.ALIVE
        endpoints = nearby.endpoints(view.id, view.endpoints, is_alive, world_clock.now().seconds)
        return replace(view, endpoints=endpoints)

    return island
