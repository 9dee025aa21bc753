"""Real meshes in small: owners, members, mesh listeners on 127.0.0.1, for the tests of identity and TLS."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from islandrun.trust.claims import AdmissionClaims
from islandrun.trust.genesis import Genesis, found
from islandrun.trust.ledger import Ledger
from islandrun.trust.signing import SignedAttestation, verify
from islandrun.v1 import (
    enroll_pb2_grpc,
    inference_pb2,
    inference_pb2_grpc,
    mesh_pb2,
    mesh_pb2_grpc,
)
from islandrun.vocabulary import IslandId, Ppm, PublicKey, Tier
from islandrun_node.admissions import admit, read_ledger
from islandrun_node.callers import CallerGate, caller_of
from islandrun_node.certificates import Shown, show_island
from islandrun_node.channels import SERVER_OPTIONS, open_channel
from islandrun_node.home import Home
from islandrun_node.identity import IslandKey, OwnerKey, load_membership
from islandrun_node.issuer import Issuer
from islandrun_node.join_token import JOIN_SEED_BYTES, JoinToken
from islandrun_node.late_reading import LateReading
from islandrun_node.services.enroll import EnrollService
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database
from islandrun_node.stores.tokens import Grant, TokenStore
from islandrun_node.tls import Listener, TlsIdentity

GRANT = Grant(Tier.PERSONAL, "home", Ppm(1_000_000))


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Member:
    key: IslandKey
    admission: AdmissionClaims
    record: SignedAttestation

    def shown(self, mesh_id: bytes, at_ms: int | None = None) -> Shown:
        return show_island(self.key, self.admission.certificate_der, mesh_id, at_ms or now_ms())


@dataclass
class SmallMesh:
    """An owner with a ledger, a state file, and as many members as a test asks for."""

    owner: OwnerKey
    genesis: Genesis
    database: Database
    store: AttestationStore
    tokens: TokenStore
    ledger: Ledger

    @classmethod
    def found(cls, folder: Path) -> SmallMesh:
        owner = OwnerKey.generate()
        genesis = found(owner.public, "test", now_ms(), bytes(16), owner.sign)
        folder.mkdir(parents=True, exist_ok=True)
        database = Database.open(folder / "state.db")
        return cls(
            owner, genesis, database, AttestationStore(database), TokenStore(database), Ledger(genesis)
        )

    @classmethod
    def of(cls, home: Home) -> SmallMesh:
        """Open the state of a home that founded a mesh, as its running node does."""
        membership = load_membership(home)
        assert membership.owner is not None
        database = Database.open(home.database)
        store = AttestationStore(database)
        ledger = read_ledger(store, membership.genesis, now_ms())
        return cls(membership.owner, membership.genesis, database, store, TokenStore(database), ledger)

    @property
    def mesh_id(self) -> bytes:
        return self.genesis.mesh_id

    def admit(self, key: IslandKey | None = None, at_ms: int | None = None) -> Member:
        key = key or IslandKey.generate()
        at_ms = at_ms or now_ms()
        record = admit(self.owner, self.genesis, self.store, key.public, GRANT, at_ms)
        return Member(key, self.take(record), record)

    def take(self, signed: SignedAttestation) -> AdmissionClaims:
        claims = self.learn(signed)
        assert isinstance(claims, AdmissionClaims)
        return claims

    def learn(self, signed: SignedAttestation) -> object:
        verified = verify(signed, self.genesis, now_ms())
        self.ledger.admit(verified, now_ms())
        return verified.claims


@dataclass
class Asked(mesh_pb2_grpc.MeshServiceServicer):
    """Notes who called."""

    by: list[IslandId] = field(default_factory=list)
    calls: int = 0
    delay_seconds: float = 0.0

    async def Exchange(self, request, context):  # noqa: N802 - the name of the RPC
        self.calls += 1
        self.by.append(caller_of(context))
        await asyncio.sleep(self.delay_seconds)
        return mesh_pb2.ExchangeResponse()


class Counting(mesh_pb2_grpc.MeshServiceServicer):
    """A server that asks nobody who they are; it counts."""

    def __init__(self) -> None:
        self.calls = 0

    async def Exchange(self, request, context):  # noqa: N802 - the name of the RPC
        self.calls += 1
        return mesh_pb2.ExchangeResponse()


class Endless(inference_pb2_grpc.InferenceServiceServicer):
    """Streams until it is stopped, and says when that was."""

    def __init__(self) -> None:
        self.stopped = asyncio.Event()
        self.by: list[IslandId] = []
        self.pause_seconds = 0.02

    async def Generate(self, request, context):  # noqa: N802 - the name of the RPC
        self.by.append(caller_of(context))
        try:
            while True:
                yield inference_pb2.GenerateResponse(chunks=[inference_pb2.Chunk(text="x" * 1024)])
                await asyncio.sleep(self.pause_seconds)
        finally:
            self.stopped.set()


@dataclass
class Door:
    """A mesh listener of one member."""

    address: str
    gate: CallerGate
    asked: Asked
    endless: Endless
    published: list[SignedAttestation]
    server: grpc.aio.Server
    identity: TlsIdentity


@asynccontextmanager
async def listening(
    mesh: SmallMesh, member: Member, publish: Callable[[SignedAttestation], object] | None = None
) -> AsyncIterator[Door]:
    """Serve a member's mesh listener exactly as a node builds it."""
    gate = CallerGate(mesh.ledger, mesh.tokens)
    identity = TlsIdentity(member.key, member.admission.certificate_der, mesh.genesis)
    server = grpc.aio.server(interceptors=[gate, LateReading()], options=SERVER_OPTIONS)
    published: list[SignedAttestation] = []

    def tell(signed: SignedAttestation) -> None:
        published.append(signed)
        (publish or mesh.learn)(signed)

    issuer = Issuer(lambda: mesh.owner, member.key.public, mesh.tokens, mesh.store, mesh.ledger, tell)
    asked, endless = Asked(), Endless()
    mesh_pb2_grpc.add_MeshServiceServicer_to_server(asked, server)
    inference_pb2_grpc.add_InferenceServiceServicer_to_server(endless, server)
    enroll_pb2_grpc.add_EnrollServiceServicer_to_server(EnrollService(issuer), server)
    credentials = Listener(identity, mesh.genesis, mesh.tokens, lambda: mesh.ledger.issuing).credentials()
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    watching = asyncio.create_task(gate.run())
    try:
        yield Door(f"127.0.0.1:{port}", gate, asked, endless, published, server, identity)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await server.stop(grace=0)


def opened(mesh: SmallMesh, issuer: Member, address: str, ttl_seconds: int = 600) -> JoinToken:
    """Open a join token at its issuer."""
    expires_at = now_ms() // 1000 + ttl_seconds
    seed = secrets.token_bytes(JOIN_SEED_BYTES)
    token = JoinToken(mesh.mesh_id, issuer.key.public, seed, expires_at, (address,))
    mesh.tokens.open(token.join_key().public, GRANT, now_ms(), expires_at * 1000)
    return token


@asynccontextmanager
async def serving_as(shown: Shown) -> AsyncIterator[tuple[str, Counting]]:
    """Serve with any certificate at all and let everybody in: what an attacker would run."""
    server, counting = grpc.aio.server(), Counting()
    mesh_pb2_grpc.add_MeshServiceServicer_to_server(counting, server)
    credentials = grpc.ssl_server_credentials([(shown.key_pem, shown.chain_pem)])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield f"127.0.0.1:{port}", counting
    finally:
        await server.stop(grace=0)


async def until(condition: Callable[[], object], seconds_max: float = 5.0) -> None:
    """Wait until something became true, five seconds at most."""
    for _ in range(round(seconds_max * 100)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not become true in time")


async def exchange(address: str, target: PublicKey, shown: Shown, mesh_id: bytes) -> grpc.StatusCode:
    """Call once and return how it ended; the deadline keeps a hanging handshake from hiding."""
    async with open_channel([address], target, shown, mesh_id) as channel:
        return await exchange_on(channel)


async def exchange_on(channel: grpc.aio.Channel) -> grpc.StatusCode:
    call = mesh_pb2_grpc.MeshServiceStub(channel).Exchange(mesh_pb2.ExchangeRequest(), timeout=8)
    return await call.code()
