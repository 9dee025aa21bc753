"""A relay, an island that is attached to it, and the ways of one that dials: all real, on 127.0.0.1."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import grpc

from islandrun.mesh.relays import RelayPolicy
from islandrun.mesh.switchboard import Switchboard
from islandrun.v1 import relay_pb2_grpc
from islandrun.vocabulary import (
    IslandId,
    IslandView,
    Ppm,
    Reachability,
    Standing,
    Tier,
    TrustScore,
)
from islandrun_node.callers import CallerGate, caller_of
from islandrun_node.channels import RELAY_OPTIONS, open_channel
from islandrun_node.relay.attachments import Attachments
from islandrun_node.services.relay import RelayService
from islandrun_node.tls import Listener, TlsIdentity
from islandrun_node.ways import Opener, Ways
from tests.node.identity_kit import Door, Member, SmallMesh, listening, until

RATE = 100_000_000


def view(member: Member, name: str, **changes: object) -> IslandView:
    """Return an island as it looks from anywhere."""
    plain = IslandView(
        id=member.key.id,
        key=member.key.public,
        name=name,
        tier=Tier.EDGE,
        group="home",
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
        attested_until_ms=1,
        admitted_until_ms=1,
    )
    return replace(plain, **changes)


@dataclass
class RelayDoor:
    """A relay's listener."""

    address: str
    service: RelayService
    gate: CallerGate


@asynccontextmanager
async def relaying(mesh: SmallMesh, member: Member, rate: int = RATE) -> AsyncIterator[RelayDoor]:
    """Serve a relay as its process does."""
    gate = CallerGate(mesh.ledger, mesh.tokens)
    service = RelayService(Switchboard(rate), caller_of, mesh.ledger.public_key)
    server = grpc.aio.server(interceptors=[gate], options=RELAY_OPTIONS)
    relay_pb2_grpc.add_RelayServiceServicer_to_server(service, server)
    identity = TlsIdentity(member.key, member.admission.certificate_der, mesh.genesis)
    port = server.add_secure_port("127.0.0.1:0", Listener(identity, mesh.genesis, mesh.tokens).credentials())
    await server.start()
    try:
        yield RelayDoor(f"127.0.0.1:{port}", service, gate)
    finally:
        await server.stop(grace=0)


def opener(mesh: SmallMesh, member: Member) -> Opener:
    """Return what makes the channels of a member."""
    return lambda addresses, key: open_channel(addresses, key, member.shown(mesh.mesh_id), mesh.mesh_id)


@dataclass
class Trio:
    """`caller` dials `hidden`, which is attached to `relay`. `known` is how the caller sees the islands."""

    mesh: SmallMesh
    caller: Member
    relay: Member
    hidden: Member
    door: Door
    relay_door: RelayDoor
    attachments: Attachments
    known: dict[IslandId, IslandView]
    ways: Ways

    @property
    def target(self) -> IslandView:
        """The hidden island as the caller sees it."""
        return self.known[self.hidden.key.id]

    def see(self, member: Member, **changes: object) -> IslandView:
        """Change how the caller sees an island."""
        changed = replace(self.known[member.key.id], **changes)
        self.known[member.key.id] = changed
        return changed


@asynccontextmanager
async def trio(mesh: SmallMesh, rate: int = RATE) -> AsyncIterator[Trio]:
    """Bring the three up and wait until the hidden one is attached."""
    caller, relay, hidden = mesh.admit(), mesh.admit(), mesh.admit()
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(listening(mesh, hidden))
        relay_door = await stack.enter_async_context(relaying(mesh, relay, rate))
        carrier = view(relay, "relay", relay_endpoints=(relay_door.address,))
        known = {
            carrier.id: carrier,
            hidden.key.id: view(hidden, "hidden", relays=(carrier.id,)),
        }
        attachments = Attachments(
            opener(mesh, hidden), lambda: [known[carrier.id]], RelayPolicy(), door.address
        )
        keeping = asyncio.create_task(attachments.run())
        ways = Ways(opener(mesh, caller), known.get, RelayPolicy())
        try:
            await until(lambda: attachments.relays)
            yield Trio(mesh, caller, relay, hidden, door, relay_door, attachments, known, ways)
        finally:
            await ways.close()
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
