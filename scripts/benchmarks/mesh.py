"""What a relay costs: calls to an island directly and over a relay. With --idle: what idle islands say.

On loopback: a node that owns the mesh and relays, the node of an island that is attached to it, and this
program as a third island. With "loaded", the relay's node answers questions as fast as it can meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import grpc
import httpx2
import idle_traffic

from islandrun.mesh.relays import RelayPolicy
from islandrun.trust.claims import SelfClaims
from islandrun.trust.naming import island_id
from islandrun.v1 import mesh_pb2, mesh_pb2_grpc
from islandrun.vocabulary import (
    IslandId,
    IslandView,
    Ppm,
    Reachability,
    Standing,
    Tier,
    TrustScore,
)
from islandrun.wire.limits import EXCHANGE_MESSAGES_MAX
from islandrun_node import enrolment, world_clock
from islandrun_node.channels import open_channel
from islandrun_node.home import Home
from islandrun_node.identity import load_membership
from islandrun_node.state import State, open_state
from islandrun_node.stores.tokens import Grant
from islandrun_node.tls import TlsIdentity
from islandrun_node.ways import Opener, Ways

SCHEMA = "islandrun.bench.mesh/v1"
GRANT = Grant(Tier.EDGE, "office", Ppm(900_000))
LIGHT = '\n[privacy]\ndetector = "rules"\n'
SERVING = f'{LIGHT}[listen]\nreachable = "direct"\n[relay]\nserve = true\nlisten = "127.0.0.1:0"\n'
SERVING += "megabytes_per_second = 10000\n"
RELAYED = f'{LIGHT}[listen]\nreachable = "relayed"\n'
ROUNDS = 3
LARGE_REQUESTS = 10
LOADERS = 4
LOAD_SECONDS_MIN = 3.0
QUESTION = "Write to anna.kern@example.org about the invoice of March. " * 40
LISTEN = ("--listen-mesh", "127.0.0.1:0", "--listen-http", "127.0.0.1:0", "--listen-grpc", "127.0.0.1:0")


@dataclass(frozen=True, slots=True)
class Running:
    """A node of this measurement."""

    home: Home
    mesh: str
    http: str


@dataclass(frozen=True, slots=True)
class Scene:
    """One island as it is dialled directly and over the relay."""

    relay: Running
    ways: tuple[Ways, Ways]
    views: tuple[IslandView, IslandView]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--calls", type=int, default=300, help="calls of each kind in a round")
    parser.add_argument(
        "--idle", nargs="?", type=int, const=30, metavar="ISLANDS", help="bytes/s of idle islands instead"
    )
    parser.add_argument("--seconds", type=float, default=60, help="how long idle islands are watched")
    parser.add_argument("--load", nargs=2, metavar=("URL", "TOKEN_FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load:
        asyncio.run(_load(options.load[0], Path(options.load[1]).read_text().strip()))
        return
    if options.idle:
        rows = [idle_traffic.measure(options.idle, options.seconds)]
    else:
        rows = asyncio.run(_measure(options.calls))
    if options.json:
        print(json.dumps({"schema": SCHEMA, "load_average": os.getloadavg()[0], "rows": rows}))
        return
    print(f"load average of this machine: {os.getloadavg()[0]:.1f}")
    for row in rows:
        print("  ".join(f"{name} {value}" for name, value in row.items()))


async def _measure(calls: int) -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory() as folder:
        async with _scene(Path(folder)) as scene:
            rows = [await _row(scene, "idle", calls)]
            with _loading(scene.relay):
                await asyncio.sleep(LOAD_SECONDS_MIN)
                rows.append(await _row(scene, "loaded", calls))
            speeds = [
                await _megabytes_per_second(ways, view)
                for ways, view in zip(scene.ways, scene.views, strict=True)
            ]
            rows.append({"direct MB/s": round(speeds[0]), "relayed MB/s": round(speeds[1])})
    return rows


async def _row(scene: Scene, state: str, calls: int) -> dict[str, object]:
    """Call both ways in turn, so that both see the same machine."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for ways, view, seconds in zip(scene.ways, scene.views, taken, strict=True):
            seconds += await _calls(ways, view, calls)
    direct, relayed = ([statistics.quantiles(one, n=100)[at] * 1000 for at in (49, 98)] for one in taken)
    return {
        "relay": state,
        "direct p50 ms": round(direct[0], 2),
        "p99 ms": round(direct[1], 2),
        "relayed p50 ms": round(relayed[0], 2),
        "relayed p99 ms": round(relayed[1], 2),
        "ratio p50": round(relayed[0] / direct[0], 2),
        "ratio p99": round(relayed[1] / direct[1], 2),
    }


async def _calls(ways: Ways, view: IslandView, calls: int) -> list[float]:
    way = await ways.to(view)
    stub = mesh_pb2_grpc.MeshServiceStub(way.channel)
    loop = asyncio.get_running_loop()
    taken = []
    for _ in range(calls):
        began = loop.time()
        await stub.Exchange(mesh_pb2.ExchangeRequest(), timeout=10)
        taken.append(loop.time() - began)
    return taken


async def _megabytes_per_second(ways: Ways, view: IslandView) -> float:
    """Return how fast large requests go; each is refused for its count of messages once it has arrived."""
    stub = mesh_pb2_grpc.MeshServiceStub((await ways.to(view)).channel)
    part = mesh_pb2.GossipMessage(want=mesh_pb2.Want(keys=[bytes(32 * 1024)]))
    request = mesh_pb2.ExchangeRequest(messages=[part] * (EXCHANGE_MESSAGES_MAX + 1))
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(LARGE_REQUESTS):
        with suppress(grpc.aio.AioRpcError):
            await stub.Exchange(request, timeout=30)
    return LARGE_REQUESTS * request.ByteSize() / (loop.time() - began) / 1e6


# ---------------------------------------------------------------- the scene


@asynccontextmanager
async def _scene(folder: Path) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        owner = Home(folder / "relay")
        enrolment.found_mesh(owner, "bench", "relay")
        relay = await stack.enter_async_context(_node(owner, SERVING))
        home = await _joined(relay, folder / "hidden")
        hidden = await stack.enter_async_context(_node(home, RELAYED))
        files = stack.enter_context(ExitStack())
        caller = open_state(await _joined(relay, folder / "caller"), files)
        carrier, target = await _until_attached(owner, hidden)
        known = {carrier.id: carrier}
        direct, relayed = (Ways(_opener(caller), known.get, RelayPolicy()) for _ in range(2))
        stack.push_async_callback(direct.close)
        stack.push_async_callback(relayed.close)
        views = (replace(target, endpoints=(hidden.mesh,), relays=()), target)
        await _until_let_in(direct, views[0])
        yield Scene(relay, (direct, relayed), views)


@asynccontextmanager
async def _node(home: Home, tables: str) -> AsyncIterator[Running]:
    with home.config.open("a") as file:
        file.write(tables)
    command = [sys.executable, "-m", "islandrun_node", "--json", "--home", str(home.path), "up", *LISTEN]
    with (home.path / "log").open("wb") as log:
        node = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=log)
    assert node.stdout is not None
    told = json.loads(await node.stdout.readline())
    try:
        yield Running(home, told["mesh"], told["http"])
    finally:
        node.terminate()
        await node.wait()


async def _joined(relay: Running, path: Path) -> Home:
    home = Home(path)
    token = enrolment.invite(relay.home, GRANT, 60, [relay.mesh])
    await enrolment.join(home, token, path.name)
    return home


async def _until_attached(owner: Home, hidden: Running) -> tuple[IslandView, IslandView]:
    """Return the relay and the attached island, as the relay's node keeps them on disk."""
    island = load_membership(hidden.home).key.id
    for _ in range(600):
        with ExitStack() as stack:
            state = open_state(owner, stack)
            claims = state.ledger.self_claims(island)
            own = state.ledger.self_claims(state.me)
            if claims is not None and own is not None and claims.relays:
                return _view(state.me, own), _view(island, claims)
        await asyncio.sleep(0.1)
    raise SystemExit(f"not attached: {(hidden.home.path / 'log').read_text()}")


def _view(island: IslandId, claims: SelfClaims) -> IslandView:
    return IslandView(
        id=island,
        key=claims.header.subject,
        name=claims.name,
        tier=Tier.EDGE,
        group="office",
        jurisdictions=(),
        standing=Standing.ADMITTED,
        reachability=Reachability.ALIVE,
        trust=TrustScore(Ppm(900_000)),
        models=(),
        data_sets=(),
        endpoints=(),
        requests_max=1,
        load=None,
        round_trip_ms=1,
        attested_until_ms=0,
        admitted_until_ms=0,
        relays=tuple(island_id(key) for key in claims.relays),
        relay_endpoints=claims.relay_endpoints,
    )


async def _until_let_in(ways: Ways, view: IslandView) -> None:
    """Wait until the island has heard that this one is admitted."""
    for _ in range(300):
        try:
            await _calls(ways, view, 1)
            return
        except grpc.aio.AioRpcError:
            await asyncio.sleep(0.1)
    raise SystemExit("the island did not let this one in")


def _opener(state: State) -> Opener:
    genesis = state.membership.genesis
    identity = TlsIdentity(state.membership.key, state.admission.certificate_der, genesis)
    shown = identity.shown(world_clock.now().wall_ms)
    return lambda addresses, key: open_channel(addresses, key, shown, genesis.mesh_id)


# ---------------------------------------------------------------- the load


@contextmanager
def _loading(relay: Running) -> Iterator[None]:
    command = [sys.executable, __file__, "--load", relay.http, str(relay.home.token)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as load:
        try:
            yield
        finally:
            load.kill()


async def _load(url: str, token: str) -> None:
    headers = {"authorization": f"Bearer {token}"}
    body = {"model": "islandrun/local", "messages": [{"role": "user", "content": QUESTION}]}
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False) as client:

        async def ask() -> None:
            while True:
                await client.post("/v1/chat/completions", json=body)

        await asyncio.gather(*(ask() for _ in range(LOADERS)))


if __name__ == "__main__":
    main()
