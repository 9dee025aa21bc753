"""The ways to other islands: one channel to each that is called, made directly or over a relay.

Where there is more than one way, they race: the island's own addresses first, each relay 250 ms after the one
before (RFC 8305 does so for addresses). A way wins only when the handshake with the island's own key is done,
so nobody wins by answering in its place. A way that failed goes last for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import grpc

from islandrun.errors import Refused, Unreachable
from islandrun.mesh.relays import RelayPolicy
from islandrun.vocabulary import IslandId, IslandView, PublicKey
from islandrun_node.relay.tunnels import Tunnel

CHANNELS_MAX = 64
GRACE_SECONDS = 900.0
"""How long a channel that was replaced may finish its calls."""

RACE_SECONDS_MAX = 3.0
NEXT_WAY_SECONDS = 0.25
LAST_FOR_SECONDS = 60.0
"""How long a way that failed is tried after all others."""

RELAYED_SECONDS_MAX = 300.0
"""After this a relayed way to an island with addresses of its own is raced again: it may be at home now."""

Opener = Callable[[Sequence[str], PublicKey], grpc.aio.Channel]
"""Makes a channel to an island at one of these addresses, pinned to this key."""

Island = Callable[[IslandId], IslandView | None]


@dataclass(slots=True, eq=False)
class Way:
    """A channel to an island. `relay` carries it; without one the island is dialled itself.

    `is_used`: a call of gossip was answered on it.
    """

    told: tuple[object, ...]
    channel: grpc.aio.Channel
    relay: IslandId | None = None
    tunnel: Tunnel | None = None
    since: float = 0.0
    is_used: bool = False

    async def close(self, grace: float | None) -> None:
        """Close the channel after its calls, and what carries it."""
        try:
            await self.channel.close(grace=grace)
        finally:
            if self.tunnel is not None:
                await self.tunnel.close()


Start = Callable[[], Awaitable[Way]]


@dataclass(slots=True)
class Ways:
    """Finds and keeps ways. `through` tells others over which relay an island is reached now.

    `own_relay` returns where this node's own relay listens, for islands that are attached to it.
    """

    open_channel: Opener
    island: Island
    policy: RelayPolicy
    through: dict[IslandId, IslandId] = field(default_factory=dict)
    own_relay: Callable[[], tuple[str, ...]] = tuple
    _ways: dict[IslandId, Way] = field(default_factory=dict)
    _racing: dict[IslandId, asyncio.Task[Way]] = field(default_factory=dict)
    _failed: dict[tuple[IslandId, IslandId | None], float] = field(default_factory=dict)
    _closing: dict[asyncio.Task[None], Way] = field(default_factory=dict)

    async def to(self, view: IslandView) -> Way:
        """Return the way to an island that has a listener of its own. Raises `Unreachable` or `Refused`."""
        way = self._known(view)
        if way is not None:
            return way
        starts = self._starts(view)
        if not starts:
            raise Unreachable(f"{view.name} has told no address")
        if len(starts) == 1 and starts[0][0] is None:
            return self._keep(view.id, self._direct(view))
        race = self._racing.get(view.id)
        if race is None:
            race = asyncio.get_running_loop().create_task(_race(view.name, [start for _, start in starts]))
            self._racing[view.id] = race
            race.add_done_callback(partial(self._raced, view.id))
        await asyncio.wait({race})  # several calls may wait for it; one that is cancelled does not end it
        if race.cancelled():
            raise Refused(f"{view.name} is not trusted any more")
        return race.result()

    def failed(self, host: IslandId, way: Way) -> None:
        """Note that a call was lost: the next one has a new connection, by another way where there is one."""
        has_others = way.relay is not None or self._has_relays(host)
        if self._ways.get(host) is way and (has_others or way.is_used):
            self._drop(host, GRACE_SECONDS)
        if not has_others:
            return
        self._failed.pop((host, way.relay), None)
        self._failed[host, way.relay] = _now()
        while len(self._failed) > 4 * CHANNELS_MAX:
            del self._failed[next(iter(self._failed))]

    def cut(self, island: IslandId) -> None:
        """Close the way to an island, and every way that it carries, at once."""
        if (race := self._racing.pop(island, None)) is not None:
            race.cancel()
        carried = [host for host, way in self._ways.items() if way.relay == island]
        for host in {island, *carried}:
            self._drop(host, None)

    def renew(self) -> None:
        """Make new channels for new calls, with our present certificate; running calls end by themselves."""
        for host in tuple(self._ways):
            self._drop(host, GRACE_SECONDS)

    async def close(self) -> None:
        """Close everything and wait for it."""
        tasks = [*self._racing.values(), *self._closing]
        for task in tasks:
            task.cancel()
        ways = [*self._ways.values(), *self._closing.values()]  # a task may be cancelled before it began
        self._ways.clear()
        self.through.clear()
        closing = [way.close(None) for way in ways]
        await asyncio.gather(*closing, *tasks, return_exceptions=True)

    # ------------------------------------------------------------ what is kept

    def _known(self, view: IslandView) -> Way | None:
        way = self._ways.pop(view.id, None)
        if way is None:
            return None
        self._ways[view.id] = way
        is_detour = way.relay is not None and bool(view.endpoints)
        if way.told != _told(view) or (is_detour and _now() - way.since > RELAYED_SECONDS_MAX):
            self._drop(view.id, GRACE_SECONDS)
            return None
        return way

    def _keep(self, host: IslandId, way: Way) -> Way:
        self._ways[host] = way
        if way.relay is not None:
            self.through[host] = way.relay
        while len(self._ways) > CHANNELS_MAX:
            self._drop(next(iter(self._ways)), GRACE_SECONDS)
        return way

    def _drop(self, host: IslandId, grace: float | None) -> None:
        self.through.pop(host, None)
        if (way := self._ways.pop(host, None)) is not None:
            task = asyncio.get_running_loop().create_task(way.close(grace))
            self._closing[task] = way
            task.add_done_callback(self._closing.pop)

    def _raced(self, host: IslandId, race: asyncio.Task[Way]) -> None:
        is_wanted = self._racing.get(host) is race
        if is_wanted:
            del self._racing[host]
        if race.cancelled() or race.exception() is not None:
            return
        self._keep(host, race.result())
        if not is_wanted:  # it was cut when it had just won
            self._drop(host, None)

    # ------------------------------------------------------------ what there is

    def _has_relays(self, host: IslandId) -> bool:
        view = self.island(host)
        return view is not None and bool(view.relays)

    def _starts(self, view: IslandView) -> list[tuple[IslandId | None, Start]]:
        """Return the ways that there are, in the order in which they start."""
        starts: list[tuple[IslandId | None, Start]] = []
        if view.endpoints:
            starts.append((None, partial(self._start_direct, view)))
        for relay in view.relays:
            carrier = self.island(relay)
            if carrier is not None and self.policy.may_carry(carrier) and carrier.id != view.id:
                starts.append((relay, partial(self._start_relayed, view, carrier)))
        late = {via: when for (host, via), when in self._failed.items() if host == view.id}
        now = _now()
        starts.sort(key=lambda start: now - late.get(start[0], now - LAST_FOR_SECONDS) < LAST_FOR_SECONDS)
        return starts

    def _direct(self, view: IslandView) -> Way:
        return Way(_told(view), self.open_channel(view.endpoints, view.key))

    async def _start_direct(self, view: IslandView) -> Way:
        return self._direct(view)

    async def _start_relayed(self, view: IslandView, relay: IslandView) -> Way:
        addresses = (self.own_relay() if relay.is_self else ()) or relay.relay_endpoints
        tunnel = Tunnel(self.open_channel(addresses, relay.key), view.key)
        await tunnel.listen()
        channel = self.open_channel((tunnel.address,), view.key)
        return Way(_told(view), channel, relay.id, tunnel, _now())


# ---------------------------------------------------------------- the race


async def _race(name: str, starts: Sequence[Start]) -> Way:
    """Return the first way whose handshake is done; all others are closed. Raises `Unreachable`."""
    waiting = list(starts)
    running: set[asyncio.Task[Way]] = set()
    deadline = _now() + RACE_SECONDS_MAX
    try:
        while (waiting or running) and _now() < deadline:
            if waiting:
                running.add(asyncio.ensure_future(_connected(waiting.pop(0))))
            pause = NEXT_WAY_SECONDS if waiting else deadline - _now()
            done, _ = await asyncio.wait(running, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            won = [task for task in done if task.exception() is None]
            running -= done - set(won[1:])
            if won:
                return won[0].result()
    finally:
        await _close_all(running)
    raise Unreachable(f"{name} answers on none of {len(starts)} ways")


async def _close_all(running: set[asyncio.Task[Way]]) -> None:
    for task in running:
        task.cancel()
    for late in await asyncio.gather(*running, return_exceptions=True):
        if isinstance(late, Way):
            await late.close(None)


async def _connected(start: Start) -> Way:
    """Return a way once the island itself has answered on it; close it otherwise."""
    way = await start()
    try:
        state = way.channel.get_state(try_to_connect=True)
        while state is not grpc.ChannelConnectivity.READY:
            if state in (grpc.ChannelConnectivity.TRANSIENT_FAILURE, grpc.ChannelConnectivity.SHUTDOWN):
                raise Unreachable("this way does not lead there")
            await way.channel.wait_for_state_change(state)
            state = way.channel.get_state(try_to_connect=True)
    except BaseException:
        await way.close(None)
        raise
    return way


def _told(view: IslandView) -> tuple[object, ...]:
    """Return what an island said of where it is; when it changes, its ways are looked for again."""
    return view.endpoints, view.relays


def _now() -> float:
    return asyncio.get_running_loop().time()
