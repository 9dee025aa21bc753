"""Which way a call takes: the island's own addresses, one relay or another."""

import asyncio
import gc
import os
import socket
import stat
import sys
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from islandrun.errors import Unreachable
from islandrun.vocabulary import Tier
from islandrun_node import ways as ways_module
from islandrun_node.relay.tunnels import Tunnel
from tests.node.identity_kit import SmallMesh, exchange_on, listening
from tests.node.relay_kit import Trio, opener, relaying, trio, view


@pytest.fixture
def mesh(tmp_path: Path) -> SmallMesh:
    return SmallMesh.found(tmp_path)


@asynccontextmanager
async def unanswering() -> AsyncIterator[str]:
    """Take connections and say nothing: what a firewall or another program looks like."""
    taken: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda reader, writer: taken.append(writer), "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in taken:
            writer.close()
            await writer.wait_closed()


async def called(three: Trio) -> str:
    """Call the hidden island once and say over whom; it saw the caller itself."""
    way = await three.ways.to(three.target)
    assert (await exchange_on(way.channel)).name == "OK"
    assert three.door.asked.by[-1] == three.caller.key.id
    return three.known[way.relay].name if way.relay else ""


async def test_a_call_over_a_relay_is_a_call_by_the_caller_itself(mesh: SmallMesh) -> None:
    async with trio(mesh) as three:
        assert await called(three) == "relay"
        assert three.ways.through == {three.hidden.key.id: three.relay.key.id}
        way = await three.ways.to(three.target)
        assert way is await three.ways.to(three.target), "the way is kept"
        assert way.tunnel is not None
        if sys.platform != "win32":
            folder = Path(way.tunnel.address.removeprefix("unix:")).parent
            assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
            await three.ways.close()
            assert not folder.exists()


async def test_own_addresses_win_and_no_relay_is_asked(mesh: SmallMesh) -> None:
    async with trio(mesh) as three:
        three.see(three.hidden, endpoints=(three.door.address,))
        assert await called(three) == ""
        assert not three.relay_door.service._joints
        assert three.ways.through == {}


async def test_an_address_that_does_not_answer_or_belongs_to_another_loses(mesh: SmallMesh) -> None:
    async with trio(mesh) as three, unanswering() as silent, listening(mesh, mesh.admit()) as other:
        for address in (silent, other.address, "127.0.0.1:1"):
            three.see(three.hidden, endpoints=(address,))
            assert await called(three) == "relay", address
        assert not other.asked.by


async def test_the_second_relay_is_taken_when_the_first_is_dead(mesh: SmallMesh) -> None:
    async with trio(mesh) as three:
        dead = view(mesh.admit(), "dead", relay_endpoints=("127.0.0.1:1",))
        three.known[dead.id] = dead
        three.see(three.hidden, relays=(dead.id, three.relay.key.id))
        assert await called(three) == "relay"


async def test_a_way_that_failed_is_tried_last_for_a_while(mesh: SmallMesh) -> None:
    spare = mesh.admit()
    async with trio(mesh) as three, relaying(mesh, spare) as second:
        offer = view(spare, "spare", relay_endpoints=(second.address,))
        three.known[offer.id] = offer
        three.see(three.hidden, relays=(three.relay.key.id, offer.id))
        order = [via for via, _ in three.ways._starts(three.target)]
        assert order == [three.relay.key.id, offer.id]
        way = await three.ways.to(three.target)
        three.ways.failed(three.target.id, way)
        assert three.ways.through == {}
        assert [via for via, _ in three.ways._starts(three.target)] == order[::-1]
        assert await called(three) == "relay", "the spare one carries nothing: nobody is attached to it"
        three.ways._failed = {
            key: at - ways_module.LAST_FOR_SECONDS for key, at in three.ways._failed.items()
        }
        assert [via for via, _ in three.ways._starts(three.target)] == order


async def test_a_relay_that_the_caller_may_not_use_is_not_used(mesh: SmallMesh) -> None:
    async with trio(mesh) as three:
        three.see(three.relay, tier=Tier.CLOUD)
        with pytest.raises(Unreachable, match="no address"):
            await three.ways.to(three.target)


async def test_nobody_attached_is_an_error_at_once(mesh: SmallMesh) -> None:
    async with trio(mesh) as three:
        stranger = view(mesh.admit(), "stranger", relays=(three.relay.key.id,))
        three.known[stranger.id] = stranger
        async with asyncio.timeout(ways_module.RACE_SECONDS_MAX):
            with pytest.raises(Unreachable, match="none of 1 ways"):
                await three.ways.to(stranger)


async def test_calls_at_one_time_share_a_race_and_one_that_is_cancelled_does_not_end_it(
    mesh: SmallMesh,
) -> None:
    async with trio(mesh) as three:
        first, second = (asyncio.create_task(three.ways.to(three.target)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        way = await second
        assert way is await three.ways.to(three.target)
        assert first.cancelled()


async def test_a_relay_that_dials_its_own_attached_island_uses_its_own_listener(mesh: SmallMesh) -> None:
    async with trio(mesh) as three:
        three.see(three.relay, is_self=True, relay_endpoints=("203.0.113.1:1",))
        own = ways_module.Ways(
            opener(mesh, three.relay),
            three.known.get,
            three.ways.policy,
            own_relay=lambda: (three.relay_door.address,),
        )
        way = await own.to(three.target)
        assert (await exchange_on(way.channel)).name == "OK"
        assert three.door.asked.by == [three.relay.key.id]
        await own.close()


async def test_a_cut_ends_the_way_to_an_island_and_every_way_over_it(mesh: SmallMesh) -> None:
    async with trio(mesh) as three:
        for cut in (three.hidden.key.id, three.relay.key.id):
            assert await called(three) == "relay"
            three.ways.cut(cut)
            assert not three.ways._ways
            assert three.ways.through == {}


@pytest.mark.skipif(sys.platform == "win32", reason="a Unix socket is dialled")
async def test_a_tunnel_that_closes_while_it_is_dialled_leaves_nothing_open(mesh: SmallMesh) -> None:
    async with trio(mesh) as three:
        for turns in range(6):
            relay = three.ways.open_channel((three.relay_door.address,), three.relay.key.public)
            tunnel = Tunnel(relay, three.hidden.key.public)
            await tunnel.listen()
            with socket.socket(socket.AF_UNIX) as dialling:
                dialling.connect(tunnel.address.removeprefix("unix:"))
                for _ in range(turns):
                    await asyncio.sleep(0)
                await tunnel.close()
                await asyncio.sleep(0.01)
        with warnings.catch_warnings(record=True) as reported:
            warnings.simplefilter("always")
            gc.collect()
        assert not reported, "a connection is open still"
